/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-arena.h"

/* Two fifths of a second of a stream of 2.5 Mb/s: few allocations, and little
 * that is kept in vain by the last payload of a block. */
#define BLOCK_BYTES (128 * 1024)

/* What is larger gets a block of its own, so that ends of blocks are not
 * wasted on waiting for it. Not many should: malloc looks for room of such a
 * size in lists that have long left the processor's cache. */
#define SHARED_MAX_BYTES (BLOCK_BYTES / 2)

/* As malloc aligns: whoever reads payload may expect it. */
#define ALIGNMENT 16
#define ALIGN(size) (((size) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

/* More than a block can have payloads. */
#define ALL_PARTS BLOCK_BYTES

/* Blocks that are kept for who needs one next. Segments are written, and give
 * theirs back, many at a time, and what was written last is in the cache still;
 * malloc would put large blocks together and take them apart again. */
#define SPARE_MAX 32

/* The object in front of a payload, and its first bytes. */
#define LINE_BYTES 64
#define FETCH_BYTES (4 * LINE_BYTES)

struct _MillRtmpBlock
{
  gint parts; /* atomic */
  gboolean is_shared;
  MillRtmpBlock *next; /* spare_lock */
};

#define HEAD_BYTES ALIGN (sizeof (MillRtmpBlock))

static GMutex spare_lock;
static MillRtmpBlock *spare; /* spare_lock */
static guint n_spare; /* spare_lock */

static MillRtmpBlock *
take_spare (void)
{
  g_mutex_lock (&spare_lock);
  MillRtmpBlock *block = spare;
  if (block != NULL) {
    spare = block->next;
    n_spare--;
  }
  g_mutex_unlock (&spare_lock);
  return block;
}

static gboolean
give_spare (MillRtmpBlock *block)
{
  g_mutex_lock (&spare_lock);
  gboolean has_room = n_spare < SPARE_MAX;
  if (has_room) {
    block->next = spare;
    spare = block;
    n_spare++;
  }
  g_mutex_unlock (&spare_lock);
  return has_room;
}

/* Whoever makes a block has all parts of it, and gives those back that nobody
 * was handed: so that handing one out does not touch the block's head, which is
 * far from where it is being filled. */
static MillRtmpBlock *
make_shared (void)
{
  MillRtmpBlock *block = take_spare ();
  if (block == NULL)
    block = g_malloc (BLOCK_BYTES);
  block->parts = ALL_PARTS;
  block->is_shared = TRUE;
  return block;
}

static MillRtmpBlock *
make_single (gsize size)
{
  MillRtmpBlock *block = g_malloc (HEAD_BYTES + size);
  block->parts = 1;
  block->is_shared = FALSE;
  return block;
}

static void
release (MillRtmpBlock *block, gint parts)
{
  if (g_atomic_int_add (&block->parts, -parts) > parts)
    return;
  if (!block->is_shared || !give_spare (block))
    g_free (block);
}

void
mill_rtmp_arena_release (MillRtmpBlock *block)
{
  release (block, 1);
}

void
mill_rtmp_arena_clear (MillRtmpArena *arena)
{
  if (arena->block != NULL)
    release (arena->block, ALL_PARTS - arena->handed_out);
  *arena = (MillRtmpArena){ .kind = arena->kind };
}

gpointer
mill_rtmp_arena_peek (const MillRtmpArena *arena)
{
  return arena->block != NULL ? (guint8 *) arena->block + arena->used : NULL;
}

void
mill_rtmp_arena_drop (MillRtmpPayload *payload)
{
  g_clear_pointer (&payload->block, mill_rtmp_arena_release);
  *payload = (MillRtmpPayload){ 0 };
}

/* Where the next payload begins: it comes while this one is worked on. What is
 * behind the block is fetched in vain. */
static void
fetch_next (const MillRtmpArena *arena)
{
  const gchar *at = (const gchar *) arena->block + arena->used;

  for (guint i = 0; i < FETCH_BYTES; i += LINE_BYTES)
    __builtin_prefetch (at + i, 1, 2);
}

void
mill_rtmp_arena_reserve (MillRtmpArena *arena, gsize size,
    MillRtmpPayload *payload)
{
  gsize room = arena->kind != NULL ? ALIGN (arena->kind->room) : 0;
  gsize wanted = ALIGN (room + size);

  mill_rtmp_arena_drop (payload);
  payload->size = size;
  if (size > SHARED_MAX_BYTES) {
    payload->block = make_single (wanted);
    payload->data = (guint8 *) payload->block + HEAD_BYTES + room;
    return;
  }
  if (arena->block == NULL || BLOCK_BYTES - arena->used < wanted) {
    mill_rtmp_arena_clear (arena);
    arena->block = make_shared ();
    arena->used = HEAD_BYTES;
  }
  payload->block = arena->block;
  payload->data = (guint8 *) arena->block + arena->used + room;
  arena->used += wanted;
  arena->handed_out++;
  fetch_next (arena);
}

static GstMemory *
wrap_memory (MillRtmpArena *arena, MillRtmpPayload *payload, gsize size)
{
  if (arena->kind != NULL)
    return arena->kind->wrap (payload->data - ALIGN (arena->kind->room),
        payload->data, payload->size, size, payload->block);
  return gst_memory_new_wrapped (0, payload->data, payload->size, 0, size,
      payload->block, (GDestroyNotify) mill_rtmp_arena_release);
}

GstBuffer *
mill_rtmp_arena_wrap (MillRtmpArena *arena, MillRtmpPayload *payload,
    gsize size)
{
  GstBuffer *buffer = gst_buffer_new ();

  gst_buffer_append_memory (buffer, wrap_memory (arena, payload, size));
  *payload = (MillRtmpPayload){ 0 };
  return buffer;
}
