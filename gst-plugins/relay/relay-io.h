/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** A thread with a main context, on which connections live. It ends with its
 * last reference; nobody waits for that. */
typedef struct _MillRelayIo MillRelayIo;

/* The one thread of a process that talks to all servers it publishes to. What
 * runs on it returns at once and never waits. Errors: G_THREAD_ERROR */
MillRelayIo *mill_relay_io_acquire (GError **error);

/* A thread of one's own, which may wait. Errors: G_THREAD_ERROR */
MillRelayIo *mill_relay_io_new (const gchar *name, GError **error);

MillRelayIo *mill_relay_io_ref (MillRelayIo *self);
void mill_relay_io_release (MillRelayIo *self);

GMainContext *mill_relay_io_get_context (MillRelayIo *self);

/* What runs on the thread whenever the time comes that is set by
 * g_source_set_ready_time(), once each. Returns: (transfer full): attached */
GSource *mill_relay_io_add_turn (MillRelayIo *self, GSourceFunc func,
    gpointer user_data);

/* Runs @func on the thread and returns when it has. Not from the thread. */
void mill_relay_io_call (MillRelayIo *self, void (*func) (gpointer user_data),
    gpointer user_data);

G_END_DECLS
