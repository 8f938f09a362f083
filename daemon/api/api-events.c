/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What happens, as it happens: server-sent events (WHATWG HTML, 9.2), and the
 * same as messages of a WebSocket. Who reads too slowly is cut off: it connects
 * again with the id of what it has seen last. */

#define G_LOG_DOMAIN "api"

#include <string.h>

#include "api-events.h"
#include "resources.h"

#define HEARTBEAT_S 15
/* What may wait to be read: some two thousand events. */
#define MAX_BACKLOG_BYTES (512 * 1024)
#define MAX_FOLLOWERS 64
#define RETRY_MS 2000
#define MAX_INCOMING_BYTES 4096

/** Somebody who follows along. */
typedef struct
{
  MillEventLog *log;
  gulong handler;
  gsize backlog;
  guint heartbeat;
  gboolean dropped;
  GSocket *transport; /* nullable */
  SoupServerMessage *message; /* either */
  SoupWebsocketConnection *socket; /* or; owned */
} Follower;

/* Of the one server of the process; main loop. */
static guint n_followers;

static void
free_follower (Follower *self)
{
  g_clear_signal_handler (&self->handler, self->log);
  g_clear_handle_id (&self->heartbeat, g_source_remove);
  if (self->message)
    g_signal_handlers_disconnect_by_data (self->message, self);
  if (self->socket)
    g_signal_handlers_disconnect_by_data (self->socket, self);
  g_clear_object (&self->transport);
  g_clear_object (&self->message);
  g_clear_object (&self->socket);
  g_object_unref (self->log);
  g_free (self);
  n_followers--;
}

static Follower *
new_follower (MillEventLog *log, SoupServerMessage *message)
{
  Follower *self = g_new0 (Follower, 1);
  self->log = g_object_ref (log);
  g_set_object (&self->transport, soup_server_message_get_socket (message));
  n_followers++;
  return self;
}

/* ---- an event as text ---- */

/* To the millisecond: what happened first is seen. */
static void
set_exact_time (JsonObject *object, gint64 unix_us)
{
  g_autoptr (GDateTime) second =
      g_date_time_new_from_unix_utc (unix_us / G_USEC_PER_SEC);
  g_autofree gchar *date = g_date_time_format (second, "%Y-%m-%dT%H:%M:%S");
  g_autofree gchar *text = g_strdup_printf ("%s.%03dZ", date,
      (gint) (unix_us % G_USEC_PER_SEC / 1000));
  json_object_set_string_member (object, "time", text);
}

/* Returns: (transfer full): {"id", "type", "time", fields} in one line */
static gchar *
event_to_json (MillEventLog *log, guint64 number, const MillEvent *event)
{
  g_autofree gchar *id = mill_event_log_make_id (log, number);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (JsonNode) fields =
      event->data ? json_gvariant_serialize (event->data) : NULL;
  JsonObject *object = json_object_new ();
  json_node_take_object (node, object);
  json_object_set_string_member (object, "id", id);
  json_object_set_string_member (object, "type", event->type);
  set_exact_time (object, event->time_us);
  if (fields) {
    g_autoptr (GList) names =
        json_object_get_members (json_node_get_object (fields));
    for (GList *name = names; name; name = name->next)
      json_object_set_member (object, name->data,
          json_node_copy (json_object_get_member (json_node_get_object (fields),
              name->data)));
  }
  return json_to_string (node, FALSE);
}

/* ---- sending ---- */

static void
drop (Follower *self)
{
  if (self->dropped)
    return;
  self->dropped = TRUE;
  g_message ("a reader of events is too slow: cut off");
  g_clear_signal_handler (&self->handler, self->log);
  /* libsoup notices, and says that it is over. */
  if (self->transport)
    g_socket_shutdown (self->transport, TRUE, TRUE, NULL);
}

static void
send_to_message (Follower *self, const gchar *text)
{
  gsize size = strlen (text);
  if (self->backlog + size > MAX_BACKLOG_BYTES) {
    drop (self);
    return;
  }
  self->backlog += size;
  soup_message_body_append (
      soup_server_message_get_response_body (self->message), SOUP_MEMORY_COPY,
      text, size);
  soup_server_message_unpause (self->message);
}

/* libsoup keeps what the socket does not take and does not say how much that
 * is: all that is given to it since the socket took something. */
static void
send_to_socket (Follower *self, const gchar *text)
{
  GOutputStream *output = g_io_stream_get_output_stream (
      soup_websocket_connection_get_io_stream (self->socket));
  if (soup_websocket_connection_get_state (self->socket) !=
      SOUP_WEBSOCKET_STATE_OPEN)
    return;
  if (!G_IS_POLLABLE_OUTPUT_STREAM (output) ||
      g_pollable_output_stream_is_writable (G_POLLABLE_OUTPUT_STREAM (output)))
    self->backlog = 0;
  self->backlog += strlen (text);
  if (self->backlog > MAX_BACKLOG_BYTES)
    drop (self);
  else
    soup_websocket_connection_send_text (self->socket, text);
}

