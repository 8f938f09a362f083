/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Users notice a broken one by players that get 404 from an object store, by a
 * publisher that is held up by a slow server, or by a bill for segments that
 * nobody deletes. */

#include "cmafsink-test.h"
#include "http-store.h"

typedef struct
{
  Fixture f; /* its dir is that of the state */
  HttpStore *server;
  guint64 first; /* number of the stream's first segment, once known */
} Upload;

static void
start (Upload *self, const gchar *dir)
{
  g_autofree gchar *url =
      g_strdup_printf ("%s/live", http_store_get_url (self->server));
  fixture_init (&self->f, g_strdup (dir), "location", url, "state-location",
      dir, "upload-timeout-ms", 20000, NULL);
}

static void
upload_init (Upload *self)
{
  g_autofree gchar *dir = make_dir ();
  self->server = http_store_new ();
  self->first = 0;
  start (self, dir);
}

static void
upload_clear (Upload *self)
{
  g_assert_cmpstr (http_store_get_complaint (self->server), ==, NULL);
  fixture_clear (&self->f);
  http_store_free (self->server);
}

static guint
count_in (Upload *self, const gchar *path, const gchar *needle)
{
  g_autofree gchar *text = http_store_get (self->server, path);
  guint n = 0;
  g_assert_nonnull (text);
  for (const gchar *at = text; (at = strstr (at, needle)) != NULL; at++)
    n++;
  return n;
}

static guint64
get_stat (Upload *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (self->f.sink, "stats", &stats, NULL);
  const GValue *value = gst_structure_get_value (stats, "upload");
  g_assert_nonnull (value);
  const GstStructure *upload = gst_value_get_structure (value);
  guint64 number = 0;
  guint small = 0;
  if (gst_structure_get_uint (upload, name, &small))
    return small;
  g_assert_true (gst_structure_get_uint64 (upload, name, &number));
  return number;
}

static gchar *
get_trouble (Upload *self)
{
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (self->f.sink, "stats", &stats, NULL);
  const GstStructure *upload =
      gst_value_get_structure (gst_structure_get_value (stats, "upload"));
  return g_strdup (gst_structure_get_string (upload, "trouble"));
}

static void
wait_value (Upload *self, const gchar *name, guint64 value, gboolean is_least)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  /* Nobody tells of it: it is looked up. */
  while (is_least ? get_stat (self, name) < value
                  : get_stat (self, name) != value) {
    if (g_get_monotonic_time () > deadline)
      g_error ("%s is %" G_GUINT64_FORMAT, name, get_stat (self, name));
    g_usleep (5000);
  }
}

static void
wait_stat (Upload *self, const gchar *name, guint64 value)
{
  wait_value (self, name, value, FALSE);
}

static gchar *
pop_any (Upload *self, GstMessageType types)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (self->f.bus, types);
  return message ? gst_structure_to_string (gst_message_get_structure (message))
                 : NULL;
}

static void
assert_quiet (Upload *self)
{
  g_autofree gchar *text =
      pop_any (self, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  g_assert_cmpstr (text, ==, NULL);
}

/* The name of the only generation that the video has. */
static gchar *
get_init (Upload *self)
{
  g_autofree gchar *text =
      http_store_get (self->server, "/live/v576/playlist.m3u8");
  const gchar *uri = strstr (text, "init-");
  g_assert_nonnull (uri);
  return g_strndup (uri, strcspn (uri, "\""));
}

/* Waits until the @n-th segment of the stream is in the list of @path. A stream
 * without a state begins at the number before its generation's. */
static void
wait_listed (Upload *self, const gchar *path, guint n)
{
  if (self->first == 0) {
    http_store_wait (self->server, "/live/v576/playlist.m3u8", "init-");
    g_autofree gchar *init = get_init (self);
    self->first = g_ascii_strtoull (init + strlen ("init-"), NULL, 10) - 1;
  }
  g_autofree gchar *last =
      g_strdup_printf ("-%" G_GUINT64_FORMAT ".m4s\n", self->first + n);
  http_store_wait (self->server, path, last);
}

/* ---- all is well ---- */

static void
test_live (void)
{
  Upload u;
  upload_init (&u);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 260, 50);
  wait_listed (&u, "/live/v576/playlist.m3u8", 4);
  http_store_wait (u.server, "/live/master.m3u8", "v576/playlist.m3u8");
  push_eos (&u.f);
  wait_eos (&u.f);
  assert_quiet (&u);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXTINF"), ==,
      6);
  g_assert_cmpuint (count_in (&u, "/live/a112/playlist.m3u8", "ENDLIST"), ==,
      1);
  g_assert_cmpuint (http_store_count (u.server, ".m4s"), ==, 12);
  g_assert_true (http_store_has (u.server, "/live/manifest.mpd"));
  g_assert_false (http_store_has (u.server, "/live/live.index"));
  g_assert_cmpuint (http_store_count (u.server, ".state"), ==, 0);
  g_assert_true (exists (&u.f, ".state"));
  g_assert_cmpuint (get_stat (&u, "uploads"), >=, 12);
  g_assert_cmpuint (get_stat (&u, "bytes"), >, 10000);
  g_assert_cmpuint (get_stat (&u, "queued"), ==, 0);
  g_assert_cmpuint (get_stat (&u, "failures"), ==, 0);
  upload_clear (&u);
}

