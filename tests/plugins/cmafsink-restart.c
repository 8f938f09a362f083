/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: players that stop when a worker crashes and comes back,
 * two packagers that write over each other, a full disk that ends a stream. */
#include "cmafsink-test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/store-directory.h"

static gchar *program;

/* ---- going on ---- */

static void
assert_continued (Fixture *f)
{
  static const gchar *const names[] = { "v576/playlist.m3u8",
    "a112/playlist.m3u8" };
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpuint (count (f, names[i], "#EXT-X-DISCONTINUITY\n"), ==, 1);
    g_assert_true (contains (f, names[i], "#EXT-X-MEDIA-SEQUENCE:0\n"));
    g_assert_true (contains (f, names[i], "\n1-0.m4s"));
    g_assert_true (contains (f, names[i], "\n1-1.m4s"));
    g_assert_true (contains (f, names[i], "\n2-2.m4s"));
    g_assert_true (contains (f, names[i], "#EXT-X-MAP:URI=\"init-1.mp4\""));
    g_assert_true (contains (f, names[i], "#EXT-X-MAP:URI=\"init-2.mp4\""));
    g_assert_cmpuint (count (f, names[i], "#EXT-X-GAP"), ==, 0);
    g_assert_false (contains (f, names[i], "ENDLIST"));
  }
  /* Fast forward goes over the crash. */
  guint pictures = count (f, "v576/iframes.m3u8", "#EXTINF:");
  g_assert_cmpuint (pictures, ==, count (f, "v576/playlist.m3u8", "#EXTINF:"));
  g_assert_cmpuint (count (f, "v576/iframes.m3u8", "#EXT-X-BYTERANGE:"), ==,
      pictures);
  g_assert_cmpuint (count (f, "v576/iframes.m3u8", "#EXT-X-DISCONTINUITY\n"),
      ==, 1);
  g_assert_cmpuint (count (f, "manifest.mpd", "<Period "), ==, 2);
  g_assert_true (contains (f, "live.index", "v576 1 1 0 0 "));
  g_assert_true (contains (f, "live.index", "v576 2 2 0 0 "));
}

static void
test_stop_and_go_on (void)
{
  Fixture f;
  gchar *dir = make_dir ();
  fixture_init (&f, g_strdup (dir), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  fixture_stop (&f);
  g_free (f.dir);

  fixture_init (&f, dir, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  assert_continued (&f);
  push_eos (&f);
  wait_eos (&f);
  fixture_clear (&f);
}

/* The child packages, and dies in the middle of a segment. */
static int
run_child (gchar *dir)
{
  Fixture f;
  fixture_init (&f, dir, "part-duration-ms", 200, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  kill (getpid (), SIGKILL);
  return 1;
}

static void
test_kill (void)
{
  Fixture f;
  gchar *dir = make_dir ();
  gint status;
  const gchar *const argv[] = { program, "--child", dir, NULL };
  g_autoptr (GError) error = NULL;
  g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
      NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);

  fixture_init (&f, dir, NULL);
  /* It had begun a third segment, which nobody was told of. */
  g_assert_true (exists (&f, "v576/1-2.m4s"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 2);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  assert_continued (&f);
  g_assert_false (contains (&f, "v576/playlist.m3u8", "1-2.m4s"));
  fixture_clear (&f);
}

/* The numbers of an ended stream are not used again. */
static void
test_ended_and_anew (void)
{
  Fixture f;
  gchar *dir = make_dir ();
  fixture_init (&f, g_strdup (dir), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  push_eos (&f);
  wait_eos (&f);
  fixture_stop (&f);
  g_free (f.dir);

  fixture_init (&f, dir, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  g_assert_false (contains (&f, "v576/playlist.m3u8", "DISCONTINUITY"));
  g_assert_false (contains (&f, "v576/playlist.m3u8", "ENDLIST"));
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "#EXT-X-MEDIA-SEQUENCE:3\n"));
  g_assert_true (contains (&f, "v576/playlist.m3u8", "2-3.m4s"));
  /* Somebody may still watch the old end. */
  g_assert_true (exists (&f, "v576/1-2.m4s"));
  fixture_clear (&f);
}

static void
test_hostile_state (void)
{
  static const gchar *const states[] = { "", "garbage", "millrace-state 1\n",
    "millrace-state 2\n",
    "millrace-state 2\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" };
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    Fixture f;
    fixture_init (&f, make_dir (), NULL);
    g_autofree gchar *path = path_of (&f, ".state");
    g_assert_true (g_file_set_contents (path, states[i], -1, NULL));
    fixture_add_both (&f);
    if (*states[i] != '\0') {
      g_autofree gchar *warning = pop_text (&f, GST_MESSAGE_WARNING);
      g_assert_nonnull (strstr (warning, "state"));
    }
    push_both (&f, 0, 0, 130, 50);
    g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 2);
    fixture_clear (&f);
  }
}

/* ---- ownership ---- */

static void
test_held (void)
{
  Fixture f;
  Fixture other;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  fixture_init (&other, g_strdup (f.dir), NULL);
  g_assert_cmpint (gst_element_set_state (other.sink, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  g_autofree gchar *text = pop_text (&other, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, ".state"));
  fixture_stop (&other);
  g_free (other.dir);
  push_both (&f, 0, 0, 60, 50);
  g_assert_true (exists (&f, "v576/1-0.m4s"));
  fixture_clear (&f);
}

static void
test_lost (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 60, 50);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStore) store = mill_store_directory_new (f.dir, &error);
  g_assert_no_error (error);
  g_autoptr (MillStoreLease) lease =
      mill_store_take (store, ".state", MILL_STORE_TAKE_OVER, &error);
  g_assert_no_error (error);
  GstFlowReturn flow = GST_FLOW_OK;
  for (guint i = 60; i < 200 && flow == GST_FLOW_OK; i++)
    flow = push_video (&f, i * FRAME_NS, i * FRAME_NS, i % 50 == 0);
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  g_autofree gchar *text = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, "another packager"));
  g_assert_nonnull (strstr (text, f.dir));
  g_assert_false (exists (&f, "v576/1-1.m4s"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 1);
  fixture_clear (&f);
}

