/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "record-format.h"

G_BEGIN_DECLS

/*
 * One file that grows by fragments. What is on the disk after each of them can be
 * played; what a failed write left of a fragment is taken away again. One
 * thread at a time.
 */
typedef struct _MillRecordWriter MillRecordWriter;

/**
 * mill_record_writer_new:
 * @fd: of an empty file, not owned
 * @formats: of the tracks, as mill_record_format_refuse() lets through
 *
 * Errors: G_FILE_ERROR, MILL_BMFF_ERROR
 */
MillRecordWriter *mill_record_writer_new (MillRecordContainer container,
    gint fd, const MillRecordFormat *formats, guint n_formats, GError **error);
void mill_record_writer_free (MillRecordWriter *self);

/**
 * mill_record_writer_write:
 * @pieces: as many as there are tracks; a track that has nothing has no samples
 *
 * Errors: G_FILE_ERROR, MILL_BMFF_ERROR
 */
gboolean mill_record_writer_write (MillRecordWriter *self,
    const MillCmafTaken *pieces, GError **error);

/** Makes the file whole: length and index. */
gboolean mill_record_writer_finish (MillRecordWriter *self, GError **error);

/** Returns: bytes written */
guint64 mill_record_writer_get_size (const MillRecordWriter *self);

/** Returns: bytes of memory that the index takes until the end */
guint64 mill_record_writer_get_index_bytes (MillRecordWriter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRecordWriter, mill_record_writer_free)

G_END_DECLS
