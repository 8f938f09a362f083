/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-server.h"

#include <libsoup/soup.h>

#include "daemon/common/self-stats.h"
#include "daemon/ipc/ipc.h"
#include "daemon/origin/origin-file.h"
#include "daemon/origin/origin-gzip.h"
#include "daemon/origin/origin-listing.h"
#include "daemon/origin/origin-path.h"
#include "daemon/origin/origin-player.h"
#include "daemon/origin/origin-range.h"
#include "daemon/origin/origin-response.h"

#define BACKLOG 1024

/* A live playlist changes once per segment, and a cache may be that late. */
#define TEXT_CACHE_CONTROL "public, max-age=1"
/* A segment's name carries its generation, so it never has other content. */
#define MEDIA_CACHE_CONTROL "public, max-age=86400, immutable"
/* What may still change is asked for again every time (it has an ETag). */
#define UNSURE_CACHE_CONTROL "no-cache"

/* Longer texts go out as they are: a day of DVR is some 4 MB. */
#define MAX_GZIP_BYTES (8 * 1024 * 1024)
#define MIN_GZIP_BYTES 200
#define GZIP_CACHE_BYTES (32 * 1024 * 1024)

#define N_CLASSES 5

struct _MillOriginServer
{
  SoupServer *soup;
  gchar *media_dir;
  gchar *bound;
  MillOriginConnections *connections;
  MillOriginListing *listing;
  MillOriginGzip *gzip;

  guint64 by_class[N_CLASSES]; /* 1xx to 5xx */
  guint64 bytes;
  guint in_flight;

  GSourceOnceFunc drained;
  gpointer drained_data;
  guint drain_id; /* deadline, or the idle call that follows the last answer */
};

/* ---- stream directories ---- */

static const gchar *
get_content_type (MillOriginFileKind kind)
{
  switch (kind) {
    case MILL_ORIGIN_FILE_PLAYLIST:
      return "application/vnd.apple.mpegurl";
    case MILL_ORIGIN_FILE_MPD:
      return "application/dash+xml";
    default:
      /* Also of audio alone: the name does not tell, and players do not
       * look (RFC 8216bis 3.1.2 asks for nothing else of fMP4). */
      return "video/mp4";
  }
}

static void
serve_gzip (MillOriginServer *self, SoupServerMessage *message,
    MillOriginMeta *meta, const MillOriginFile *file, const gchar *name)
{
  g_autoptr (GBytes) compressed =
      mill_origin_gzip_lookup (self->gzip, name, file->version);
  g_autofree gchar *version = g_strconcat (file->version, "-gz", NULL);

  if (compressed == NULL) {
    g_autoptr (GBytes) text = mill_origin_file_read (file, 0, file->size);

    if (text == NULL) {
      mill_origin_response_set_error (message,
          SOUP_STATUS_INTERNAL_SERVER_ERROR);
      return;
    }
    compressed = mill_origin_gzip_add (self->gzip, name, file->version, text);
  }
  meta->version = version;
  meta->content_encoding = "gzip";
  mill_origin_response_set_bytes (message, meta, compressed);
}

static void
serve_text (MillOriginServer *self, SoupServerMessage *message,
    const MillOriginPath *path, MillOriginFile *file)
{
  SoupMessageHeaders *request =
      soup_server_message_get_request_headers (message);
  MillOriginMeta meta = {
    .content_type =
        get_content_type (mill_origin_path_get_file_kind (path->file)),
    .cache_control = TEXT_CACHE_CONTROL,
    .version = file->version,
    .varies = TRUE,
  };
  g_autofree gchar *name = g_strconcat (path->stream, "/", path->file, NULL);

  if (file->size >= MIN_GZIP_BYTES && file->size <= MAX_GZIP_BYTES &&
      mill_origin_range_accepts_gzip (soup_message_headers_get_list (request,
          "Accept-Encoding")))
    serve_gzip (self, message, &meta, file, name);
  else
    mill_origin_response_set_file (message, &meta, file);
}

/* Returns: (nullable): Cache-Control of the media file, NULL when it is not
 * there for viewers */
