/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a viewer of low-latency DASH a second later than need be,
 * for as long as the stream lasts, because its publisher had a second of pictures
 * waiting when it connected. */
#include "bytes/bytes.h"
#include "cmafsink-dates-test.h"

/* WALL of the first line of live.index that begins with @start. */
static gint64
index_date (Fixture *f, const gchar *start)
{
  g_autofree gchar *text = read_text (f, "live.index");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], start))
      return g_ascii_strtoll (strrchr (lines[i], ' ') + 1, NULL, 10);
  g_assert_not_reached ();
}

/* Wall clock at media time 0, by the first prft box in segment @name (ISO/IEC
 * 14496-12 8.16.5). */
static gint64
reference_zero (Fixture *f, const gchar *name)
{
  gsize size;
  g_autofree gchar *data = read_bytes (f, name, &size);
  g_autoptr (MillBmffInit) init = read_init (f, "v576/init-1.mp4");
  gsize i = 0;
  while (i + 32 < size && memcmp (data + i, "prft", 4) != 0)
    i++;
  g_assert_cmpuint (i + 32, <, size);
  const gchar *box = data + i;
  guint64 ntp = mill_bytes_read_u64 ((const guint8 *) box + 12);
  guint64 time = box[4] == 0 ? mill_bytes_read_u32 ((const guint8 *) box + 20)
                             : mill_bytes_read_u64 ((const guint8 *) box + 20);
  gint64 fraction_us =
      (gint64) ((ntp & G_MAXUINT32) * (guint64) G_USEC_PER_SEC >> 32);
  gint64 since_1970 = (gint64) (ntp >> 32) - G_GINT64_CONSTANT (2208988800);
  return since_1970 * G_USEC_PER_SEC + fraction_us -
      (gint64) gst_util_uint64_scale (time, G_USEC_PER_SEC, init->timescale);
}

/* ---- at the start ---- */

/* A second waited. All that tells a date says when picture 0 was taken, a second
 * before it came. */
static void
test_waiting (void)
{
  Fixture f;
  Take take = { 25, START_NS, 0, 0 };
  begin (&f, 200);
  publish (&f, &take, 0, 160);
  gint64 first_us = video_date (&f, 0);
  assert_dated (first_us, &take, -1000 * MS);
  assert_dated (index_date (&f, "v576 1 0 0 "), &take, -1000 * MS);
  assert_dated (index_date (&f, "v576 1 1 0 "), &take, 1000 * MS);
  assert_dated (date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0),
      &take, -1000 * MS);
  /* Media time is running time here. */
  gint64 zero_us = -1000 * MS - (gint64) (START_NS / GST_USECOND);
  assert_dated (reference_zero (&f, "v576/1-0.m4s"), &take, zero_us);
  assert_dated (reference_zero (&f, "v576/1-1.m4s"), &take, zero_us);
  g_assert_cmpint (video_date (&f, 1) - first_us, ==, 2000 * MS);
  g_assert_cmpint (video_date (&f, 2) - first_us, ==, 4000 * MS);
  fixture_clear (&f);
}

/* Nothing waited: picture 0 is from when it came. */
static void
test_none_waiting (void)
{
  Fixture f;
  Take take = { 0, START_NS, 0, 0 };
  begin (&f, 200);
  publish (&f, &take, 0, 60);
  /* Which is clear after the first segment. */
  assert_dated (video_date (&f, 0), &take, 0);
  publish (&f, &take, 60, 160);
  assert_dated (video_date (&f, 0), &take, 0);
  assert_dated (index_date (&f, "v576 1 0 0 "), &take, 0);
  fixture_clear (&f);
}

/* What waits comes over a slow line: a chunk that was written before all of it had
 * come tells the time that was known then, which is not earlier than it was. */
static void
test_slow_line (void)
{
  Fixture f;
  begin (&f, 200);
  for (guint i = 0; i < 50; i++)
    push_frame (f.video, i, START_NS + i * FRAME_NS,
        START_NS + i * FRAME_NS / 2, FALSE);
  for (guint i = 50; i < 160; i++)
    push_frame (f.video, i, START_NS + i * FRAME_NS,
        START_NS + i * FRAME_NS - GST_SECOND, FALSE);
  gint64 zero_us = video_date (&f, 0) - (gint64) (START_NS / GST_USECOND);
  gint64 early_us = reference_zero (&f, "v576/1-0.m4s") - zero_us;
  g_assert_cmpint (early_us, >, 100 * MS);
  g_assert_cmpint (early_us, <=, 1000 * MS);
  g_assert_cmpint (ABS (reference_zero (&f, "v576/1-2.m4s") - zero_us), <=,
      CUT_US);
  fixture_clear (&f);
}

/* More than a segment waited: nobody sees a date before it is known. */
static void
test_long_waiting (void)
{
  Fixture f;
  Take take = { 80, START_NS, 0, 0 };
  begin (&f, 200);
  publish (&f, &take, 0, 60);
  g_assert_true (exists (&f, "v576/1-0.m4s"));
  g_assert_false (exists (&f, "v576/playlist.m3u8"));
  g_assert_false (contains (&f, "live.index", "#listed"));
  publish (&f, &take, 60, 110);
  assert_dated (video_date (&f, 0), &take, -3200 * MS);
  assert_dated (video_date (&f, 1), &take, -1200 * MS);
  assert_dated (index_date (&f, "v576 1 0 0 "), &take, -3200 * MS);
  assert_dated (index_date (&f, "v576 1 0 9 "), &take, -1400 * MS);
  fixture_clear (&f);
}

