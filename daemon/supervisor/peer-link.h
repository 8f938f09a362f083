/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/process-report.h"

G_BEGIN_DECLS

/**
 * MillPeerLink: the connection to a worker or the origin: what is the same for
 * both, whose interfaces have Describe, GetStats and Drain in common.
 *
 * Signals:
 *   "wedged" (const gchar *thread, guint64 turn_usec)
 *       a thread of the process stands still for more than 2 s; repeated
 *       every 2 s while it does
 *   "unresponsive" (guint64 silence_usec)
 *       its main loop has not answered for that long; repeated every 2 s
 *   "lost" (): the connection is closed; the last signal
 *
 * Statistics are polled every 2 s from connecting on; the newest are kept.
 *
 * Threads: main loop.
 */
#define MILL_TYPE_PEER_LINK (mill_peer_link_get_type ())
G_DECLARE_FINAL_TYPE (MillPeerLink, mill_peer_link, MILL, PEER_LINK, GObject)

typedef struct
{
  const gchar *socket_path;
  const gchar *object_path; /* static */
  const gchar *interface_name; /* static */
  GType proxy_type; /* a generated subclass of GDBusProxy */
} MillPeerTarget;

/* Connects, calls Describe, compares the protocol: a peer that speaks another
 * is told to drain. Errors: MILL_IPC_ERROR.PROTOCOL, G_IO_ERROR */
void mill_peer_link_connect_async (const MillPeerTarget *target,
    GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* Returns: (transfer full) (nullable) */
MillPeerLink *mill_peer_link_connect_finish (GAsyncResult *result,
    GError **error);

/* Returns: (transfer none): of the target's proxy_type. */
gpointer mill_peer_link_get_proxy (MillPeerLink *link);

/* Returns: (transfer none) */
const MillProcessReport *mill_peer_link_get_report (MillPeerLink *link);
/* Returns: (transfer none) (nullable) */
const MillProcessStats *mill_peer_link_get_last_stats (MillPeerLink *link);

/* Asks every @interval_ms instead of every 2 s: silence is noticed sooner. */
void mill_peer_link_watch_closely (MillPeerLink *link, guint interval_ms);

/* No signal after it. Idempotent. */
void mill_peer_link_disconnect (MillPeerLink *link);

/* After a call to the other side: ends @task with its error, a late answer as
 * MILL_IPC_ERROR.TIMEOUT. @error: (transfer full) (nullable)
 * Returns: whether there was none */
gboolean mill_peer_link_check (GTask *task, GError *error);

G_END_DECLS