static void
test_headers (void)
{
  static const gchar *const expected[][3] = {
    { "/live/master.m3u8", "Content-Type", "application/vnd.apple.mpegurl" },
    { "/live/master.m3u8", "Cache-Control", "public, max-age=1" },
    { "/live/manifest.mpd", "Content-Type", "application/dash+xml" },
    { NULL, "Content-Type", "video/mp4" },
    { NULL, "Cache-Control", "public, max-age=86400, immutable" },
  };
  Upload u;
  upload_init (&u);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_autofree gchar *init = get_init (&u);
  g_autofree gchar *path = g_strdup_printf ("/live/v576/%s", init);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_autofree gchar *value = http_store_get_header (u.server,
        expected[i][0] ? expected[i][0] : path, expected[i][1]);
    g_assert_cmpstr (value, ==, expected[i][2]);
  }
  g_assert_null (http_store_get_header (u.server, path, "Authorization"));
  upload_clear (&u);
}

/* A segment that is cut off by a change of the encoding is sent all the same. */
static void
test_new_encoding (void)
{
  static const guint8 other[] = { 0x11, 0x88 }; /* mono */
  Upload u;
  upload_init (&u);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 130, 50);
  gst_harness_set_src_caps (u.f.audio,
      make_caps ("audio/mpeg, mpegversion=4, stream-format=raw, rate=48000, "
                 "channels=1",
          other, sizeof other));
  push_both (&u.f, 0, 130, 300, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), ==,
      0);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-MAP"), ==,
      2);
  upload_clear (&u);
}

/* ---- restarts ---- */

static void
test_continues (void)
{
  Upload u;
  upload_init (&u);
  g_autofree gchar *dir = g_strdup (u.f.dir);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  wait_listed (&u, "/live/v576/playlist.m3u8", 2);
  wait_stat (&u, "queued", 0);
  fixture_stop (&u.f);
  g_clear_pointer (&u.f.dir, g_free);
  start (&u, dir);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXTINF"), ==,
      7);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8",
                        "#EXT-X-DISCONTINUITY\n"),
      ==, 1);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), ==,
      0);
  assert_quiet (&u);
  upload_clear (&u);
}

/* The number behind the last one that the playlist of the video lists. */
static gint64
get_end (Upload *self)
{
  g_autofree gchar *text =
      http_store_get (self->server, "/live/v576/playlist.m3u8");
  const gchar *sequence = strstr (text, "#EXT-X-MEDIA-SEQUENCE:");
  g_assert_nonnull (sequence);
  return g_ascii_strtoll (strchr (sequence, ':') + 1, NULL, 10) +
      count_in (self, "/live/v576/playlist.m3u8", "#EXTINF");
}

/* A second host that takes over does not write over what the first one sent, and
 * its media sequence is a later one (see the server's judgement). */
static void
test_state_lost (void)
{
  Upload u;
  upload_init (&u);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_autofree gchar *first = get_init (&u);
  gint64 end = get_end (&u);
  fixture_clear (&u.f);
  /* Numbers begin at the second of the clock, and a stream has less than one a
   * second; this one was pushed at once. */
  while (g_get_real_time () / G_USEC_PER_SEC < end)
    g_usleep (50000);
  HttpStore *server = u.server;
  g_autofree gchar *dir = make_dir ();
  u.server = server;
  start (&u, dir);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 260, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_autofree gchar *second = get_init (&u);
  g_assert_cmpstr (first, !=, second);
  upload_clear (&u);
}

