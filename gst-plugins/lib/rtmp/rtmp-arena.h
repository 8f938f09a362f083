/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Memory for the payload of one connection's messages: they lie one behind the
 * other in blocks, and a block goes when the last of its payloads does. A frame
 * is kept for a segment's time among those of all other streams; an allocation
 * of its own for each costs more than receiving it. */

/* A piece of memory that a message is looked up in. */
typedef void (*MillRtmpVisitFunc) (gconstpointer memory, gsize size,
    gpointer user_data);

/* What several payloads share, or a large one has for itself. Threads: any may
 * give back what it holds. */
typedef struct _MillRtmpBlock MillRtmpBlock;

/** One payload of it is not needed any more. */
void mill_rtmp_arena_release (MillRtmpBlock *block);

/**
 * MillRtmpMemoryKind: what a payload becomes for GStreamer
 * @room: bytes in front of each payload, for @wrap to use
 * @wrap: makes a memory of @size of @max_size bytes at @data, @room of which
 *   begins at @at, both aligned as by malloc. It gives @block back when it goes.
 */
typedef struct
{
  gsize room;
  GstMemory *(*wrap) (gpointer at, guint8 *data, gsize max_size, gsize size,
      MillRtmpBlock *block);
} MillRtmpMemoryKind;

/**
 * MillRtmpArena:
 * @kind: nullable: system memory
 * @block: what payload is put into now; nullable
 * @used: so much of it is
 * @handed_out: so many payloads have a part of it
 *
 * All zero is a valid start.
 */
typedef struct
{
  const MillRtmpMemoryKind *kind;
  MillRtmpBlock *block;
  gsize used;
  gint handed_out;
} MillRtmpArena;

/**
 * MillRtmpPayload:
 * @block: what @data lies in; NULL while there is none
 * @data: to be written to
 * @size: room at @data
 *
 * All zero is a valid start.
 */
typedef struct
{
  MillRtmpBlock *block;
  guint8 *data;
  gsize size;
} MillRtmpPayload;

/* Its kind stays. */
void mill_rtmp_arena_clear (MillRtmpArena *arena);

/**
 * mill_rtmp_arena_reserve:
 * @payload: gets room for @size bytes; what it had is not kept
 */
void mill_rtmp_arena_reserve (MillRtmpArena *arena, gsize size,
    MillRtmpPayload *payload);

/* Returns: (nullable): what the next payload gets if it fits in there */
gpointer mill_rtmp_arena_peek (const MillRtmpArena *arena);

void mill_rtmp_arena_drop (MillRtmpPayload *payload);

/**
 * mill_rtmp_arena_wrap:
 * @payload: is empty afterwards
 * @size: so much of it was written
 *
 * Returns: (transfer full): a writable buffer that holds the bytes
 */
GstBuffer *mill_rtmp_arena_wrap (MillRtmpArena *arena, MillRtmpPayload *payload,
    gsize size);

G_END_DECLS
