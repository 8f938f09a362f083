/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Segments that are sent while they are written. Were they wrong, players of
 * low-latency DASH would stall at every segment, or caches would keep halves. */

#include <string.h>
#include <utime.h>

#include <glib/gstdio.h>

#include "daemon/origin/origin-server.h"

#define DEADLINE_US (30 * G_USEC_PER_SEC)

typedef struct
{
  gchar *root;
  gchar *media_dir;
  gchar *directory; /* of the stream */
  MillOriginServer *server;
  gchar *address;
} Fixture;

/* ---- the packager's side ---- */

static void
append (Fixture *fixture, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (fixture->directory, name, NULL);
  FILE *file = g_fopen (path, "a");

  g_assert_nonnull (file);
  g_assert_cmpint (fputs (text, file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
}

static void
put (Fixture *fixture, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (fixture->directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

/* Part @part of ten bytes of segment @number, of 200 ms. */
static void
write_part (Fixture *fixture, guint generation, guint number, guint part,
    const gchar *bytes, const gchar *flags)
{
  g_autofree gchar *name =
      g_strdup_printf ("v90/%u-%u.m4s", generation, number);
  g_autofree gchar *line =
      g_strdup_printf ("v90 %u %u %u %u 10 %u 200000000 %s %u\n", generation,
          number, part, part * 10, (number * 5 + part) * 200000000, flags,
          1764000000);

  g_assert_cmpuint (strlen (bytes), ==, 10);
  append (fixture, name, bytes);
  append (fixture, "live.index", line);
}

static void
write_whole (Fixture *fixture, guint number)
{
  static const gchar *const flags[] = { "I", "-", "-", "-", "L" };

  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    write_part (fixture, 1, number, i, "0123456789", flags[i]);
}

#define PLAYLIST                                                              \
  "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"init-1.mp4\"\n#EXTINF:" \
  "1,\n1-0.m4s\n"

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *rendition = NULL;

  fixture->root = g_dir_make_tmp ("mill-growing-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->media_dir = g_build_filename (fixture->root, "media", NULL);
  fixture->directory = g_build_filename (fixture->media_dir, "demo", NULL);
  rendition = g_build_filename (fixture->directory, "v90", NULL);
  g_assert_cmpint (g_mkdir_with_parents (rendition, 0755), ==, 0);
  put (fixture, "live.index",
      "millrace-live 2\n#stream 200000000\n#rendition v90 200000000\n");
  write_whole (fixture, 0);
  put (fixture, "v90/playlist.m3u8", PLAYLIST);
  append (fixture, "live.index", "#listed 1 0 1\n");
  MillOriginServerOptions options = { .media_dir = fixture->media_dir };
  fixture->server = mill_origin_server_new (&options);
  fixture->address =
      mill_origin_server_listen (fixture->server, "127.0.0.1:0", &error);
  g_assert_no_error (error);
}

static void
remove_tree (const gchar *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);

    remove_tree (child);
  }
  g_remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  mill_origin_server_free (fixture->server);
  remove_tree (fixture->root);
  g_free (fixture->root);
  g_free (fixture->media_dir);
  g_free (fixture->directory);
  g_free (fixture->address);
}

/* ---- the viewer's side: in the server's thread, never blocking ---- */

typedef struct
{
  GSocketConnection *connection;
  GString *text; /* what has come */
  gboolean ended;
} Viewer;

static Viewer *
ask (Fixture *fixture, const gchar *method, const gchar *file,
    const gchar *headers)
{
  Viewer *viewer = g_new0 (Viewer, 1);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autofree gchar *request = g_strdup_printf (
      "%s /stream/demo/%s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s\r\n",
      method, file, headers);
  g_autoptr (GError) error = NULL;

  viewer->text = g_string_new (NULL);
  viewer->connection = g_socket_client_connect_to_host (client,
      fixture->address, 0, NULL, &error);
  g_assert_no_error (error);
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (viewer->connection)), request,
      strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (g_socket_connection_get_socket (viewer->connection),
      FALSE);
  return viewer;
}

static void
free_viewer (Viewer *viewer)
{
  g_object_unref (viewer->connection);
  g_string_free (viewer->text, TRUE);
  g_free (viewer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Viewer, free_viewer)

static void
turn (Viewer *viewer)
{
  GSocket *socket = g_socket_connection_get_socket (viewer->connection);
  gchar block[4096];
  gssize got = g_socket_receive (socket, block, sizeof (block), NULL, NULL);

  if (got > 0)
    g_string_append_len (viewer->text, block, got);
  else if (got == 0)
    viewer->ended = TRUE;
}

static gboolean
on_tick (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Until @wanted has come, or (NULL) the end of the connection. */
static void
expect (Viewer *viewer, const gchar *wanted)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint tick = g_timeout_add (5, on_tick, NULL);

  while (wanted != NULL ? strstr (viewer->text->str, wanted) == NULL
                        : !viewer->ended) {
    g_main_context_iteration (NULL, TRUE);
    turn (viewer);
    if (g_get_monotonic_time () > deadline)
      g_error ("expected '%s', got '%s'", wanted ? wanted : "the end",
          viewer->text->str);
  }
  g_source_remove (tick);
}

/* All that can happen by itself has happened. */
static void
settle (Viewer *viewer)
{
  gint64 until = g_get_monotonic_time () + 50 * 1000;
  guint tick = g_timeout_add (5, on_tick, NULL);

  while (g_get_monotonic_time () < until) {
    g_main_context_iteration (NULL, TRUE);
    turn (viewer);
  }
  g_source_remove (tick);
}

static void
assert_has (Viewer *viewer, const gchar *text)
{
  if (strstr (viewer->text->str, text) == NULL)
    g_error ("expected '%s' in '%s'", text, viewer->text->str);
}

static void
assert_has_not (Viewer *viewer, const gchar *text)
{
  if (strstr (viewer->text->str, text) != NULL)
    g_error ("expected no '%s' in '%s'", text, viewer->text->str);
}

#define LAST_CHUNK "\r\n0\r\n\r\n"

/* ---- tests ---- */

/* Each part is with the viewer before the next is written. */
static void
test_slow_writer (Fixture *fixture, gconstpointer data)
{
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  assert_has (viewer, "HTTP/1.1 200 OK\r\n");
  assert_has (viewer, "Transfer-Encoding: chunked\r\n");
  assert_has (viewer, "Cache-Control: public, max-age=1\r\n");
  assert_has (viewer, "Content-Type: video/mp4\r\n");
  assert_has (viewer, "Access-Control-Allow-Origin: *\r\n");
  assert_has_not (viewer, "Content-Length: ");
  assert_has_not (viewer, "ETag: ");
  write_part (fixture, 1, 1, 1, "bbbbbbbbbb", "-");
  expect (viewer, "bbbbbbbbbb");
  settle (viewer);
  assert_has_not (viewer, LAST_CHUNK);
  write_part (fixture, 1, 1, 2, "cccccccccc", "L");
  expect (viewer, NULL);
  assert_has (viewer,
      "\r\n\r\na\r\naaaaaaaaaa\r\na\r\nbbbbbbbbbb\r\na\r\ncccccccccc" LAST_CHUNK);
}

/* Its last part was not known to be that, as when the publisher goes or the
 * packager dies: the list says that it is whole. */
static void
test_cut_short (Fixture *fixture, gconstpointer data)
{
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  settle (viewer);
  assert_has_not (viewer, LAST_CHUNK);
  append (fixture, "live.index", "#listed 1 1 1\n");
  expect (viewer, NULL);
  assert_has (viewer, "\r\n\r\na\r\naaaaaaaaaa" LAST_CHUNK);
}

/* Whoever comes in the middle gets what is there at once. */
static void
test_late_viewer (Fixture *fixture, gconstpointer data)
{
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  write_part (fixture, 1, 1, 1, "bbbbbbbbbb", "-");
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (viewer, "14\r\naaaaaaaaaabbbbbbbbbb\r\n");
  write_part (fixture, 1, 1, 2, "cccccccccc", "L");
  expect (viewer, NULL);
  assert_has (viewer, "cccccccccc" LAST_CHUNK);
}

static void
test_early (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  g_autoptr (Viewer) next = ask (fixture, "GET", "v90/1-2.m4s", "");
  g_autoptr (Viewer) far = ask (fixture, "GET", "v90/1-3.m4s", "");
  g_autoptr (Viewer) other = ask (fixture, "GET", "v90/2-1.m4s", "");
  g_autoptr (Viewer) unknown = ask (fixture, "GET", "v91/1-1.m4s", "");

  expect (far, "HTTP/1.1 404");
  expect (other, "HTTP/1.1 404");
  expect (unknown, "HTTP/1.1 404");
  settle (viewer);
  g_assert_cmpstr (viewer->text->str, ==, "");
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "IL");
  expect (viewer, NULL);
  assert_has (viewer, "\r\n\r\na\r\naaaaaaaaaa" LAST_CHUNK);
  settle (next);
  g_assert_cmpstr (next->text->str, ==, "");
  write_part (fixture, 1, 2, 0, "bbbbbbbbbb", "IL");
  expect (next, NULL);
  assert_has (next, "\r\n\r\na\r\nbbbbbbbbbb" LAST_CHUNK);
}

/* A successor of the packager begins a generation: the rest never comes. */
static void
test_successor (Fixture *fixture, gconstpointer data)
{
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  g_autoptr (Viewer) early = ask (fixture, "GET", "v90/1-2.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  write_part (fixture, 2, 2, 0, "bbbbbbbbbb", "ID");
  expect (viewer, NULL);
  assert_has_not (viewer, LAST_CHUNK);
  expect (early, "HTTP/1.1 404");
}

/* The publisher was away, and another's media gets the number that was counted on
 * to: whoever asks for it by that, before or after it begins, has nothing of it.
 * When it is whole an MPD may have told it as what it is. */
static void
test_other_period (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Viewer) early = ask (fixture, "GET", "v90/1-1.m4s", "");
  g_autoptr (Viewer) next = ask (fixture, "GET", "v90/1-2.m4s", "");
  settle (early);
  g_assert_cmpstr (early->text->str, ==, "");
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "ID");
  g_autoptr (Viewer) late = ask (fixture, "GET", "v90/1-1.m4s", "");
  g_autoptr (Viewer) further = ask (fixture, "GET", "v90/1-2.m4s", "");
  expect (early, "HTTP/1.1 404");
  expect (late, "HTTP/1.1 404");
  expect (further, "HTTP/1.1 404");
  write_part (fixture, 1, 1, 1, "bbbbbbbbbb", "L");
  g_autoptr (Viewer) whole = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (whole, "aaaaaaaaaabbbbbbbbbb");
  write_part (fixture, 1, 2, 0, "cccccccccc", "IL");
  expect (next, "HTTP/1.1 404");
  write_part (fixture, 1, 3, 0, "dddddddddd", "I");
  g_autoptr (Viewer) own = ask (fixture, "GET", "v90/1-3.m4s", "");
  expect (own, "dddddddddd");
}

