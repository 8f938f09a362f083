/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: dates that jump while somebody watches. */
#include "cmafsink-dates-test.h"

/* ---- publishers that come back ---- */

/* A publisher that comes back has something waiting, and comes back again with
 * nothing. @part_ms: 0: a segment is told when it is whole; else its first part
 * waits for what had waited, which is more than that part. */
static void
test_return (gconstpointer data)
{
  guint part_ms = GPOINTER_TO_UINT (data);
  Fixture f;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  Take third = { 0, START_NS + 40 * GST_SECOND, 0, 0 };
  begin (&f, part_ms);
  publish (&f, &first, 0, 120);
  publish (&f, &second, 0, 120);
  publish (&f, &third, 0, 120);
  /* Dates go on by the test clock, not by that of this process. */
  assert_dated (video_date (&f, 0), &first, -1000 * MS);
  assert_dated (video_date (&f, 3), &first, 19200 * MS);
  assert_dated (video_date (&f, 4), &first, 21200 * MS);
  assert_dated (video_date (&f, 6), &first, 40000 * MS);
  assert_dated (video_date (&f, 7), &first, 42000 * MS);
  /* A Period begins where its first date says. */
  assert_dated (date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0),
      &first, -1000 * MS);
  g_assert_true (contains (&f, "manifest.mpd", "start=\"PT20.200000S\""));
  g_assert_true (contains (&f, "manifest.mpd", "start=\"PT41.000000S\""));
  fixture_clear (&f);
}

/* The first part of who comes back with nothing waiting is told as soon as it is
 * whole, and of who has something waiting not later than that. */
static void
test_return_is_told (gconstpointer data)
{
  guint waiting = GPOINTER_TO_UINT (data);
  Fixture f;
  Take first = { 0, START_NS, 0, 0 };
  Take second = { waiting, START_NS + 20 * GST_SECOND, 0, 0 };
  begin (&f, 200);
  publish (&f, &first, 0, 120);
  publish (&f, &second, 0, waiting + 5);
  g_assert_false (contains (&f, "live.index", "v576 1 3 0 "));
  publish (&f, &second, waiting + 5, waiting + 6);
  g_assert_true (contains (&f, "live.index", "v576 1 3 0 "));
  fixture_clear (&f);
}

/* Where the @k-th Period begins, µs since the availability start. */
static gint64
period_start (Fixture *f, guint k)
{
  g_autofree gchar *text = read_text (f, "manifest.mpd");
  g_auto (GStrv) pieces = g_strsplit (text, "<Period ", -1);
  g_assert_cmpuint (g_strv_length (pieces), >, k + 1);
  const gchar *start = strstr (pieces[k + 1], "start=\"PT");
  g_assert_nonnull (start);
  return (gint64) (g_ascii_strtod (start + strlen ("start=\"PT"), NULL) * 1e6 +
      0.5);
}

/* It leaves and is back before any date was told, and catches up so slowly that
 * dates move when its segments are in the lists already: Periods do with them. */
static void
test_early_return (void)
{
  Fixture f;
  Take first = { 0, START_NS, 0, 0 };
  GstClockTime back = START_NS + 10 * FRAME_NS + 1200 * GST_MSECOND;
  begin (&f, 200);
  publish (&f, &first, 0, 10);
  for (guint i = 0; i < 110; i++)
    push_frame (f.video, i, back + i * FRAME_NS, back + i * FRAME_NS / 2,
        i == 0);
  gint64 available_us =
      date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0);
  gint64 told_us = video_date (&f, 1) - available_us;
  g_assert_cmpint (period_start (&f, 0), ==, 0);
  g_assert_cmpint (ABS (period_start (&f, 1) - told_us), <=, CUT_US);
  /* It has moved, as far as it may. */
  g_assert_cmpint (ABS (told_us - 400 * MS), <=, CUT_US);
  fixture_clear (&f);
}

/* Subtitles are still missing: who has nothing to play with them waits, but
 * segments are listed when there are two. */