static void
test_held (void)
{
  Upload u;
  Upload other;
  upload_init (&u);
  fixture_add_both (&u.f);
  other.server = u.server;
  start (&other, u.f.dir);
  g_assert_cmpint (gst_element_set_state (other.f.sink, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  g_autofree gchar *text = pop_text (&other.f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, "another packager"));
  fixture_stop (&other.f);
  g_free (other.f.dir);
  upload_clear (&u);
}

/* ---- a server in trouble ---- */

static void
test_busy_server (void)
{
  Upload u;
  upload_init (&u);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 503, 4, NULL);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 260, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXTINF"), ==,
      6);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), ==,
      0);
  g_assert_cmpuint (get_stat (&u, "retries"), >=, 4);
  assert_quiet (&u);
  upload_clear (&u);
}

static void
test_one_bad_object (void)
{
  Upload u;
  upload_init (&u);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 500, 2, "v576/init");
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 260, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), ==,
      0);
  g_assert_cmpuint (get_stat (&u, "retries"), ==, 2);
  upload_clear (&u);
}

/* Pushes GOP @n, i.e. the end of segment @n - 1. */
static void
push_gop (Upload *self, guint n)
{
  push_both (&self->f, 0, n * 50, n * 50 + 50, 50);
}

static void
push_listed_gop (Upload *self, guint n)
{
  push_gop (self, n);
  wait_listed (self, "/live/v576/playlist.m3u8", n - 1);
}

/* That a server is in trouble may be said, too, when it takes that long. */
static gboolean
is_trouble (const gchar *warning)
{
  return strstr (warning, "it is tried again") != NULL;
}

static gchar *
pop_loss (Upload *self)
{
  gchar *text = pop_text (&self->f, GST_MESSAGE_WARNING);
  while (is_trouble (text)) {
    g_free (text);
    text = pop_text (&self->f, GST_MESSAGE_WARNING);
  }
  return text;
}

static gchar *
pop_any_loss (Upload *self)
{
  gchar *text = pop_any (self, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  while (text != NULL && is_trouble (text)) {
    g_free (text);
    text = pop_any (self, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  }
  return text;
}

/* Of objects of 27 kB each seven may wait. */
static void
test_away (void)
{
  Upload u;
  upload_init (&u);
  g_object_set (u.f.sink, "upload-queue-bytes", (guint64) 200000, NULL);
  fixture_add_both (&u.f);
  push_gop (&u, 0);
  for (guint i = 1; i < 4; i++)
    push_listed_gop (&u, i);
  wait_stat (&u, "queued", 0);
  http_store_set_fault (u.server, HTTP_STORE_RESET, 0, 0, NULL);
  for (guint i = 4; i < 16; i++) {
    guint n = 2 * (i - 3);
    push_gop (&u, i);
    wait_value (&u, "dropped", n > 7 ? n - 7 : 0, TRUE);
    g_assert_cmpuint (get_stat (&u, "queued-bytes"), <=, 210000);
  }
  g_autofree gchar *warning = pop_loss (&u);
  g_assert_nonnull (strstr (warning, "behind"));
  g_assert_nonnull (strstr (warning, "/live/"));
  http_store_set_fault (u.server, HTTP_STORE_WELL, 0, 0, NULL);
  wait_listed (&u, "/live/v576/playlist.m3u8", 14);
  for (guint i = 16; i < 20; i++)
    push_listed_gop (&u, i);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), >,
      0);
  g_autofree gchar *other = pop_any_loss (&u);
  g_assert_cmpstr (other, ==, NULL);
  push_eos (&u.f);
  wait_eos (&u.f);
  upload_clear (&u);
}

