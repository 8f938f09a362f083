/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-poller.h"

#include <glib-unix.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256

struct _MillOriginPoller
{
  GSource source;
  gint epoll_fd;
  gpointer tag;
  MillOriginPollerFunc turn;
  gpointer user_data;
};

static gboolean
poller_prepare (GSource *source, gint *timeout)
{
  MillOriginPoller *self = (MillOriginPoller *) source;

  *timeout = -1;
  self->turn (self->user_data);
  return FALSE;
}

/* Sources are checked in the order of their priority: those of the streams,
 * which come after this one, see in the same turn what is set here. This one is
 * never dispatched, so GLib never takes its descriptor out and in again. */
static gboolean
poller_check (GSource *source)
{
  MillOriginPoller *self = (MillOriginPoller *) source;
  struct epoll_event events[EVENTS_AT_ONCE];
  gint n;

  if (g_source_query_unix_fd (source, self->tag) == 0)
    return FALSE;
  do {
    n = epoll_wait (self->epoll_fd, events, EVENTS_AT_ONCE, 0);
    for (gint i = 0; i < n; i++) {
      MillOriginWatch *watch = events[i].data.ptr;

      watch->ready |= events[i].events & (EPOLLIN | EPOLLOUT | EPOLLRDHUP);
      /* Whoever tries is told what it is. */
      if ((events[i].events & (EPOLLHUP | EPOLLERR)) != 0)
        watch->ready |= EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    }
  } while (n == EVENTS_AT_ONCE);
  return FALSE;
}

static gboolean
poller_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
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
  g_source_set_priority (source, G_PRIORITY_HIGH);
  self = (MillOriginPoller *) source;
  self->epoll_fd = fd;
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

  return epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

/* ---- sources without descriptor ---- */

typedef struct
{
  GSource source;
  const MillOriginWatch *watch;
  GObject *owner; /* of the watch */
  GObject *stream;
  guint32 wanted;
} IoSource;

static gboolean
io_source_check (GSource *source)
{
  IoSource *self = (IoSource *) source;

  return (self->watch->ready & self->wanted) != 0;
}

static gboolean
io_source_prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return io_source_check (source);
}

static gboolean
io_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return ((GPollableSourceFunc) (void (*) (void))
          callback) (((IoSource *) source)->stream, user_data);
}

static void
io_source_finalize (GSource *source)
{
  IoSource *self = (IoSource *) source;

  g_object_unref (self->stream);
  g_object_unref (self->owner);
}

static gboolean
run_closure (GObject *stream, gpointer user_data)
{
  g_auto (GValue) result = G_VALUE_INIT;
  g_auto (GValue) parameter = G_VALUE_INIT;

  g_value_init (&result, G_TYPE_BOOLEAN);
  g_value_init (&parameter, G_TYPE_OBJECT);
  g_value_set_object (&parameter, stream);
  g_closure_invoke (user_data, &result, 1, &parameter, NULL);
  return g_value_get_boolean (&result);
}

static GSourceFuncs io_source_funcs = {
  .prepare = io_source_prepare,
  .check = io_source_check,
  .dispatch = io_source_dispatch,
  .finalize = io_source_finalize,
  .closure_callback = (GSourceFunc) (void (*) (void)) run_closure,
};

GSource *
mill_origin_poller_create_source (const MillOriginWatch *watch, GObject *owner,
    GObject *stream, guint32 wanted, GCancellable *cancellable)
{
  GSource *source = g_source_new (&io_source_funcs, sizeof (IoSource));
  IoSource *self = (IoSource *) source;

  self->watch = watch;
  self->owner = g_object_ref (owner);
  self->stream = g_object_ref (stream);
  self->wanted = wanted;
  if (cancellable != NULL) {
    g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);

    g_source_set_dummy_callback (cancelled);
    g_source_add_child_source (source, cancelled);
  }
  return source;
}