/* ---- the MPD ---- */

#define MPD(published, rows)                                                               \
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                           \
  "<MPD type=\"dynamic\" availabilityStartTime=\"2026-01-01T00:00:00.000000Z"              \
  "\" publishTime=\"2026-01-01T00:00:" published "Z\">\n"                                  \
  " <Period id=\"p0\" start=\"PT0.000000S\">\n"                                            \
  "  <AdaptationSet contentType=\"video\">\n   <Representation id=\"v90\">\n"              \
  "    <SegmentTemplate timescale=\"1\" media=\"v90/1-$Number$.m4s\" startNumber=\"0\">\n" \
  "     <SegmentTimeline>\n      " rows "\n     </SegmentTimeline>\n"                      \
  "    </SegmentTemplate>\n   </Representation>\n  </AdaptationSet>\n"                     \
  " </Period>\n</MPD>\n"

/* When the packager told its last line. */
static void
set_told (Fixture *fixture, gint64 ago_s)
{
  g_autofree gchar *path =
      g_build_filename (fixture->directory, "live.index", NULL);
  struct utimbuf times = {
    .modtime = (time_t) (g_get_real_time () / G_USEC_PER_SEC - ago_s)
  };

  times.actime = times.modtime;
  g_assert_cmpint (g_utime (path, &times), ==, 0);
}

