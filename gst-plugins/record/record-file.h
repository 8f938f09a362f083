/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The file of one recording: written under NAME.part, NAME when it is whole.
 * No file is ever overwritten. One thread at a time.
 */
typedef struct _MillRecordFile MillRecordFile;

/**
 * mill_record_file_new:
 * @location: where {date} and {time} (UTC) and {n}, the first free number, are
 *   filled in; without {n} a number is added to a name that is taken
 *
 * Errors: G_FILE_ERROR
 */
MillRecordFile *mill_record_file_new (const gchar *location, GError **error);
/** Removes the file when nothing was written; otherwise it stays. */
void mill_record_file_free (MillRecordFile *self);

/** Returns: (transfer none): its name while it is written */
const gchar *mill_record_file_get_part (const MillRecordFile *self);
/** Returns: (transfer none): open as long as @self is */
gint mill_record_file_get_fd (const MillRecordFile *self);

/** Returns: (transfer full) (element-type utf8): what earlier recordings to
 * @location did not finish, and nobody writes */
GPtrArray *mill_record_file_find_left (const gchar *location);

/**
 * mill_record_file_finish:
 * @faststart: it is an MP4, whose index goes to the front
 * @warning: (out) (nullable): why the index stays at the end
 *
 * Returns: (transfer full): its path; NULL with @error: it keeps its name
 */
gchar *mill_record_file_finish (MillRecordFile *self, gboolean faststart,
    GError **warning, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRecordFile, mill_record_file_free)

G_END_DECLS