static void
test_refused (void)
{
  Upload u;
  upload_init (&u);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 403, 0, ".m4s");
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 260, 50);
  g_autofree gchar *warning = pop_text (&u.f, GST_MESSAGE_WARNING);
  g_assert_nonnull (strstr (warning, "403"));
  g_assert_nonnull (strstr (warning, "expected 200, 201 or 204"));
  g_assert_nonnull (strstr (warning, "credentials"));
  g_assert_nonnull (strstr (warning, http_store_get_url (u.server)));
  wait_stat (&u, "failures", 10);
  http_store_set_fault (u.server, HTTP_STORE_WELL, 0, 0, NULL);
  push_both (&u.f, 0, 260, 510, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_assert_cmpuint (get_stat (&u, "retries"), ==, 0);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), >=,
      4);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXTINF"), >,
      count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"));
  upload_clear (&u);
}

/* Said with the first segment. */
static void
test_unauthorized (void)
{
  Upload u;
  upload_init (&u);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 401, 0, NULL);
  fixture_add_both (&u.f);
  push_gop (&u, 0);
  push_gop (&u, 1);
  g_autofree gchar *warning = pop_text (&u.f, GST_MESSAGE_WARNING);
  g_assert_nonnull (strstr (warning, "got 401"));
  g_assert_nonnull (strstr (warning, "check signer and credentials"));
  wait_value (&u, "failures", 1, TRUE);
  g_assert_cmpuint (get_stat (&u, "retries"), ==, 0);
  upload_clear (&u);
}

/* What is tried again is not lost, but whoever watches is told why nothing comes,
 * long before it is given up. */
static void
test_trouble_is_told (void)
{
  Upload u;
  upload_init (&u);
  g_object_set (u.f.sink, "upload-timeout-ms", 120000, NULL);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 503, 0, NULL);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  /* Said at the fifth answer in a row. Four pauses lie between them if they come
   * one by one (of 0.25, 0.5, 1 and 2 s, each half as much more or less: up to
   * 5.6 s), fewer where several requests are on their way when the first is
   * answered: so the requests are what is waited for. */
  http_store_wait_requests (u.server, 5);
  g_autofree gchar *warning = pop_text (&u.f, GST_MESSAGE_WARNING);
  g_assert_nonnull (strstr (warning, "got 503"));
  g_assert_nonnull (strstr (warning, "it is tried again for up to 120 s"));
  g_assert_cmpuint (get_stat (&u, "failures"), ==, 0);
  g_autofree gchar *trouble = get_trouble (&u);
  g_assert_nonnull (strstr (trouble, "got 503"));
  http_store_set_fault (u.server, HTTP_STORE_WELL, 0, 0, NULL);
  push_eos (&u.f);
  wait_eos (&u.f);
  assert_quiet (&u);
  g_autofree gchar *none = get_trouble (&u);
  g_assert_cmpstr (none, ==, "");
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), ==,
      0);
  upload_clear (&u);
}

/* Of a playlist one version is on its way at a time, and then the newest. */
static void
test_newest_wins (void)
{
  const gchar *path = "/live/v576/playlist.m3u8";
  Upload u;
  upload_init (&u);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  wait_listed (&u, "/live/v576/playlist.m3u8", 2);
  wait_stat (&u, "queued", 0);
  http_store_set_fault (u.server, HTTP_STORE_HANG, 0, 0, "v576/playlist");
  push_both (&u.f, 0, 160, 510, 50);
  /* The audio's of the same time is there: the newest of the video waits. */
  wait_listed (&u, "/live/a112/playlist.m3u8", 9);
  guint before = http_store_count_requests (u.server, path);
  http_store_set_fault (u.server, HTTP_STORE_WELL, 0, 0, NULL);
  wait_listed (&u, path, 9);
  g_assert_cmpuint (http_store_count_requests (u.server, path) - before, ==, 1);
  push_eos (&u.f);
  wait_eos (&u.f);
  assert_quiet (&u);
  upload_clear (&u);
}

static void
push_picture (GstHarness *h, guint start_s)
{
  static const guint8 jpeg[] = { 0xff, 0xd8, 0xff, 0xd9 };
  GstBuffer *buffer = gst_buffer_new_memdup (jpeg, sizeof jpeg);
  GST_BUFFER_PTS (buffer) = start_s * GST_SECOND;
  GST_BUFFER_DURATION (buffer) = 6 * GST_SECOND;
  g_assert_cmpint (gst_harness_push (h, buffer), ==, GST_FLOW_OK);
}

/* A seek bar's list, and the MPD, name what is there; one that had to be sent
 * again is not put over the one that came after it; and nobody keeps the first
 * for a day. */
