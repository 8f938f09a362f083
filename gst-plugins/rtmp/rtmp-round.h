/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-watch.h"

G_BEGIN_DECLS

/*
 * Watches whose descriptors are read at a beat and not when bytes come. A
 * stream has some eighty messages a second, each of which would wake the thread,
 * be read, acknowledged and pushed on its own, with everything that belongs to
 * the stream cold by then. Read every 20 ms they come in twos and threes.
 *
 * Beats are at the multiples of their interval, so that rounds of several
 * intervals share wake-ups. Threads: the pool thread that the watches are of.
 */
typedef struct _MillRtmpThread MillRtmpThread;

/* @interval_ms: above 0 */
void mill_rtmp_round_add (MillRtmpThread *thread, MillRtmpWatch *watch,
    guint interval_ms);
void mill_rtmp_round_remove (MillRtmpThread *thread, MillRtmpWatch *watch);

/* When to come back: G_MAXINT64 when nothing is in a round, 0 in mid-beat. */
gint64 mill_rtmp_round_get_due_us (MillRtmpThread *thread);
/* Calls the next watches of beats that are due. */
void mill_rtmp_round_run_due (MillRtmpThread *thread);

/* With the thread: of the rounds, not of the watches. */
void mill_rtmp_round_free_all (MillRtmpThread *thread);

G_END_DECLS
