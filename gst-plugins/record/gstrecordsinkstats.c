/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstrecordsinkstats.h"

void
gst_record_sink_stats_init (GstRecordSinkStats *self)
{
  *self = (GstRecordSinkStats){ 0 };
  g_mutex_init (&self->lock);
}

void
gst_record_sink_stats_clear (GstRecordSinkStats *self)
{
  g_mutex_clear (&self->lock);
  g_clear_pointer (&self->location, g_free);
}

void
gst_record_sink_stats_note (GstRecordSinkStats *self,
    const MillRecordTake *take, guint64 n_files, guint64 n_errors)
{
  const gchar *location = take != NULL ? mill_record_take_get_path (take)
                                       : NULL;
  g_mutex_lock (&self->lock);
  /* It is noted with each frame, and the name is the same for hours. */
  if (g_strcmp0 (location, self->location) != 0) {
    g_free (self->location);
    self->location = g_strdup (location);
  }
  self->bytes = take != NULL ? mill_record_take_get_bytes (take) : 0;
  self->duration = take != NULL ? mill_record_take_get_duration (take) : 0;
  self->n_files = n_files;
  self->n_errors = n_errors;
  g_mutex_unlock (&self->lock);
}

GstStructure *
gst_record_sink_stats_make (GstRecordSinkStats *self)
{
  g_mutex_lock (&self->lock);
  GstStructure *stats = gst_structure_new ("application/x-record-sink-stats",
      "recording", G_TYPE_BOOLEAN, self->location != NULL, "files",
      G_TYPE_UINT64, self->n_files, "errors", G_TYPE_UINT64, self->n_errors,
      "bytes", G_TYPE_UINT64, self->bytes, "duration", G_TYPE_UINT64,
      self->duration, NULL);
  if (self->location != NULL)
    gst_structure_set (stats, "location", G_TYPE_STRING, self->location, NULL);
  g_mutex_unlock (&self->lock);
  return stats;
}
