/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* When bytes came, for who does not read them when they come: the kernel stamps
 * each packet (SO_TIMESTAMPNS of socket(7)). Threads: that of the socket. */

/* Returns FALSE when the kernel will not tell. */
gboolean mill_rtmp_arrival_enable (gint fd);

/* As recv() with MSG_DONTWAIT.
 * @ret_arrival_us: of the last byte, monotonic; 0: not told */
gssize mill_rtmp_arrival_receive (gint fd, guint8 *data, gsize size,
    gint64 *ret_arrival_us);

G_END_DECLS
