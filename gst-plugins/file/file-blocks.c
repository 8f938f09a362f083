/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "file-blocks.h"

#include <errno.h>
#include <unistd.h>

/* Places that are read at in turns: picture, sound, and a track or two more. */
#define N_KEPT 4

/* Blocks that are kept for being read into again. */
#define N_SPARE 8

/* @memory: (nullable): of a whole block, of which @length bytes at @offset of
 * the file are read */
typedef struct
{
  GstMemory *memory;
  guint64 offset;
  gsize length;
  guint64 used; /* when, in requests */
} Block;

struct _MillFileBlocks
{
  gint fd;
  gsize block_size;
  guint64 requests;
  Block kept[N_KEPT];
  GQueue spare; /* of GstMemory; pieces of some are still out */
};

MillFileBlocks *
mill_file_blocks_new (gint fd, gsize block_size)
{
  g_return_val_if_fail (fd >= 0 && block_size > 0, NULL);
  MillFileBlocks *self = g_new0 (MillFileBlocks, 1);
  self->fd = fd;
  self->block_size = block_size;
  g_queue_init (&self->spare);
  return self;
}

void
mill_file_blocks_free (MillFileBlocks *self)
{
  for (guint i = 0; i < N_KEPT; i++)
    g_clear_pointer (&self->kept[i].memory, gst_memory_unref);
  g_queue_clear_full (&self->spare, (GDestroyNotify) gst_memory_unref);
  g_free (self);
}

/* Returns: bytes read, fewer at the end of the file; negative on an error */
static gssize
read_all (gint fd, guint8 *data, gsize length, guint64 offset, GError **error)
{
  gsize done = 0;
  while (done < length) {
    gssize n = pread (fd, data + done, length - done, (off_t) (offset + done));
    if (n == 0)
      break;
    if (n > 0) {
      done += (gsize) n;
    } else if (errno != EINTR) {
      gint cause = errno;
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (cause),
          "at byte %" G_GUINT64_FORMAT ": %s", offset + done,
          g_strerror (cause));
      return -1;
    }
  }
  return (gssize) done;
}

static gboolean
fill (MillFileBlocks *self, Block *block, guint64 offset, GError **error)
{
  GstMapInfo map;
  if (!gst_memory_map (block->memory, &map, GST_MAP_WRITE)) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
        "at byte %" G_GUINT64_FORMAT ": memory cannot be written", offset);
    return FALSE;
  }
  gssize length =
      read_all (self->fd, map.data, self->block_size, offset, error);
  gst_memory_unmap (block->memory, &map);
  block->offset = offset;
  block->length = length > 0 ? (gsize) length : 0;
  return length >= 0;
}

static GstMemory *
take_spare (MillFileBlocks *self)
{
  for (GList *l = self->spare.head; l != NULL; l = l->next) {
    GstMemory *memory = l->data;
    /* A piece holds its block, so without another owner nothing is out. */
    if (GST_MINI_OBJECT_REFCOUNT_VALUE (memory) == 1) {
      g_queue_delete_link (&self->spare, l);
      return memory;
    }
  }
  return gst_allocator_alloc (NULL, self->block_size, NULL);
}

static void
put_spare (MillFileBlocks *self, GstMemory *memory)
{
  g_queue_push_tail (&self->spare, memory);
  if (self->spare.length > N_SPARE)
    gst_memory_unref (g_queue_pop_head (&self->spare));
}

static Block *
find (MillFileBlocks *self, guint64 offset, gsize length)
{
  for (guint i = 0; i < N_KEPT; i++) {
    Block *block = &self->kept[i];
    if (block->memory != NULL && offset >= block->offset &&
        offset - block->offset <= block->length &&
        length <= block->length - (offset - block->offset))
      return block;
  }
  return NULL;
}

static Block *
find_oldest (MillFileBlocks *self)
{
  Block *oldest = &self->kept[0];
  for (guint i = 1; i < N_KEPT; i++)
    if (self->kept[i].used < oldest->used)
      oldest = &self->kept[i];
  return oldest;
}

static Block *
read_block (MillFileBlocks *self, guint64 offset, GError **error)
{
  Block *block = find_oldest (self);
  if (block->memory != NULL)
    put_spare (self, g_steal_pointer (&block->memory));
  block->memory = take_spare (self);
  if (fill (self, block, offset, error))
    return block;
  g_clear_pointer (&block->memory, gst_memory_unref);
  return NULL;
}

static GstBuffer *
get_own (MillFileBlocks *self, guint64 offset, gsize length, GError **error)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, length, NULL);
  GstMapInfo map;
  if (buffer == NULL || !gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
        "at byte %" G_GUINT64_FORMAT ": no memory for %" G_GSIZE_FORMAT
        " bytes",
        offset, length);
    return NULL;
  }
  gssize n = read_all (self->fd, map.data, length, offset, error);
  gst_buffer_unmap (buffer, &map);
  if (n < 0)
    return NULL;
  gst_buffer_set_size (buffer, n);
  return g_steal_pointer (&buffer);
}

GstBuffer *
mill_file_blocks_get (MillFileBlocks *self, guint64 offset, gsize length,
    GError **error)
{
  if (length > self->block_size)
    return get_own (self, offset, length, error);
  Block *block = find (self, offset, length);
  if (block == NULL)
    block = read_block (self, offset, error);
  if (block == NULL)
    return NULL;
  block->used = ++self->requests;
  gsize skip = (gsize) (offset - block->offset);
  GstBuffer *buffer = gst_buffer_new ();
  gst_buffer_append_memory (buffer,
      gst_memory_share (block->memory, (gssize) skip,
          (gssize) MIN (length, block->length - skip)));
  return buffer;
}
