/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The origin over real sockets. Were it wrong, browsers would refuse a stream
 * (CORS, types), caches would keep halves of segments, players could not seek,
 * or one slow client would cost memory without bound. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "daemon/common/self-stats.h"
#include "daemon/origin/origin-server.h"

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

static void
free_answer (Answer *answer)
{
  g_hash_table_unref (answer->headers);
  g_bytes_unref (answer->body);
  g_free (answer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, free_answer)

/* ---- files ---- */

static void
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

static void
write_text (Fixture *fixture, const gchar *name, const gchar *text)
{
  write_bytes (fixture, name, text, strlen (text));
}

static void
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

static void
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

static void
set_up (Fixture *fixture, gconstpointer data)
{
  set_up_limits (fixture, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  mill_origin_server_free (fixture->server);
  remove_tree (fixture->root);
  g_free (fixture->root);
  g_free (fixture->media_dir);
  g_free (fixture->address);
}

/* ---- a client in a thread of its own; the server runs in this one ---- */

typedef struct
{
  const gchar *address;
  const gchar *request;
  GByteArray *response;
  gboolean done; /* atomic */
} Client;

static GSocketConnection *
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

static gpointer
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

static Answer *
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
static Answer *
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

static Answer *
get (Fixture *fixture, const gchar *path)
{
  g_autofree gchar *head = g_strconcat ("GET ", path, " HTTP/1.1", NULL);

  return ask (fixture, head);
}

static const gchar *
header (Answer *answer, const gchar *name)
{
  return g_hash_table_lookup (answer->headers, name);
}

static void
assert_status (Fixture *fixture, const gchar *path, guint status)
{
  g_autoptr (Answer) answer = get (fixture, path);

  if (answer->status != status)
    g_error ("%s: got %u, expected %u", path, answer->status, status);
}

static void
assert_body (Answer *answer, const gchar *expected)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (answer->body, &size);

  g_assert_cmpmem (data, size, expected, strlen (expected));
}

/* ---- what is served, and as what ---- */

static void
test_types (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *path;
    const gchar *type;
    const gchar *caching;
  } vectors[] = {
    { "/stream/demo/master.m3u8", "application/vnd.apple.mpegurl",
        "public, max-age=1" },
    { "/stream/demo/manifest.mpd", "application/dash+xml",
        "public, max-age=1" },
    { "/stream/demo/v360/init-3.mp4", "video/mp4",
        "public, max-age=86400, immutable" },
    { "/stream/demo/v360/3-15.m4s?_=1", "video/mp4",
        "public, max-age=86400, immutable" },
    { "/healthz", "text/plain; charset=utf-8", "no-store" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (Answer) answer = get (fixture, vectors[i].path);

    g_assert_cmpuint (answer->status, ==, 200);
    g_assert_cmpstr (header (answer, "content-type"), ==, vectors[i].type);
    g_assert_cmpstr (header (answer, "cache-control"), ==, vectors[i].caching);
    g_assert_cmpstr (header (answer, "access-control-allow-origin"), ==, "*");
    g_assert_cmpstr (header (answer, "x-content-type-options"), ==, "nosniff");
    /* DASH players set their clock by it (UTCTiming). */
    g_assert_nonnull (header (answer, "date"));
    g_assert_nonnull (strstr (header (answer, "access-control-expose-headers"),
        "Date"));
  }
}

#define NOT_FOUND                                                     \
  "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404," \
  "\"detail\":\""

static void
test_not_found (Fixture *fixture, gconstpointer data)
{
  static const gchar *const paths[] = { "/", "/stream/demo/none.m3u8",
    "/stream/none/master.m3u8", "/stream/demo/v360/3-99.m4s",
    "/stream/demo/v360", "/stream/demo/", "/t/x/stream/demo/master.m3u8",
    "/vod/x/master.m3u8", "/player/none.js", "/play/a.b", "/x" };
  g_autoptr (Answer) answer = get (fixture, paths[0]);

  g_assert_cmpstr (header (answer, "content-type"), ==,
      "application/problem+json");
  g_assert_cmpstr (header (answer, "cache-control"), ==, "public, max-age=1");
  g_assert_cmpstr (header (answer, "access-control-allow-origin"), ==, "*");
  assert_body (answer,
      NOT_FOUND "/: expected /stream/{stream}/{file}, /play/{stream}, /healthz "
                "or /metrics\"}\n");
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    assert_status (fixture, paths[i], 404);
}

/* Whoever asks in vain reads what was asked for and why it is not there; what
 * means something to a browser or to JSON is escaped, and a long one is cut. */
static void
test_not_found_why (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *path;
    const gchar *detail;
  } vectors[] = {
    { "/stream/none/master.m3u8",
        "/stream/none/master.m3u8: there is no such stream: it has not begun "
        "yet, or is gone" },
    { "/stream/none/v360/3-1.2.m4s",
        "/stream/none/v360/3-1.2.m4s: there is no such stream: it has not begun "
        "yet, or is gone" },
    { "/stream/demo/none.m3u8",
        "/stream/demo/none.m3u8: the stream has no such file: not yet, or no "
        "more" },
    { "/stream/demo/v360/3-99.m4s",
        "/stream/demo/v360/3-99.m4s: no playlist of the stream lists it: it is "
        "not there yet, or is gone" },
    { "/stream/demo/v360/3-99.7.m4s",
        "/stream/demo/v360/3-99.7.m4s: no playlist of the stream lists it: it is "
        "not there yet, or is gone" },
    { "/stream/demo/notes.txt",
        "/stream/demo/notes.txt: no file of a stream that is served has such a "
        "name; master.m3u8 and manifest.mpd name all of them" },
    { "/stream/demo/%3Cscript%3E%22%5b%26%c3%bc.m3u8",
        "/stream/demo/%3Cscript%3E%22%5B%26%C3%BC.m3u8: the stream has no such "
        "file: not yet, or no more" },
    { "/x\"<b>&\\",
        "/x%22%3Cb%3E%26%5C: expected /stream/{stream}/{file}, "
        "/play/{stream}, /healthz or /metrics" },
    { "/vod/film/master.m3u8",
        "/vod/film/master.m3u8: reserved, nothing is served there" },
    { "/player/none.js",
        "the player has no such file, /play/{stream} is its page" },
  };
  g_autofree gchar *long_path = g_strdup_printf ("/%0400d", 7);
  g_autoptr (Answer) cut = get (fixture, long_path);

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (Answer) answer = get (fixture, vectors[i].path);
    g_autofree gchar *text =
        g_strconcat (NOT_FOUND, vectors[i].detail, "\"}\n", NULL);

    g_assert_cmpuint (answer->status, ==, 404);
    g_assert_cmpstr (header (answer, "cache-control"), ==, "public, max-age=1");
    assert_body (answer, text);
  }
  g_assert_cmpuint (cut->status, ==, 404);
  g_assert_cmpuint (g_bytes_get_size (cut->body), <, 512);
}

