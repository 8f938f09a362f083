/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>
#include <sys/epoll.h>

G_BEGIN_DECLS

/*
 * Which sockets are ready, asked of the kernel once per turn of the main loop
 * by one epoll descriptor. GLib's own way is a source for each, which it looks
 * at in every turn, and a poll() over all of their sockets. Main thread.
 */
typedef struct _MillOriginPoller MillOriginPoller;

typedef struct _MillOriginWatch MillOriginWatch;

/** Something was added to @watch->ready, or it was asked for by
 * mill_origin_poller_again(). */
typedef void (*MillOriginWatchFunc) (MillOriginWatch *watch);

/** Of one socket; part of what owns that. */
struct _MillOriginWatch
{
  gint fd;
  /* EPOLLIN, EPOLLOUT: as far as known. Edges set it, who reads or writes
   * clears it when there is no more. EPOLLRDHUP stays: reading never waits;
   * EPOLLHUP: both ways are over. */
  guint32 ready;
  MillOriginWatchFunc func;
  GList again; /* the poller's */
  gboolean is_again;
};

/** Called at the end of each turn that had something to do. */
typedef void (*MillOriginPollerFunc) (gpointer user_data);

/** Returns: (transfer full)(nullable): attached to the main context; NULL: no
 * descriptors are left */
MillOriginPoller *mill_origin_poller_new (MillOriginPollerFunc turn,
    gpointer user_data);
void mill_origin_poller_free (MillOriginPoller *self);

/** @watch: stays where it is until the turn after mill_origin_poller_remove()
 * has ended. Returns: FALSE when the kernel has no memory */
gboolean mill_origin_poller_add (MillOriginPoller *self,
    MillOriginWatch *watch);

/** Its func is not called any more, and its fd is -1; whoever closes that has
 * not done so yet. */
void mill_origin_poller_remove (MillOriginPoller *self, MillOriginWatch *watch);

/** Calls the func of @watch in the next turn, whatever is ready. */
void mill_origin_poller_again (MillOriginPoller *self, MillOriginWatch *watch);

G_END_DECLS
