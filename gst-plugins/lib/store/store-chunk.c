/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-chunk.h"

struct _MillStoreChunk
{
  GPtrArray *memories;
  gsize size;
};

MillStoreChunk *
mill_store_chunk_new (guint n_expected)
{
  MillStoreChunk *self = g_new0 (MillStoreChunk, 1);

  self->memories =
      g_ptr_array_new_full (n_expected, (GDestroyNotify) gst_memory_unref);
  return self;
}

void
mill_store_chunk_free (MillStoreChunk *self)
{
  g_ptr_array_unref (self->memories);
  g_free (self);
}

void
mill_store_chunk_add (MillStoreChunk *self, GstMemory *memory)
{
  self->size += gst_memory_get_sizes (memory, NULL, NULL);
  g_ptr_array_add (self->memories, memory);
}

void
mill_store_chunk_add_bytes (MillStoreChunk *self, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (size == 0)
    return;
  mill_store_chunk_add (self,
      gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, (gpointer) data, size,
          0, size, g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref));
}

gsize
mill_store_chunk_get_size (const MillStoreChunk *self)
{
  return self->size;
}

guint
mill_store_chunk_get_n_memories (const MillStoreChunk *self)
{
  return self->memories->len;
}

GstMemory *
mill_store_chunk_peek (const MillStoreChunk *self, guint i)
{
  g_return_val_if_fail (i < self->memories->len, NULL);

  return g_ptr_array_index (self->memories, i);
}
