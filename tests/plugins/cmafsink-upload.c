/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Users notice a broken one by players that get 404 from an object store, or by
 * a bill for segments that nobody deletes. */

#include "cmafsink-upload-test.h"

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
  g_test_add_func ("/cmafsink/upload/file", test_file);
  g_test_add_func ("/cmafsink/upload/file-again", test_file_again);
  g_test_add_func ("/cmafsink/upload/file-refused", test_file_refused);
  g_test_add_func ("/cmafsink/upload/bearer", test_bearer);
  g_test_add_func ("/cmafsink/upload/bad-settings", test_bad_settings);
  return g_test_run ();
}
