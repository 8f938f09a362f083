/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-connection-private.h"

#include "relay-tcp.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

#define MAX_REDIRECTS 5

/* What may wait here before the sender keeps the rest. */
#define MAX_OUTPUT (64 * 1024)

#define READ_SIZE (64 * 1024)
/* So much of one connection before the others have their turn. */
#define MAX_READS 8

#define CHUNK_SIZE (32 * 1024)

#define GOODBYE_MS 1000

/* ---- life ---- */

MillRelayConnection *
mill_relay_connection_private_ref (MillRelayConnection *self)
{
  self->references++;
  return self;
}

void
mill_relay_connection_private_unref (MillRelayConnection *self)
{
  if (--self->references > 0)
    return;
  g_clear_object (&self->cancellable);
  mill_relay_address_free (self->address);
  g_free (self->tls_ca_file);
  g_free (self->verdict_text);
  g_free (self->redirect_url);
  mill_relay_io_release (self->io);
  g_free (self);
}

static void
clear_source (GSource **source)
{
  if (!*source)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSocket *
get_socket (MillRelayConnection *self)
{
  return g_socket_connection_get_socket (G_SOCKET_CONNECTION (self->stream));
}

/* Closes the socket first: what TLS would still say to it might wait. */
static void
drop_stream (MillRelayConnection *self)
{
  clear_source (&self->reading);
  clear_source (&self->writing);
  if (!self->is_feeding)
    g_clear_pointer (&self->client, mill_rtmp_client_free);
  if (self->stream)
    g_socket_close (get_socket (self), NULL);
  self->fd = -1;
  g_clear_object (&self->stream);
}

void
mill_relay_connection_private_shut (MillRelayConnection *self)
{
  if (self->state == MILL_RELAY_CONNECTION_CLOSED)
    return;
  self->state = MILL_RELAY_CONNECTION_CLOSED;
  g_cancellable_cancel (self->cancellable);
  clear_source (&self->watch);
  drop_stream (self);
  mill_relay_connection_private_unref (self); /* that of being open */
}

/* Ends it and tells the owner, unless that one has left. */
void
mill_relay_connection_private_finish (MillRelayConnection *self,
    MillRelayEnd end, const gchar *reason)
{
  gboolean is_heard = self->state < MILL_RELAY_CONNECTION_LEAVING;
  g_autofree gchar *clean = mill_relay_address_redact (self->address, reason);

  GST_DEBUG ("%s: %s", self->address->shown, clean);
  mill_relay_connection_private_ref (self);
  mill_relay_connection_private_shut (self);
  if (is_heard)
    self->events->closed (end, clean, self->user_data);
  mill_relay_connection_private_unref (self);
}

void
mill_relay_connection_private_fail (MillRelayConnection *self,
    const gchar *what, GError *error)
{
  g_autofree gchar *reason = g_strdup_printf ("%s: %s", what, error->message);

  mill_relay_connection_private_finish (self,
      self->state == MILL_RELAY_CONNECTION_LIVE ? MILL_RELAY_END_LOST
                                                : MILL_RELAY_END_FAILED,
      reason);
}

/* ---- the goodbye ---- */

static void
on_tls_closed (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  MillRelayConnection *self = user_data;

  g_io_stream_close_finish (G_IO_STREAM (stream), result, NULL);
  self->is_closing = FALSE;
  mill_relay_connection_private_shut (self);
  mill_relay_connection_private_unref (self);
}

/* All is sent. */
static void
leave (MillRelayConnection *self)
{
  if (!self->address->is_secure) {
    mill_relay_connection_private_shut (self);
  } else if (!self->is_closing) {
    self->is_closing = TRUE;
    clear_source (&self->reading);
    g_io_stream_close_async (self->stream, G_PRIORITY_DEFAULT,
        self->cancellable, on_tls_closed,
        mill_relay_connection_private_ref (self));
  }
}

/* ---- sending ---- */

static gboolean write_some (MillRelayConnection *self); /* real recursion */

static gboolean
on_writable (GObject *stream, gpointer user_data)
{
  MillRelayConnection *self = user_data;

  mill_relay_connection_private_ref (self);
  clear_source (&self->writing);
  if (write_some (self) && mill_relay_connection_has_room (self) &&
      self->events->room)
    self->events->room (self->user_data);
  mill_relay_connection_private_unref (self);
  return G_SOURCE_REMOVE;
}

static void
wait_writable (MillRelayConnection *self)
{
  GPollableOutputStream *output =
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (self->stream));

  self->writing = g_pollable_output_stream_create_source (output, NULL);
  g_source_set_callback (self->writing,
      (GSourceFunc) (void (*) (void)) on_writable, self, NULL);
  g_source_attach (self->writing, mill_relay_io_get_context (self->io));
}

