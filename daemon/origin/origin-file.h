/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

/* A regular file below the media directory, open for reading. */
typedef struct
{
  gint fd; /* -1: none */
  guint64 size;
  gchar *version; /* of its content: an ETag without quotes */

  guint64 device; /* with size and times: whether it is still the same */
  guint64 inode;
  gint64 modified_ns;
  gpointer base; /* see mill_origin_file_map(); NULL before */
  GBytes *text; /* see mill_origin_file_get_text(); NULL before */
} MillOriginFile;

/**
 * mill_origin_file_open:
 * @file: relative, as MillOriginPath has it
 *
 * No symbolic link is followed below @media_dir, so nothing outside of it can
 * be reached. May block on the disk. Main thread.
 *
 * Returns: FALSE when there is no such regular file
 */
gboolean mill_origin_file_open (const gchar *media_dir, const gchar *stream,
    const gchar *file, MillOriginFile *ret_file);
void mill_origin_file_clear (MillOriginFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillOriginFile, mill_origin_file_clear)

/** Reads @length bytes at @offset. Returns: (transfer full)(nullable): fewer
 * only at the end of the file; NULL on an error */
GBytes *mill_origin_file_read (const MillOriginFile *file, guint64 offset,
    gsize length);

/** Returns: whether @status is of this very version. */
gboolean mill_origin_file_is_same (const MillOriginFile *file,
    const struct stat *status);

/** Returns: (transfer none)(nullable): all of it, read once. For texts. */
GBytes *mill_origin_file_get_text (MillOriginFile *file);

/**
 * mill_origin_file_map:
 *
 * Addresses for all of the file, to be given to MillOriginIo, which sends what
 * is behind them with sendfile(). Nothing is to read there: when the file was
 * cut (a packager never does it, an operator may), that would be SIGBUS.
 *
 * Returns: (nullable)
 */
gconstpointer mill_origin_file_map (MillOriginFile *file);

G_END_DECLS
