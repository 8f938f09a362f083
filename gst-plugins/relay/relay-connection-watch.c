/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The watch over a connection: how long it may take, and whether bytes are
 * taken, or come. */
#include "relay-connection-private.h"
#include "relay-tcp.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

/* The watch looks so often within a time-out, and at least twice a second. */
#define LOOKS_PER_TIMEOUT 8
#define MIN_LOOK_MS 10
#define MAX_LOOK_MS 500

/* The edge of the window moves by a quarter at least of what is delivered, but
 * for its rounding: the largest scale is 2^14 (RFC 7323 §2.3). */
#define MIN_EDGE_SHARE 4
#define MAX_ROUNDING 16384

static guint
get_look_ms (const MillRelayConnection *self)
{
  if (self->options.stall_timeout_ms == 0)
    return MAX_LOOK_MS;
  return CLAMP (self->options.stall_timeout_ms / LOOKS_PER_TIMEOUT, MIN_LOOK_MS,
      MAX_LOOK_MS);
}

gsize
mill_relay_connection_watch_get_waiting (MillRelayConnection *self)
{
  gsize size = 0;

  if (self->client)
    mill_rtmp_client_peek_output (self->client, &size);
  return size;
}

/* Whether the server takes what is sent. Not what left this process counts, nor
 * what the server's kernel took, which has room for seconds of a stream, but
 * that it made room for as much again: the edge of TCP's window goes along with
 * what is acknowledged as long as a program reads, and else only creeps. */
static gboolean
is_taking (MillRelayConnection *self, const MillRelayTcp *tcp)
{
  guint64 delivered = tcp->acked - self->acked_at_edge;
  gboolean is_waiting = tcp->unacked > 0 ||
      mill_relay_connection_watch_get_waiting (self) > 0;

  if (delivered <= MAX_ROUNDING)
    return !is_waiting || tcp->acked != self->traffic.acked;
  if ((tcp->edge - self->edge) * MIN_EDGE_SHARE < delivered)
    return FALSE;
  self->edge = tcp->edge;
  self->acked_at_edge = tcp->acked;
  return TRUE;
}

static void
look (MillRelayConnection *self, gint64 now_us)
{
  MillRelayTcp tcp;

  if (!mill_relay_tcp_read (self->fd, &tcp))
    return;
  if (self->options.role == MILL_RTMP_CLIENT_PUBLISH && is_taking (self, &tcp))
    self->progress_us = now_us;
  GST_LOG ("%s: acked %" G_GUINT64_FORMAT ", edge %" G_GUINT64_FORMAT
           ", unacked %u, last taken %" G_GINT64_FORMAT " ms ago",
      self->address->shown, tcp.acked, tcp.edge, tcp.unacked,
      (now_us - self->progress_us) / 1000);
  self->traffic.acked = tcp.acked;
  self->traffic.rtt_us = tcp.rtt_us;
}

static void
watch_live (MillRelayConnection *self, gint64 now_us)
{
  gint64 limit_us = (gint64) self->options.stall_timeout_ms * 1000;

  look (self, now_us);
  if (limit_us > 0 && !self->is_paused &&
      now_us - self->progress_us >= limit_us) {
    g_autofree gchar *reason =
        g_strdup_printf (self->options.role == MILL_RTMP_CLIENT_PUBLISH
                ? "no byte was taken for %u ms"
                : "no byte came for %u ms",
            self->options.stall_timeout_ms);
    mill_relay_connection_private_finish (self, MILL_RELAY_END_STALLED, reason);
    return;
  }
  g_source_set_ready_time (self->watch,
      now_us + (gint64) get_look_ms (self) * 1000);
}

static gboolean
on_watch (gpointer user_data)
{
  MillRelayConnection *self = user_data;
  gint64 now_us = g_get_monotonic_time ();

  if (self->state == MILL_RELAY_CONNECTION_LIVE) {
    watch_live (self, now_us);
  } else if (now_us < self->deadline_us) {
    g_source_set_ready_time (self->watch, self->deadline_us);
  } else if (self->is_closing) {
    g_cancellable_cancel (self->cancellable);
  } else if (self->state == MILL_RELAY_CONNECTION_LEAVING) {
    mill_relay_connection_private_shut (self);
  } else {
    g_autofree gchar *reason = g_strdup_printf ("%s within %u ms",
        self->state == MILL_RELAY_CONNECTION_OPENING
            ? "no connection"
            : "no answer to the request",
        self->options.connect_timeout_ms);
    mill_relay_connection_private_finish (self, MILL_RELAY_END_FAILED, reason);
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_watch (GSource *source, GSourceFunc func, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return func (user_data);
}

void
mill_relay_connection_watch_set_deadline (MillRelayConnection *self,
    guint timeout_ms)
{
  self->deadline_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  g_source_set_ready_time (self->watch, self->deadline_us);
}

void
mill_relay_connection_watch_start (MillRelayConnection *self)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_watch };

  self->watch = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (self->watch, on_watch, self, NULL);
  g_source_attach (self->watch, mill_relay_io_get_context (self->io));
  mill_relay_connection_watch_set_deadline (self,
      self->options.connect_timeout_ms);
}
