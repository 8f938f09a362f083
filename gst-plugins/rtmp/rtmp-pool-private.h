/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-lane.h"
#include "rtmp-pool.h"
#include "rtmp-round.h"
#include "rtmp-timer.h"
#include "rtmp-watch.h"

G_BEGIN_DECLS

/* What the files of the pool know of each other. */

/* A stream of 2.5 Mb/s brings some 10 KB per turn; 128 KB lets a burst through
 * in few turns and still fits a core's second-level cache. It is also what one
 * connection may take per turn before its neighbours have theirs. */
#define MILL_RTMP_SCRATCH_BYTES (128 * 1024)

struct _MillRtmpThread
{
  gatomicrefcount refs;
  guint index;
  GThread *thread;
  gint epoll_fd;
  gint wake_fd;
  guint8 *scratch; /* own thread */
  gint64 now_us; /* own thread */
  gint quit; /* atomic */
  gint64 turn_since_us; /* atomic; 0 while waiting */
  guint64 turns; /* atomic, written by the own thread */
  gint64 woken_us; /* own thread */
  gint64 period_start_us; /* own thread */
  gint64 busy_us; /* own thread; since then */
  GPtrArray *rounds; /* own thread; nullable; of rtmp-round.c */
  gint load_permille; /* atomic; of the last period */
  gint n_connections; /* atomic */
  guint n_sources; /* pool_lock */

  GMutex lock;
  GQueue tasks; /* lock; element-type MillRtmpTask */
  GSequence *timers; /* lock; element-type MillRtmpTimer, by deadline */
  GSList *dead; /* lock; watches to free after the batch of events */
  gboolean finished; /* lock; nothing is taken from the lists any more */
};

struct _MillRtmpLane
{
  gatomicrefcount refs;
  MillRtmpThread *thread;
  gboolean is_source;
  GRecMutex lock;
  gboolean closed; /* lock */
  GList *watches; /* lock */
};

struct _MillRtmpWatch
{
  MillRtmpLane *lane;
  MillRtmpWatchSpec spec;
  gboolean dead; /* lane lock */
  MillRtmpWarm warm; /* own thread */
};

struct _MillRtmpTimer
{
  gatomicrefcount refs;
  MillRtmpLane *lane;
  MillRtmpFunc func;
  gpointer user_data;
  gboolean dead; /* lane lock */
  gint64 deadline_us; /* thread lock */
  GSequenceIter *iter; /* thread lock */
};

/* A call that waits for its turn. */
typedef struct
{
  MillRtmpLane *lane;
  MillRtmpFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} MillRtmpTask;

MillRtmpThread *mill_rtmp_pool_ref_thread (MillRtmpThread *thread);
void mill_rtmp_pool_unref_thread (MillRtmpThread *thread);
/* Every function that the pool calls starts with this. On the own thread. */
void mill_rtmp_pool_begin_turn (MillRtmpThread *thread);
/* Ends its wait; nothing to do on the thread itself. */
void mill_rtmp_pool_wake_thread (MillRtmpThread *thread);
/* A source's lane was closed. */
void mill_rtmp_pool_remove_source (MillRtmpThread *thread);

MillRtmpLane *mill_rtmp_lane_new (MillRtmpThread *thread, gboolean is_source);
void mill_rtmp_lane_run_task (MillRtmpTask *task); /* (transfer full) */

/* @watch (nullable) is the next to be dispatched. */
void mill_rtmp_watch_prepare (const MillRtmpWatch *watch);
void mill_rtmp_watch_dispatch (MillRtmpWatch *watch, guint32 events);
/* What mill_rtmp_watch_free() left for the thread to do. */
void mill_rtmp_watch_destroy (MillRtmpWatch *watch);

/* Runs one timer that is due. Returns FALSE when there is none. */
gboolean mill_rtmp_timer_run_due (MillRtmpThread *thread);

G_END_DECLS