/* Returns: FALSE when the connection is over */
static gboolean
write_some (MillRelayConnection *self)
{
  GPollableOutputStream *output =
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (self->stream));
  gsize size;
  const guint8 *data;

  while (!self->writing &&
      (data = mill_rtmp_client_peek_output (self->client, &size), size > 0)) {
    g_autoptr (GError) error = NULL;
    gssize n = g_pollable_output_stream_write_nonblocking (output, data, size,
        NULL, &error);
    if (n > 0) {
      mill_rtmp_client_drop_output (self->client, n);
      self->traffic.sent += n;
    } else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      wait_writable (self);
    } else {
      mill_relay_connection_private_fail (self, "cannot send", error);
      return FALSE;
    }
  }
  if (self->state == MILL_RELAY_CONNECTION_LEAVING && !self->writing)
    leave (self);
  return self->state < MILL_RELAY_CONNECTION_LEAVING;
}

/* ---- the RTMP client's news, from within its feeding ---- */

static void
set_verdict (MillRelayConnection *self, MillRelayEnd end, gchar *text)
{
  g_autofree gchar *owned = text;

  if (self->has_verdict)
    return;
  self->has_verdict = TRUE;
  self->verdict = end;
  self->verdict_text = g_steal_pointer (&owned);
}

static void
on_client_ready (MillRtmpClient *client, gpointer user_data)
{
  MillRelayConnection *self = user_data;

  if (self->state != MILL_RELAY_CONNECTION_ASKING)
    return;
  self->state = MILL_RELAY_CONNECTION_LIVE;
  self->progress_us = g_get_monotonic_time ();
  g_source_set_ready_time (self->watch, self->progress_us);
  self->events->ready (self->user_data);
}

static void
on_client_refused (MillRtmpClient *client, const gchar *code,
    const gchar *description, gpointer user_data)
{
  set_verdict (user_data, MILL_RELAY_END_REFUSED,
      *description ? g_strdup_printf ("%s (%s)", code, description)
                   : g_strdup (code));
}

static void
on_client_media (MillRtmpClient *client, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  MillRelayConnection *self = user_data;

  if (self->state == MILL_RELAY_CONNECTION_LIVE && self->events->media)
    self->events->media (type, timestamp_ms, payload, self->user_data);
  else
    gst_buffer_unref (payload);
}

static void
on_client_metadata (MillRtmpClient *client, const GstStructure *metadata,
    gpointer user_data)
{
  MillRelayConnection *self = user_data;

  if (self->state == MILL_RELAY_CONNECTION_LIVE && self->events->metadata)
    self->events->metadata (metadata, self->user_data);
}

static void
on_client_redirected (MillRtmpClient *client, const gchar *url,
    gpointer user_data)
{
  MillRelayConnection *self = user_data;

  g_free (self->redirect_url);
  self->redirect_url = g_strdup (url);
}

static void
on_client_reconnect (MillRtmpClient *client, const gchar *tc_url,
    const gchar *description, gpointer user_data)
{
  MillRelayConnection *self = user_data;
  g_autoptr (GError) error = NULL;
  MillRelayAddress *next = tc_url
      ? mill_relay_address_redirect (self->address, tc_url, &error)
      : mill_relay_address_copy (self->address);

  /* Until then all goes on: a request that makes no sense changes nothing. */
  if (!next) {
    GST_WARNING ("%s asks to go on elsewhere: %s, ignoring",
        self->address->shown, error->message);
    return;
  }
  mill_relay_address_free (self->address);
  self->address = next;
  set_verdict (self, MILL_RELAY_END_MOVED,
      g_strdup ("the server asks to connect again"));
}

static void
on_client_ended (MillRtmpClient *client, gpointer user_data)
{
  set_verdict (user_data, MILL_RELAY_END_OVER,
      g_strdup ("the stream has ended"));
}