static void
test_missing (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "startup-timeout-ms", 20000, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstPad *text = gst_element_request_pad_simple (f.sink, "text_0");
  g_assert_nonnull (text);
  for (guint i = 0; i < 60; i++)
    push_frame (f.video, i, START_NS + i * FRAME_NS,
        START_NS + i * FRAME_NS / 2, FALSE);
  g_assert_false (exists (&f, "v576/playlist.m3u8"));
  for (guint i = 60; i < 110; i++)
    push_frame (f.video, i, START_NS + i * FRAME_NS,
        START_NS + i * FRAME_NS / 2, FALSE);
  g_assert_true (exists (&f, "v576/playlist.m3u8"));
  g_assert_false (exists (&f, "master.m3u8"));
  gst_object_unref (text);
  fixture_clear (&f);
}

/* However much waited, dates do not go back. */
static void
test_no_overlap (void)
{
  Fixture f;
  Take first = { 0, START_NS, 0, 0 };
  Take second = { 50, START_NS + 121 * FRAME_NS + GST_SECOND, 0, 0 };
  begin (&f, 0);
  publish (&f, &first, 0, 121);
  publish (&f, &second, 0, 120);
  /* It was away for a second, and says that it had two. */
  assert_dated (video_date (&f, 3), &first, 121 * 40 * MS);
  fixture_clear (&f);
}

/* Another run, of another packager. */
static void
test_restart (void)
{
  Fixture f;
  Take late = { 0 };
  Take again = { 25, START_NS, 0, 0 };
  begin (&f, 0);
  /* From five minutes ago, as a clock that stood still would tell. */
  for (guint i = 0; i < 110; i++) {
    late.begin_us = i == 0 ? g_get_real_time () : late.begin_us;
    push_frame (f.video, i, i * FRAME_NS, i * FRAME_NS + 300 * GST_SECOND,
        FALSE);
    late.end_us = i == 0 ? g_get_real_time () : late.end_us;
  }
  g_autofree gchar *dir = g_strdup (f.dir);
  fixture_stop (&f);
  g_clear_pointer (&f.dir, g_free);
  fixture_init (&f, g_steal_pointer (&dir), "part-duration-ms", 0, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  publish (&f, &again, 0, 110);
  assert_dated (video_date (&f, 0), &late, -300000 * MS);
  assert_dated (date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0),
      &late, -300000 * MS);
  assert_dated (video_date (&f, 2), &again, -1000 * MS);
  fixture_clear (&f);
}

/* The source's own clock, which comes with its second report: nobody was told of
 * another one, so there is nothing to break. */
static void
test_reference_later (void)
{
  Fixture f;
  g_autoptr (GstCaps) unix_time = gst_caps_from_string ("timestamp/x-unix");
  fixture_init (&f, make_dir (), "program-date-time", 1, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  for (guint i = 0; i < 160; i++) {
    GstBuffer *buffer = make_frame (i % GOP == 0, 100);
    GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = i * FRAME_NS;
    GST_BUFFER_DURATION (buffer) = FRAME_NS;
    if (i >= 10)
      gst_buffer_add_reference_timestamp_meta (buffer, unix_time,
          G_GUINT64_CONSTANT (1764072000) * GST_SECOND + i * FRAME_NS,
          GST_CLOCK_TIME_NONE);
    wait_for (f.video, i * FRAME_NS);
    g_assert_cmpint (gst_harness_push (f.video, buffer), ==, GST_FLOW_OK);
  }
  g_assert_cmpint (video_date (&f, 0), ==,
      G_GINT64_CONSTANT (1764072000000000));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-DISCONTINUITY"),
      ==, 0);
  fixture_clear (&f);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/cmafsink/dates/return/whole", GUINT_TO_POINTER (0),
      test_return);
  g_test_add_data_func ("/cmafsink/dates/return/parts", GUINT_TO_POINTER (200),
      test_return);
  g_test_add_data_func ("/cmafsink/dates/return/told/none-waiting",
      GUINT_TO_POINTER (0), test_return_is_told);
  g_test_add_data_func ("/cmafsink/dates/return/told/waiting",
      GUINT_TO_POINTER (20), test_return_is_told);
  g_test_add_func ("/cmafsink/dates/early-return", test_early_return);
  g_test_add_func ("/cmafsink/dates/missing", test_missing);
  g_test_add_func ("/cmafsink/dates/no-overlap", test_no_overlap);
  g_test_add_func ("/cmafsink/dates/restart", test_restart);
  g_test_add_func ("/cmafsink/dates/reference-later", test_reference_later);
  return g_test_run ();
}