/* Everything outside of the streams, and what packagers keep to themselves,
 * put there to be found. */
static void
test_refused (Fixture *fixture, gconstpointer data)
{
  static const gchar *const paths[] = { "/stream/demo/../../secret.mp4",
    "/stream/demo/%2e%2e/%2e%2e/secret.mp4",
    "/stream/demo/..%2f..%2fsecret.mp4", "/stream/%2e%2e/secret.mp4",
    "/stream/demo/link.mp4", "/stream/demo/linked/secret.mp4",
    "/stream/link/secret.mp4", "/stream/demo/inside.mp4", "/stream/demo/.state",
    "/stream/demo/live.index", "/stream/demo/.hidden.mp4",
    "/stream/demo/notes.txt", "/stream/demo/directory.mp4",
    "/stream/demo/fifo.mp4", "/stream/demo/v360/3-15.m4s%00" };
  g_autofree gchar *demo = g_build_filename (fixture->media_dir, "demo", NULL);
  g_autofree gchar *link = g_build_filename (demo, "link.mp4", NULL);
  g_autofree gchar *linked = g_build_filename (demo, "linked", NULL);
  g_autofree gchar *inside = g_build_filename (demo, "inside.mp4", NULL);
  g_autofree gchar *stream =
      g_build_filename (fixture->media_dir, "link", NULL);
  g_autofree gchar *fifo = g_build_filename (demo, "fifo.mp4", NULL);
  g_autofree gchar *secret =
      g_build_filename (fixture->root, "secret.mp4", NULL);

  write_text (fixture, "secret.mp4", "secret");
  write_text (fixture, "media/demo/.state", "x");
  write_text (fixture, "media/demo/live.index", "x");
  write_text (fixture, "media/demo/.hidden.mp4", "x");
  write_text (fixture, "media/demo/notes.txt", "x");
  write_text (fixture, "media/demo/directory.mp4/x.mp4", "x");
  g_assert_cmpint (symlink (secret, link), ==, 0);
  g_assert_cmpint (symlink (fixture->root, linked), ==, 0);
  g_assert_cmpint (symlink (fixture->root, stream), ==, 0);
  g_assert_cmpint (symlink ("v360/init-3.mp4", inside), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0644), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    assert_status (fixture, paths[i], 404);
}

