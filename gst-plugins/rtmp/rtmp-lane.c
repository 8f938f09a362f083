/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-pool-private.h"

static void
free_task (MillRtmpTask *task)
{
  if (task->destroy)
    task->destroy (task->user_data);
  mill_rtmp_lane_unref (task->lane);
  g_free (task);
}

void
mill_rtmp_lane_run_task (MillRtmpTask *task)
{
  g_rec_mutex_lock (&task->lane->lock);
  if (!task->lane->closed)
    task->func (task->user_data);
  g_rec_mutex_unlock (&task->lane->lock);
  free_task (task);
}

MillRtmpLane *
mill_rtmp_lane_new (MillRtmpThread *thread, gboolean is_source)
{
  MillRtmpLane *lane = g_new0 (MillRtmpLane, 1);

  g_atomic_ref_count_init (&lane->refs);
  lane->thread = mill_rtmp_pool_ref_thread (thread);
  lane->is_source = is_source;
  g_rec_mutex_init (&lane->lock);
  return lane;
}

MillRtmpLane *
mill_rtmp_lane_ref (MillRtmpLane *lane)
{
  g_atomic_ref_count_inc (&lane->refs);
  return lane;
}

void
mill_rtmp_lane_unref (MillRtmpLane *lane)
{
  if (!g_atomic_ref_count_dec (&lane->refs))
    return;
  g_assert (lane->watches == NULL);
  g_rec_mutex_clear (&lane->lock);
  mill_rtmp_pool_unref_thread (lane->thread);
  g_free (lane);
}

void
mill_rtmp_lane_lock (MillRtmpLane *lane)
{
  g_rec_mutex_lock (&lane->lock);
}

void
mill_rtmp_lane_unlock (MillRtmpLane *lane)
{
  g_rec_mutex_unlock (&lane->lock);
}

void
mill_rtmp_lane_close (MillRtmpLane *lane)
{
  g_rec_mutex_lock (&lane->lock);
  gboolean was_closed = lane->closed;
  lane->closed = TRUE;
  while (lane->watches)
    mill_rtmp_watch_free (lane->watches->data);
  g_rec_mutex_unlock (&lane->lock);

  if (!was_closed && lane->is_source)
    mill_rtmp_pool_remove_source (lane->thread);
}

void
mill_rtmp_lane_invoke (MillRtmpLane *lane, MillRtmpFunc func,
    gpointer user_data, GDestroyNotify destroy)
{
  MillRtmpThread *thread = lane->thread;
  MillRtmpTask *task = g_new (MillRtmpTask, 1);

  *task = (MillRtmpTask){ mill_rtmp_lane_ref (lane), func, user_data, destroy };
  g_mutex_lock (&thread->lock);
  gboolean finished = thread->finished;
  gboolean is_first = thread->tasks.length == 0;
  if (!finished)
    g_queue_push_tail (&thread->tasks, task);
  g_mutex_unlock (&thread->lock);
  if (finished)
    free_task (task);
  else if (is_first)
    mill_rtmp_pool_wake_thread (thread);
}

guint8 *
mill_rtmp_lane_get_scratch (MillRtmpLane *lane, gsize *ret_size)
{
  *ret_size = MILL_RTMP_SCRATCH_BYTES;
  return lane->thread->scratch;
}

gint64
mill_rtmp_lane_get_time (MillRtmpLane *lane)
{
  return lane->thread->now_us;
}

void
mill_rtmp_lane_warm (MillRtmpLane *lane, MillRtmpWarm *warm)
{
  mill_rtmp_warm_add (warm, lane, sizeof *lane);
  mill_rtmp_warm_add_lock (warm, &lane->lock);
}
