/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "rtmp-lane.h"

G_BEGIN_DECLS

/*
 * The epoll threads that every rtmpserversrc of a process shares. The pool has
 * one thread for the first source and grows by one per further source up to
 * one per core, so a stand-alone pipeline pays for one private thread and a
 * process with many streams for one per core, of which the second is kept for
 * what the first has no time for.
 * Work is put in lanes (rtmp-lane.h).
 *
 * Rule of the pool: nothing that runs in a lane may wait, but for what the
 * pipeline below the source does in its own chain functions.
 */
typedef struct _MillRtmpPool MillRtmpPool;

/* The process's pool, started when it is not running. The last release ends
 * and joins its threads.
 * Errors: G_IO_ERROR when there is no descriptor or thread left for it. */
MillRtmpPool *mill_rtmp_pool_acquire (GError **error);
void mill_rtmp_pool_release (MillRtmpPool *pool);

/* One structure "thread" per thread: name (string), turn-usec (guint64: age
 * of what the thread is doing now, 0 while it waits for work), connections
 * (guint), turns (guint64). Threads: any.
 * Returns: (transfer full): structure "threads" with a GstValueArray "threads" */
GstStructure *mill_rtmp_pool_describe (void);

/* A lane on the first thread, and one on a thread of its own or, when each has
 * a source, on the one with the most that is not busy.
 * Returns: (transfer full) */
MillRtmpLane *mill_rtmp_pool_add_listener_lane (MillRtmpPool *pool);
MillRtmpLane *mill_rtmp_pool_add_source_lane (MillRtmpPool *pool);

G_END_DECLS