/* A segment that is still appended to must not get into any cache. */
static void
test_unlisted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Answer) unsure = NULL;

  assert_status (fixture, "/stream/demo/v360/3-14.m4s", 200); /* removed */
  assert_status (fixture, "/stream/demo/v360/3-15.m4s", 200);
  assert_status (fixture, "/stream/demo/v360/3-16.m4s", 404); /* a gap */
  assert_status (fixture, "/stream/demo/v360/3-17.m4s", 200);
  assert_status (fixture, "/stream/demo/v360/3-18.m4s", 404); /* under way */

  write_text (fixture, "media/demo/v360/playlist.m3u8",
      PLAYLIST "#EXTINF:2,\n3-18.m4s\n");
  assert_status (fixture, "/stream/demo/v360/3-18.m4s", 200);
  write_text (fixture, "media/demo/v360/4-19.m4s", "0123456789");
  assert_status (fixture, "/stream/demo/v360/4-19.m4s", 404);

  /* Without HLS nothing says what is complete: no cache may be sure. */
  write_text (fixture, "media/dash/v360/1-0.m4s", "x");
  unsure = get (fixture, "/stream/dash/v360/1-0.m4s");
  g_assert_cmpuint (unsure->status, ==, 200);
  g_assert_cmpstr (header (unsure, "cache-control"), ==, "no-cache");
}

/* ---- methods, conditions, ranges ---- */

static void
test_methods (Fixture *fixture, gconstpointer data)
{
  static const gchar *const refused[] = { "POST", "PUT", "DELETE", "PATCH" };
  g_autoptr (Answer) head =
      ask (fixture, "HEAD /stream/demo/v360/3-15.m4s HTTP/1.1");
  g_autoptr (Answer) none = ask (fixture, "HEAD /stream/none/x.mp4 HTTP/1.1");
  g_autoptr (Answer) options = ask (fixture,
      "OPTIONS /stream/demo/v360/3-15.m4s HTTP/1.1\r\n"
      "Origin: http://elsewhere\r\nAccess-Control-Request-Method: GET\r\n"
      "Access-Control-Request-Headers: range");

  g_assert_cmpuint (head->status, ==, 200);
  g_assert_cmpstr (header (head, "content-length"), ==, "10");
  g_assert_nonnull (header (head, "etag"));
  g_assert_cmpuint (g_bytes_get_size (head->body), ==, 0);
  g_assert_cmpuint (none->status, ==, 404);
  g_assert_cmpuint (g_bytes_get_size (none->body), ==, 0);

  g_assert_cmpuint (options->status, ==, 200);
  g_assert_cmpstr (header (options, "access-control-allow-origin"), ==, "*");
  g_assert_nonnull (strstr (header (options, "access-control-allow-headers"),
      "Range"));
  g_assert_nonnull (strstr (header (options, "access-control-allow-methods"),
      "GET"));

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autofree gchar *line = g_strdup_printf (
        "%s /stream/demo/master.m3u8 HTTP/1.1\r\nContent-Length: 0",
        refused[i]);
    g_autoptr (Answer) answer = ask (fixture, line);

    g_assert_cmpuint (answer->status, ==, 405);
    g_assert_cmpstr (header (answer, "allow"), ==, "GET, HEAD, OPTIONS");
  }
}

