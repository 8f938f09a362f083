/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "record-take.h"

G_BEGIN_DECLS

/*
 * What the property stats of a recordsink tells: a copy of what was last known,
 * with a lock of its own, because who writes to a disk that stands still has the
 * sink's.
 */
typedef struct
{
  GMutex lock; /* taken under the sink's or alone */
  gchar *location; /* (nullable): no file is open */
  guint64 bytes;
  GstClockTime duration;
  guint64 n_files;
  guint64 n_errors;
} GstRecordSinkStats;

/** For the life of the element. */
void gst_record_sink_stats_init (GstRecordSinkStats *self);
void gst_record_sink_stats_clear (GstRecordSinkStats *self);

/** @take: (nullable): the file that is written
 * @n_files: that are whole
 * @n_errors: that could not be written */
void gst_record_sink_stats_note (GstRecordSinkStats *self,
    const MillRecordTake *take, guint64 n_files, guint64 n_errors);

/** Any thread. Returns: (transfer full) */
GstStructure *gst_record_sink_stats_make (GstRecordSinkStats *self);

G_END_DECLS
