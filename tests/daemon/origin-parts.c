/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What the origin makes of paths, ranges and conditions, and what it keeps.
 * Were these wrong, files outside of a stream could be read, players could not
 * seek, or memory would grow with every stream that ever was. */

#include <string.h>

#include "daemon/origin/origin-gzip.h"
#include "daemon/origin/origin-path.h"
#include "daemon/origin/origin-range.h"

/* ---- paths ---- */

static void
test_paths (void)
{
  static const struct
  {
    const gchar *raw;
    MillOriginPathKind kind;
    const gchar *stream;
    const gchar *file;
  } vectors[] = {
    { "/stream/demo/master.m3u8", MILL_ORIGIN_PATH_STREAM, "demo",
        "master.m3u8" },
    { "/stream/a_B-9/v360/3-17.m4s", MILL_ORIGIN_PATH_STREAM, "a_B-9",
        "v360/3-17.m4s" },
    { "/stream/%64emo/v%33/x.mp4", MILL_ORIGIN_PATH_STREAM, "demo",
        "v3/x.mp4" },
    { "/stream/demo/Stra%C3%9Fe/x.mp4", MILL_ORIGIN_PATH_STREAM, "demo",
        "Stra\xc3\x9f"
        "e/x.mp4" },
    { "/play/demo", MILL_ORIGIN_PATH_PLAY, "demo", NULL },
    { "/player/player.js", MILL_ORIGIN_PATH_PLAYER, NULL, "player.js" },
    { "/healthz", MILL_ORIGIN_PATH_HEALTH, NULL, NULL },
    { "/metrics", MILL_ORIGIN_PATH_METRICS, NULL, NULL },
    { "/complete", MILL_ORIGIN_PATH_COMPLETE, NULL, NULL },
    { "/t/abc/stream/demo/master.m3u8", MILL_ORIGIN_PATH_RESERVED, NULL, NULL },
    { "/vod/movie/master.m3u8", MILL_ORIGIN_PATH_RESERVED, NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_auto (MillOriginPath) path = { 0 };

    mill_origin_path_parse (vectors[i].raw, &path);
    g_assert_cmpint (path.kind, ==, vectors[i].kind);
    g_assert_cmpstr (path.stream, ==, vectors[i].stream);
    g_assert_cmpstr (path.file, ==, vectors[i].file);
  }
}

static void
test_hostile_paths (void)
{
  static const gchar *const paths[] = { "", "/", "*", "//", "healthz",
    "/stream", "/stream/", "/stream/demo", "/stream/demo/", "/stream//x.mp4",
    "/stream/demo//x.mp4", "/stream/demo/v/", "/stream/../x.mp4",
    "/stream/demo/../x.mp4", "/stream/demo/%2e%2e/x.mp4",
    "/stream/demo/.%2e/x.mp4", "/stream/demo/..%2fx.mp4",
    "/stream/demo/v%2f..%2fx.mp4", "/stream/demo/v%5c..%5cx.mp4",
    "/stream/demo/..\\x.mp4", "/stream/demo/x.mp4%00.m3u8",
    "/stream/demo/x%0a.mp4", "/stream/demo/%ff.mp4", "/stream/demo/%zz.mp4",
    "/stream/demo/%2", "/stream/demo/.state", "/stream/demo/%2estate",
    "/stream/demo/v/.x.mp4", "/stream/.demo/x.mp4", "/stream/de%20mo/x.mp4",
    "/stream/de.mo/x.mp4", "/stream/demo/a/b/c/d/e.mp4", "/play/", "/play",
    "/play/a/b", "/play/a.b", "/play/%3Cscript%3E", "/player/..%2fx",
    "/player/", "/healthz/x", "/metrics/", "/STREAM/demo/x.mp4" };
  g_autofree gchar *name = g_strnfill (65, 'x');
  g_autofree gchar *long_stream =
      g_strconcat ("/stream/", name, "/x.mp4", NULL);
  g_autofree gchar *longest = g_strnfill (600, 'x');
  g_autofree gchar *long_file =
      g_strconcat ("/stream/demo/", longest, ".mp4", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (paths) + 2; i++) {
    const gchar *raw = i < G_N_ELEMENTS (paths) ? paths[i]
        : i == G_N_ELEMENTS (paths)             ? long_stream
                                                : long_file;
    g_auto (MillOriginPath) path = { 0 };

    mill_origin_path_parse (raw, &path);
    if (path.kind != MILL_ORIGIN_PATH_NONE)
      g_error ("'%s' was taken for kind %d", raw, path.kind);
  }
}

static void
test_file_kinds (void)
{
  static const struct
  {
    const gchar *file;
    MillOriginFileKind kind;
  } vectors[] = {
    { "master.m3u8", MILL_ORIGIN_FILE_PLAYLIST },
    { "manifest.mpd", MILL_ORIGIN_FILE_MPD },
    { "v360/init-3.mp4", MILL_ORIGIN_FILE_INIT },
    { "v360/3-17.m4s", MILL_ORIGIN_FILE_SEGMENT },
    { "en/3-17.vtt", MILL_ORIGIN_FILE_SEGMENT },
    { "thumbnails/3-40000.jpg", MILL_ORIGIN_FILE_SHEET },
    { "thumbnails.vtt", MILL_ORIGIN_FILE_THUMBNAILS },
    { "poster.jpg", MILL_ORIGIN_FILE_POSTER },
    { "v360/3-40000.jpg", MILL_ORIGIN_FILE_UNKNOWN },
    { "thumbnails/me.jpg", MILL_ORIGIN_FILE_UNKNOWN },
    { "thumbnails/poster.jpg", MILL_ORIGIN_FILE_UNKNOWN },
    { "ts/v360/3-17.ts", MILL_ORIGIN_FILE_SEGMENT },
    { "ts/v360/17.ts", MILL_ORIGIN_FILE_UNKNOWN },
    { "ts/v360/3-17.2.ts", MILL_ORIGIN_FILE_UNKNOWN },
    { "en/3-17.vtt.bak", MILL_ORIGIN_FILE_UNKNOWN },
    { "en/notes.vtt", MILL_ORIGIN_FILE_UNKNOWN },
    { "v360/3-17.2.m4s", MILL_ORIGIN_FILE_PART },
    { "v360/3-17..m4s", MILL_ORIGIN_FILE_OTHER },
    { "v360/3-17.2.3.m4s", MILL_ORIGIN_FILE_OTHER },
    { "v360/3-17.4294967295.m4s", MILL_ORIGIN_FILE_OTHER },
    { "v360/x3-17.m4s", MILL_ORIGIN_FILE_OTHER },
    { "v360/3-99999999999999999999.m4s", MILL_ORIGIN_FILE_OTHER },
    { "movie.mp4", MILL_ORIGIN_FILE_OTHER },
    { "live.index", MILL_ORIGIN_FILE_UNKNOWN },
    { "master.m3u8.bak", MILL_ORIGIN_FILE_UNKNOWN },
    { "m3u8", MILL_ORIGIN_FILE_UNKNOWN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    g_assert_cmpint (mill_origin_path_get_file_kind (vectors[i].file), ==,
        vectors[i].kind);
}

/* ---- ranges and conditions ---- */

/* RFC 9110 14.1.2, of a file of 1000 bytes. */
static void
test_ranges (void)
{
  static const struct
  {
    const gchar *header;
    MillOriginRange range;
    guint64 offset;
    guint64 length;
  } vectors[] = {
    { NULL, MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "bytes=0-0", MILL_ORIGIN_RANGE_PART, 0, 1 },
    { "bytes=0-", MILL_ORIGIN_RANGE_PART, 0, 1000 },
    { "bytes=500-999", MILL_ORIGIN_RANGE_PART, 500, 500 },
    { "bytes=500-5000", MILL_ORIGIN_RANGE_PART, 500, 500 },
    { "bytes=999-", MILL_ORIGIN_RANGE_PART, 999, 1 },
    { "bytes=-1", MILL_ORIGIN_RANGE_PART, 999, 1 },
    { "bytes=-5000", MILL_ORIGIN_RANGE_PART, 0, 1000 },
    { "BYTES=1-2", MILL_ORIGIN_RANGE_PART, 1, 2 },
    { "bytes=0-99999999999999999999999", MILL_ORIGIN_RANGE_PART, 0, 1000 },
    { "bytes=1000-", MILL_ORIGIN_RANGE_UNSATISFIABLE, 0, 0 },
    { "bytes=99999999999999999999999-", MILL_ORIGIN_RANGE_UNSATISFIABLE, 0, 0 },
    { "bytes=-0", MILL_ORIGIN_RANGE_UNSATISFIABLE, 0, 0 },
    { "bytes=2-1", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "bytes=0-1,3-4", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "bytes=", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "bytes=-", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "bytes=a-b", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "bytes=+1-2", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "bytes=1 -2", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
    { "lines=0-1", MILL_ORIGIN_RANGE_WHOLE, 0, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    guint64 offset = 0;
    guint64 length = 0;

    g_assert_cmpint (mill_origin_range_parse (vectors[i].header, 1000, &offset,
                         &length),
        ==, vectors[i].range);
    if (vectors[i].range != MILL_ORIGIN_RANGE_PART)
      continue;
    g_assert_cmpuint (offset, ==, vectors[i].offset);
    g_assert_cmpuint (length, ==, vectors[i].length);
  }
}

static void
test_etags (void)
{
  g_assert_false (mill_origin_range_matches (NULL, "\"a\""));
  g_assert_false (mill_origin_range_matches ("", "\"a\""));
  g_assert_false (mill_origin_range_matches ("a", "\"a\""));
  g_assert_false (mill_origin_range_matches ("\"b\"", "\"a\""));
  g_assert_true (mill_origin_range_matches ("\"a\"", "\"a\""));
  g_assert_true (mill_origin_range_matches ("W/\"a\"", "\"a\""));
  g_assert_true (mill_origin_range_matches ("\"b\" , \"a\"", "\"a\""));
  g_assert_true (mill_origin_range_matches ("*", "\"a\""));
}

static void
test_accept_encoding (void)
{
  g_assert_false (mill_origin_range_accepts_gzip (NULL));
  g_assert_false (mill_origin_range_accepts_gzip (""));
  g_assert_false (mill_origin_range_accepts_gzip ("identity"));
  g_assert_false (mill_origin_range_accepts_gzip ("br, deflate"));
  g_assert_false (mill_origin_range_accepts_gzip ("gzip;q=0"));
  g_assert_false (mill_origin_range_accepts_gzip ("*, gzip;q=0"));
  g_assert_true (mill_origin_range_accepts_gzip ("gzip"));
  g_assert_true (mill_origin_range_accepts_gzip ("deflate, GZIP;q=0.5, br"));
  g_assert_true (mill_origin_range_accepts_gzip ("*"));
}

/* ---- compressed texts ---- */

static GBytes *
random_text (GRand *rand, gsize size)
{
  gchar *text = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    text[i] = (gchar) g_rand_int (rand);
  return g_bytes_new_take (text, size);
}

static void
test_gzip (void)
{
  g_autoptr (MillOriginGzip) gzip = mill_origin_gzip_new (10000);
  GRand *rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 100; i++) {
    g_autofree gchar *name = g_strdup_printf ("stream-%u", i);
    g_autoptr (GBytes) text = random_text (rand, 900);
    g_autoptr (GBytes) added = mill_origin_gzip_add (gzip, name, "1", text);
    g_autoptr (GBytes) found = mill_origin_gzip_lookup (gzip, name, "1");
    g_autoptr (GBytes) first = mill_origin_gzip_lookup (gzip, "stream-0", "1");

    g_assert_true (found == added);
    /* The one in use stays, the others make room. */
    g_assert_nonnull (first);
    g_assert_cmpuint (mill_origin_gzip_get_size (gzip), <=, 10000);
  }
  /* A newer version: the old one goes. */
  g_assert_null (mill_origin_gzip_lookup (gzip, "stream-0", "2"));
  g_assert_null (mill_origin_gzip_lookup (gzip, "stream-0", "1"));
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/origin/paths", test_paths);
  g_test_add_func ("/origin/paths/hostile", test_hostile_paths);
  g_test_add_func ("/origin/paths/file-kinds", test_file_kinds);
  g_test_add_func ("/origin/ranges", test_ranges);
  g_test_add_func ("/origin/etags", test_etags);
  g_test_add_func ("/origin/accept-encoding", test_accept_encoding);
  g_test_add_func ("/origin/gzip", test_gzip);
  return g_test_run ();
}