static Answer *
ask_segment (Fixture *fixture, const gchar *more)
{
  g_autofree gchar *head =
      g_strconcat ("GET /stream/demo/v360/3-15.m4s HTTP/1.1\r\n", more, NULL);

  return ask (fixture, head);
}

static void
test_ranges (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Answer) part = ask_segment (fixture, "Range: bytes=2-4");
  g_autoptr (Answer) last = ask_segment (fixture, "Range: bytes=-3");
  g_autoptr (Answer) beyond = ask_segment (fixture, "Range: bytes=10-");
  g_autoptr (Answer) several = ask_segment (fixture, "Range: bytes=0-1,4-5");
  g_autoptr (Answer) other =
      ask_segment (fixture, "Range: bytes=2-4\r\nIf-Range: \"x\"");
  g_autofree gchar *same_line =
      g_strdup_printf ("Range: bytes=2-4\r\nIf-Range: %s",
          header (part, "etag"));
  g_autoptr (Answer) same = ask_segment (fixture, same_line);

  g_assert_cmpuint (part->status, ==, 206);
  g_assert_cmpstr (header (part, "content-range"), ==, "bytes 2-4/10");
  g_assert_cmpstr (header (part, "content-length"), ==, "3");
  assert_body (part, "234");
  g_assert_cmpuint (last->status, ==, 206);
  assert_body (last, "789");
  g_assert_cmpuint (beyond->status, ==, 416);
  g_assert_cmpstr (header (beyond, "content-range"), ==, "bytes */10");
  g_assert_cmpuint (several->status, ==, 200);
  assert_body (several, "0123456789");
  g_assert_cmpuint (other->status, ==, 200);
  assert_body (other, "0123456789");
  g_assert_cmpuint (same->status, ==, 206);
  assert_body (same, "234");
}

static void
test_etags (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Answer) first = get (fixture, "/stream/demo/v360/playlist.m3u8");
  g_autofree gchar *head = g_strdup_printf (
      "GET /stream/demo/v360/playlist.m3u8 HTTP/1.1\r\nIf-None-Match: %s",
      header (first, "etag"));
  g_autoptr (Answer) same = ask (fixture, head);
  g_autoptr (Answer) changed = NULL;

  g_assert_true (g_str_has_prefix (header (first, "etag"), "\""));
  g_assert_cmpuint (same->status, ==, 304);
  g_assert_cmpstr (header (same, "etag"), ==, header (first, "etag"));
  g_assert_nonnull (header (same, "cache-control"));
  g_assert_cmpuint (g_bytes_get_size (same->body), ==, 0);

  /* The same size: only what is in it is another. */
  write_text (fixture, "media/demo/v360/playlist.m3u8", PLAYLIST);
  changed = ask (fixture, head);
  g_assert_cmpuint (changed->status, ==, 200);
  g_assert_cmpstr (header (changed, "etag"), !=, header (first, "etag"));
}

static gchar *
gunzip (GBytes *bytes)
{
  g_autoptr (GInputStream) raw = g_memory_input_stream_new_from_bytes (bytes);
  g_autoptr (GZlibDecompressor) decompressor =
      g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  g_autoptr (GInputStream) stream =
      g_converter_input_stream_new (raw, G_CONVERTER (decompressor));
  gchar *text = g_malloc0 (4096);

  g_assert_true (g_input_stream_read_all (stream, text, 4095, NULL, NULL,
      NULL));
  return text;
}