/* The publisher is gone before any playlist is there: the last version of all
 * has the dates. */
static void
test_short_stream (void)
{
  Fixture f;
  Take take = { 25, START_NS, 0, 0 };
  begin (&f, 200);
  publish (&f, &take, 0, 30);
  push_eos (&f);
  wait_eos (&f);
  assert_dated (video_date (&f, 0), &take, -1000 * MS);
  fixture_clear (&f);
}

/* By an encoder in the pipeline: it was captured when its stamp says. */
static void
test_encoder (void)
{
  Fixture f;
  Take take = { 0 };
  begin (&f, 200);
  for (guint i = 0; i < 110; i++) {
    GstClockTime time = START_NS + i * FRAME_NS;
    take.begin_us = i == 0 ? g_get_real_time () : take.begin_us;
    push_frame (f.video, i, time, time + 300 * GST_MSECOND, FALSE);
    take.end_us = i == 0 ? g_get_real_time () : take.end_us;
  }
  assert_dated (video_date (&f, 0), &take, -300 * MS);
  fixture_clear (&f);
}

/* Of two renditions the one that is more behind counts: what dates say is there
 * has to be there. */
static void
test_renditions (void)
{
  Fixture f;
  Take take = { 0 };
  fixture_init (&f, make_dir (), "part-duration-ms", 200, NULL);
  f.video = fixture_add (&f, "video_0", NULL);
  GstHarness *other = fixture_add (&f, "video_1", NULL);
  gst_harness_set_src_caps (f.video, video_caps ());
  gst_harness_set_src_caps (other, video_caps ());
  for (guint i = 0; i < 120; i++) {
    GstClockTime time = START_NS + i * FRAME_NS;
    GstClockTime arrival = i < 25 ? START_NS : time - 25 * FRAME_NS;
    take.begin_us = i == 0 ? g_get_real_time () : take.begin_us;
    push_frame (f.video, i, time, arrival, FALSE);
    take.end_us = i == 0 ? g_get_real_time () : take.end_us;
    /* It is 400 ms behind the first one. */
    if (i >= 10)
      push_frame (other, i - 10, time - 10 * FRAME_NS, arrival, FALSE);
  }
  g_assert_cmpuint (count (&f, "master.m3u8", "#EXT-X-STREAM-INF"), ==, 2);
  assert_dated (video_date (&f, 0), &take, -600 * MS);
  gst_harness_teardown (other);
  fixture_clear (&f);
}

/* In a GOP of IDR P B B P B B ... P: the picture that is decoded as the @i-th of
 * all is shown as that. */
static guint
get_place (guint i)
{
  guint k = i % GOP;
  if (k == 0 || k == GOP - 1)
    return i;
  return k % 3 == 1 ? i + 2 : i - 1;
}

/* Pictures are shown later than they are decoded: a segment is from when its
 * first picture could be read. */
static void
test_reordered (void)
{
  Fixture f;
  Take take = { 0 };
  begin (&f, 200);
  for (guint i = 0; i < 110; i++) {
    GstClockTime decoded = START_NS + i * FRAME_NS;
    GstBuffer *buffer = make_frame (i % GOP == 0, 100);
    GST_BUFFER_DTS (buffer) = decoded;
    GST_BUFFER_PTS (buffer) = START_NS + (get_place (i) + 1) * FRAME_NS;
    GST_BUFFER_DURATION (buffer) = FRAME_NS;
    wait_for (f.video, MAX (START_NS, decoded - 400 * GST_MSECOND));
    take.begin_us = i == 0 ? g_get_real_time () : take.begin_us;
    g_assert_cmpint (gst_harness_push (f.video, buffer), ==, GST_FLOW_OK);
    take.end_us = i == 0 ? g_get_real_time () : take.end_us;
  }
  assert_dated (video_date (&f, 0), &take, -400 * MS);
  fixture_clear (&f);
}

/* ---- later ---- */

/* Once they were told dates stay, whatever comes earlier than they say. */
static void
test_told (void)
{
  Fixture f;
  Take take = { 0, START_NS, 0, 0 };
  begin (&f, 200);
  publish (&f, &take, 0, 110);
  gint64 first_us = video_date (&f, 0);
  for (guint i = 110; i < 260; i++)
    push_frame (f.video, i, START_NS + i * FRAME_NS,
        START_NS + i * FRAME_NS - 500 * GST_MSECOND, FALSE);
  for (guint k = 0; k < 5; k++)
    g_assert_cmpint (video_date (&f, k) - first_us, ==, k * 2000 * MS);
  assert_dated (date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0),
      &take, 0);
  fixture_clear (&f);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/dates/waiting", test_waiting);
  g_test_add_func ("/cmafsink/dates/none-waiting", test_none_waiting);
  g_test_add_func ("/cmafsink/dates/long-waiting", test_long_waiting);
  g_test_add_func ("/cmafsink/dates/slow-line", test_slow_line);
  g_test_add_func ("/cmafsink/dates/short-stream", test_short_stream);
  g_test_add_func ("/cmafsink/dates/encoder", test_encoder);
  g_test_add_func ("/cmafsink/dates/renditions", test_renditions);
  g_test_add_func ("/cmafsink/dates/reordered", test_reordered);
  g_test_add_func ("/cmafsink/dates/told", test_told);
  return g_test_run ();
}