static void
send_event (Follower *self, guint64 number, const MillEvent *event)
{
  g_autofree gchar *json = event_to_json (self->log, number, event);
  if (self->socket) {
    send_to_socket (self, json);
    return;
  }
  g_autofree gchar *id = mill_event_log_make_id (self->log, number);
  g_autofree gchar *text = g_strdup_printf ("id: %s\nevent: %s\ndata: %s\n\n",
      id, event->type, json);
  send_to_message (self, text);
}

static void
on_added (MillEventLog *log, const MillEvent *event, gpointer user_data)
{
  send_event (user_data, event->number, event);
}

/* What came after @last_id, or that this cannot be told any more. */
static void
catch_up (Follower *self, const gchar *last_id)
{
  guint64 end = mill_event_log_get_end (self->log);
  guint64 next = end;
  if (last_id && !mill_event_log_find_next (self->log, last_id, &next)) {
    MillEvent reset = { .type = (gchar *) "reset",
      .time_us = g_get_real_time () };
    send_event (self, end - 1, &reset);
    next = end;
  }
  for (; next < end && !self->dropped; next++)
    send_event (self, next, mill_event_log_get (self->log, next));
  if (!self->dropped)
    self->handler =
        g_signal_connect (self->log, "added", G_CALLBACK (on_added), self);
}

/* ---- server-sent events ---- */

static gboolean
on_heartbeat (gpointer user_data)
{
  send_to_message (user_data, ":\n\n");
  return G_SOURCE_CONTINUE;
}

static void
on_wrote_data (SoupServerMessage *message, guint size, Follower *self)
{
  self->backlog -= MIN (self->backlog, size);
}

static void
on_finished (SoupServerMessage *message, Follower *self)
{
  free_follower (self);
}

static const gchar *
get_last_id (MillRequest *request, SoupServerMessage *message)
{
  const gchar *header = soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), "Last-Event-ID");
  return header ? header : mill_request_get_query (request, "last_event_id");
}

static void
follow (MillRequest *request, SoupServerMessage *message)
{
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  Follower *self =
      new_follower (mill_supervisor_get_events (supervisor), message);
  g_autofree gchar *last_id = g_strdup (get_last_id (request, message));
  g_autofree gchar *retry = g_strdup_printf ("retry: %d\n\n", RETRY_MS);

  self->message = g_object_ref (message);
  mill_request_begin_stream (request, "text/event-stream");
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (on_wrote_data),
      self);
  /* Either, by how it ends. */
  g_signal_connect (message, "finished", G_CALLBACK (on_finished), self);
  g_signal_connect (message, "disconnected", G_CALLBACK (on_finished), self);
  self->heartbeat = g_timeout_add_seconds (HEARTBEAT_S, on_heartbeat, self);
  send_to_message (self, retry);
  catch_up (self, last_id);
}

static void
get_events (MillRequest *request)
{
  SoupServerMessage *message = mill_request_get_message (request);
  const gchar *upgrade = soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), "Upgrade");
  if (n_followers >= MAX_FOLLOWERS)
    mill_request_fail_problem (request, MILL_PROBLEM_UNAVAILABLE,
        "%u readers of events are connected already", n_followers);
  else if (upgrade && g_ascii_strcasecmp (upgrade, "websocket") == 0)
    mill_request_leave (request); /* libsoup shakes hands, on_websocket() */
  else if (g_str_equal (soup_server_message_get_method (message), "HEAD"))
    mill_request_reply_text (request, "text/event-stream", "");
  else
    follow (request, message);
}

/* ---- WebSocket ---- */

static void
on_socket_closed (SoupWebsocketConnection *socket, Follower *self)
{
  free_follower (self);
}

/* After get_events() has let it pass. */
void
mill_api_events_on_websocket (SoupServer *server, SoupServerMessage *message,
    const gchar *path, SoupWebsocketConnection *socket, gpointer user_data)
{
  MillSupervisor *supervisor = user_data;
  Follower *self =
      new_follower (mill_supervisor_get_events (supervisor), message);
  const gchar *text = g_uri_get_query (soup_server_message_get_uri (message));
  g_autoptr (GHashTable) query = text ? soup_form_decode (text) : NULL;
  const gchar *header = soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), "Last-Event-ID");

  self->socket = g_object_ref (socket);
  soup_websocket_connection_set_max_incoming_payload_size (socket,
      MAX_INCOMING_BYTES);
  soup_websocket_connection_set_keepalive_interval (socket, HEARTBEAT_S);
  g_signal_connect (socket, "closed", G_CALLBACK (on_socket_closed), self);
  if (!header && query)
    header = g_hash_table_lookup (query, "last_event_id");
  catch_up (self, header);
}

static const gchar *const events_query[] = { "last_event_id", NULL };

const MillRoute mill_api_events_routes[] = {
  { "GET", MILL_API_EVENTS_PATH, MILL_ACCESS_ADMIN, get_events,
      .query = events_query },
  { 0 },
};
