/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-lane.h"

G_BEGIN_DECLS

/* A function that a lane calls later. All functions in the lane, or with the
 * lane locked. */
typedef struct _MillRtmpTimer MillRtmpTimer;

/* A timer that is not armed yet. @deadline_us: g_get_monotonic_time() to call
 * @func at, once; 0 disarms. Accuracy is a millisecond at best. */
MillRtmpTimer *mill_rtmp_timer_new (MillRtmpLane *lane, MillRtmpFunc func,
    gpointer user_data);
void mill_rtmp_timer_arm (MillRtmpTimer *timer, gint64 deadline_us);
void mill_rtmp_timer_free (MillRtmpTimer *timer);

G_END_DECLS
