/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-round.h"

#include <sys/epoll.h>

#include "rtmp-pool-private.h"

/* Of one beat in one turn of the thread: then those that are read at once, and
 * timers, have theirs. */
#define WATCHES_PER_TURN 32

typedef struct
{
  gint64 interval_us;
  gint64 due_us;
  GPtrArray *watches; /* element-type MillRtmpWatch */
  guint next; /* of the beat under way */
  guint n_beat; /* how many it has; next == n_beat: none is under way */
} Round;

static void
free_round (gpointer data)
{
  Round *round = data;

  g_ptr_array_unref (round->watches);
  g_free (round);
}

void
mill_rtmp_round_free_all (MillRtmpThread *thread)
{
  g_clear_pointer (&thread->rounds, g_ptr_array_unref);
}

static void
schedule (Round *round, gint64 now_us)
{
  round->due_us = (now_us / round->interval_us + 1) * round->interval_us;
}

static Round *
find_round (MillRtmpThread *thread, guint interval_ms)
{
  gint64 interval_us = (gint64) interval_ms * 1000;

  if (!thread->rounds)
    thread->rounds = g_ptr_array_new_with_free_func (free_round);
  for (guint i = 0; i < thread->rounds->len; i++) {
    Round *round = thread->rounds->pdata[i];
    if (round->interval_us == interval_us)
      return round;
  }
  Round *round = g_new0 (Round, 1);
  round->interval_us = interval_us;
  round->watches = g_ptr_array_new ();
  g_ptr_array_add (thread->rounds, round);
  return round;
}

void
mill_rtmp_round_add (MillRtmpThread *thread, MillRtmpWatch *watch,
    guint interval_ms)
{
  Round *round = find_round (thread, interval_ms);

  if (round->watches->len == 0)
    schedule (round, thread->now_us);
  g_ptr_array_add (round->watches, watch);
}

void
mill_rtmp_round_remove (MillRtmpThread *thread, MillRtmpWatch *watch)
{
  for (guint i = 0; thread->rounds && i < thread->rounds->len; i++) {
    Round *round = thread->rounds->pdata[i];
    guint index;
    if (!g_ptr_array_find (round->watches, watch, &index))
      continue;
    /* The rest keeps its order: none is left out of the beat under way. */
    g_ptr_array_remove_index (round->watches, index);
    if (index < round->next)
      round->next--;
    if (index < round->n_beat)
      round->n_beat--;
  }
}

gint64
mill_rtmp_round_get_due_us (MillRtmpThread *thread)
{
  gint64 due_us = G_MAXINT64;

  for (guint i = 0; thread->rounds && i < thread->rounds->len; i++) {
    const Round *round = thread->rounds->pdata[i];
    if (round->next < round->n_beat)
      return 0;
    if (round->watches->len > 0)
      due_us = MIN (due_us, round->due_us);
  }
  return due_us;
}

static void
run_round (MillRtmpThread *thread, Round *round)
{
  guint n_left = WATCHES_PER_TURN;

  if (round->next == round->n_beat && thread->now_us >= round->due_us) {
    round->next = 0;
    round->n_beat = round->watches->len;
    schedule (round, thread->now_us);
  }
  while (n_left-- > 0 && round->next < round->n_beat) {
    MillRtmpWatch *watch = round->watches->pdata[round->next++];
    if (round->next < round->n_beat)
      mill_rtmp_watch_prepare (round->watches->pdata[round->next]);
    mill_rtmp_pool_begin_turn (thread);
    mill_rtmp_watch_dispatch (watch, EPOLLIN);
  }
}

void
mill_rtmp_round_run_due (MillRtmpThread *thread)
{
  for (guint i = 0; thread->rounds && i < thread->rounds->len; i++)
    run_round (thread, thread->rounds->pdata[i]);
}