static Viewer *
ask_mpd (Fixture *fixture, const gchar *version)
{
  g_autofree gchar *header = version != NULL
      ? g_strdup_printf ("If-None-Match: %s\r\n", version)
      : g_strdup ("");
  Viewer *viewer = ask (fixture, "GET", "manifest.mpd", header);

  expect (viewer, NULL);
  return viewer;
}

/* Returns: (transfer full) */
static gchar *
get_version (Viewer *viewer)
{
  const gchar *tag = strstr (viewer->text->str, "ETag: ");

  g_assert_nonnull (tag);
  return g_strndup (tag + strlen ("ETag: "),
      strcspn (tag, "\r") - strlen ("ETag: "));
}

static void
assert_counts (Viewer *viewer)
{
  assert_has (viewer, "startNumber=\"0\" duration=\"1\"");
  assert_has_not (viewer, "SegmentTimeline");
}

static void
assert_stands (Viewer *viewer, const gchar *text)
{
  assert_has (viewer, text);
  assert_has_not (viewer, "duration=");
}

#define LISTED MPD ("10.000000", "<S t=\"0\" d=\"1\" r=\"1\"/>")
#define STANDING MPD ("10.001000", "<S t=\"0\" d=\"1\" r=\"1\"/>")

/* Far from now, so that no machine is too slow for it. */
#define NOW (-3600)

