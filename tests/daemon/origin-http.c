/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What the origin answers. Were it wrong, browsers would refuse a stream
 * (CORS, types), caches would keep halves of segments, or players could not
 * seek. */

#include <sys/stat.h>
#include <unistd.h>

#include "origin-test.h"

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
  ADD ("/origin/metrics", test_metrics);
  ADD ("/origin/player", test_player);
  return g_test_run ();
}
