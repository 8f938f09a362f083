/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What happens, as it happens: server-sent events (WHATWG HTML, 9.2), and the
 * same as messages of a WebSocket.
 *
 * libsoup keeps what it is given until the socket takes it, and of a WebSocket it
 * does not say how much that is. So it is given little at a time, and more when
 * the socket has taken that; what waits meanwhile is in the log, once for all
 * readers. Who lags behind is sent away: it connects again with the id of what it
 * has seen last. */

#define G_LOG_DOMAIN "api"

#include <string.h>

#include "api-events.h"
#include "resources.h"

#define HEARTBEAT_S 15
/* Heartbeats in which a socket takes nothing at all. */
#define MAX_STALLS 4
/* What libsoup has of one reader at most, and an event more. */
#define BATCH_BYTES (16 * 1024)
/* What a reader may lag behind: some two thousand events. */
#define MAX_BACKLOG_BYTES (512 * 1024)
/* For the last words to be read; libsoup gives a WebSocket as long. */
#define LAST_WORDS_S 5
#define MAX_FOLLOWERS 64
#define RETRY_MS 2000
#define MAX_INCOMING_BYTES 4096
#define TOO_SLOW "too slow: connect again with the id of the last event"

/* Behind libsoup's own source for the same socket, which is there as long as it
 * has something left to write. */
#define PRIORITY_MORE (G_PRIORITY_DEFAULT + 1)

/** Somebody who follows along. */
typedef struct
{
  MillEventLog *log;
  gulong handler;
  guint64 next; /* event: the first that libsoup was not given */
  guint64 joined; /* event: the first after it came */
  gboolean resets; /* is to be told first that something is missing */
  gsize given; /* bytes that libsoup has (SSE) */
  gsize behind; /* bytes of events since it joined that wait in the log */
  GSource *more; /* nullable: gives more when it can be taken */
  guint heartbeat;
  guint stalls; /* heartbeats since its socket took something */
  gboolean dropped;
  guint last_words; /* timer */
  GSocket *transport; /* nullable */
  SoupServerMessage *message; /* either */
  SoupWebsocketConnection *socket; /* or; owned */
} Follower;

/* Of the one server of the process; main loop. */
static guint n_followers;

static void
stop_giving (Follower *self)
{
  if (!self->more)
    return;
  g_source_destroy (self->more);
  g_clear_pointer (&self->more, g_source_unref);
}

