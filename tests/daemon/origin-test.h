/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <glib/gstdio.h>

#include "daemon/origin/origin-server.h"

/* An origin over real sockets with a stream to serve, and a client in a thread
 * of its own: the server runs in the test's. */

#define DEADLINE_US (20 * G_USEC_PER_SEC)

typedef struct
{
  gchar *root;
  gchar *media_dir;
  MillOriginServer *server;
  gchar *address;
} Fixture;

typedef struct
{
  guint status;
  GHashTable *headers; /* lower-case name -> value */
  GBytes *body;
} Answer;

static inline void
free_answer (Answer *answer)
{
  g_hash_table_unref (answer->headers);
  g_bytes_unref (answer->body);
  g_free (answer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, free_answer)

/* ---- files ---- */

static inline void
write_bytes (Fixture *fixture, const gchar *name, gconstpointer data,
    gsize size)
{
  g_autofree gchar *path = g_build_filename (fixture->root, name, NULL);
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  g_file_set_contents (path, data, size, &error);
  g_assert_no_error (error);
}

static inline void
write_text (Fixture *fixture, const gchar *name, const gchar *text)
{
  write_bytes (fixture, name, text, strlen (text));
}

static inline void
remove_tree (const gchar *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (directory != NULL && !g_file_test (path, G_FILE_TEST_IS_SYMLINK) &&
      (name = g_dir_read_name (directory)) != NULL) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);

    remove_tree (child);
  }
  g_remove (path);
}

#define PLAYLIST                                              \
  "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n"      \
  "#EXT-X-MEDIA-SEQUENCE:15\n#EXT-X-MAP:URI=\"init-3.mp4\"\n" \
  "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:00.000Z\n"       \
  "#EXTINF:2.000000,\n3-15.m4s\n"                             \
  "#EXT-X-GAP\n#EXTINF:2.000000,\n3-16.m4s\n"                 \
  "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:04.000Z\n"       \
  "#EXTINF:2.000000,\n3-17.m4s\n"

