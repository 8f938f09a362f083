/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * MillPeerServer: serves D-Bus, peer to peer, on a socket file of its own.
 *
 * One peer at a time: a newer connection replaces an older one, so that a
 * supervisor that hangs never keeps its successor out. The directory is made
 * with mode 0700; only this user is admitted. "PATH.lock" is locked as long as
 * the process lives: a socket file whose lock nobody holds is stale and is
 * replaced, one whose lock is held makes mill_peer_server_new() fail. The
 * socket appears under its name only when it can be connected to.
 *
 * Signals:
 *   "connected"     ()   a peer is there, its calls follow
 *   "disconnected"  ()   it is gone and no other took its place
 *
 * Threads: all on the thread-default context of the creating thread.
 */
#define MILL_TYPE_PEER_SERVER (mill_peer_server_get_type ())
G_DECLARE_FINAL_TYPE (MillPeerServer, mill_peer_server, MILL, PEER_SERVER,
    GObject)

/* Exports @skeleton as @object_path to whoever connects.
 * Returns: (transfer full) (nullable)
 * Errors: MILL_IPC_ERROR.EXISTS when a live process serves @path, G_IO_ERROR */
MillPeerServer *mill_peer_server_new (const gchar *path,
    GDBusInterfaceSkeleton *skeleton, const gchar *object_path, GError **error);

/* Closes the connection and removes the socket; also done on the last unref. */
void mill_peer_server_stop (MillPeerServer *server);

gboolean mill_peer_server_is_connected (MillPeerServer *server);

/* Sends what is queued to the peer, then returns; for the end of a process. */
void mill_peer_server_flush (MillPeerServer *server);

/* Whether a process holds the lock of the socket @path. Looks only, so it never
 * disturbs a process that is about to take it.
 * @ret_pid: (out) (optional): its process id, 0 if not yet written */
gboolean mill_peer_server_is_served (const gchar *path, guint *ret_pid);

G_END_DECLS
