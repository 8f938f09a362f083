/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A server in trouble. Users notice a broken one by a publisher that is held up
 * by a slow server, or by a stream that does not come back after an outage. */

#include "cmafsink-upload-test.h"

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

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("http_proxy");
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
  return g_test_run ();
}
