/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-peer.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

/* A connection that has lived so long has been a success: the next attempt
 * comes soon, and attempts are counted anew. */
#define HEALTHY_US (10 * G_USEC_PER_SEC)

static const gchar *const state_names[] = { "idle", "connecting", "live",
  "waiting", "refused", "failed", "ended" };

/* ---- news ---- */

GstStructure *
mill_relay_peer_set_state (MillRelayPeer *self, MillRelayState state,
    const gchar *reason)
{
  GstStructure *news = NULL;

  g_mutex_lock (&self->lock);
  GST_INFO ("%s: %s%s%s", self->shown, state_names[state], reason ? ": " : "",
      reason ? reason : "");
  if (reason) {
    g_free (self->last_error);
    self->last_error = g_strdup (reason);
  }
  if (self->state != state)
    news = gst_structure_new ("rtmp-client-state", "state", G_TYPE_STRING,
        state_names[state], "target", G_TYPE_STRING, self->shown, "reason",
        G_TYPE_STRING, reason ? reason : "", "attempts", G_TYPE_UINT,
        self->attempts, NULL);
  self->state = state;
  g_mutex_unlock (&self->lock);
  return news;
}

MillRelayState
mill_relay_peer_get_state (MillRelayPeer *self)
{
  g_mutex_lock (&self->lock);
  MillRelayState state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

gchar *
mill_relay_peer_dup_last_error (MillRelayPeer *self)
{
  g_mutex_lock (&self->lock);
  gchar *error = g_strdup (self->last_error);
  g_mutex_unlock (&self->lock);
  return error;
}

GstStructure *
mill_relay_peer_make_stats (MillRelayPeer *self)
{
  gboolean publishes = self->options.role == MILL_RTMP_CLIENT_PUBLISH;

  g_mutex_lock (&self->lock);
  guint64 bytes = publishes ? self->past.sent + self->present.sent
                            : self->past.received + self->present.received;
  GstStructure *stats = gst_structure_new ("rtmp-client-stats", "state",
      G_TYPE_STRING, state_names[self->state], "target", G_TYPE_STRING,
      self->shown ? self->shown : "", "attempts", G_TYPE_UINT, self->attempts,
      "connections", G_TYPE_UINT, self->connections, "bytes", G_TYPE_UINT64,
      bytes, "rtt", G_TYPE_UINT64, (guint64) self->present.rtt_us * GST_USECOND,
      "last-error", G_TYPE_STRING, self->last_error ? self->last_error : "",
      NULL);
  if (publishes)
    gst_structure_set (stats, "bytes-acked", G_TYPE_UINT64,
        self->past.acked + self->present.acked, NULL);
  g_mutex_unlock (&self->lock);
  return stats;
}

/* ---- connections ---- */

void
mill_relay_peer_attempt (MillRelayPeer *self,
    const MillRelayConnectionEvents *events, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->attempts++;
  g_mutex_unlock (&self->lock);
  self->connection = mill_relay_connection_new (self->io,
      self->moved_to ? self->moved_to : self->address, &self->options, events,
      user_data);
}

void
mill_relay_peer_note_ready (MillRelayPeer *self)
{
  self->live_since_us = g_get_monotonic_time ();
  g_mutex_lock (&self->lock);
  self->connections++;
  g_free (self->shown);
  self->shown =
      g_strdup (mill_relay_connection_get_address (self->connection)->shown);
  g_mutex_unlock (&self->lock);
}

void
mill_relay_peer_look (MillRelayPeer *self)
{
  MillRelayTraffic traffic = { 0 };

  if (self->connection)
    mill_relay_connection_get_traffic (self->connection, &traffic);
  g_mutex_lock (&self->lock);
  self->present = traffic;
  g_mutex_unlock (&self->lock);
}

void
mill_relay_peer_forget (MillRelayPeer *self)
{
  mill_relay_peer_look (self);
  g_mutex_lock (&self->lock);
  self->past.sent += self->present.sent;
  self->past.acked += self->present.acked;
  self->past.received += self->present.received;
  self->present = (MillRelayTraffic){ 0 };
  g_mutex_unlock (&self->lock);
  self->live_since_us = 0;
  g_clear_pointer (&self->connection, mill_relay_connection_close);
}

gboolean
mill_relay_peer_note_end (MillRelayPeer *self, MillRelayEnd end)
{
  gboolean was_healthy = self->live_since_us > 0 &&
      g_get_monotonic_time () - self->live_since_us >= HEALTHY_US;

  g_clear_pointer (&self->moved_to, mill_relay_address_free);
  if (end == MILL_RELAY_END_MOVED)
    self->moved_to = mill_relay_address_copy (
        mill_relay_connection_get_address (self->connection));
  if (was_healthy)
    mill_relay_backoff_reset (&self->backoff);
  mill_relay_peer_forget (self);
  return was_healthy;
}

void
mill_relay_peer_plan_attempt (MillRelayPeer *self)
{
  self->attempt_us = g_get_monotonic_time () +
      mill_relay_backoff_next (&self->backoff) * (gint64) 1000;
}

/* ---- life ---- */

void
mill_relay_peer_init (MillRelayPeer *self)
{
  *self = (MillRelayPeer){ 0 };
  g_mutex_init (&self->lock);
}

void
mill_relay_peer_clear (MillRelayPeer *self)
{
  g_free (self->tls_ca_file);
  g_free (self->last_error);
  g_free (self->shown);
  g_mutex_clear (&self->lock);
}

static void
reset_statistics (MillRelayPeer *self)
{
  g_mutex_lock (&self->lock);
  self->state = MILL_RELAY_STATE_IDLE;
  self->attempts = self->connections = 0;
  self->past = self->present = (MillRelayTraffic){ 0 };
  g_clear_pointer (&self->last_error, g_free);
  g_free (self->shown);
  self->shown = g_strdup (self->address ? self->address->shown : "");
  g_mutex_unlock (&self->lock);
}

void
mill_relay_peer_open (MillRelayPeer *self, MillRtmpClientRole role,
    const MillRelaySettings *settings, MillRelayIo *io,
    MillRelayAddress *address)
{
  self->io = io;
  self->address = address;
  g_free (self->tls_ca_file);
  self->tls_ca_file = g_strdup (settings->tls_ca_file);
  self->options = (MillRelayConnectionOptions){
    .role = role,
    .connect_timeout_ms = settings->connect_timeout_ms,
    .stall_timeout_ms = settings->stall_timeout_ms,
    .tls_validation = settings->tls_validation,
    .tls_ca_file = self->tls_ca_file,
  };
  self->backoff = (MillRelayBackoff){ .min_ms = settings->backoff_min_ms,
    .max_ms = settings->backoff_max_ms };
  self->attempt_us = 0;
  reset_statistics (self);
}

void
mill_relay_peer_shut (MillRelayPeer *self)
{
  g_mutex_lock (&self->lock);
  self->state = MILL_RELAY_STATE_IDLE;
  g_mutex_unlock (&self->lock);
  mill_relay_peer_forget (self);
  g_clear_pointer (&self->moved_to, mill_relay_address_free);
}

void
mill_relay_peer_close (MillRelayPeer *self)
{
  g_clear_pointer (&self->io, mill_relay_io_release);
  g_clear_pointer (&self->address, mill_relay_address_free);
}