static void
test_gzip (Fixture *fixture, gconstpointer data)
{
#define ZIPPED                                       \
  "GET /stream/demo/v360/playlist.m3u8 HTTP/1.1\r\n" \
  "Accept-Encoding: deflate, gzip, br"
  g_autoptr (Answer) plain = get (fixture, "/stream/demo/v360/playlist.m3u8");
  g_autoptr (Answer) zipped = ask (fixture, ZIPPED);
  g_autoptr (Answer) again = ask (fixture, ZIPPED);
  g_autoptr (Answer) newer = NULL;
  g_autoptr (Answer) media = ask_segment (fixture, "Accept-Encoding: gzip");
  g_autofree gchar *text = gunzip (zipped->body);
  g_autofree gchar *newer_text = NULL;

  g_assert_cmpstr (header (plain, "vary"), ==, "Accept-Encoding");
  g_assert_null (header (plain, "content-encoding"));
  g_assert_cmpstr (header (zipped, "content-encoding"), ==, "gzip");
  g_assert_cmpstr (header (zipped, "vary"), ==, "Accept-Encoding");
  g_assert_cmpstr (header (zipped, "etag"), !=, header (plain, "etag"));
  g_assert_cmpstr (header (again, "etag"), ==, header (zipped, "etag"));
  g_assert_cmpstr (text, ==, PLAYLIST);
  g_assert_true (g_bytes_equal (zipped->body, again->body));
  g_assert_null (header (media, "content-encoding"));

  write_text (fixture, "media/demo/v360/playlist.m3u8",
      PLAYLIST "#EXT-X-ENDLIST\n");
  newer = ask (fixture, ZIPPED);
  newer_text = gunzip (newer->body);
  g_assert_cmpstr (newer_text, ==, PLAYLIST "#EXT-X-ENDLIST\n");
}

/* ---- large files and slow clients ---- */

#define BIG (24 * 1024 * 1024)

static guint64
get_memory (void)
{
  MillSelfStats stats;

  mill_self_stats_get (&stats);
  return stats.memory_bytes;
}

static void
write_big (Fixture *fixture)
{
  g_autofree guint32 *words = g_malloc (BIG);

  for (guint32 i = 0; i < BIG / 4; i++)
    words[i] = i * 2654435761u;
  write_bytes (fixture, "media/demo/v360/3-15.m4s", words, BIG);
}

static void
test_big (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Answer) whole = NULL;
  g_autoptr (Answer) part = NULL;
  const guint32 *words;

  write_big (fixture);
  whole = get (fixture, "/stream/demo/v360/3-15.m4s");
  g_assert_cmpuint (g_bytes_get_size (whole->body), ==, BIG);
  words = g_bytes_get_data (whole->body, NULL);
  for (guint32 i = 0; i < BIG / 4; i++)
    g_assert_true (words[i] == i * 2654435761u);
  part = ask_segment (fixture, "Range: bytes=4000000-20000000");
  g_assert_cmpuint (part->status, ==, 206);
  g_assert_cmpmem (g_bytes_get_data (part->body, NULL),
      g_bytes_get_size (part->body), (const guint8 *) words + 4000000,
      16000001);
}

static gint
open_sockets (Fixture *fixture)
{
  MillOriginCounts counts;

  mill_origin_server_get_counts (fixture->server, &counts);
  return counts.open_connections;
}

