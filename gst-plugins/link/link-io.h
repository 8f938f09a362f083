/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The one thread of a process that serves the sockets of all its millsinks.
 * What it calls returns at once and never waits. */
typedef struct _MillLinkWatch MillLinkWatch;
typedef void (*MillLinkIoFunc) (guint32 events, gpointer user_data);

/* Starts the thread for its first user; the last release ends and joins it.
 * Errors: G_IO_ERROR when no descriptor is left */
gboolean mill_link_io_acquire (GError **error);
void mill_link_io_release (void);

/* Watches @fd, from any thread between acquire and release. The caller has to
 * see to it that what @func needs is there before the first event.
 * Returns: (nullable) Errors: G_IO_ERROR when the system refuses */
MillLinkWatch *mill_link_io_add (gint fd, guint32 events, MillLinkIoFunc func,
    gpointer user_data, GError **error);
void mill_link_io_modify (MillLinkWatch *watch, guint32 events);
/* On the I/O thread only. After it @func is not called again. */
void mill_link_io_remove (MillLinkWatch *watch);
/* From any thread: ends a watch that cannot have had an event. */
void mill_link_io_discard (MillLinkWatch *watch);

G_END_DECLS
