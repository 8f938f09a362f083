/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-take.h"

#include "record-file.h"
#include "record-writer.h"

/* What kill -9 takes away, at most. */
#define FRAGMENT_NS GST_SECOND
#define FRAGMENT_BYTES (8u << 20)

struct _MillRecordTake
{
  MillRecordContainer container;
  GstClockTimeDiff begin;
  GstClockTime duration;
  MillRecordFile *file;
  MillRecordWriter *writer;
  MillCmafTrack **tracks;
  MillCmafTaken *pieces; /* scratch, one for each track */
  guint n_tracks;
  gsize queued; /* bytes in tracks */
};

static void
prefix (const MillRecordTake *self, GError **error)
{
  g_prefix_error (error, "recording '%s': got ",
      mill_record_file_get_part (self->file));
  /* The one place where it is known what becomes of the file. */
  if (error != NULL && *error != NULL) {
    g_autofree gchar *text = g_strdup ((*error)->message);
    g_free ((*error)->message);
    (*error)->message = g_strdup_printf (
        "%s, expected it to be written; what was written is kept", text);
  }
}

MillRecordTake *
mill_record_take_new (const MillRecordTakeOptions *options, GError **error)
{
  g_autoptr (MillRecordTake) self = g_new0 (MillRecordTake, 1);
  self->container = options->container;
  self->begin = options->begin;
  self->file = mill_record_file_new (options->location, error);
  if (self->file == NULL)
    return NULL;
  self->writer = mill_record_writer_new (options->container,
      mill_record_file_get_fd (self->file), options->tracks, options->n_tracks,
      error);
  if (self->writer == NULL) {
    prefix (self, error);
    return NULL;
  }
  self->n_tracks = options->n_tracks;
  self->tracks = g_new0 (MillCmafTrack *, self->n_tracks);
  self->pieces = g_new0 (MillCmafTaken, self->n_tracks);
  for (guint i = 0; i < self->n_tracks; i++) {
    const MillRecordFormat *format = &options->tracks[i];
    self->tracks[i] = mill_cmaf_track_new (format->kind, format->timescale,
        format->frame_length);
    mill_cmaf_track_init_taken (&self->pieces[i]);
  }
  return g_steal_pointer (&self);
}

void
mill_record_take_free (MillRecordTake *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_tracks; i++) {
    mill_cmaf_track_free (self->tracks[i]);
    mill_cmaf_track_clear_taken (&self->pieces[i]);
  }
  g_free (self->tracks);
  g_free (self->pieces);
  mill_record_writer_free (self->writer);
  g_clear_pointer (&self->file, mill_record_file_free);
  g_free (self);
}

/* Writes what has come, of each track but for @kept samples: how long the last
 * one lasts is known by the next. */
static gboolean
flush (MillRecordTake *self, guint kept, GError **error)
{
  gboolean is_empty = TRUE;
  for (guint i = 0; i < self->n_tracks; i++) {
    guint n = mill_cmaf_track_get_length (self->tracks[i]);
    MillCmafTaken *piece = &self->pieces[i];
    g_array_set_size (piece->samples, 0);
    g_ptr_array_set_size (piece->memories, 0);
    if (n > kept)
      mill_cmaf_track_take (self->tracks[i], n - kept, piece);
    is_empty &= piece->samples->len == 0;
  }
  gboolean ok = is_empty ||
      mill_record_writer_write (self->writer, self->pieces, error);
  self->queued = 0;
  for (guint i = 0; i < self->n_tracks; i++) {
    g_ptr_array_set_size (self->pieces[i].memories, 0);
    self->queued += mill_cmaf_track_get_queued_bytes (self->tracks[i]);
  }
  if (!ok)
    prefix (self, error);
  return ok;
}

static gboolean
is_due (const MillRecordTake *self, const MillCmafTrack *track)
{
  guint n = mill_cmaf_track_get_length (track);
  if (n < 2)
    return FALSE;
  gint64 length = mill_cmaf_track_peek (track, n - 1)->dts -
      mill_cmaf_track_peek (track, 0)->dts;
  return self->queued > FRAGMENT_BYTES ||
      mill_cmaf_timeline_to_ns (length,
          mill_cmaf_track_get_timescale (track)) >=
      (GstClockTimeDiff) FRAGMENT_NS;
}

static void
note_end (MillRecordTake *self, const MillCmafTrack *track)
{
  guint n = mill_cmaf_track_get_length (track);
  if (n == 0)
    return;
  GstClockTimeDiff end =
      mill_cmaf_timeline_to_ns (mill_cmaf_track_get_end (track, n - 1),
          mill_cmaf_track_get_timescale (track));
  self->duration = MAX (self->duration, (GstClockTime) MAX (end, 0));
}

gboolean
mill_record_take_push (MillRecordTake *self, guint number,
    const MillCmafInput *input, GstBuffer *buffer, GError **error)
{
  MillCmafTrack *track = self->tracks[number];
  MillCmafInput placed = *input;
  placed.pts -= self->begin;
  if (GST_CLOCK_STIME_IS_VALID (placed.dts))
    placed.dts -= self->begin;
  GstMemory *memory = gst_buffer_get_all_memory (buffer);
  gst_buffer_unref (buffer);
  if (mill_cmaf_track_push (track, &placed, memory) != MILL_CMAF_QUEUED)
    return TRUE;
  self->queued += input->size;
  note_end (self, track);
  return !is_due (self, track) || flush (self, 1, error);
}

gchar *
mill_record_take_finish (MillRecordTake *self, gboolean faststart,
    GError **warning, GError **error)
{
  if (!flush (self, 0, error))
    return NULL;
  if (!mill_record_writer_finish (self->writer, error)) {
    prefix (self, error);
    return NULL;
  }
  return mill_record_file_finish (self->file,
      faststart && self->container == MILL_RECORD_MP4, warning, error);
}

GstClockTimeDiff
mill_record_take_get_begin (const MillRecordTake *self)
{
  return self->begin;
}

GstClockTime
mill_record_take_get_duration (const MillRecordTake *self)
{
  return self->duration;
}

guint64
mill_record_take_get_bytes (const MillRecordTake *self)
{
  return mill_record_writer_get_size (self->writer) + self->queued;
}

guint64
mill_record_take_get_index_bytes (const MillRecordTake *self)
{
  return mill_record_writer_get_index_bytes (self->writer);
}

const gchar *
mill_record_take_get_path (const MillRecordTake *self)
{
  return mill_record_file_get_part (self->file);
}
