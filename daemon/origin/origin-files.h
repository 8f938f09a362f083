/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/origin-file.h"

G_BEGIN_DECLS

/*
 * The files that are asked for again and again, kept open: an answer costs one
 * stat() of its file, which tells whether it is still the same. Bounded; the one
 * used longest ago goes. Main thread.
 */
typedef struct _MillOriginFiles MillOriginFiles;

/** Returns: (transfer full) */
MillOriginFiles *mill_origin_files_new (const gchar *media_dir);
void mill_origin_files_free (MillOriginFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginFiles, mill_origin_files_free)

/**
 * mill_origin_files_get:
 * @file: relative, as MillOriginPath has it
 *
 * As mill_origin_file_open(). What has grown or was replaced is opened anew;
 * whoever still has the former goes on with it, also when it was removed.
 *
 * Returns: (transfer full)(nullable): give it back to
 * mill_origin_files_release(), not to mill_origin_file_clear()
 */
MillOriginFile *mill_origin_files_get (MillOriginFiles *self,
    const gchar *stream, const gchar *file);
MillOriginFile *mill_origin_files_hold (MillOriginFile *file);
void mill_origin_files_release (MillOriginFile *file);

/** Returns: whether there is a directory of that stream */
gboolean mill_origin_files_has_stream (MillOriginFiles *self,
    const gchar *stream);

/** Returns: files kept open; @ret_mapped_bytes: (out): of those that are
 * mapped, with @ret_n_mapped how many */
guint mill_origin_files_count (MillOriginFiles *self, guint *ret_n_mapped,
    guint64 *ret_mapped_bytes);

G_END_DECLS
