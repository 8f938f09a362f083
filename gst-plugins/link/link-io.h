/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The one thread of a process that serves the sockets of all its millsinks.
 * What it calls returns at once and never waits. */
typedef struct _MillLinkWatch MillLinkWatch;
typedef void (*MillLinkIoFunc) (guint32 events, gpointer user_data);

/* Starts the thread for its first user; the last release ends and joins it. */
void mill_link_io_acquire (void);
void mill_link_io_release (void);

/* Watches @fd, from any thread between acquire and release. */
MillLinkWatch *mill_link_io_add (gint fd, guint32 events, MillLinkIoFunc func,
    gpointer user_data);
/* On the I/O thread only. After remove() @func is not called again. */
void mill_link_io_modify (MillLinkWatch *watch, guint32 events);
void mill_link_io_remove (MillLinkWatch *watch);

G_END_DECLS
