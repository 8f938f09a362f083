/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * A file that is read in blocks, of which buffers are pieces: no call to the
 * kernel, no allocation of memory and no copy for each of them. A few blocks are
 * kept, so that a file may be read at several places in turns, as a demuxer does
 * whose tracks are not interleaved. Blocks that nobody has a piece of any more
 * are read into again.
 *
 * One thread at a time.
 */
typedef struct _MillFileBlocks MillFileBlocks;

/** @fd: open for reading as long as this lives; @block_size: bytes, at least 1.
 * Returns: (transfer full) */
MillFileBlocks *mill_file_blocks_new (gint fd, gsize block_size);
void mill_file_blocks_free (MillFileBlocks *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillFileBlocks, mill_file_blocks_free)

/**
 * mill_file_blocks_get:
 *
 * Blocks on the disk. A request longer than a block has memory of its own.
 *
 * Returns: (transfer full)(nullable): @length bytes at @offset, less at the end
 *   of the file, of 0 bytes behind it
 * Errors: G_FILE_ERROR
 */
GstBuffer *mill_file_blocks_get (MillFileBlocks *self, guint64 offset,
    gsize length, GError **error);

G_END_DECLS