static const gchar *
choose_media_caching (MillOriginServer *self, const MillOriginPath *path,
    MillOriginFileKind kind)
{
  if (kind == MILL_ORIGIN_FILE_INIT)
    return MEDIA_CACHE_CONTROL;
  if (kind != MILL_ORIGIN_FILE_SEGMENT)
    return UNSURE_CACHE_CONTROL;
  switch (mill_origin_listing_look_up (self->listing, path->stream,
      path->file)) {
    case MILL_ORIGIN_LISTING_COMPLETE:
      return MEDIA_CACHE_CONTROL;
    case MILL_ORIGIN_LISTING_PENDING:
      return NULL;
    case MILL_ORIGIN_LISTING_UNKNOWN:
      break;
  }
  return UNSURE_CACHE_CONTROL;
}

static void
serve_stream (MillOriginServer *self, SoupServerMessage *message,
    const MillOriginPath *path)
{
  MillOriginFileKind kind = mill_origin_path_get_file_kind (path->file);
  g_auto (MillOriginFile) file = { .fd = -1 };
  MillOriginMeta meta = { .content_type = get_content_type (kind) };

  if (kind == MILL_ORIGIN_FILE_UNKNOWN ||
      !mill_origin_file_open (self->media_dir, path->stream, path->file,
          &file)) {
    mill_origin_response_set_error (message, SOUP_STATUS_NOT_FOUND);
    return;
  }
  if (kind == MILL_ORIGIN_FILE_PLAYLIST || kind == MILL_ORIGIN_FILE_MPD) {
    serve_text (self, message, path, &file);
    return;
  }
  meta.cache_control = choose_media_caching (self, path, kind);
  if (meta.cache_control == NULL) {
    mill_origin_response_set_error (message, SOUP_STATUS_NOT_FOUND);
    return;
  }
  meta.version = file.version;
  mill_origin_response_set_file (message, &meta, &file);
}

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

static void
print_metric (GString *out, const gchar *name, const gchar *type,
    const gchar *help)
{
  g_string_append_printf (out,
      "# HELP millrace_origin_%s %s\n# TYPE millrace_origin_%s %s\n", name,
      help, name, type);
}

static void
print_value (GString *out, const gchar *name, const gchar *labels,
    guint64 value)
{
  g_string_append_printf (out, "millrace_origin_%s%s %" G_GUINT64_FORMAT "\n",
      name, labels, value);
}

static void
serve_metrics (MillOriginServer *self, SoupServerMessage *message)
{
  g_autoptr (GString) out = g_string_new (NULL);
  MillSelfStats stats;

  mill_self_stats_get (&stats);
  print_metric (out, "requests_total", "counter", "Answers sent, by status.");
  for (guint i = 1; i < N_CLASSES; i++) {
    g_autofree gchar *labels = g_strdup_printf ("{class=\"%uxx\"}", i + 1);

    print_value (out, "requests_total", labels, self->by_class[i]);
  }
  print_metric (out, "sent_bytes_total", "counter", "Bytes of bodies sent.");
  print_value (out, "sent_bytes_total", "", self->bytes);
  print_metric (out, "connections", "gauge", "Connections open.");
  print_value (out, "connections", "",
      mill_origin_connections_get_open (self->connections));
  print_metric (out, "requests_in_flight", "gauge", "Being answered.");
  print_value (out, "requests_in_flight", "", self->in_flight);
  print_metric (out, "gzip_cache_bytes", "gauge", "Compressed texts kept.");
  print_value (out, "gzip_cache_bytes", "",
      mill_origin_gzip_get_size (self->gzip));
  print_metric (out, "resident_memory_bytes", "gauge", "Of the process.");
  print_value (out, "resident_memory_bytes", "", stats.memory_bytes);
  print_metric (out, "cpu_microseconds_total", "counter", "Of the process.");
  print_value (out, "cpu_microseconds_total", "", stats.cpu_usec);
  set_plain (message, "text/plain; version=0.0.4; charset=utf-8", out->str);
}

/* ---- requests ---- */