/* ---- room ---- */

static void
limit_files (rlim_t size)
{
  struct rlimit limit;
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = size;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_full_disk (void)
{
  Fixture f;
  signal (SIGXFSZ, SIG_IGN);
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 101, 50);
  limit_files (100);
  push_both (&f, 0, 101, 251, 50);
  limit_files (RLIM_INFINITY);
  g_autofree gchar *warning = pop_text (&f, GST_MESSAGE_WARNING);
  g_assert_nonnull (warning);
  g_assert_null (gst_bus_pop_filtered (f.bus,
      GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
  push_both (&f, 0, 251, 401, 50);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 8);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), ==, 3);
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXT-X-GAP"), ==, 3);
  g_assert_true (contains (&f, "v576/playlist.m3u8", "1-6.m4s"));
  g_assert_true (contains (&f, "live.index", "v576 1 6 0 0 "));
  g_autoptr (MillBmffSegment) back = read_segment (&f, "v576/1-6.m4s");
  g_assert_cmpuint (back->samples->len, ==, 50);
  push_eos (&f);
  wait_eos (&f);
  fixture_clear (&f);
}

static void
test_full_disk_of_a_file (void)
{
  Fixture f;
  signal (SIGXFSZ, SIG_IGN);
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 50, 50);
  limit_files (100);
  GstFlowReturn flow = push_video (&f, 50 * FRAME_NS, 50 * FRAME_NS, TRUE);
  limit_files (RLIM_INFINITY);
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  g_autofree gchar *text = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, f.dir));
  fixture_clear (&f);
}

static void
test_no_place (void)
{
  static const gchar *const locations[] = { "", "ftp://127.0.0.1/x",
    "/proc/none/such" };
  static const gchar *const texts[] = { "location", "ftp", "/proc/none" };
  for (guint i = 0; i < G_N_ELEMENTS (locations); i++) {
    Fixture f;
    fixture_init (&f, make_dir (), "location", locations[i], NULL);
    g_assert_cmpint (gst_element_set_state (f.sink, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    g_autofree gchar *text = pop_text (&f, GST_MESSAGE_ERROR);
    g_assert_nonnull (strstr (text, texts[i]));
    fixture_clear (&f);
  }
}

/* ---- writer threads ---- */

/* Where a disk may wait, EOS comes when everything is written. */
static void
test_disk (void)
{
  Fixture f;
  fixture_init (&f, make_disk_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 260, 50);
  push_eos (&f);
  wait_eos (&f);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 6);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), ==, 0);
  g_assert_true (contains (&f, "a112/playlist.m3u8", "#EXT-X-ENDLIST"));
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  program = argv[0];
  if (argc == 3 && g_str_equal (argv[1], "--child"))
    return run_child (g_strdup (argv[2]));
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/restart/stop", test_stop_and_go_on);
  g_test_add_func ("/cmafsink/restart/kill", test_kill);
  g_test_add_func ("/cmafsink/restart/ended", test_ended_and_anew);
  g_test_add_func ("/cmafsink/restart/hostile-state", test_hostile_state);
  g_test_add_func ("/cmafsink/ownership/held", test_held);
  g_test_add_func ("/cmafsink/ownership/lost", test_lost);
  g_test_add_func ("/cmafsink/room/full-disk", test_full_disk);
  g_test_add_func ("/cmafsink/room/full-disk-of-a-file",
      test_full_disk_of_a_file);
  g_test_add_func ("/cmafsink/room/no-place", test_no_place);
  g_test_add_func ("/cmafsink/disk", test_disk);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
