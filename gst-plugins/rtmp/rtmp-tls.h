/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

#include "tls/tls-identity.h"

G_BEGIN_DECLS

/*
 * TLS of one accepted socket that does not block, with the look of recv() and
 * send(). The handshake goes on inside of both of them.
 *
 * Not thread safe: in the lane of the connection.
 */
typedef struct _MillRtmpTls MillRtmpTls;

/* @fd: (transfer none): stays open as long as this
 * @identity: (transfer none) */
MillRtmpTls *mill_rtmp_tls_new (MillTlsIdentity *identity, gint fd);
void mill_rtmp_tls_free (MillRtmpTls *self);

/* As recv(2) and send(2): bytes, 0 at the end of the stream, or -1 with errno:
 * EAGAIN, EPROTO (mill_rtmp_tls_get_error() has it) or the socket's. */
gssize mill_rtmp_tls_receive (MillRtmpTls *self, guint8 *data, gsize size);
gssize mill_rtmp_tls_send (MillRtmpTls *self, const guint8 *data, gsize size);
/* close_notify, when there was a handshake. FALSE: call it again when the
 * socket can be written. */
gboolean mill_rtmp_tls_shut (MillRtmpTls *self);
/* It is to be called again. */
gboolean mill_rtmp_tls_is_shutting (MillRtmpTls *self);

/* Bytes may be left that no readiness of the socket will tell of. */
gboolean mill_rtmp_tls_has_unread (MillRtmpTls *self);

/* What to wait for at the socket in order to read (EPOLLIN) and write
 * (EPOLLOUT) here: a read may have to send, a write to receive. */
guint32 mill_rtmp_tls_to_socket (MillRtmpTls *self, guint32 events);
/* The other way: what may go on here when the socket is ready for @events. */
guint32 mill_rtmp_tls_from_socket (MillRtmpTls *self, guint32 events);

/* Returns: (nullable): why it broke, for people */
const gchar *mill_rtmp_tls_get_error (MillRtmpTls *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpTls, mill_rtmp_tls_free)

G_END_DECLS