static void
route (MillOriginServer *self, SoupServerMessage *message, const gchar *raw)
{
  g_auto (MillOriginPath) path = { 0 };

  mill_origin_path_parse (raw, &path);
  switch (path.kind) {
    case MILL_ORIGIN_PATH_STREAM:
      serve_stream (self, message, &path);
      break;
    case MILL_ORIGIN_PATH_PLAY:
      mill_origin_player_set_page (message);
      break;
    case MILL_ORIGIN_PATH_PLAYER:
      mill_origin_player_set_file (message, path.file);
      break;
    case MILL_ORIGIN_PATH_HEALTH:
      set_plain (message, "text/plain; charset=utf-8", "ok\n");
      break;
    case MILL_ORIGIN_PATH_METRICS:
      serve_metrics (self, message);
      break;
    case MILL_ORIGIN_PATH_RESERVED:
    case MILL_ORIGIN_PATH_NONE:
      mill_origin_response_set_error (message, SOUP_STATUS_NOT_FOUND);
      break;
  }
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
    route (self, message, path);
}

static void
on_got_headers (SoupServerMessage *message, gpointer user_data)
{
  MillOriginServer *self = user_data;

  self->in_flight++;
  g_object_set_data (G_OBJECT (message), "mill-in-flight", self);
}

static void
on_wrote_body_data (SoupServerMessage *message, guint size, gpointer user_data)
{
  ((MillOriginServer *) user_data)->bytes += size;
}

static void
on_request_started (SoupServer *soup, SoupServerMessage *message,
    gpointer user_data)
{
  g_signal_connect (message, "got-headers", G_CALLBACK (on_got_headers),
      user_data);
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (on_wrote_body_data),
      user_data);
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
  if (self->drained == NULL || self->in_flight > 0)
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

  if (g_object_steal_data (G_OBJECT (message), "mill-in-flight") == NULL)
    return;
  self->in_flight--;
  if (class >= 1 && class <= N_CLASSES)
    self->by_class[class - 1]++;
  check_drained (self);
}

/* ---- the server ---- */

MillOriginServer *
mill_origin_server_new (const MillOriginServerOptions *options)
{
  MillOriginServer *self = g_new0 (MillOriginServer, 1);

  self->media_dir = g_strdup (options->media_dir);
  /* Raw paths: decoding is origin-path's, once and in one place. */
  self->soup = soup_server_new ("raw-paths", TRUE, NULL);
  self->listing = mill_origin_listing_new (options->media_dir);
  self->gzip = mill_origin_gzip_new (GZIP_CACHE_BYTES);
  self->connections =
      mill_origin_connections_new (self->soup, &options->limits);
  soup_server_add_early_handler (self->soup, NULL, on_head, self, NULL);
  g_signal_connect (self->soup, "request-started",
      G_CALLBACK (on_request_started), self);
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
  mill_origin_listing_free (self->listing);
  mill_origin_gzip_free (self->gzip);
  g_free (self->media_dir);
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

static GSocket *
open_listener (const gchar *address, GError **error)
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
    if (g_socket_bind (socket, where, TRUE, &cause) &&
        g_socket_listen (socket, &cause))
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

gchar *
mill_origin_server_listen (MillOriginServer *self, const gchar *address,
    GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) cause = NULL;

  if (self->bound != NULL)
    return g_strdup (self->bound);
  socket = open_listener (address, error);
  if (socket == NULL)
    return NULL;
  if (!soup_server_listen_socket (self->soup, socket, 0, &cause)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "origin listener '%s': %s", address, cause->message);
    return NULL;
  }
  self->bound = print_address (socket);
  return g_strdup (self->bound);
}

const gchar *
mill_origin_server_get_bound (MillOriginServer *self)
{
  return self->bound;
}

const gchar *
mill_origin_server_get_media_dir (MillOriginServer *self)
{
  return self->media_dir;
}

void
mill_origin_server_get_counts (MillOriginServer *self,
    MillOriginCounts *ret_counts)
{
  *ret_counts = (MillOriginCounts){
    .bytes = self->bytes,
    .open_connections = mill_origin_connections_get_open (self->connections),
    .in_flight = self->in_flight,
  };
  for (guint i = 0; i < N_CLASSES; i++)
    ret_counts->requests += self->by_class[i];
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
  check_drained (self);
}
