/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What one append writes: a row of GstMemory that is referenced, not copied.
 * (A GstBuffer would do, but it merges, i.e. copies, beyond 16 memories.)
 */
typedef struct _MillStoreChunk MillStoreChunk;

/** @n_expected: memories expected, to allocate once. Returns: (transfer full) */
MillStoreChunk *mill_store_chunk_new (guint n_expected);
void mill_store_chunk_free (MillStoreChunk *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStoreChunk, mill_store_chunk_free)

/** @memory: (transfer full): its bytes must not change any more */
void mill_store_chunk_add (MillStoreChunk *self, GstMemory *memory);

/** References @bytes (transfer none). */
void mill_store_chunk_add_bytes (MillStoreChunk *self, GBytes *bytes);

/** Returns: bytes in all */
gsize mill_store_chunk_get_size (const MillStoreChunk *self);

/** Returns: how many mill_store_chunk_peek() has */
guint mill_store_chunk_get_n_memories (const MillStoreChunk *self);

/** Returns: (transfer none) */
GstMemory *mill_store_chunk_peek (const MillStoreChunk *self, guint i);

G_END_DECLS
