/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "relay-address.h"
#include "relay-io.h"
#include "rtmp/rtmp-client.h"

G_BEGIN_DECLS

/*
 * One connection to a server: name look-up, TCP, TLS, redirects, RTMP, and the
 * watch over it: how long it may take, and whether bytes arrive.
 *
 * Threads: all on that of its MillRelayIo.
 */
typedef struct _MillRelayConnection MillRelayConnection;

/** Why a connection is over. */
typedef enum
{
  MILL_RELAY_END_FAILED, /* no name, no server, no TLS, no RTMP; time-out */
  MILL_RELAY_END_REFUSED, /* the server said no */
  MILL_RELAY_END_LOST, /* it was accepted, and broke */
  MILL_RELAY_END_STALLED, /* it was accepted, and nothing moved any more */
  MILL_RELAY_END_OVER, /* the stream that is played has ended */
  MILL_RELAY_END_MOVED, /* it is to go on elsewhere: see get_address() */
} MillRelayEnd;

/**
 * MillRelayConnectionOptions: copied
 * @connect_timeout_ms: from the start to the server's acceptance
 * @stall_timeout_ms: publishing: how long the server may take no byte while some
 *   wait; playing: how long none may come; 0: for ever
 * @tls_validation: whether the certificate is checked
 * @tls_ca_file: (nullable): PEM file of those who may sign it; NULL: the
 *   system's
 */
typedef struct
{
  MillRtmpClientRole role;
  guint connect_timeout_ms;
  guint stall_timeout_ms;
  gboolean tls_validation;
  const gchar *tls_ca_file;
} MillRelayConnectionOptions;

/* Called on the connection's thread; none after @closed or close().
 * @ready: the server accepted
 * @room: there is room to send more
 * @closed: over; @reason is for people and holds no secret */
typedef struct
{
  void (*ready) (gpointer user_data);
  void (*room) (gpointer user_data);
  void (*media) (MillRtmpMediaType type, guint32 timestamp_ms,
      GstBuffer *payload, gpointer user_data);
  void (*metadata) (const GstStructure *metadata, gpointer user_data);
  void (*closed) (MillRelayEnd end, const gchar *reason, gpointer user_data);
} MillRelayConnectionEvents;

/* Begins to connect. @address: copied; @events: static
 * Returns: (transfer full) */
MillRelayConnection *mill_relay_connection_new (MillRelayIo *io,
    const MillRelayAddress *address, const MillRelayConnectionOptions *options,
    const MillRelayConnectionEvents *events, gpointer user_data);

/* Ends it, if it has not, and gives up the reference; also to be called for one
 * that has. In good order: what was taken is sent and the stream ended, as far
 * as that goes within a second. Nobody has to wait for that. */
void mill_relay_connection_close (MillRelayConnection *self);

/* Stops and goes on reading; what is not read does not count as a stall. */
void mill_relay_connection_set_flowing (MillRelayConnection *self,
    gboolean is_flowing);

/* Where it is, after redirects. */
const MillRelayAddress *mill_relay_connection_get_address (MillRelayConnection
        *self);

/* Takes one message; flush() sends all that was taken, as far as there is room
 * for. It may end the connection, and `closed` come from within it. */
void mill_relay_connection_send (MillRelayConnection *self,
    MillRtmpMessageType type, guint32 timestamp_ms, const guint8 *data,
    gsize size);
void mill_relay_connection_flush (MillRelayConnection *self);
gboolean mill_relay_connection_has_room (MillRelayConnection *self);
/* Nothing waits here or in the kernel. */
gboolean mill_relay_connection_is_drained (MillRelayConnection *self);

/* What the server takes; from ready on. */
const MillRtmpCapabilities *
mill_relay_connection_get_capabilities (MillRelayConnection *self);

/** Bytes through the socket, and the round trip that the kernel sees. */
typedef struct
{
  guint64 sent;
  guint64 acked; /* as of the last look, half a second ago at most */
  guint64 received;
  guint rtt_us;
} MillRelayTraffic;

void mill_relay_connection_get_traffic (MillRelayConnection *self,
    MillRelayTraffic *ret_traffic);

G_END_DECLS
