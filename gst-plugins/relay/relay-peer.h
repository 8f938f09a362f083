/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "relay-backoff.h"
#include "relay-connection.h"
#include "relay-settings.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_RELAY_STATE_IDLE, /* nothing to do */
  MILL_RELAY_STATE_CONNECTING,
  MILL_RELAY_STATE_LIVE,
  MILL_RELAY_STATE_WAITING, /* for the next attempt */
  MILL_RELAY_STATE_REFUSED, /* likewise, after the server said no */
  MILL_RELAY_STATE_FAILED, /* max-attempts are used up */
  MILL_RELAY_STATE_ENDED, /* nothing follows */
} MillRelayState;

/*
 * A server that one connects to again and again: the connection, where it goes
 * next and when, and what there is to tell. A part of its owner, who decides.
 *
 * Threads: set_state(), get_state(), dup_last_error() and make_stats() any; the
 * others that of @io, but for init and clear, open and close.
 */
typedef struct
{
  /* from open to close */
  MillRelayIo *io;
  MillRelayAddress *address; /* nullable: it is nowhere */
  MillRelayConnectionOptions options;
  gchar *tls_ca_file;

  /* the thread of io */
  MillRelayConnection *connection; /* nullable */
  MillRelayAddress *moved_to; /* nullable: where the server wants one */
  MillRelayBackoff backoff;
  gint64 attempt_us; /* the next one, not before */
  gint64 live_since_us; /* 0: is not */

  GMutex lock;
  /* lock */
  MillRelayState state;
  guint attempts;
  guint connections;
  MillRelayTraffic past; /* of connections that are over */
  MillRelayTraffic present; /* of this one, as of the last look */
  gchar *last_error;
  gchar *shown; /* where it is, or was; no secrets */
} MillRelayPeer;

void mill_relay_peer_init (MillRelayPeer *self);
void mill_relay_peer_clear (MillRelayPeer *self);

/* @io, @address: (transfer full). Statistics are those of a run. */
void mill_relay_peer_open (MillRelayPeer *self, MillRtmpClientRole role,
    const MillRelaySettings *settings, MillRelayIo *io,
    MillRelayAddress *address);
/* The end of a run, on the thread; then close(), off it. */
void mill_relay_peer_shut (MillRelayPeer *self);
void mill_relay_peer_close (MillRelayPeer *self);

/* @reason: (nullable): stays the last error.
 * Returns: (transfer full) (nullable): the element's message, of a change */
GstStructure *mill_relay_peer_set_state (MillRelayPeer *self,
    MillRelayState state, const gchar *reason);
MillRelayState mill_relay_peer_get_state (MillRelayPeer *self);
/* Returns: (transfer full) (nullable) */
gchar *mill_relay_peer_dup_last_error (MillRelayPeer *self);

/* Connects, counted. */
void mill_relay_peer_attempt (MillRelayPeer *self,
    const MillRelayConnectionEvents *events, gpointer user_data);
/* The server accepted. */
void mill_relay_peer_note_ready (MillRelayPeer *self);
/* The connection is over. Returns: whether it had lived long enough to count as
 * a success: then what failed before is forgotten */
gboolean mill_relay_peer_note_end (MillRelayPeer *self, MillRelayEnd end);
/* Sets attempt_us, later with each failure. */
void mill_relay_peer_plan_attempt (MillRelayPeer *self);

/* Brings the statistics up to date. */
void mill_relay_peer_look (MillRelayPeer *self);
/* Closes the connection, if there is one. */
void mill_relay_peer_forget (MillRelayPeer *self);

/* Returns: (transfer full): state, target, attempts, connections, bytes,
 * bytes-acked when publishing, rtt, last-error */
GstStructure *mill_relay_peer_make_stats (MillRelayPeer *self);

G_END_DECLS