static void
turn_until (Fixture *fixture, gint n_open)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (open_sockets (fixture) != n_open) {
    g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

/* Clients that ask for 24 MB and take nothing: they cost blocks, not files. */
static void
test_slow_clients (Fixture *fixture, gconstpointer data)
{
  static const gchar request[] =
      "GET /stream/demo/v360/3-15.m4s HTTP/1.1\r\nHost: test\r\n\r\n";
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func (g_object_unref);
  MillOriginCounts counts = { 0 };
  guint64 before;

  write_big (fixture);
  before = get_memory ();
  for (guint i = 0; i < 20; i++) {
    GSocketConnection *client = connect_to (fixture->address);

    g_ptr_array_add (clients, client);
    g_assert_cmpint (g_socket_send (g_socket_connection_get_socket (client),
                         request, strlen (request), NULL, NULL),
        ==, (gssize) strlen (request));
    g_main_context_iteration (NULL, FALSE);
  }
  turn_until (fixture, 20);
  do {
    g_main_context_iteration (NULL, TRUE);
    mill_origin_server_get_counts (fixture->server, &counts);
  } while (counts.in_flight < 20);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  /* 20 times 24 MB would be 480 MB. */
  g_assert_cmpuint (get_memory () - MIN (before, get_memory ()), <,
      40 * 1024 * 1024);
  g_ptr_array_set_size (clients, 0);
  turn_until (fixture, 0);
}

/* ---- connections ---- */

static void
read_answer (GSocketConnection *client, const gchar *end)
{
  GSocket *socket = g_socket_connection_get_socket (client);
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_socket_set_blocking (socket, FALSE);
  while (!g_str_has_suffix (text->str, end)) {
    gchar block[1024];
    gssize got = g_socket_receive (socket, block, sizeof (block), NULL, NULL);

    if (got > 0)
      g_string_append_len (text, block, got);
    else
      g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

static void
send_text (GSocketConnection *client, const gchar *text)
{
  g_socket_send (g_socket_connection_get_socket (client), text, strlen (text),
      NULL, NULL);
}

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"

/* A connection is used again, and leaves nothing behind when the client ends it
 * between two requests (libsoup 3.2 would keep it for ever). */
static void
test_keep_alive (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 200; i++) {
    g_autoptr (GSocketConnection) client = connect_to (fixture->address);

    for (guint k = 0; k < 3; k++) {
      send_text (client, HEALTH);
      read_answer (client, "\r\n\r\nok\n");
    }
  }
  turn_until (fixture, 0);
}

static void
assert_ended (GSocketConnection *client)
{
  GSocket *socket = g_socket_connection_get_socket (client);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  g_autoptr (GError) error = NULL;
  gchar block[1024];
  gssize got;

  g_socket_set_blocking (socket, FALSE);
  do {
    g_clear_error (&error);
    g_main_context_iteration (NULL, FALSE);
    got = g_socket_receive (socket, block, sizeof (block), NULL, &error);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  } while (got > 0 ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK));
}

/* Whoever keeps the server waiting is let go: a client that says nothing, one
 * that begins a request and does not go on, one that stays after its answer,
 * and one that does not take its answer. */
static void
test_waiting (Fixture *unused, gconstpointer data)
{
  const MillOriginLimits limits = { .head_timeout_ms = 200,
    .write_timeout_ms = 200 };
  static const gchar *const heads[] = { "", "GET /hea",
    "GET /healthz HTTP/1.1\r\nHost: te", HEALTH, HEALTH "GET /hea" };
  Fixture fixture = { 0 };
  g_autoptr (GSocketConnection) taker = NULL;

  set_up_limits (&fixture, &limits);
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    g_autoptr (GSocketConnection) client = connect_to (fixture.address);

    send_text (client, heads[i]);
    assert_ended (client);
    turn_until (&fixture, 0);
  }
  write_big (&fixture);
  taker = connect_to (fixture.address);
  send_text (taker,
      "GET /stream/demo/v360/3-15.m4s HTTP/1.1\r\nHost: t\r\n\r\n");
  turn_until (&fixture, 1);
  turn_until (&fixture, 0);
  tear_down (&fixture, NULL);
}

static void
test_too_many (Fixture *unused, gconstpointer data)
{
  const MillOriginLimits limits = { .max_connections = 3 };
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func (g_object_unref);
  Fixture fixture = { 0 };

  set_up_limits (&fixture, &limits);
  for (guint i = 0; i < 3; i++) {
    g_ptr_array_add (clients, connect_to (fixture.address));
    send_text (clients->pdata[i], HEALTH);
    read_answer (clients->pdata[i], "ok\n");
  }
  g_ptr_array_add (clients, connect_to (fixture.address));
  assert_ended (clients->pdata[3]);
  /* Those that are there are not disturbed. */
  send_text (clients->pdata[0], HEALTH);
  read_answer (clients->pdata[0], "ok\n");
  g_ptr_array_unref (g_steal_pointer (&clients));
  turn_until (&fixture, 0);
  tear_down (&fixture, NULL);
}

/* A head without end, and bodies that nobody asked for. */
static void
test_large_requests (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill (200 * 1000, 'x');
  g_autofree gchar *head =
      g_strconcat ("GET /healthz HTTP/1.1\r\nHost: t\r\nX: ", filler, NULL);
  g_autoptr (GSocketConnection) client = connect_to (fixture->address);
  g_autofree gchar *post = g_strdup_printf (
      "POST /healthz HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n%s",
      filler);
  g_autoptr (GSocketConnection) poster = connect_to (fixture->address);

  send_text (client, head);
  assert_ended (client);
  send_text (poster, post);
  assert_ended (poster);
  turn_until (fixture, 0);
}

/* ---- the rest ---- */

