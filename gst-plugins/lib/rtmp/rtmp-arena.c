/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-arena.h"

/* A fifth of a second of a stream of 2.5 Mb/s: few allocations, and little
 * that is kept in vain by the last payload of a block. */
#define BLOCK_BYTES (64 * 1024)

/* What is larger gets a block of its own, so that ends of blocks are not
 * wasted on waiting for it. */
#define SHARED_MAX_BYTES (BLOCK_BYTES / 4)

/* As malloc aligns: whoever reads payload may expect it. */
#define ALIGNMENT 16

void
mill_rtmp_arena_clear (MillRtmpArena *arena)
{
  g_clear_pointer (&arena->block, g_atomic_rc_box_release);
  arena->used = 0;
}

void
mill_rtmp_arena_drop (MillRtmpPayload *payload)
{
  g_clear_pointer (&payload->block, g_atomic_rc_box_release);
  *payload = (MillRtmpPayload){ 0 };
}

void
mill_rtmp_arena_reserve (MillRtmpArena *arena, gsize size,
    MillRtmpPayload *payload)
{
  mill_rtmp_arena_drop (payload);
  payload->size = size;
  if (size > SHARED_MAX_BYTES) {
    payload->block = g_atomic_rc_box_alloc (size);
    payload->data = payload->block;
    return;
  }
  if (arena->block == NULL || BLOCK_BYTES - arena->used < size) {
    mill_rtmp_arena_clear (arena);
    arena->block = g_atomic_rc_box_alloc (BLOCK_BYTES);
  }
  payload->block = g_atomic_rc_box_acquire (arena->block);
  payload->data = arena->block + arena->used;
  arena->used += MIN (BLOCK_BYTES - arena->used,
      (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

GstBuffer *
mill_rtmp_arena_wrap (MillRtmpPayload *payload, gsize size)
{
  GstMemory *memory = gst_memory_new_wrapped (0, payload->data, payload->size,
      0, size, payload->block, g_atomic_rc_box_release);
  GstBuffer *buffer = gst_buffer_new ();

  gst_buffer_append_memory (buffer, memory);
  *payload = (MillRtmpPayload){ 0 };
  return buffer;
}