static void
free_follower (Follower *self)
{
  g_clear_signal_handler (&self->handler, self->log);
  g_clear_handle_id (&self->heartbeat, g_source_remove);
  g_clear_handle_id (&self->last_words, g_source_remove);
  stop_giving (self);
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

/* ---- the end of who is too slow ---- */

static void
append (Follower *self, const gchar *text)
{
  gsize size = strlen (text);

  self->given += size;
  soup_message_body_append (
      soup_server_message_get_response_body (self->message), SOUP_MEMORY_COPY,
      text, size);
  soup_server_message_unpause (self->message);
}

/* libsoup notices, and says that it is over. */
static gboolean
on_last_words_over (gpointer user_data)
{
  Follower *self = user_data;

  self->last_words = 0;
  if (self->transport)
    g_socket_shutdown (self->transport, TRUE, TRUE, NULL);
  return G_SOURCE_REMOVE;
}

static void
drop (Follower *self)
{
  self->dropped = TRUE;
  g_message ("a reader of events is too slow: closed");
  g_clear_signal_handler (&self->handler, self->log);
  g_clear_handle_id (&self->heartbeat, g_source_remove);
  stop_giving (self);
  self->last_words =
      g_timeout_add_seconds (LAST_WORDS_S, on_last_words_over, self);
  if (self->socket) {
    /* 1008 (RFC 6455 §7.4.1): 1013, "try again later", libsoup does not know. */
    soup_websocket_connection_close (self->socket,
        SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, TOO_SLOW);
    return;
  }
  append (self,
      "event: overrun\ndata: {\"type\":\"overrun\",\"message\":\"" TOO_SLOW
      "\"}\n\n");
  soup_message_body_complete (
      soup_server_message_get_response_body (self->message));
}

/* ---- giving ---- */

static gsize
get_size (const MillEvent *event)
{
  return strlen (event->type) +
      (event->data ? g_variant_get_size (event->data) : 0);
}

/* Returns: bytes */
static gsize
give_event (Follower *self, guint64 number, const MillEvent *event)
{
  g_autofree gchar *json = event_to_json (self->log, number, event);

  if (self->socket) {
    soup_websocket_connection_send_text (self->socket, json);
    return strlen (json);
  }
  g_autofree gchar *id = mill_event_log_make_id (self->log, number);
  g_autofree gchar *text = g_strdup_printf ("id: %s\nevent: %s\ndata: %s\n\n",
      id, event->type, json);
  append (self, text);
  return strlen (text);
}

/* That what came after its id cannot be told any more. */
static void
give_reset (Follower *self)
{
  MillEvent reset = { .type = (gchar *) "reset",
    .time_us = g_get_real_time () };

  self->resets = FALSE;
  give_event (self, self->next - 1, &reset);
}

/* Returns: whether there is more to give */
static gboolean
give_some (Follower *self)
{
  gsize size = self->given;

  if (self->resets)
    give_reset (self);
  while (size < BATCH_BYTES &&
      self->next < mill_event_log_get_end (self->log)) {
    const MillEvent *event = mill_event_log_get (self->log, self->next);
    /* The log has forgotten what it has not been given yet. */
    if (!event) {
      drop (self);
      return FALSE;
    }
    size += give_event (self, self->next, event);
    if (self->next >= self->joined)
      self->behind -= MIN (self->behind, get_size (event));
    self->next++;
  }
  return self->next < mill_event_log_get_end (self->log);
}

static gboolean
may_be_given (Follower *self)
{
  return !self->dropped &&
      (!self->socket ||
          soup_websocket_connection_get_state (self->socket) ==
              SOUP_WEBSOCKET_STATE_OPEN);
}

static gboolean
on_taken (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Follower *self = user_data;

  self->stalls = 0;
  /* An error is libsoup's to see. */
  if (may_be_given (self) && !(condition & (G_IO_ERR | G_IO_HUP)) &&
      give_some (self))
    return G_SOURCE_CONTINUE;
  if (self->more == g_main_current_source ())
    g_clear_pointer (&self->more, g_source_unref);
  return G_SOURCE_REMOVE;
}

static gboolean
on_give (gpointer user_data)
{
  Follower *self = user_data;

  g_clear_pointer (&self->more, g_source_unref);
  if (may_be_given (self))
    give_some (self);
  return G_SOURCE_REMOVE;
}

/* Soon: when the socket has taken what was given before. */
static void
give_more (Follower *self)
{
  if (self->more || !may_be_given (self) ||
      (self->message && self->given >= BATCH_BYTES))
    return;
  if (self->socket && self->transport) {
    self->more = g_socket_create_source (self->transport, G_IO_OUT, NULL);
    g_source_set_callback (self->more, G_SOURCE_FUNC (on_taken), self, NULL);
    g_source_set_priority (self->more, PRIORITY_MORE);
  } else {
    self->more = g_idle_source_new ();
    g_source_set_callback (self->more, on_give, self, NULL);
    g_source_set_priority (self->more, G_PRIORITY_DEFAULT);
  }
  g_source_attach (self->more, g_main_context_get_thread_default ());
}

static void
on_added (MillEventLog *log, const MillEvent *event, gpointer user_data)
{
  Follower *self = user_data;

  self->behind += get_size (event);
  if (self->behind > MAX_BACKLOG_BYTES)
    drop (self);
  else
    give_more (self);
}

/* Nobody may keep a place by reading nothing. */
static gboolean
on_heartbeat (gpointer user_data)
{
  Follower *self = user_data;

  if (self->given == 0 && !self->more)
    self->stalls = 0;
  else if (++self->stalls >= MAX_STALLS) {
    self->heartbeat = 0;
    drop (self);
    return G_SOURCE_REMOVE;
  }
  if (self->message && self->given == 0)
    append (self, ":\n\n");
  else if (self->socket)
    give_more (self); /* also without a word: does it take one? */
  return G_SOURCE_CONTINUE;
}

/* From what came after @last_id, or from now on. */
static void
begin (Follower *self, const gchar *last_id)
{
  self->joined = mill_event_log_get_end (self->log);
  self->next = self->joined;
  self->resets = last_id &&
      !mill_event_log_find_next (self->log, last_id, &self->next);
  self->heartbeat = g_timeout_add_seconds (HEARTBEAT_S, on_heartbeat, self);
  self->handler =
      g_signal_connect (self->log, "added", G_CALLBACK (on_added), self);
  give_more (self);
}

/* ---- server-sent events ---- */

static void
on_wrote_data (SoupServerMessage *message, guint size, Follower *self)
{
  self->given -= MIN (self->given, size);
  self->stalls = 0;
  if (self->next < mill_event_log_get_end (self->log))
    give_more (self);
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
  /* Its end is that of the connection, too: nobody waits for more. */
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "Connection",
      "close");
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (on_wrote_data),
      self);
  /* Either, by how it ends. */
  g_signal_connect (message, "finished", G_CALLBACK (on_finished), self);
  g_signal_connect (message, "disconnected", G_CALLBACK (on_finished), self);
  append (self, retry);
  begin (self, last_id);
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
  begin (self, header);
}

static const gchar *const events_query[] = { "last_event_id", NULL };

const MillRoute mill_api_events_routes[] = {
  { "GET", MILL_API_EVENTS_PATH, MILL_ACCESS_ADMIN, get_events,
      .query = events_query },
  { 0 },
};
