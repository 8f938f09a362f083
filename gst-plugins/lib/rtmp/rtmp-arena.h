/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Memory for the payload of one connection's messages: they lie one behind the
 * other in blocks, and a block goes when the last of its payloads does. A frame
 * is kept for a segment's time among those of all other streams; an allocation
 * of its own for each costs more than receiving it. */

/**
 * MillRtmpArena:
 * @block: what payload is put into now; nullable
 * @used: so much of it is
 *
 * All zero is a valid start.
 */
typedef struct
{
  guint8 *block;
  gsize used;
} MillRtmpArena;

/**
 * MillRtmpPayload:
 * @block: a reference to what @data lies in; NULL while there is none
 * @data: to be written to
 * @size: room at @data
 *
 * All zero is a valid start.
 */
typedef struct
{
  guint8 *block;
  guint8 *data;
  gsize size;
} MillRtmpPayload;

void mill_rtmp_arena_clear (MillRtmpArena *arena);

/**
 * mill_rtmp_arena_reserve:
 * @payload: gets room for @size bytes; what it had is not kept
 */
void mill_rtmp_arena_reserve (MillRtmpArena *arena, gsize size,
    MillRtmpPayload *payload);

void mill_rtmp_arena_drop (MillRtmpPayload *payload);

/**
 * mill_rtmp_arena_wrap:
 * @payload: is empty afterwards
 * @size: so much of it was written
 *
 * Returns: (transfer full): a writable buffer that holds the bytes
 */
GstBuffer *mill_rtmp_arena_wrap (MillRtmpPayload *payload, gsize size);

G_END_DECLS
