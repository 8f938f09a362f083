/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "load.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Publishers are served on this grid, so that one wake-up serves many. */
#define TICK_US 5000

void
mill_load_loop_watch (MillLoadPublisher *publisher, guint32 events)
{
  if (publisher->events == events)
    return;
  struct epoll_event event = { .events = events, .data.ptr = publisher };
  epoll_ctl (publisher->load->epoll,
      publisher->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, publisher->fd,
      &event);
  publisher->events = events;
}

/* Wakes up at the earliest time anyone waits for, on the grid. */
static void
arm_timer (MillLoad *load)
{
  gint64 next_us = MILL_LOAD_NEVER;
  for (guint i = 0; i < load->n_publishers; i++)
    next_us = MIN (next_us, load->publishers[i].next_us);
  struct itimerspec when = { 0 };
  if (next_us != MILL_LOAD_NEVER) {
    next_us = (next_us / TICK_US + 1) * TICK_US;
    when.it_value.tv_sec = next_us / G_USEC_PER_SEC;
    when.it_value.tv_nsec = next_us % G_USEC_PER_SEC * 1000;
  }
  timerfd_settime (load->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void
on_timer (MillLoad *load)
{
  guint64 n_expired;
  if (read (load->timer, &n_expired, sizeof n_expired) < 0)
    return;
  gint64 now_us = g_get_monotonic_time ();
  for (guint i = 0; i < load->n_publishers; i++) {
    if (load->publishers[i].next_us <= now_us)
      mill_load_publisher_advance (&load->publishers[i], now_us);
  }
}

/* In cycles the next connection does not wait for the grid. */
static void
start_waiting (MillLoadPublisher *publisher, gint64 now_us)
{
  if (publisher->state == MILL_LOAD_WAITING && publisher->next_us <= now_us)
    mill_load_publisher_advance (publisher, now_us);
}

static void
on_event (MillLoadPublisher *publisher, guint32 events)
{
  if (publisher->fd >= 0 && (events & ~(guint32) EPOLLOUT) != 0)
    mill_load_publisher_receive (publisher);
  gint64 now_us = g_get_monotonic_time ();
  if (publisher->fd >= 0)
    mill_load_publisher_advance (publisher, now_us);
  start_waiting (publisher, now_us);
}

void
mill_load_loop_run (MillLoad *load)
{
  load->epoll = epoll_create1 (EPOLL_CLOEXEC);
  load->timer = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  struct epoll_event timer = { .events = EPOLLIN, .data.ptr = NULL };
  epoll_ctl (load->epoll, EPOLL_CTL_ADD, load->timer, &timer);
  gint64 now_us = g_get_monotonic_time ();
  for (guint i = 0; i < load->n_publishers; i++)
    load->publishers[i].next_us = now_us + i * load->stagger_us;
  while (load->n_left > 0) {
    arm_timer (load);
    struct epoll_event ready[64];
    int n_ready = epoll_wait (load->epoll, ready, G_N_ELEMENTS (ready), -1);
    for (int i = 0; i < n_ready; i++) {
      if (ready[i].data.ptr == NULL)
        on_timer (load);
      else
        on_event (ready[i].data.ptr, ready[i].events);
    }
  }
  close (load->epoll);
  close (load->timer);
}
