/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-server.h"

#include <errno.h>
#include <libsoup/soup.h>
#include <sys/socket.h>

#include "daemon/ipc/ipc.h"
#include "daemon/origin/origin-metrics.h"
#include "daemon/origin/origin-path.h"
#include "daemon/origin/origin-player.h"
#include "daemon/origin/origin-response.h"
#include "daemon/origin/origin-streams.h"

#define BACKLOG 1024

struct _MillOriginServer
{
  SoupServer *soup;
  gchar *bound;
  MillOriginConnections *connections;
  MillOriginStreams *streams;
  MillOriginMetrics metrics;

  GSourceOnceFunc drained;
  gpointer drained_data;
  guint drain_id; /* deadline, or the idle call that follows the last answer */
};

/* ---- what there is beside streams ---- */

static void
set_plain (SoupServerMessage *message, const gchar *content_type,
    const gchar *text)
{
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "Cache-Control",
      "no-store");
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, content_type, SOUP_MEMORY_COPY,
      text, strlen (text));
}

/* ---- what each path is answered by; the kind is for the metrics ---- */

typedef struct
{
  SoupServerMessage *message;
  const MillOriginPath *path;
  GHashTable *query; /* nullable: decoded */
} Request;

static MillOriginRequestKind
serve_nothing (MillOriginServer *self, const Request *request)
{
  mill_origin_response_set_error (request->message, SOUP_STATUS_NOT_FOUND);
  return MILL_ORIGIN_REQUEST_OTHER;
}

static MillOriginRequestKind
serve_stream (MillOriginServer *self, const Request *request)
{
  return mill_origin_streams_serve (self->streams, request->message,
      request->path, request->query);
}

static MillOriginRequestKind
serve_page (MillOriginServer *self, const Request *request)
{
  mill_origin_player_set_page (request->message);
  return MILL_ORIGIN_REQUEST_OTHER;
}

static MillOriginRequestKind
serve_player (MillOriginServer *self, const Request *request)
{
  mill_origin_player_set_file (request->message, request->path->file);
  return MILL_ORIGIN_REQUEST_OTHER;
}

static MillOriginRequestKind
serve_health (MillOriginServer *self, const Request *request)
{
  set_plain (request->message, "text/plain; charset=utf-8", "ok\n");
  return MILL_ORIGIN_REQUEST_OTHER;
}

gchar *
mill_origin_server_print_metrics (MillOriginServer *self)
{
  MillOriginGauges gauges = {
    .connections = mill_origin_connections_get_open (self->connections),
  };

  mill_origin_streams_get_gauges (self->streams, &gauges);
  return mill_origin_metrics_print (&self->metrics, &gauges);
}

static MillOriginRequestKind
serve_metrics (MillOriginServer *self, const Request *request)
{
  g_autofree gchar *text = mill_origin_server_print_metrics (self);

  set_plain (request->message, "text/plain; version=0.0.4; charset=utf-8",
      text);
  return MILL_ORIGIN_REQUEST_OTHER;
}

/* nginx has the same directory and asks whether a file of it is whole
 * (auth_request, which takes 2xx for yes and 403 for no): what still grows would
 * be taken for all of it by its caches and players. Whole is for ever, so one
 * question for each file is enough. */
static MillOriginRequestKind
serve_complete (MillOriginServer *self, const Request *request)
{
  SoupMessageHeaders *answer =
      soup_server_message_get_response_headers (request->message);
  const gchar *asked = soup_message_headers_get_one (
      soup_server_message_get_request_headers (request->message),
      "X-Original-URI");
  g_autofree gchar *raw = g_strndup (asked != NULL ? asked : "",
      strcspn (asked != NULL ? asked : "", "?"));
  g_auto (MillOriginPath) path = { 0 };
  gboolean is_complete;

  mill_origin_path_parse (raw, &path);
  is_complete = path.kind == MILL_ORIGIN_PATH_STREAM &&
      mill_origin_streams_is_complete (self->streams, &path);
  soup_message_headers_append (answer, "Cache-Control",
      is_complete ? "public, max-age=86400, immutable" : "no-store");
  soup_server_message_set_status (request->message,
      is_complete ? SOUP_STATUS_OK : SOUP_STATUS_FORBIDDEN, NULL);
  soup_message_headers_set_content_length (answer, 0);
  return MILL_ORIGIN_REQUEST_OTHER;
}

static MillOriginRequestKind (*const routes[]) (MillOriginServer *,
    const Request *) = {
  [MILL_ORIGIN_PATH_NONE] = serve_nothing,
  [MILL_ORIGIN_PATH_STREAM] = serve_stream,
  [MILL_ORIGIN_PATH_PLAY] = serve_page,
  [MILL_ORIGIN_PATH_PLAYER] = serve_player,
  [MILL_ORIGIN_PATH_HEALTH] = serve_health,
  [MILL_ORIGIN_PATH_METRICS] = serve_metrics,
  [MILL_ORIGIN_PATH_COMPLETE] = serve_complete,
  [MILL_ORIGIN_PATH_RESERVED] = serve_nothing,
};