static inline void
set_up_limits (Fixture *fixture, const MillOriginLimits *limits)
{
  g_autoptr (GError) error = NULL;
  MillOriginServerOptions options = { 0 };

  fixture->root = g_dir_make_tmp ("mill-origin-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->media_dir = g_build_filename (fixture->root, "media", NULL);
  write_text (fixture, "media/demo/master.m3u8",
      "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv360/playlist.m3u8\n");
  write_text (fixture, "media/demo/manifest.mpd",
      "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"/>");
  write_text (fixture, "media/demo/v360/playlist.m3u8", PLAYLIST);
  write_text (fixture, "media/demo/v360/init-3.mp4", "init");
  for (guint i = 14; i <= 18; i++) {
    g_autofree gchar *name = g_strdup_printf ("media/demo/v360/3-%u.m4s", i);

    write_text (fixture, name, "0123456789");
  }
  options.media_dir = fixture->media_dir;
  if (limits != NULL)
    options.limits = *limits;
  fixture->server = mill_origin_server_new (&options);
  fixture->address =
      mill_origin_server_listen (fixture->server, "127.0.0.1:0", &error);
  g_assert_no_error (error);
}

static inline void
set_up (Fixture *fixture, gconstpointer data)
{
  set_up_limits (fixture, NULL);
}

static inline void
tear_down (Fixture *fixture, gconstpointer data)
{
  mill_origin_server_free (fixture->server);
  remove_tree (fixture->root);
  g_free (fixture->root);
  g_free (fixture->media_dir);
  g_free (fixture->address);
}

#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)

/* ---- a client ---- */

typedef struct
{
  const gchar *address;
  const gchar *request;
  GByteArray *response;
  gboolean done; /* atomic */
} Client;

static inline GSocketConnection *
connect_to (const gchar *address)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  g_socket_client_set_timeout (client, 20);
  connection =
      g_socket_client_connect_to_host (client, address, 0, NULL, &error);
  g_assert_no_error (error);
  return connection;
}

static inline gpointer
run_client (gpointer data)
{
  Client *client = data;
  g_autoptr (GSocketConnection) connection = connect_to (client->address);
  GIOStream *stream = G_IO_STREAM (connection);
  g_autoptr (GError) error = NULL;
  guint8 block[4096];
  gssize got;

  g_output_stream_write_all (g_io_stream_get_output_stream (stream),
      client->request, strlen (client->request), NULL, NULL, &error);
  g_assert_no_error (error);
  while ((got = g_input_stream_read (g_io_stream_get_input_stream (stream),
              block, sizeof (block), NULL, NULL)) > 0)
    g_byte_array_append (client->response, block, got);
  __atomic_store_n (&client->done, TRUE, __ATOMIC_RELEASE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static inline Answer *
parse_answer (GByteArray *response)
{
  Answer *answer = g_new0 (Answer, 1);
  g_autofree gchar *head = NULL;
  g_auto (GStrv) lines = NULL;
  const gchar *end =
      g_strstr_len ((gchar *) response->data, response->len, "\r\n\r\n");
  gsize length;

  g_assert_nonnull (end);
  length = end - (gchar *) response->data;
  head = g_strndup ((gchar *) response->data, length);
  lines = g_strsplit (head, "\r\n", -1);
  g_assert_true (g_str_has_prefix (lines[0], "HTTP/1.1 "));
  answer->status = g_ascii_strtoull (lines[0] + 9, NULL, 10);
  answer->headers =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 1; lines[i] != NULL; i++) {
    g_auto (GStrv) parts = g_strsplit (lines[i], ": ", 2);

    g_hash_table_insert (answer->headers, g_ascii_strdown (parts[0], -1),
        g_strdup (parts[1]));
  }
  answer->body = g_bytes_new (end + 4, response->len - length - 4);
  return answer;
}

/* @head: lines before the empty one; "Connection: close" is added. */
static inline Answer *
ask (Fixture *fixture, const gchar *head)
{
  g_autofree gchar *request =
      g_strconcat (head, "\r\nHost: test\r\nConnection: close\r\n\r\n", NULL);
  g_autoptr (GByteArray) response = g_byte_array_new ();
  Client client = { fixture->address, request, response, FALSE };
  GThread *thread = g_thread_new ("client", run_client, &client);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (!__atomic_load_n (&client.done, __ATOMIC_ACQUIRE)) {
    g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  g_thread_join (thread);
  return parse_answer (response);
}

static inline Answer *
get (Fixture *fixture, const gchar *path)
{
  g_autofree gchar *head = g_strconcat ("GET ", path, " HTTP/1.1", NULL);

  return ask (fixture, head);
}

static inline const gchar *
header (Answer *answer, const gchar *name)
{
  return g_hash_table_lookup (answer->headers, name);
}

static inline void
assert_status (Fixture *fixture, const gchar *path, guint status)
{
  g_autoptr (Answer) answer = get (fixture, path);

  if (answer->status != status)
    g_error ("%s: got %u, expected %u", path, answer->status, status);
}

static inline void
assert_body (Answer *answer, const gchar *expected)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (answer->body, &size);

  g_assert_cmpmem (data, size, expected, strlen (expected));
}

static inline Answer *
ask_segment (Fixture *fixture, const gchar *more)
{
  g_autofree gchar *head =
      g_strconcat ("GET /stream/demo/v360/3-15.m4s HTTP/1.1\r\n", more, NULL);

  return ask (fixture, head);
}

/* ---- a large file ---- */

#define BIG (24 * 1024 * 1024)

static inline void
write_big (Fixture *fixture)
{
  g_autofree guint32 *words = g_malloc (BIG);

  for (guint32 i = 0; i < BIG / 4; i++)
    words[i] = i * 2654435761u;
  write_bytes (fixture, "media/demo/v360/3-15.m4s", words, BIG);
}
