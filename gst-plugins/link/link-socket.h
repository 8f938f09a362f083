/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Unix stream sockets of a link: mode 0600, the peer is of the same user. All
 * are non-blocking. -1 and @error (G_IO_ERROR) on failure. */

/* Listens at @path; takes the place of a socket nobody listens at any more.
 * Errors: G_IO_ERROR_ADDRESS_IN_USE when somebody does. */
gint mill_link_socket_listen (const gchar *path, GError **error);

/* The next peer. Returns: -1 without @error when nobody waits
 * Errors: G_IO_ERROR_PERMISSION_DENIED for a peer of another user; others when
 * no descriptor or memory is left: the peer still waits */
gint mill_link_socket_accept (gint listener, GError **error);

gint mill_link_socket_connect (const gchar *path, GError **error);

/* Waits for input at @socket (-1: none), for a wake-up by the eventfd @wake_fd,
 * or for the time (-1: without end). Returns: is there input? */
gboolean mill_link_socket_wait (gint wake_fd, gint socket, gint timeout_ms);

G_END_DECLS