/* ---- requests ---- */

/* On a message from its head to its end: its kind, off by one. */
#define KIND_KEY "mill-kind"

static void
set_kind (SoupServerMessage *message, MillOriginRequestKind kind)
{
  g_object_set_data (G_OBJECT (message), KIND_KEY, GUINT_TO_POINTER (kind + 1));
}

static void
route (MillOriginServer *self, SoupServerMessage *message, const gchar *raw,
    GHashTable *query)
{
  g_auto (MillOriginPath) path = { 0 };
  const Request request = { message, &path, query };

  mill_origin_path_parse (raw, &path);
  set_kind (message, routes[path.kind](self, &request));
}

/* When the head of a request is there. Nothing here takes a body: one that is
 * sent is thrown away as it comes, and its connection ends. */
static void
on_head (SoupServer *soup, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer user_data)
{
  MillOriginServer *self = user_data;
  const gchar *method = soup_server_message_get_method (message);
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  gboolean has_body = soup_message_headers_get_encoding (headers) ==
          SOUP_ENCODING_CHUNKED ||
      soup_message_headers_get_content_length (headers) > 0;

  self->metrics.in_flight++;
  set_kind (message, MILL_ORIGIN_REQUEST_OTHER);
  mill_origin_connections_begin_answer (message);
  soup_message_body_set_accumulate (
      soup_server_message_get_request_body (message), FALSE);
  mill_origin_response_set_common (message);
  if (has_body || self->drained != NULL)
    soup_message_headers_replace (
        soup_server_message_get_response_headers (message), "Connection",
        "close");
  if (g_str_equal (method, "OPTIONS"))
    mill_origin_response_set_options (message);
  else if (!g_str_equal (method, "GET") && !g_str_equal (method, "HEAD"))
    mill_origin_response_set_error (message, SOUP_STATUS_METHOD_NOT_ALLOWED);
  else
    route (self, message, path, query);
}

static void
finish_drain (gpointer user_data)
{
  MillOriginServer *self = user_data;
  GSourceOnceFunc drained = self->drained;

  self->drain_id = 0;
  drained (self->drained_data);
}

static void
check_drained (MillOriginServer *self)
{
  if (self->drained == NULL || self->metrics.in_flight > 0)
    return;
  /* In a turn of its own: this may be within libsoup's. */
  g_clear_handle_id (&self->drain_id, g_source_remove);
  self->drain_id = g_idle_add_once (finish_drain, self);
}

/* Finished or aborted; one that had no head yet was not counted. */
static void
on_request_ended (SoupServer *soup, SoupServerMessage *message,
    gpointer user_data)
{
  MillOriginServer *self = user_data;
  guint class = soup_server_message_get_status (message) / 100;
  guint kind =
      GPOINTER_TO_UINT (g_object_steal_data (G_OBJECT (message), KIND_KEY));

  if (kind == 0)
    return;
  self->metrics.in_flight--;
  if (class >= 1 && class <= MILL_ORIGIN_N_CLASSES)
    self->metrics.requests[kind - 1][class - 1]++;
  check_drained (self);
}

/* ---- the server ---- */

MillOriginServer *
mill_origin_server_new (const MillOriginServerOptions *options)
{
  MillOriginServer *self = g_new0 (MillOriginServer, 1);

  /* Raw paths: decoding is origin-path's, once and in one place. */
  self->soup = soup_server_new ("raw-paths", TRUE, NULL);
  self->streams = mill_origin_streams_new (options->media_dir, &self->metrics);
  self->connections = mill_origin_connections_new (self->soup, &options->limits,
      &self->metrics);
  soup_server_add_early_handler (self->soup, NULL, on_head, self, NULL);
  g_signal_connect (self->soup, "request-finished",
      G_CALLBACK (on_request_ended), self);
  g_signal_connect (self->soup, "request-aborted",
      G_CALLBACK (on_request_ended), self);
  return self;
}

void
mill_origin_server_free (MillOriginServer *self)
{
  self->drained = NULL;
  g_clear_handle_id (&self->drain_id, g_source_remove);
  mill_origin_connections_free (self->connections);
  g_signal_handlers_disconnect_by_data (self->soup, self);
  g_object_unref (self->soup);
  mill_origin_streams_free (self->streams);
  g_free (self->bound);
  g_free (self);
}

/* "host:1", "[::1]:1"; not "::1", whose last part is no port. */
static gboolean
has_port (const gchar *address)
{
  const gchar *colon = strrchr (address, ':');

  return colon != NULL && g_ascii_isdigit (colon[1]) &&
      (address[0] == '[' || strchr (address, ':') == colon);
}

