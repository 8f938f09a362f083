/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What tells all switches of a process that time goes by when no input does:
 * one thread, while there is any switch.
 */

/* Often enough for the pictures of a slate to come at their time. */
#define MILL_FAILOVER_TICK_MS 20

typedef struct _MillFailoverTicker MillFailoverTicker;

/* @now_us: g_get_monotonic_time(). On the ticker's thread. */
typedef void (*MillFailoverTickerFunc) (gint64 now_us, gpointer user_data);

MillFailoverTicker *mill_failover_ticker_add (MillFailoverTickerFunc func,
    gpointer user_data);

/* When it returns, the function is not running and will not be called. */
void mill_failover_ticker_remove (MillFailoverTicker *ticker);

G_END_DECLS
