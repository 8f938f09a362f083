/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-poller.h"

#include <unistd.h>

#define EVENTS_AT_ONCE 256

struct _MillOriginPoller
{
  GSource source;
  gint epoll_fd;
  gpointer tag;
  GQueue again; /* of MillOriginWatch */
  MillOriginPollerFunc turn;
  gpointer user_data;
};

static gboolean
poller_prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return ((MillOriginPoller *) source)->again.length > 0;
}

static gboolean
poller_check (GSource *source)
{
  MillOriginPoller *self = (MillOriginPoller *) source;

  return self->again.length > 0 ||
      g_source_query_unix_fd (source, self->tag) != 0;
}

static void
handle_event (const struct epoll_event *event)
{
  MillOriginWatch *watch = event->data.ptr;

  watch->ready |= event->events & (EPOLLIN | EPOLLOUT | EPOLLRDHUP);
  if ((event->events & (EPOLLHUP | EPOLLERR)) != 0)
    watch->ready |= EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP;
  /* Removed by the func of another one before. */
  if (watch->fd >= 0)
    watch->func (watch);
}

/* What is asked for again meanwhile has its turn after everybody else's. */
static void
handle_again (MillOriginPoller *self)
{
  for (guint n = self->again.length; n > 0 && self->again.length > 0; n--) {
    MillOriginWatch *watch = g_queue_pop_head_link (&self->again)->data;

    watch->is_again = FALSE;
    watch->func (watch);
  }
}

static gboolean
poller_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  MillOriginPoller *self = (MillOriginPoller *) source;
  struct epoll_event events[EVENTS_AT_ONCE];
  gint n = epoll_wait (self->epoll_fd, events, EVENTS_AT_ONCE, 0);

  handle_again (self);
  for (gint i = 0; i < n; i++)
    handle_event (&events[i]);
  self->turn (self->user_data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs poller_funcs = {
  .prepare = poller_prepare,
  .check = poller_check,
  .dispatch = poller_dispatch,
};

MillOriginPoller *
mill_origin_poller_new (MillOriginPollerFunc turn, gpointer user_data)
{
  gint fd = epoll_create1 (EPOLL_CLOEXEC);
  GSource *source;
  MillOriginPoller *self;

  if (fd < 0)
    return NULL;
  source = g_source_new (&poller_funcs, sizeof (MillOriginPoller));
  g_source_set_name (source, "mill-origin-poller");
  /* Else GLib takes its descriptor out and in again around each dispatch, with
   * two writes to its wake-up descriptor. No main loop runs within another. */
  g_source_set_can_recurse (source, TRUE);
  self = (MillOriginPoller *) source;
  self->epoll_fd = fd;
  g_queue_init (&self->again);
  self->turn = turn;
  self->user_data = user_data;
  self->tag = g_source_add_unix_fd (source, fd, G_IO_IN);
  g_source_attach (source, g_main_context_get_thread_default ());
  return self;
}

void
mill_origin_poller_free (MillOriginPoller *self)
{
  gint fd = self->epoll_fd;

  g_source_destroy (&self->source);
  g_source_unref (&self->source);
  close (fd);
}

gboolean
mill_origin_poller_add (MillOriginPoller *self, MillOriginWatch *watch)
{
  struct epoll_event event = {
    .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
    .data.ptr = watch,
  };

  watch->again.data = watch;
  return epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void
mill_origin_poller_remove (MillOriginPoller *self, MillOriginWatch *watch)
{
  if (watch->is_again)
    g_queue_unlink (&self->again, &watch->again);
  watch->is_again = FALSE;
  /* Closing alone takes only that out of epoll's set of which nobody else has a
   * descriptor (epoll(7)), a child that has not come to its exec(), say. */
  epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->fd = -1;
}

void
mill_origin_poller_again (MillOriginPoller *self, MillOriginWatch *watch)
{
  if (watch->is_again)
    return;
  watch->is_again = TRUE;
  g_queue_push_tail_link (&self->again, &watch->again);
}