static GSocketAddress *
resolve (const gchar *address, GError **error)
{
  g_autoptr (GSocketConnectable) name =
      has_port (address) ? g_network_address_parse (address, 0, NULL) : NULL;
  g_autoptr (GSocketAddressEnumerator) addresses = NULL;
  GSocketAddress *resolved = NULL;

  if (name != NULL) {
    addresses = g_socket_connectable_enumerate (name);
    resolved = g_socket_address_enumerator_next (addresses, NULL, NULL);
  }
  if (resolved == NULL)
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "origin listener: got '%s', expected HOST:PORT", address);
  return resolved;
}

typedef enum
{
  ALONE, /* nobody else listens there */
  BESIDE_OTHERS,
} Share;

/* Not g_socket_bind(), which takes SO_REUSEPORT back. */
static gboolean
bind_address (GSocket *socket, GSocketAddress *where, GError **error)
{
  struct sockaddr_storage native;
  gssize size = g_socket_address_get_native_size (where);

  if (!g_socket_address_to_native (where, &native, sizeof (native), error))
    return FALSE;
  if (bind (g_socket_get_fd (socket), (struct sockaddr *) &native, size) == 0)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno),
      g_strerror (errno));
  return FALSE;
}

/* SO_REUSEPORT lets any two programs of one user have an address, two daemons
 * started by mistake, too. So the first one binds without it, which the kernel
 * refuses while anybody listens there, and allows others from then on. */
static gboolean
bind_listener (GSocket *socket, GSocketAddress *where, Share share,
    GError **error)
{
  return g_socket_set_option (socket, SOL_SOCKET, SO_REUSEADDR, 1, error) &&
      g_socket_set_option (socket, SOL_SOCKET, SO_REUSEPORT,
          share == BESIDE_OTHERS, error) &&
      bind_address (socket, where, error) &&
      g_socket_set_option (socket, SOL_SOCKET, SO_REUSEPORT, 1, error) &&
      g_socket_listen (socket, error);
}

static GSocket *
open_listener (const gchar *address, Share share, GError **error)
{
  g_autoptr (GSocketAddress) where = resolve (address, error);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) cause = NULL;
  gint code = MILL_IPC_ERROR_FAILED;

  if (where == NULL)
    return NULL;
  socket = g_socket_new (g_socket_address_get_family (where),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &cause);
  if (socket != NULL) {
    g_socket_set_listen_backlog (socket, BACKLOG);
    if (bind_listener (socket, where, share, &cause))
      return g_steal_pointer (&socket);
  }
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    code = MILL_IPC_ERROR_ADDRESS_IN_USE;
  g_set_error (error, MILL_IPC_ERROR, code, "origin listener '%s': %s", address,
      cause->message);
  return NULL;
}

static gchar *
print_address (GSocket *socket)
{
  g_autoptr (GSocketAddress) local = g_socket_get_local_address (socket, NULL);

  return g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (local));
}

static gchar *
listen_at (MillOriginServer *self, const gchar *address, Share share,
    GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) cause = NULL;

  if (self->bound != NULL)
    return g_strdup (self->bound);
  socket = open_listener (address, share, error);
  if (socket == NULL)
    return NULL;
  if (!mill_origin_connections_listen (self->connections, socket, &cause)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "origin listener '%s': %s", address, cause->message);
    return NULL;
  }
  self->bound = print_address (socket);
  return g_strdup (self->bound);
}

gchar *
mill_origin_server_listen (MillOriginServer *self, const gchar *address,
    GError **error)
{
  return listen_at (self, address, ALONE, error);
}

gchar *
mill_origin_server_join (MillOriginServer *self, const gchar *address,
    GError **error)
{
  return listen_at (self, address, BESIDE_OTHERS, error);
}

const gchar *
mill_origin_server_get_bound (MillOriginServer *self)
{
  return self->bound;
}

const gchar *
mill_origin_server_get_media_dir (MillOriginServer *self)
{
  return mill_origin_streams_get_media_dir (self->streams);
}

void
mill_origin_server_get_counts (MillOriginServer *self,
    MillOriginCounts *ret_counts)
{
  *ret_counts = (MillOriginCounts){
    .requests = mill_origin_metrics_count_requests (&self->metrics),
    .bytes = self->metrics.bytes,
    .open_connections = mill_origin_connections_get_open (self->connections),
    .in_flight = self->metrics.in_flight,
  };
}

void
mill_origin_server_drain (MillOriginServer *self, guint timeout_ms,
    GSourceOnceFunc done, gpointer user_data)
{
  if (self->drained != NULL)
    return;
  self->drained = done;
  self->drained_data = user_data;
  self->drain_id = g_timeout_add_once (timeout_ms, finish_drain, self);
  mill_origin_streams_drain (self->streams);
  check_drained (self);
}
