/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-io.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 32

struct _MillLinkWatch
{
  gint fd;
  MillLinkIoFunc func;
  gpointer user_data;
  gboolean dead; /* I/O thread */
};

static GMutex io_lock;
static guint users; /* io_lock */
static GThread *thread; /* io_lock */
static gint epoll_fd; /* of the thread's life */
static gint quit_fd; /* of the thread's life */
static GSList *dead; /* I/O thread: removed in this turn */

static gpointer
run_thread (gpointer user_data)
{
  struct epoll_event events[EVENTS_PER_TURN];
  gboolean quit = FALSE;

  while (!quit) {
    gint n_events = epoll_wait (epoll_fd, events, EVENTS_PER_TURN, -1);
    for (gint i = 0; i < n_events; i++) {
      MillLinkWatch *watch = events[i].data.ptr;
      if (!watch)
        quit = TRUE;
      else if (!watch->dead)
        watch->func (events[i].events, watch->user_data);
    }
    g_slist_free_full (g_steal_pointer (&dead), g_free);
  }
  return NULL;
}

static gboolean
fail (const gchar *what, GError **error)
{
  gint code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", what,
      g_strerror (code));
  return FALSE;
}

static void
close_fds_locked (void)
{
  if (epoll_fd >= 0)
    close (epoll_fd);
  if (quit_fd >= 0)
    close (quit_fd);
}

static gboolean
start_locked (GError **error)
{
  struct epoll_event event = { .events = EPOLLIN };

  epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  quit_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_fd >= 0 && quit_fd >= 0 &&
      epoll_ctl (epoll_fd, EPOLL_CTL_ADD, quit_fd, &event) == 0)
    thread = g_thread_try_new ("mill-link", run_thread, NULL, error);
  else
    fail ("cannot watch links", error);
  if (!thread)
    close_fds_locked ();
  return thread != NULL;
}

gboolean
mill_link_io_acquire (GError **error)
{
  g_mutex_lock (&io_lock);
  gboolean ok = users > 0 || start_locked (error);
  users += ok;
  g_mutex_unlock (&io_lock);
  return ok;
}

void
mill_link_io_release (void)
{
  guint64 one = 1;

  g_mutex_lock (&io_lock);
  if (--users == 0) {
    if (write (quit_fd, &one, sizeof one) < 0)
      g_error ("cannot end the link's thread: %s", g_strerror (errno));
    g_thread_join (g_steal_pointer (&thread));
    close_fds_locked ();
  }
  g_mutex_unlock (&io_lock);
}

MillLinkWatch *
mill_link_io_add (gint fd, guint32 events, MillLinkIoFunc func,
    gpointer user_data, GError **error)
{
  MillLinkWatch *watch = g_new0 (MillLinkWatch, 1);
  struct epoll_event event = { .events = events, .data.ptr = watch };

  watch->fd = fd;
  watch->func = func;
  watch->user_data = user_data;
  if (epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
    return watch;
  fail ("cannot watch a link", error);
  g_free (watch);
  return NULL;
}

void
mill_link_io_modify (MillLinkWatch *watch, guint32 events)
{
  struct epoll_event event = { .events = events, .data.ptr = watch };

  epoll_ctl (epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void
mill_link_io_remove (MillLinkWatch *watch)
{
  epoll_ctl (epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->dead = TRUE;
  dead = g_slist_prepend (dead, watch);
}

void
mill_link_io_discard (MillLinkWatch *watch)
{
  epoll_ctl (epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  g_free (watch);
}
