/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "link-consumer.h"

G_BEGIN_DECLS

/*
 * What one consumer still has to get. Room for 8 MiB or 1000 frames, and on top
 * of that for what was waiting when the consumer came.
 *
 * Threads: none of its own; the hub's lock guards it.
 */
typedef struct _MillLinkQueue MillLinkQueue;

MillLinkQueue *mill_link_queue_new (void);
void mill_link_queue_free (MillLinkQueue *queue);

/* The next frame of @pad begins after a loss: it is marked DISCONT and, if
 * @from_keyframe, all before a keyframe is left out. */
void mill_link_queue_mark (MillLinkQueue *queue, guint16 pad,
    gboolean from_keyframe);

/* Adds @frame whatever the room. */
void mill_link_queue_add (MillLinkQueue *queue, MillLinkFrame *frame);
/* Adds @frame unless it is left out before a keyframe. Leaky: when there is no
 * room all media is dropped and each pad goes on at a keyframe.
 * Returns: FALSE when even what is no media is too much: the consumer is to be
 *   sent away */
gboolean mill_link_queue_offer (MillLinkQueue *queue, MillLinkFrame *frame,
    gboolean is_leaky);
/* Of @pad nothing stays but what tells of streams. */
void mill_link_queue_flush (MillLinkQueue *queue, guint16 pad);
void mill_link_queue_remove_pad (MillLinkQueue *queue, guint16 pad);
/* What is in the queue now does not count. */
void mill_link_queue_set_room (MillLinkQueue *queue);

gboolean mill_link_queue_has_room (const MillLinkQueue *queue);
gboolean mill_link_queue_is_empty (const MillLinkQueue *queue);
gsize mill_link_queue_get_bytes (const MillLinkQueue *queue);
/* Frames that offer() dropped. */
guint64 mill_link_queue_get_dropped (const MillLinkQueue *queue);

/* Returns: (transfer full) (nullable) */
MillLinkFrame *mill_link_queue_take (MillLinkQueue *queue,
    gboolean *ret_is_discont);

G_END_DECLS
