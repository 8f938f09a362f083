/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-pool-private.h"

static void
unref_timer (MillRtmpTimer *timer)
{
  if (!g_atomic_ref_count_dec (&timer->refs))
    return;
  mill_rtmp_lane_unref (timer->lane);
  g_free (timer);
}

/* Returns: (transfer full) (nullable) */
static MillRtmpTimer *
pop_due_timer (MillRtmpThread *thread)
{
  MillRtmpTimer *timer = NULL;

  g_mutex_lock (&thread->lock);
  if (!g_sequence_is_empty (thread->timers)) {
    GSequenceIter *iter = g_sequence_get_begin_iter (thread->timers);
    MillRtmpTimer *first = g_sequence_get (iter);
    if (first->deadline_us <= thread->now_us) {
      timer = first;
      g_atomic_ref_count_inc (&timer->refs);
      timer->iter = NULL;
      g_sequence_remove (iter);
    }
  }
  g_mutex_unlock (&thread->lock);
  return timer;
}

gboolean
mill_rtmp_timer_run_due (MillRtmpThread *thread)
{
  MillRtmpTimer *timer = pop_due_timer (thread);

  if (!timer)
    return FALSE;
  g_rec_mutex_lock (&timer->lane->lock);
  if (!timer->dead && !timer->lane->closed)
    timer->func (timer->user_data);
  g_rec_mutex_unlock (&timer->lane->lock);
  unref_timer (timer);
  return TRUE;
}

static gint
compare_timers (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MillRtmpTimer *first = a;
  const MillRtmpTimer *second = b;

  return (first->deadline_us > second->deadline_us) -
      (first->deadline_us < second->deadline_us);
}

MillRtmpTimer *
mill_rtmp_timer_new (MillRtmpLane *lane, MillRtmpFunc func, gpointer user_data)
{
  MillRtmpTimer *timer = g_new0 (MillRtmpTimer, 1);

  g_atomic_ref_count_init (&timer->refs);
  timer->lane = mill_rtmp_lane_ref (lane);
  timer->func = func;
  timer->user_data = user_data;
  return timer;
}

void
mill_rtmp_timer_arm (MillRtmpTimer *timer, gint64 deadline_us)
{
  MillRtmpThread *thread = timer->lane->thread;
  gboolean is_first = FALSE;

  g_mutex_lock (&thread->lock);
  if (timer->iter)
    g_sequence_remove (timer->iter);
  timer->iter = NULL;
  timer->deadline_us = deadline_us;
  if (deadline_us > 0) {
    timer->iter =
        g_sequence_insert_sorted (thread->timers, timer, compare_timers, NULL);
    is_first = g_sequence_iter_is_begin (timer->iter);
  }
  g_mutex_unlock (&thread->lock);
  if (is_first)
    mill_rtmp_pool_wake_thread (thread);
}

void
mill_rtmp_timer_free (MillRtmpTimer *timer)
{
  g_rec_mutex_lock (&timer->lane->lock);
  timer->dead = TRUE;
  g_rec_mutex_unlock (&timer->lane->lock);
  mill_rtmp_timer_arm (timer, 0);
  unref_timer (timer);
}
