/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-pool-private.h"

#include <errno.h>
#include <sys/epoll.h>

void
mill_rtmp_watch_destroy (MillRtmpWatch *watch)
{
  mill_rtmp_lane_unref (watch->lane);
  g_free (watch);
}

void
mill_rtmp_watch_prepare (const MillRtmpWatch *watch)
{
  const gchar *at = (const gchar *) watch;

  for (gsize i = 0; i < sizeof *watch; i += MILL_RTMP_WARM_LINE_BYTES)
    __builtin_prefetch (at + i, 1, 2);
}

void
mill_rtmp_watch_dispatch (MillRtmpWatch *watch, guint32 events)
{
  mill_rtmp_warm_fetch (&watch->warm);
  g_rec_mutex_lock (&watch->lane->lock);
  if (!watch->dead)
    watch->spec.ready (events, watch->spec.user_data);
  g_rec_mutex_unlock (&watch->lane->lock);
}

MillRtmpWatch *
mill_rtmp_watch_new (MillRtmpLane *lane, const MillRtmpWatchSpec *spec)
{
  MillRtmpWatch *watch = g_new0 (MillRtmpWatch, 1);
  struct epoll_event event = { .events = spec->events, .data.ptr = watch };

  watch->lane = mill_rtmp_lane_ref (lane);
  watch->spec = *spec;
  lane->watches = g_list_prepend (lane->watches, watch);
  if (spec->kind == MILL_RTMP_WATCH_CONNECTION)
    g_atomic_int_inc (&lane->thread->n_connections);
  if (epoll_ctl (lane->thread->epoll_fd, EPOLL_CTL_ADD, spec->fd, &event) < 0)
    g_critical ("cannot watch descriptor %d: %s", spec->fd, g_strerror (errno));
  return watch;
}

MillRtmpWarm *
mill_rtmp_watch_get_warm (MillRtmpWatch *watch)
{
  return &watch->warm;
}

void
mill_rtmp_watch_set_events (MillRtmpWatch *watch, guint32 events)
{
  struct epoll_event event = { .events = events, .data.ptr = watch };

  if (events == watch->spec.events)
    return;
  watch->spec.events = events;
  epoll_ctl (watch->lane->thread->epoll_fd, EPOLL_CTL_MOD, watch->spec.fd,
      &event);
}

void
mill_rtmp_watch_set_interval (MillRtmpWatch *watch, guint interval_ms)
{
  mill_rtmp_round_add (watch->lane->thread, watch, interval_ms);
}

void
mill_rtmp_watch_free (MillRtmpWatch *watch)
{
  MillRtmpLane *lane = watch->lane;
  MillRtmpThread *thread = lane->thread;

  g_return_if_fail (!watch->dead);
  watch->dead = TRUE;
  lane->watches = g_list_remove (lane->watches, watch);
  epoll_ctl (thread->epoll_fd, EPOLL_CTL_DEL, watch->spec.fd, NULL);
  if (watch->spec.kind == MILL_RTMP_WATCH_CONNECTION)
    g_atomic_int_add (&thread->n_connections, -1);
  if (watch->spec.destroy)
    watch->spec.destroy (watch->spec.user_data);

  /* The thread may hold the pointer in the batch of events it works through. */
  g_mutex_lock (&thread->lock);
  gboolean finished = thread->finished;
  if (!finished)
    thread->dead = g_slist_prepend (thread->dead, watch);
  g_mutex_unlock (&thread->lock);
  if (finished)
    mill_rtmp_watch_destroy (watch);
  else
    mill_rtmp_pool_wake_thread (thread);
}
