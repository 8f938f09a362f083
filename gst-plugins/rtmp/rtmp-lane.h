/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-warm.h"

G_BEGIN_DECLS

/*
 * A lane belongs to one thread of the pool for life. What runs in it (watches,
 * timers, calls) runs one at a time under the lane's lock; that lock is what
 * another thread waits for when it must know that nothing of its own is under
 * way, so it never waits for somebody else's push.
 */
typedef struct _MillRtmpLane MillRtmpLane;

typedef void (*MillRtmpFunc) (gpointer user_data);

MillRtmpLane *mill_rtmp_lane_ref (MillRtmpLane *lane);
void mill_rtmp_lane_unref (MillRtmpLane *lane);

/* Enters the lane from another thread: waits for what runs in it. Recursive. */
void mill_rtmp_lane_lock (MillRtmpLane *lane);
void mill_rtmp_lane_unlock (MillRtmpLane *lane);

/* Ends the lane: after it returned nothing runs in it, watches are removed and
 * calls under way are dropped (their data is destroyed). Idempotent. */
void mill_rtmp_lane_close (MillRtmpLane *lane);

/* Calls @func in the lane, soon. Threads: any. */
void mill_rtmp_lane_invoke (MillRtmpLane *lane, MillRtmpFunc func,
    gpointer user_data, GDestroyNotify destroy);

/* The buffer of the lane's thread: valid until the function that the pool
 * called returns. In the lane only. */
guint8 *mill_rtmp_lane_get_scratch (MillRtmpLane *lane, gsize *ret_size);

/* When the pool called the function that runs now; g_get_monotonic_time(). */
gint64 mill_rtmp_lane_get_time (MillRtmpLane *lane);

/* Adds what a lane is entered through. In the lane only. */
void mill_rtmp_lane_warm (MillRtmpLane *lane, MillRtmpWarm *warm);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpLane, mill_rtmp_lane_unref)

G_END_DECLS
