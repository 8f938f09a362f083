/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include "api.h"

/* A server and readers of its events over real sockets. */

#define DEADLINE_US (20 * G_USEC_PER_SEC)

static inline void
add (MillEventLog *log, const gchar *type)
{
  mill_event_log_add (log, type, g_variant_new_parsed ("@a{sv} {}"));
}

typedef struct
{
  gchar *directory;
  MillConfig *config;
  MillSupervisor *supervisor;
  MillApi *api;
  gchar *address;
  gchar *key;
} Server;

static inline Server *
server_new (void)
{
  Server *server = g_new0 (Server, 1);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (GError) error = NULL;

  server->directory = g_dir_make_tmp ("mill-ev-XXXXXX", NULL);
  g_autofree gchar *text = g_strdup_printf ("{ state_dir: %s/s, runtime_dir: "
                                            "%s/r, media_dir: %s/m }",
      server->directory, server->directory, server->directory);
  server->config =
      mill_config_new_from_data (text, strlen (text), "c.yaml", diagnostics);
  g_assert_nonnull (server->config);
  server->supervisor = mill_supervisor_new (server->config, &error);
  g_assert_no_error (error);
  server->api = mill_api_new (server->supervisor);
  server->address = mill_api_listen (server->api, "127.0.0.1:0", &error);
  g_assert_no_error (error);
  g_autofree gchar *key_file =
      g_build_filename (server->directory, "s", "admin.key", NULL);
  g_assert_true (g_file_get_contents (key_file, &server->key, NULL, NULL));
  g_strchomp (server->key);
  return server;
}

static inline void
server_free (Server *server)
{
  mill_api_free (server->api);
  g_object_unref (server->supervisor);
  mill_config_unref (server->config);
  const gchar *const arguments[] = { "rm", "-rf", server->directory, NULL };
  g_spawn_sync (NULL, (gchar **) arguments, NULL, G_SPAWN_SEARCH_PATH, NULL,
      NULL, NULL, NULL, NULL, NULL);
  g_free (server->directory);
  g_free (server->address);
  g_free (server->key);
  g_free (server);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Server, server_free)

static inline MillEventLog *
get_log (Server *server)
{
  return mill_supervisor_get_events (server->supervisor);
}

/* A reader on a socket, with what it has read. */
typedef struct
{
  GSocketConnection *connection;
  GSocket *socket;
  GString *text;
  gboolean closed;
} Reader;

/* @headers: each ended by CRLF */
static inline Reader *
reader_new (Server *server, const gchar *query, const gchar *headers)
{
  Reader *reader = g_new0 (Reader, 1);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;

  reader->connection = g_socket_client_connect_to_host (client, server->address,
      0, NULL, &error);
  g_assert_no_error (error);
  reader->socket = g_socket_connection_get_socket (reader->connection);
  g_socket_set_blocking (reader->socket, FALSE);
  reader->text = g_string_new (NULL);
  g_autofree gchar *request =
      g_strdup_printf ("GET /api/v1/events%s HTTP/1.1\r\n"
                       "Host: x\r\nX-API-Key: %s\r\n"
                       "%s\r\n",
          query, server->key, headers);
  g_assert_cmpint (g_socket_send (reader->socket, request, strlen (request),
                       NULL, &error),
      ==, (gssize) strlen (request));
  return reader;
}

static inline void
reader_free (Reader *reader)
{
  g_object_unref (reader->connection);
  g_string_free (reader->text, TRUE);
  g_free (reader);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reader, reader_free)

static inline void
read_some (Reader *reader)
{
  gchar data[65536];
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_receive (reader->socket, data, sizeof data, NULL, &error);

  if (n > 0)
    g_string_append_len (reader->text, data, n);
  else if (n == 0 ||
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    reader->closed = TRUE;
}

/* Until @text has come, or with NULL until it is closed. */
static inline void
wait_for (Reader *reader, const gchar *text)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  gsize searched = 0;

  for (;;) {
    read_some (reader);
    /* a WebSocket's frames have bytes of 0 */
    if (text ? memmem (reader->text->str + searched,
                   reader->text->len - searched, text, strlen (text)) != NULL
             : reader->closed)
      return;
    if (text && reader->text->len > strlen (text))
      searched = reader->text->len - strlen (text);
    if (g_get_monotonic_time () > deadline_us || (text && reader->closed))
      g_error ("expected %s, got %zu bytes: %.500s", text ? text : "the end",
          reader->text->len, reader->text->str);
    g_main_context_iteration (NULL, FALSE);
  }
}

static inline gboolean
has (Reader *reader, const gchar *text)
{
  return memmem (reader->text->str, reader->text->len, text, strlen (text)) !=
      NULL;
}

/* Lets the server take the request, up to the answer's head. */
static inline Reader *
open_reader (Server *server, const gchar *query, const gchar *headers)
{
  Reader *reader = reader_new (server, query, headers);

  wait_for (reader, "\r\n\r\n");
  return reader;
}

#define UPGRADE                                                                \
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* libsoup has two lines for each frame: most of what these tests would do. */
static inline void
on_debug (const gchar *domain, GLogLevelFlags level, const gchar *message,
    gpointer user_data)
{
}

static inline void
silence_libsoup (void)
{
  g_log_set_handler ("libsoup", G_LOG_LEVEL_DEBUG, on_debug, NULL);
}
