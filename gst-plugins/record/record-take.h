/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "record-format.h"

G_BEGIN_DECLS

/*
 * One file of a recording, from its name to its end. One thread at a time.
 */
typedef struct _MillRecordTake MillRecordTake;

/**
 * MillRecordTakeOptions:
 * @location: see mill_record_file_new()
 * @begin: running time that is zero in the file, ns
 * @tracks: what it is to have
 */
typedef struct
{
  const gchar *location;
  MillRecordContainer container;
  GstClockTimeDiff begin;
  const MillRecordFormat *tracks;
  guint n_tracks;
} MillRecordTakeOptions;

/** Errors: G_FILE_ERROR, MILL_BMFF_ERROR, with the name of the file */
MillRecordTake *mill_record_take_new (const MillRecordTakeOptions *options,
    GError **error);

/** Without mill_record_take_finish() the file stays as it is. */
void mill_record_take_free (MillRecordTake *self);

/**
 * mill_record_take_push:
 * @track: number among the tracks
 * @input: with running times
 * @buffer: (transfer full)
 *
 * Errors: as above; nothing more can be written then
 */
gboolean mill_record_take_push (MillRecordTake *self, guint track,
    const MillCmafInput *input, GstBuffer *buffer, GError **error);

/**
 * mill_record_take_finish:
 * @faststart: of an MP4: its index goes to the front
 * @warning: (out) (nullable): why the index stays at the end
 *
 * It may take as long as copying the file. Any thread.
 *
 * Returns: (transfer full): its path; NULL with @error
 */
gchar *mill_record_take_finish (MillRecordTake *self, gboolean faststart,
    GError **warning, GError **error);

/** Returns: running time that is zero in the file, ns */
GstClockTimeDiff mill_record_take_get_begin (const MillRecordTake *self);
/** Returns: ns from its beginning to the end of the last frame that came */
GstClockTime mill_record_take_get_duration (const MillRecordTake *self);
/** Returns: bytes written, and those in memory */
guint64 mill_record_take_get_bytes (const MillRecordTake *self);
/** Returns: bytes of memory that its index takes until it is finished */
guint64 mill_record_take_get_index_bytes (const MillRecordTake *self);
const gchar *mill_record_take_get_path (const MillRecordTake *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRecordTake, mill_record_take_free)

G_END_DECLS