/* While nobody sends the MPD names what there is and nothing more, and still does
 * when somebody sends again, until the packager says what that is. */
static void
test_pause (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *version = NULL;

  write_whole (fixture, 1);
  append (fixture, "live.index", "#listed 1 1 1\n");
  put (fixture, "manifest.mpd", LISTED);
  set_told (fixture, NOW);
  g_autoptr (Viewer) live = ask_mpd (fixture, NULL);
  assert_counts (live);
  version = get_version (live);
  write_part (fixture, 1, 2, 0, "0123456789", "I");
  set_told (fixture, 2);
  g_autoptr (Viewer) away = ask_mpd (fixture, version);
  assert_stands (away, STANDING);
  write_part (fixture, 1, 2, 1, "0123456789", "-");
  set_told (fixture, NOW);
  g_autoptr (Viewer) back = ask_mpd (fixture, NULL);
  assert_stands (back, STANDING);
  put (fixture, "manifest.mpd",
      MPD ("12.000000", "<S t=\"0\" d=\"1\" r=\"2\"/>"));
  g_autoptr (Viewer) again = ask_mpd (fixture, NULL);
  assert_counts (again);
  assert_has (again, "publishTime=\"2026-01-01T00:00:12.000000Z\"");
}

/* Nobody was away for long, and what comes is of another time all the same. */
static void
test_break (Fixture *fixture, gconstpointer data)
{
  write_whole (fixture, 1);
  append (fixture, "live.index", "#listed 1 1 1\n");
  put (fixture, "manifest.mpd", LISTED);
  set_told (fixture, NOW);
  g_autoptr (Viewer) live = ask_mpd (fixture, NULL);
  assert_counts (live);
  write_part (fixture, 1, 2, 0, "0123456789", "ID");
  set_told (fixture, NOW);
  g_autoptr (Viewer) broken = ask_mpd (fixture, NULL);
  assert_stands (broken, STANDING);
}

/* Another packager takes over: its segments are of another generation. */
static void
test_taken_over (Fixture *fixture, gconstpointer data)
{
  write_whole (fixture, 1);
  append (fixture, "live.index", "#listed 1 1 1\n#next 2 2\n");
  put (fixture, "manifest.mpd", LISTED);
  set_told (fixture, NOW);
  g_autoptr (Viewer) viewer = ask_mpd (fixture, NULL);
  assert_stands (viewer, STANDING);
}

/* Nobody comes after it: three target durations of one second. */
static void
test_death (Fixture *fixture, gconstpointer data)
{
  gint64 began = g_get_monotonic_time ();

  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  expect (viewer, NULL);
  assert_has_not (viewer, LAST_CHUNK);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 3 * G_USEC_PER_SEC);
}