static void
test_metrics (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Answer) problem = NULL;
  g_autoptr (Answer) answer = NULL;
  g_autofree gchar *sent = NULL;
  g_autofree gchar *text = NULL;
  gsize size;
  const gchar *body;

  assert_status (fixture, "/healthz", 200);
  problem = get (fixture, "/none");
  g_assert_cmpuint (problem->status, ==, 404);
  assert_status (fixture, "/stream/demo/v360/3-15.m4s", 200);
  answer = get (fixture, "/metrics");
  body = g_bytes_get_data (answer->body, &size);
  text = g_strndup (body, size);
  g_assert_nonnull (strstr (text,
      "millrace_origin_requests_total{kind=\"segment\",class=\"2xx\"} 1\n"));
  g_assert_nonnull (strstr (text,
      "millrace_origin_requests_total{kind=\"other\",class=\"2xx\"} 1\n"));
  g_assert_nonnull (strstr (text,
      "millrace_origin_requests_total{kind=\"other\",class=\"4xx\"} 1\n"));
  g_assert_nonnull (strstr (text,
      "millrace_origin_part_delay_seconds_bucket{le=\"+Inf\"} 0\n"));
  g_assert_nonnull (strstr (text,
      "# TYPE millrace_origin_sent_bytes_total "
      "counter\n"));
  /* "ok\n", the problem, ten bytes */
  sent = g_strdup_printf ("millrace_origin_sent_bytes_total %" G_GSIZE_FORMAT
                          "\n",
      strlen ("ok\n") + g_bytes_get_size (problem->body) + 10);
  g_assert_nonnull (strstr (text, sent));
  g_assert_nonnull (strstr (text, "millrace_origin_connections 1\n"));
}

static void
test_player (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Answer) page = get (fixture, "/play/demo");
  g_autoptr (Answer) script = get (fixture, "/player/player.js");
  const gchar *policy = header (page, "content-security-policy");

  g_assert_cmpuint (page->status, ==, 200);
  g_assert_cmpstr (header (page, "content-type"), ==,
      "text/html; charset=utf-8");
  g_assert_true (g_str_has_prefix (policy, "default-src 'none'; "));
  g_assert_null (strstr (policy, "unsafe"));
  g_assert_null (strstr (policy, "http"));
  g_assert_cmpuint (script->status, ==, 200);
  g_assert_cmpstr (header (script, "content-type"), ==,
      "text/javascript; charset=utf-8");
#ifdef MILL_HAVE_PLAYER
  assert_status (fixture, "/player/hls.min.js", 200);
  assert_status (fixture, "/player/hls.LICENSE.txt", 200);
#endif
}

static void
on_drained (gpointer data)
{
  *(gboolean *) data = TRUE;
}

/* What is in flight is answered; a connection does not outlive its answer. */
static void
test_drain (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) idle = connect_to (fixture->address);
  g_autoptr (Answer) late = NULL;
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  gboolean drained = FALSE;

  send_text (idle, HEALTH);
  read_answer (idle, "ok\n");
  mill_origin_server_drain (fixture->server, 60000, on_drained, &drained);
  while (!drained) {
    g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  late = get (fixture, "/healthz");
  g_assert_cmpstr (header (late, "connection"), ==, "close");
}

#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)
#define ADD_BARE(path, func) g_test_add (path, Fixture, NULL, NULL, func, NULL)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/origin/types", test_types);
  ADD ("/origin/not-found", test_not_found);
  ADD ("/origin/not-found-why", test_not_found_why);
  ADD ("/origin/refused", test_refused);
  ADD ("/origin/unlisted", test_unlisted);
  ADD ("/origin/methods", test_methods);
  ADD ("/origin/ranges", test_ranges);
  ADD ("/origin/etags", test_etags);
  ADD ("/origin/gzip", test_gzip);
  ADD ("/origin/big", test_big);
  ADD ("/origin/slow-clients", test_slow_clients);
  ADD ("/origin/keep-alive", test_keep_alive);
  ADD_BARE ("/origin/waiting", test_waiting);
  ADD_BARE ("/origin/too-many", test_too_many);
  ADD ("/origin/large-requests", test_large_requests);
  ADD ("/origin/metrics", test_metrics);
  ADD ("/origin/player", test_player);
  ADD ("/origin/drain", test_drain);
  return g_test_run ();
}