static void
test_pictures (void)
{
  static const gchar *const changing[] = { "/live/thumbnails.vtt",
    "/live/poster.jpg" };
  Upload u;
  upload_init (&u);
  fixture_add_both (&u.f);
  GstHarness *sheets = fixture_add (&u.f, "image_0",
      gst_caps_from_string ("image/jpeg, width=96, height=36, tile-columns=3, "
                            "tile-rows=2, tile-interval=(guint64)1000000000"));
  GstHarness *poster =
      fixture_add (&u.f, "image_1", gst_caps_from_string ("image/jpeg"));
  push_both (&u.f, 0, 0, 160, 50);
  push_picture (poster, 0);
  wait_listed (&u, "/live/v576/playlist.m3u8", 2);
  wait_stat (&u, "queued", 0);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 500, 1, "thumbnails.vtt");
  push_picture (sheets, 0);
  wait_stat (&u, "retries", 1);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 500, 0, "-6000.jpg");
  push_picture (sheets, 6);
  /* An MPD of its time, for which it is not there yet. */
  push_both (&u.f, 0, 160, 310, 50);
  http_store_wait (u.server, "/live/manifest.mpd", "d=\"180000\" r=\"5\"");
  http_store_set_fault (u.server, HTTP_STORE_WELL, 0, 0, NULL);
  /* Told of by whoever heard that the server has it: nothing may be queued
   * between the two. */
  http_store_wait (u.server, "/live/thumbnails.vtt", "-6000.jpg#");
  g_assert_cmpuint (count_in (&u, "/live/thumbnails.vtt", "-6000.jpg#"), ==, 6);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 500, 1, "-12000.jpg");
  push_picture (sheets, 12);
  http_store_wait (u.server, "/live/thumbnails.vtt", "-12000.jpg#");
  for (guint i = 0; i < G_N_ELEMENTS (changing); i++) {
    g_autofree gchar *caching =
        http_store_get_header (u.server, changing[i], "Cache-Control");
    g_assert_cmpstr (caching, ==, "public, max-age=1");
  }
  assert_quiet (&u);
  gst_harness_teardown (sheets);
  gst_harness_teardown (poster);
  upload_clear (&u);
}

static void
test_stop_while_hanging (void)
{
  Upload u;
  upload_init (&u);
  http_store_set_fault (u.server, HTTP_STORE_HANG, 0, 0, NULL);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 260, 50);
  http_store_wait_requests (u.server, 4);
  gint64 before = g_get_monotonic_time ();
  g_assert_cmpint (gst_element_set_state (u.f.sink, GST_STATE_NULL), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (g_get_monotonic_time () - before, <, 10 * G_USEC_PER_SEC);
  /* And again, at once: what is given up is given up. */
  g_assert_cmpint (gst_element_set_state (u.f.sink, GST_STATE_PLAYING), !=,
      GST_STATE_CHANGE_FAILURE);
  upload_clear (&u);
}

/* ---- files ---- */

static void
test_file (void)
{
  Upload u;
  upload_init (&u);
  g_object_set (u.f.sink, "mode", 2, "upload-queue-bytes", (guint64) 60000,
      NULL);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 503, 3, NULL);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 1000, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXTINF"), ==,
      20);
  g_assert_cmpuint (count_in (&u, "/live/v576/playlist.m3u8", "#EXT-X-GAP"), ==,
      0);
  g_assert_cmpuint (http_store_count (u.server, ".m4s"), ==, 40);
  g_assert_cmpuint (get_stat (&u, "dropped"), ==, 0);
  assert_quiet (&u);
  upload_clear (&u);
}

/* What was there of the run before goes, when the new one is there. */
static void
test_file_again (void)
{
  Upload u;
  upload_init (&u);
  g_autofree gchar *dir = g_strdup (u.f.dir);
  g_object_set (u.f.sink, "mode", 2, NULL);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 500, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_autofree gchar *first = get_init (&u);
  fixture_stop (&u.f);
  g_clear_pointer (&u.f.dir, g_free);
  start (&u, dir);
  g_object_set (u.f.sink, "mode", 2, NULL);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 600, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_assert_cmpuint (http_store_count (u.server, ".m4s"), ==, 24);
  g_assert_cmpuint (http_store_count (u.server, first), ==, 0);
  g_assert_cmpuint (get_stat (&u, "deletes"), ==, 22);
  upload_clear (&u);
}