static void
test_range (Fixture *fixture, gconstpointer data)
{
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  g_autoptr (Viewer) viewer =
      ask (fixture, "GET", "v90/1-1.m4s", "Range: bytes=2-3\r\n");
  g_autoptr (Viewer) head = ask (fixture, "HEAD", "v90/1-1.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  assert_has (viewer, "HTTP/1.1 200 OK\r\n");
  expect (head, NULL);
  assert_has (head, "HTTP/1.1 200 OK\r\n");
  assert_has_not (head, "aaaaaaaaaa");
  write_part (fixture, 1, 1, 1, "bbbbbbbbbb", "L");
  expect (viewer, NULL);
  assert_has (viewer, LAST_CHUNK);
}

/* Whole, and the playlists do not list it yet: a file like any other. */
static void
test_whole (Fixture *fixture, gconstpointer data)
{
  write_whole (fixture, 1);
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  g_autoptr (Viewer) part =
      ask (fixture, "GET", "v90/1-1.m4s", "Range: bytes=8-11\r\n");
  expect (viewer, NULL);
  assert_has (viewer, "Content-Length: 50\r\n");
  assert_has (viewer, "Cache-Control: public, max-age=86400, immutable\r\n");
  assert_has_not (viewer, "chunked");
  expect (part, NULL);
  assert_has (part, "HTTP/1.1 206");
  assert_has (part, "\r\n\r\n8901");
}

/* Of a stream with an MPD alone no playlist tells what is whole: what grows is
 * sent as it grows all the same, and what is whole is kept for ever. */
static void
test_without_playlists (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *playlist =
      g_build_filename (fixture->directory, "v90", "playlist.m3u8", NULL);
  g_assert_cmpint (g_remove (playlist), ==, 0);
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  assert_has_not (viewer, "Content-Length: ");
  write_part (fixture, 1, 1, 1, "bbbbbbbbbb", "L");
  expect (viewer, NULL);
  assert_has (viewer, "bbbbbbbbbb" LAST_CHUNK);
  g_autoptr (Viewer) late = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (late, NULL);
  assert_has (late, "Cache-Control: public, max-age=86400, immutable\r\n");
}

/* A part that is a gap ends what was sent without a last chunk. */
static void
test_gap (Fixture *fixture, gconstpointer data)
{
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  append (fixture, "live.index",
      "v90 1 1 1 10 0 1200000000 800000000 LG 1764000000\n");
  expect (viewer, NULL);
  assert_has_not (viewer, LAST_CHUNK);
  g_autoptr (Viewer) late = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (late, "HTTP/1.1 404");
}

/* Those who leave in the middle take nothing with them. */
static void
test_leaving (Fixture *fixture, gconstpointer data)
{
  write_part (fixture, 1, 1, 0, "aaaaaaaaaa", "I");
  for (guint i = 0; i < 20; i++) {
    g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
    g_autoptr (Viewer) early = ask (fixture, "GET", "v90/1-2.m4s", "");
    expect (viewer, "aaaaaaaaaa");
    settle (early);
  }
  g_autoptr (Viewer) viewer = ask (fixture, "GET", "v90/1-1.m4s", "");
  expect (viewer, "aaaaaaaaaa");
  write_part (fixture, 1, 1, 1, "bbbbbbbbbb", "L");
  write_part (fixture, 1, 2, 0, "cccccccccc", "IL");
  expect (viewer, NULL);
  assert_has (viewer, "bbbbbbbbbb" LAST_CHUNK);
}

/* The process ends while somebody waits. */
static void
test_end_of_server (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Viewer) early = ask (fixture, "GET", "v90/1-1.m4s", "");
  settle (early);
}

#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/growing/slow-writer", test_slow_writer);
  ADD ("/growing/cut-short", test_cut_short);
  ADD ("/growing/late-viewer", test_late_viewer);
  ADD ("/growing/early", test_early);
  ADD ("/growing/successor", test_successor);
  ADD ("/growing/other-period", test_other_period);
  ADD ("/growing/mpd/pause", test_pause);
  ADD ("/growing/mpd/break", test_break);
  ADD ("/growing/mpd/taken-over", test_taken_over);
  ADD ("/growing/death", test_death);
  ADD ("/growing/range", test_range);
  ADD ("/growing/whole", test_whole);
  ADD ("/growing/without-playlists", test_without_playlists);
  ADD ("/growing/gap", test_gap);
  ADD ("/growing/leaving", test_leaving);
  ADD ("/growing/end-of-server", test_end_of_server);
  return g_test_run ();
}