static const MillRtmpClientEvents client_events = {
  .ready = on_client_ready,
  .refused = on_client_refused,
  .reconnect = on_client_reconnect,
  .media = on_client_media,
  .metadata = on_client_metadata,
  .redirected = on_client_redirected,
  .ended = on_client_ended,
};

/* ---- receiving ---- */

static void
follow_redirect (MillRelayConnection *self)
{
  g_autofree gchar *url = g_steal_pointer (&self->redirect_url);
  g_autoptr (GError) error = NULL;
  MillRelayAddress *next =
      mill_relay_address_redirect (self->address, url, &error);

  if (!next || ++self->n_redirects > MAX_REDIRECTS) {
    g_clear_pointer (&next, mill_relay_address_free);
    mill_relay_connection_private_finish (self, MILL_RELAY_END_REFUSED,
        error ? error->message : "the server redirects without end");
    return;
  }
  mill_relay_address_free (self->address);
  self->address = next;
  drop_stream (self);
  self->state = MILL_RELAY_CONNECTION_OPENING;
  mill_relay_connection_open_begin (self);
}

/* Returns: FALSE when the connection is over, or another one now */
static gboolean
feed (MillRelayConnection *self, const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;

  self->traffic.received += size;
  if (self->options.role == MILL_RTMP_CLIENT_PLAY)
    self->progress_us = g_get_monotonic_time ();
  self->is_feeding = TRUE;
  gboolean ok = mill_rtmp_client_feed (self->client, data, size, &error);
  self->is_feeding = FALSE;
  /* It may have ended from within an event. */
  if (self->state == MILL_RELAY_CONNECTION_CLOSED) {
    g_clear_pointer (&self->client, mill_rtmp_client_free);
    return FALSE;
  }
  if (self->redirect_url && self->state != MILL_RELAY_CONNECTION_LEAVING)
    follow_redirect (self);
  else if (self->has_verdict)
    mill_relay_connection_private_finish (self, self->verdict,
        self->verdict_text);
  else if (!ok)
    mill_relay_connection_private_fail (self, "the server makes no sense",
        error);
  else
    return !self->is_closing && write_some (self);
  return FALSE;
}

static gboolean
on_readable (GObject *stream, gpointer user_data)
{
  MillRelayConnection *self = user_data;
  g_autofree guint8 *data = g_malloc (READ_SIZE);
  gboolean goes_on = TRUE;

  mill_relay_connection_private_ref (self);
  for (guint i = 0; goes_on && i < MAX_READS; i++) {
    g_autoptr (GError) error = NULL;
    gssize n = g_pollable_input_stream_read_nonblocking (
        G_POLLABLE_INPUT_STREAM (stream), data, READ_SIZE, NULL, &error);
    if (n > 0) {
      goes_on = feed (self, data, n) && !self->is_paused;
    } else {
      goes_on = FALSE;
      if (n == 0)
        mill_relay_connection_private_finish (self,
            self->state == MILL_RELAY_CONNECTION_LIVE ? MILL_RELAY_END_LOST
                                                      : MILL_RELAY_END_FAILED,
            "the server closed the connection");
      else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        mill_relay_connection_private_fail (self, "cannot receive", error);
    }
  }
  /* A redirect has a source of its own by now. */
  mill_relay_connection_private_unref (self);
  return G_SOURCE_CONTINUE;
}

/* ---- opening ---- */

static void
start_reading (MillRelayConnection *self)
{
  GPollableInputStream *input =
      G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (self->stream));

  self->reading = g_pollable_input_stream_create_source (input, NULL);
  g_source_set_callback (self->reading,
      (GSourceFunc) (void (*) (void)) on_readable, self, NULL);
  g_source_attach (self->reading, mill_relay_io_get_context (self->io));
}

void
mill_relay_connection_private_take_stream (MillRelayConnection *self,
    GSocketConnection *connection)
{
  self->stream = G_IO_STREAM (g_object_ref (connection));
  self->fd = g_socket_get_fd (get_socket (self));
  mill_relay_tcp_tune (self->fd);
  MillRtmpClientOptions options = { .app = self->address->app,
    .name = self->address->name,
    .tc_url = self->address->tc_url,
    .chunk_size = CHUNK_SIZE,
    .role = self->options.role };

  self->state = MILL_RELAY_CONNECTION_ASKING;
  self->client = mill_rtmp_client_new (&options, &client_events, self);
  start_reading (self);
  write_some (self);
}