static void
test_file_refused (void)
{
  Upload u;
  upload_init (&u);
  g_object_set (u.f.sink, "mode", 2, NULL);
  http_store_set_fault (u.server, HTTP_STORE_STATUS, 403, 0, "playlist");
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 200, 50);
  push_eos (&u.f);
  g_autofree gchar *text = pop_text (&u.f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, "403"));
  g_assert_false (http_store_has (u.server, "/live/master.m3u8"));
  upload_clear (&u);
}

/* ---- settings ---- */

static void
write_credentials (Upload *self, const gchar *text)
{
  g_autofree gchar *path = path_of (&self->f, "credentials");
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_object_set (self->f.sink, "credentials", path, NULL);
}

static void
test_bearer (void)
{
  Upload u;
  upload_init (&u);
  write_credentials (&u, "bearer_token = hunter2\n");
  gst_util_set_object_arg (G_OBJECT (u.f.sink), "signer", "bearer");
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_autofree gchar *value =
      http_store_get_header (u.server, "/live/master.m3u8", "Authorization");
  g_assert_cmpstr (value, ==, "Bearer hunter2");
  upload_clear (&u);
}

static void
assert_no_start (const gchar *location, const gchar *signer, const gchar *text)
{
  Upload u;
  upload_init (&u);
  write_credentials (&u, "bearer_token = hunter2\n");
  gst_util_set_object_arg (G_OBJECT (u.f.sink), "signer", signer);
  g_object_set (u.f.sink, "location", location, NULL);
  g_assert_cmpint (gst_element_set_state (u.f.sink, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  g_autofree gchar *error = pop_text (&u.f, GST_MESSAGE_ERROR);
  if (strstr (error, text) == NULL)
    g_error ("'%s' is not in '%s'", text, error);
  g_assert_null (strstr (error, "hunter2"));
  upload_clear (&u);
}

static void
test_bad_settings (void)
{
  assert_no_start ("http://me:hunter2@127.0.0.1/x", "none", "password");
  assert_no_start ("http://127.0.0.1/x?sig=hunter2", "none", "query");
  assert_no_start ("http://127.0.0.1/a//b", "none", "'..'");
  assert_no_start ("ftp://127.0.0.1/x", "none", "scheme 'ftp'");
  assert_no_start ("http://example.com/x", "bearer", "https");
  assert_no_start ("s3://bucket/x", "none", "aws_access_key_id");
  assert_no_start ("s3://B/x", "none", "s3://bucket/prefix");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("http_proxy");
  g_test_add_func ("/cmafsink/upload/live", test_live);
  g_test_add_func ("/cmafsink/upload/headers", test_headers);
  g_test_add_func ("/cmafsink/upload/new-encoding", test_new_encoding);
  g_test_add_func ("/cmafsink/upload/continues", test_continues);
  g_test_add_func ("/cmafsink/upload/state-lost", test_state_lost);
  g_test_add_func ("/cmafsink/upload/held", test_held);
  g_test_add_func ("/cmafsink/upload/busy-server", test_busy_server);
  g_test_add_func ("/cmafsink/upload/one-bad-object", test_one_bad_object);
  g_test_add_func ("/cmafsink/upload/away", test_away);
  g_test_add_func ("/cmafsink/upload/refused", test_refused);
  g_test_add_func ("/cmafsink/upload/unauthorized", test_unauthorized);
  g_test_add_func ("/cmafsink/upload/trouble-is-told", test_trouble_is_told);
  g_test_add_func ("/cmafsink/upload/newest-wins", test_newest_wins);
  g_test_add_func ("/cmafsink/upload/pictures", test_pictures);
  g_test_add_func ("/cmafsink/upload/stop-while-hanging",
      test_stop_while_hanging);
  g_test_add_func ("/cmafsink/upload/file", test_file);
  g_test_add_func ("/cmafsink/upload/file-again", test_file_again);
  g_test_add_func ("/cmafsink/upload/file-refused", test_file_refused);
  g_test_add_func ("/cmafsink/upload/bearer", test_bearer);
  g_test_add_func ("/cmafsink/upload/bad-settings", test_bad_settings);
  return g_test_run ();
}
