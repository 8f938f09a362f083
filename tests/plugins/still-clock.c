/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "still-clock.h"

#include <dlfcn.h>
#include <time.h>

#define DEADLINE_US (30 * G_USEC_PER_SEC)

typedef struct
{
  GCond *cond;
  gint64 end_us;
} Waiter;

static struct
{
  GMutex lock; /* everything below */
  gboolean stands_still;
  gint64 now_us; /* while it stands still */
  gint64 ahead_us; /* of the real one, while it goes */
  GList *waiters; /* of Waiter, each on the stack of who waits */
} still;

static gint64
get_real_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* ---- as GLib has them: seen by all ---- */

__attribute__ ((visibility ("default"))) gint64
g_get_monotonic_time (void)
{
  g_mutex_lock (&still.lock);
  gint64 now_us = still.stands_still ? still.now_us
                                     : get_real_us () + still.ahead_us;
  g_mutex_unlock (&still.lock);
  return now_us;
}

static gboolean
wait_really (GCond *cond, GMutex *mutex, gint64 end_us)
{
  gboolean (*real) (GCond *, GMutex *, gint64) =
      dlsym (RTLD_NEXT, "g_cond_wait_until");

  return real (cond, mutex, end_us);
}

__attribute__ ((visibility ("default"))) gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_us)
{
  Waiter waiter = { cond, end_us };

  g_mutex_lock (&still.lock);
  gboolean stands_still = still.stands_still;
  gboolean waits = stands_still && still.now_us < end_us;
  gint64 real_end_us = end_us - still.ahead_us;
  if (waits)
    still.waiters = g_list_prepend (still.waiters, &waiter);
  g_mutex_unlock (&still.lock);
  if (!stands_still)
    return wait_really (cond, mutex, real_end_us);
  if (!waits)
    return FALSE;
  g_cond_wait (cond, mutex);
  g_mutex_lock (&still.lock);
  still.waiters = g_list_remove (still.waiters, &waiter);
  gboolean is_over = still.stands_still && still.now_us >= end_us;
  g_mutex_unlock (&still.lock);
  return !is_over;
}

/* ---- for the test ---- */

void
still_clock_stop (void)
{
  g_mutex_lock (&still.lock);
  if (!still.stands_still)
    still.now_us = get_real_us () + still.ahead_us;
  still.stands_still = TRUE;
  g_mutex_unlock (&still.lock);
}

/* Whoever is about to wait holds its own mutex, which is not known to be free
 * here: it is woken again and again, until it has been. */
static guint
wake_locked (gint64 until_us)
{
  guint n = 0;

  for (GList *at = still.waiters; at; at = at->next) {
    const Waiter *waiter = at->data;
    if (waiter->end_us > until_us)
      continue;
    g_cond_broadcast (waiter->cond);
    n++;
  }
  return n;
}

/* Gives others the time to go on. */
static void
yield_locked (gint64 deadline_us)
{
  g_mutex_unlock (&still.lock);
  g_assert_cmpint (get_real_us (), <, deadline_us);
  g_thread_yield ();
  g_mutex_lock (&still.lock);
}

void
still_clock_go (void)
{
  gint64 deadline_us = get_real_us () + DEADLINE_US;

  g_mutex_lock (&still.lock);
  if (still.stands_still)
    still.ahead_us = still.now_us - get_real_us ();
  still.stands_still = FALSE;
  while (wake_locked (G_MAXINT64) > 0)
    yield_locked (deadline_us);
  g_mutex_unlock (&still.lock);
}

void
still_clock_move (gint64 us)
{
  gint64 deadline_us = get_real_us () + DEADLINE_US;

  g_mutex_lock (&still.lock);
  guint n_waiters = g_list_length (still.waiters);
  still.now_us += us;
  while (wake_locked (still.now_us) > 0 ||
      g_list_length (still.waiters) < n_waiters)
    yield_locked (deadline_us);
  g_mutex_unlock (&still.lock);
}
