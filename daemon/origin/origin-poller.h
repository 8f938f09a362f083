/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>
#include <sys/epoll.h>

G_BEGIN_DECLS

/*
 * Which sockets are ready, asked of the kernel once per turn of the main loop
 * by one epoll descriptor. GLib's own way is a poll() over all sockets in each
 * turn, and two writes to its wake-up descriptor each time a source with a
 * socket is dispatched: 8 of the 11 system calls of an answer. Main thread.
 */
typedef struct _MillOriginPoller MillOriginPoller;

/** Of one socket; part of what owns that. */
typedef struct
{
  gint fd;
  /* EPOLLIN, EPOLLOUT: as far as known. Edges set it, who reads or writes
   * clears it when there is no more. EPOLLRDHUP stays: reading never waits. */
  guint32 ready;
} MillOriginWatch;

/** Called at the beginning of each turn, before any other source. */
typedef void (*MillOriginPollerFunc) (gpointer user_data);

/** Returns: (transfer full)(nullable): attached to the main context; NULL: no
 * descriptors are left */
MillOriginPoller *mill_origin_poller_new (MillOriginPollerFunc turn,
    gpointer user_data);
/** What is still watched is not told of any more. */
void mill_origin_poller_free (MillOriginPoller *self);

/** @watch: stays where it is until its fd is closed.
 * Returns: FALSE when the kernel has no memory */
gboolean mill_origin_poller_add (MillOriginPoller *self,
    MillOriginWatch *watch);

/** For a pollable stream: ready when one of @wanted is in @watch, which @owner
 * has. Its callback is a GPollableSourceFunc.
 * @cancellable: (nullable). Returns: (transfer full) */
GSource *mill_origin_poller_create_source (const MillOriginWatch *watch,
    GObject *owner, GObject *stream, guint32 wanted, GCancellable *cancellable);

G_END_DECLS
