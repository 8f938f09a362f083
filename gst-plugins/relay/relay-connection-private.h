/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "relay-connection.h"

G_BEGIN_DECLS

/* What relay-connection.c (life, bytes), relay-connection-open.c (the way to a
 * stream) and relay-connection-watch.c share. */

typedef enum
{
  MILL_RELAY_CONNECTION_OPENING, /* name, TCP, TLS */
  MILL_RELAY_CONNECTION_ASKING, /* RTMP until it is accepted */
  MILL_RELAY_CONNECTION_LIVE,
  MILL_RELAY_CONNECTION_LEAVING, /* what waits is sent; nobody is told any more */
  MILL_RELAY_CONNECTION_CLOSED,
} MillRelayConnectionState;

struct _MillRelayConnection
{
  guint references; /* this thread */
  MillRelayIo *io;
  MillRelayAddress *address;
  guint n_redirects;
  MillRelayConnectionOptions options;
  gchar *tls_ca_file;
  const MillRelayConnectionEvents *events;
  gpointer user_data;

  MillRelayConnectionState state;
  GCancellable *cancellable; /* of the opening, and of TLS's closing */
  GIOStream *stream;
  gint fd; /* of stream */
  MillRtmpClient *client;
  gboolean is_paused; /* nothing is read */
  GSource *reading; /* nullable: while there is a stream and it is not paused */
  GSource *writing; /* nullable: only while the socket is full */
  GSource *watch; /* with a ready time */
  gint64 deadline_us; /* of the opening, or of the goodbye */
  gboolean is_closing; /* TLS is */
  gboolean is_feeding; /* the client may not be freed */
  /* what the client said from within its feeding */
  gboolean has_verdict;
  MillRelayEnd verdict;
  gchar *verdict_text;
  gchar *redirect_url;

  gint64 progress_us; /* the last one */
  guint64 edge; /* of MillRelayTcp, when it was last seen to move enough */
  guint64 acked_at_edge; /* at that time */
  MillRelayTraffic traffic;
};

MillRelayConnection *mill_relay_connection_private_ref (MillRelayConnection
        *self);
void mill_relay_connection_private_unref (MillRelayConnection *self);

/* Begins to open. */
void mill_relay_connection_open_begin (MillRelayConnection *self);

/* It is open: RTMP begins. */
void mill_relay_connection_private_take_stream (MillRelayConnection *self,
    GSocketConnection *connection);

/* Ends it and tells the owner, unless that one has left. */
void mill_relay_connection_private_finish (MillRelayConnection *self,
    MillRelayEnd end, const gchar *reason);
/* Ends it and tells nobody. */
void mill_relay_connection_private_shut (MillRelayConnection *self);

/* The watch, with the deadline of the opening. */
void mill_relay_connection_watch_start (MillRelayConnection *self);
void mill_relay_connection_watch_set_deadline (MillRelayConnection *self,
    guint timeout_ms);
/* Bytes that wait here to be sent. */
gsize mill_relay_connection_watch_get_waiting (MillRelayConnection *self);

/* It is over. @what: what could not be done */
void mill_relay_connection_private_fail (MillRelayConnection *self,
    const gchar *what, GError *error);

G_END_DECLS
