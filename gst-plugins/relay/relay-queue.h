/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "relay-format.h"

G_BEGIN_DECLS

/*
 * What a target still has to get: frames of one video and one audio track, each
 * in its order, taken in the order of their decoding times. Bounded: when it is
 * full it drops up to a later keyframe.
 *
 * Threads: none of its own; its owner's lock guards it.
 */
typedef struct _MillRelayQueue MillRelayQueue;

typedef enum
{
  MILL_RELAY_VIDEO,
  MILL_RELAY_AUDIO,
  MILL_RELAY_N_TRACKS,
} MillRelayTrack;

/* @format, @buffer: owned
 * @dts_ns, @pts_ns: running times, which may be negative */
typedef struct
{
  MillRelayTrack track;
  MillRelayFormat *format;
  GstBuffer *buffer;
  gint64 dts_ns;
  gint64 pts_ns;
  gboolean is_keyframe;
} MillRelayItem;

void mill_relay_queue_item_free (MillRelayItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRelayItem, mill_relay_queue_item_free)

MillRelayQueue *mill_relay_queue_new (void);
void mill_relay_queue_free (MillRelayQueue *self);

void mill_relay_queue_set_room (MillRelayQueue *self, guint max_ms,
    gsize max_bytes);

/* A track that is there is waited for, so that both begin together and stay in
 * order; not longer than a second of the other one. */
void mill_relay_queue_set_expected (MillRelayQueue *self, MillRelayTrack track,
    gboolean is_expected);

/* @item: (transfer full) */
void mill_relay_queue_push (MillRelayQueue *self, MillRelayItem *item);

/* Returns: (transfer full) (nullable): the next one, when it is known */
MillRelayItem *mill_relay_queue_pop (MillRelayQueue *self);

/* What comes out next is a keyframe of the video, if there is one: for a new
 * connection. */
void mill_relay_queue_restart (MillRelayQueue *self);

/* Drops all, and counts it. */
void mill_relay_queue_clear (MillRelayQueue *self);

gboolean mill_relay_queue_is_empty (const MillRelayQueue *self);
guint mill_relay_queue_get_ms (const MillRelayQueue *self);
gsize mill_relay_queue_get_bytes (const MillRelayQueue *self);
/* Frames that were dropped, ever. */
guint64 mill_relay_queue_get_dropped (const MillRelayQueue *self);

G_END_DECLS
