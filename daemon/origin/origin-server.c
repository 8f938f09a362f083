/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-server.h"

#include <errno.h>
#include <string.h>
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
  gchar *bound;
  MillOriginConnections *connections;
  MillOriginStreams *streams;
  MillOriginMetrics metrics;

  GSourceOnceFunc drained;
  gpointer drained_data;
  guint drain_id; /* deadline, or the idle call that follows the last answer */
};

/* ---- what each path is answered by ---- */

static void
serve_nothing (MillOriginServer *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  const MillOriginProblem problem = {
    .status = 404,
    .detail = path->kind == MILL_ORIGIN_PATH_RESERVED
        ? "reserved, nothing is served there"
        : "expected /stream/{stream}/{file}, /play/{stream}, /healthz or "
          "/metrics",
    .path = mill_http_exchange_get_request (exchange)->path,
  };

  mill_origin_response_set_problem (exchange, &problem);
}

static void
serve_stream (MillOriginServer *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  mill_origin_streams_serve (self->streams, exchange, path);
}

static void
serve_page (MillOriginServer *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  mill_origin_player_set_page (exchange);
}

static void
serve_player (MillOriginServer *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  mill_origin_player_set_file (exchange, path->file);
}

static void
serve_health (MillOriginServer *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  mill_origin_response_set_text (exchange, "text/plain; charset=utf-8", "ok\n");
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

static void
serve_metrics (MillOriginServer *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  g_autofree gchar *text = mill_origin_server_print_metrics (self);

  mill_origin_response_set_text (exchange,
      "text/plain; version=0.0.4; charset=utf-8", text);
}

/* nginx has the same directory and asks whether a file of it is whole
 * (auth_request, which takes 2xx for yes and 403 for no): what still grows would
 * be taken for all of it by its caches and players. Whole is for ever, so one
 * question for each file is enough. */
static void
serve_complete (MillOriginServer *self, MillHttpExchange *exchange,
    const MillOriginPath *unused)
{
  const gchar *asked =
      mill_http_exchange_get_request (exchange)->fields[MILL_HTTP_ORIGINAL_URI];
  g_autofree gchar *raw = g_strndup (asked != NULL ? asked : "",
      strcspn (asked != NULL ? asked : "", "?"));
  g_auto (MillOriginPath) path = { 0 };
  gboolean is_complete;

  mill_origin_path_parse (raw, &path);
  is_complete = path.kind == MILL_ORIGIN_PATH_STREAM &&
      mill_origin_streams_is_complete (self->streams, &path);
  mill_origin_response_begin (exchange, is_complete ? 200 : 403);
  mill_http_exchange_add_field (exchange, "Cache-Control",
      is_complete ? "public, max-age=86400, immutable" : "no-store");
  /* RFC 9110 12.5.5: nothing else of the question tells which file it is of. */
  mill_http_exchange_add_field (exchange, "Vary", "X-Original-URI");
}

static void (*const routes[]) (MillOriginServer *, MillHttpExchange *,
    const MillOriginPath *) = {
  [MILL_ORIGIN_PATH_NONE] = serve_nothing,
  [MILL_ORIGIN_PATH_STREAM] = serve_stream,
  [MILL_ORIGIN_PATH_PLAY] = serve_page,
  [MILL_ORIGIN_PATH_PLAYER] = serve_player,
  [MILL_ORIGIN_PATH_HEALTH] = serve_health,
  [MILL_ORIGIN_PATH_METRICS] = serve_metrics,
  [MILL_ORIGIN_PATH_COMPLETE] = serve_complete,
  [MILL_ORIGIN_PATH_RESERVED] = serve_nothing,
};

/* ---- requests; their tag is what they are counted as ---- */

/* What http-request refuses. */
static const gchar *
explain (guint status)
{
  switch (status) {
    case 414:
      return "the request line is longer than 16 KiB";
    case 431:
      return "the head is longer than 16 KiB, or has more than 100 lines";
    case 501:
      return "header Transfer-Encoding: expected chunked, or none";
    case 505:
      return "expected HTTP/1.1 or HTTP/1.0";
    default:
      return "expected a request line and header lines as in RFC 9112, that no "
             "two servers can read in two ways";
  }
}

static void
on_request (MillHttpExchange *exchange, gpointer user_data)
{
  MillOriginServer *self = user_data;
  const MillHttpRequest *request = mill_http_exchange_get_request (exchange);
  g_auto (MillOriginPath) path = { 0 };

  self->metrics.in_flight++;
  mill_http_exchange_set_tag (exchange, MILL_ORIGIN_REQUEST_OTHER);
  if (self->drained != NULL)
    mill_http_exchange_set_last (exchange);
  if (request->status != 0) {
    mill_origin_response_set_error (exchange, request->status,
        explain (request->status));
  } else if (request->method == MILL_HTTP_OPTIONS) {
    mill_origin_response_set_options (exchange);
  } else if (request->method == MILL_HTTP_OTHER) {
    mill_origin_response_set_error (exchange, 405,
        "expected GET, HEAD or OPTIONS");
  } else {
    mill_origin_path_parse (request->path, &path);
    routes[path.kind](self, exchange, &path);
  }
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
  /* In a turn of its own: this may be within a connection's. */
  g_clear_handle_id (&self->drain_id, g_source_remove);
  self->drain_id = g_idle_add_once (finish_drain, self);
}

static void
on_ended (MillHttpExchange *exchange, gpointer user_data)
{
  MillOriginServer *self = user_data;
  const guint class = mill_http_exchange_get_status (exchange) / 100;
  const guint kind = mill_http_exchange_get_tag (exchange);

  self->metrics.in_flight--;
  if (class >= 1 && class <= MILL_ORIGIN_N_CLASSES)
    self->metrics.requests[kind][class - 1]++;
  check_drained (self);
}

/* ---- the server ---- */

MillOriginServer *
mill_origin_server_new (const MillOriginServerOptions *options)
{
  MillOriginServer *self = g_new0 (MillOriginServer, 1);
  const MillOriginHandler handler = { on_request, on_ended, self };

  self->streams = mill_origin_streams_new (options->media_dir, &self->metrics);
  self->connections =
      mill_origin_connections_new (&handler, &options->limits, &self->metrics);
  return self;
}

void
mill_origin_server_free (MillOriginServer *self)
{
  self->drained = NULL;
  g_clear_handle_id (&self->drain_id, g_source_remove);
  mill_origin_connections_free (self->connections);
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

  if (self->bound != NULL)
    return g_strdup (self->bound);
  socket = open_listener (address, share, error);
  if (socket == NULL)
    return NULL;
  mill_origin_connections_listen (self->connections, socket);
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