/* An opening that fails at once is reported like every other: later. */
static gboolean
on_start (gpointer user_data)
{
  MillRelayConnection *self = user_data;

  if (self->state == MILL_RELAY_CONNECTION_OPENING)
    mill_relay_connection_open_begin (self);
  mill_relay_connection_private_unref (self);
  return G_SOURCE_REMOVE;
}

static void
open_later (MillRelayConnection *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_start,
      mill_relay_connection_private_ref (self), NULL);
  g_source_attach (source, mill_relay_io_get_context (self->io));
}

/* ---- for the owner ---- */

MillRelayConnection *
mill_relay_connection_new (MillRelayIo *io, const MillRelayAddress *address,
    const MillRelayConnectionOptions *options,
    const MillRelayConnectionEvents *events, gpointer user_data)
{
  MillRelayConnection *self = g_new0 (MillRelayConnection, 1);

  self->references = 2; /* the owner's, and that of being open */
  self->io = mill_relay_io_ref (io);
  self->address = mill_relay_address_copy (address);
  self->options = *options;
  self->tls_ca_file = g_strdup (options->tls_ca_file);
  self->options.tls_ca_file = self->tls_ca_file;
  self->events = events;
  self->user_data = user_data;
  self->fd = -1;
  self->cancellable = g_cancellable_new ();
  mill_relay_connection_watch_start (self);
  open_later (self);
  return self;
}

void
mill_relay_connection_close (MillRelayConnection *self)
{
  if (self->state == MILL_RELAY_CONNECTION_LIVE && !self->has_verdict) {
    self->state = MILL_RELAY_CONNECTION_LEAVING;
    mill_rtmp_client_unpublish (self->client);
    mill_relay_connection_watch_set_deadline (self, GOODBYE_MS);
    write_some (self);
  } else if (self->state != MILL_RELAY_CONNECTION_LEAVING) {
    self->state = MAX (self->state, MILL_RELAY_CONNECTION_LEAVING);
    mill_relay_connection_private_shut (self);
  }
  mill_relay_connection_private_unref (self);
}

void
mill_relay_connection_set_flowing (MillRelayConnection *self,
    gboolean is_flowing)
{
  if (self->is_paused != is_flowing ||
      self->state != MILL_RELAY_CONNECTION_LIVE)
    return;
  self->is_paused = !is_flowing;
  self->progress_us = g_get_monotonic_time ();
  if (is_flowing)
    start_reading (self);
  else
    clear_source (&self->reading);
}

const MillRelayAddress *
mill_relay_connection_get_address (MillRelayConnection *self)
{
  return self->address;
}

gboolean
mill_relay_connection_has_room (MillRelayConnection *self)
{
  return self->state == MILL_RELAY_CONNECTION_LIVE &&
      mill_relay_connection_watch_get_waiting (self) < MAX_OUTPUT;
}

gboolean
mill_relay_connection_is_drained (MillRelayConnection *self)
{
  MillRelayTcp tcp;

  return mill_relay_connection_watch_get_waiting (self) == 0 &&
      (!mill_relay_tcp_read (self->fd, &tcp) || tcp.unacked == 0);
}

void
mill_relay_connection_send (MillRelayConnection *self, MillRtmpMessageType type,
    guint32 timestamp_ms, const guint8 *data, gsize size)
{
  if (self->state != MILL_RELAY_CONNECTION_LIVE)
    return;
  mill_rtmp_client_send (self->client, type, timestamp_ms, data, size);
}

void
mill_relay_connection_flush (MillRelayConnection *self)
{
  mill_relay_connection_private_ref (self);
  if (self->state == MILL_RELAY_CONNECTION_LIVE)
    write_some (self);
  mill_relay_connection_private_unref (self);
}

const MillRtmpCapabilities *
mill_relay_connection_get_capabilities (MillRelayConnection *self)
{
  return mill_rtmp_client_get_capabilities (self->client);
}

void
mill_relay_connection_get_traffic (MillRelayConnection *self,
    MillRelayTraffic *ret_traffic)
{
  *ret_traffic = self->traffic;
}
