/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-ticker.h"

struct _MillFailoverTicker
{
  MillFailoverTickerFunc func;
  gpointer user_data;
  gboolean running; /* lock */
};

static GMutex lock;
static GCond cond; /* something was added, removed or has returned */
static GPtrArray *tickers; /* lock; NULL: no thread */
static GThread *thread; /* lock */

/* Calls each; what is added or removed meanwhile moves none of those left. */
static void
run_all_locked (gint64 now_us)
{
  g_autoptr (GPtrArray) turn = g_ptr_array_copy (tickers, NULL, NULL);

  for (guint i = 0; i < turn->len; i++) {
    MillFailoverTicker *ticker = turn->pdata[i];
    if (!g_ptr_array_find (tickers, ticker, NULL))
      continue;
    ticker->running = TRUE;
    g_mutex_unlock (&lock);
    ticker->func (now_us, ticker->user_data);
    g_mutex_lock (&lock);
    ticker->running = FALSE;
    g_cond_broadcast (&cond);
  }
}

static gpointer
run_thread (gpointer user_data)
{
  g_mutex_lock (&lock);
  while (tickers->len > 0) {
    gint64 next_us = g_get_monotonic_time () +
        MILL_FAILOVER_TICK_MS * G_TIME_SPAN_MILLISECOND;
    while (tickers->len > 0 && g_cond_wait_until (&cond, &lock, next_us))
      ;
    run_all_locked (g_get_monotonic_time ());
  }
  g_clear_pointer (&tickers, g_ptr_array_unref);
  /* Whoever comes now starts another; nobody waits for this one. */
  g_thread_unref (g_steal_pointer (&thread));
  g_mutex_unlock (&lock);
  return NULL;
}

MillFailoverTicker *
mill_failover_ticker_add (MillFailoverTickerFunc func, gpointer user_data)
{
  MillFailoverTicker *ticker = g_new0 (MillFailoverTicker, 1);

  ticker->func = func;
  ticker->user_data = user_data;
  g_mutex_lock (&lock);
  if (!tickers)
    tickers = g_ptr_array_new ();
  g_ptr_array_add (tickers, ticker);
  if (!thread)
    thread = g_thread_new ("mill-failover", run_thread, NULL);
  g_mutex_unlock (&lock);
  return ticker;
}

void
mill_failover_ticker_remove (MillFailoverTicker *ticker)
{
  g_mutex_lock (&lock);
  g_ptr_array_remove (tickers, ticker);
  while (ticker->running)
    g_cond_wait (&cond, &lock);
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  g_free (ticker);
}
