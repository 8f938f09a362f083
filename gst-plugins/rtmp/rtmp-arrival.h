/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* When bytes came, for who does not read them when they come: the kernel stamps
 * each packet (SO_TIMESTAMPNS of socket(7)). Threads: that of the socket. */

/** How the time of day, which the kernel's stamps are in, stands to monotonic
 * time; zeroed before its first use. */
typedef struct
{
  gint64 offset_us;
  gint64 compared_us; /* monotonic; 0: never */
  gint64 stepped_us; /* the same: when it was seen that it was set */
} MillRtmpArrivalClock;

/** Returns: monotonic time of @stamp_us, both clocks being read now; 0 when the
 * time of day was set a moment ago: the stamp may be from before. */
gint64 mill_rtmp_arrival_convert (MillRtmpArrivalClock *clock, gint64 stamp_us,
    gint64 real_us, gint64 monotonic_us);

/* Returns FALSE when the kernel will not tell. */
gboolean mill_rtmp_arrival_enable (gint fd);

/* As recv() with MSG_DONTWAIT.
 * @ret_arrival_us: of the last byte, monotonic; 0: not told, or the time of day
 * was set meanwhile */
gssize mill_rtmp_arrival_receive (gint fd, guint8 *data, gsize size,
    gint64 *ret_arrival_us);

G_END_DECLS
