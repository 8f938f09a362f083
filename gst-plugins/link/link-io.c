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

void
mill_link_io_acquire (void)
{
  struct epoll_event event = { .events = EPOLLIN };

  g_mutex_lock (&io_lock);
  if (users++ == 0) {
    epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
    quit_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll_ctl (epoll_fd, EPOLL_CTL_ADD, quit_fd, &event) < 0)
      g_error ("cannot watch the links: %s", g_strerror (errno));
    thread = g_thread_new ("mill-link", run_thread, NULL);
  }
  g_mutex_unlock (&io_lock);
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
    close (epoll_fd);
    close (quit_fd);
  }
  g_mutex_unlock (&io_lock);
}

MillLinkWatch *
mill_link_io_add (gint fd, guint32 events, MillLinkIoFunc func,
    gpointer user_data)
{
  MillLinkWatch *watch = g_new0 (MillLinkWatch, 1);
  struct epoll_event event = { .events = events, .data.ptr = watch };

  watch->fd = fd;
  watch->func = func;
  watch->user_data = user_data;
  if (epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    g_error ("cannot watch a link: %s", g_strerror (errno));
  return watch;
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
