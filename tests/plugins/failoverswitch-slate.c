/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The slate of failoverswitch. A viewer would notice: nothing, or a frozen
 * picture, where the slate should be; a jump in time before or after it; a
 * stream that never ends though nobody comes back. An operator: a slate that is
 * missing when it is needed, and no word about it before. */
#include <glib/gstdio.h>
#include <unistd.h>

#include "failoverswitch-test.h"

static gchar *
make_file (const gchar *chain)
{
  g_autofree gchar *path = NULL;
  gint fd = g_file_open_tmp ("millslate-XXXXXX", &path, NULL);
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc pattern=smpte num-buffers=%s ! filesink location=%s", chain,
      path);
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  close (fd);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      WAIT_US * GST_USECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return g_steal_pointer (&path);
}

static void
wait_slate (Bench *bench, const gchar *state, Input *keep, guint *ms)
{
  for (guint i = 0; i < 2000; i++) {
    g_autoptr (GstStructure) stats = NULL;
    g_object_get (bench->element, "stats", &stats, NULL);
    if (g_strcmp0 (gst_structure_get_string (stats, "slate"), state) == 0)
      return;
    *ms += 10;
    push_video (keep, *ms, *ms % 500 == 0);
    push_audio (keep, *ms);
    g_usleep (10000);
  }
  fail ("the slate is not %s", state);
}

/* Pictures of a slate follow each other at the frame rate of the input, from
 * the end of what was shown on, each second round with an IDR at its start. */
static guint64
check_slate_video (Bench *bench, guint64 end, guint n_frames)
{
  guint n_keys = 0;

  for (guint i = 0; i < n_frames; i++) {
    g_autoptr (GstBuffer) buffer = take (&bench->video, NULL);
    GstClockTimeDiff apart = GST_BUFFER_PTS (buffer) - end;
    fail_unless (ABS (apart) <= (GstClockTimeDiff) MS,
        "%" GST_STIME_FORMAT " apart at %u", GST_STIME_ARGS (apart), i);
    n_keys += !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    end = GST_BUFFER_PTS (buffer) + 40 * MS;
  }
  fail_unless_equals_int (n_keys, (n_frames + 49) / 50);
  return end;
}

/* Inputs go where a test says so, not by silence: it may be kept waiting, by the
 * slate that is being encoded too. */
static void
bench_open_with (Bench *bench, const gchar *slate)
{
  bench_open (bench);
  g_object_set (bench->element, "stall-timeout-ms", 60000, "slate", slate,
      NULL);
}

static void
run_slate (const gchar *chain)
{
  Bench bench;
  g_autofree gchar *path = make_file (chain);
  guint ms = 1000;
  g_autofree gchar *caps = NULL;

  bench_open_with (&bench, path);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  wait_slate (&bench, "ready", &a, &ms);
  fail_unless_equals_int (g_atomic_int_get (&bench.no_more_pads), 1);
  expect_switch (&bench, -2, 0, "start");
  lose (&a);
  expect_switch (&bench, 0, -1, "loss");
  fail_unless_equals_int (get_active (&bench), -1);
  /* The last of the input: what follows is the slate. */
  guint64 video_end = 0;
  for (;;) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, &caps);
    if (GST_BUFFER_PTS (buffer) != ms * MS &&
        gst_buffer_get_size (buffer) == 16)
      continue;
    if (gst_buffer_get_size (buffer) == 16) {
      video_end = GST_BUFFER_PTS (buffer) + 40 * MS;
      break;
    }
  }
  guint64 slate_end = check_slate_video (&bench, video_end, 55);

  /* Somebody is back: at once, after the slate. */
  push_video (&a, ms + 5000, TRUE);
  push_audio (&a, ms + 5000);
  expect_switch (&bench, -1, 0, "recovery");
  guint64 last = slate_end - 40 * MS;
  for (gboolean is_back = FALSE; !is_back;) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, NULL);
    fail_unless (GST_BUFFER_PTS (buffer) > last);
    last = GST_BUFFER_PTS (buffer);
    is_back = gst_buffer_get_size (buffer) == 16;
  }
  g_object_set (bench.element, "slate-timeout-ms", 1000, NULL);
  lose (&a);
  expect_switch (&bench, 0, -1, "loss");
  wait_eos (&bench.video);
  wait_eos (&bench.audio);
  input_close (&bench, &a);
  bench_close (&bench);
  unlink (path);
}

GST_START_TEST (test_slate_png)
{
  run_slate ("1 ! video/x-raw,width=400,height=300 ! pngenc");
}
GST_END_TEST;

GST_START_TEST (test_slate_jpeg)
{
  run_slate ("1 ! video/x-raw,width=401,height=99 ! jpegenc");
}
GST_END_TEST;

/* A film of 1 s with B-frames, looped: in its own caps; decoding never goes
 * back. */
GST_START_TEST (test_slate_film)
{
  Bench bench;
  g_autofree gchar *path = make_file (
      "30 ! video/x-raw,width=64,height=64 ! x264enc ! mp4mux name=m "
      "audiotestsrc num-buffers=47 samplesperbuffer=1024 ! avenc_aac ! m. "
      "m.");
  g_autofree gchar *caps = NULL;
  guint ms = 1000;
  guint64 last = 0;

  bench_open_with (&bench, path);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  wait_slate (&bench, "ready", &a, &ms);
  lose (&a);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, -1, "loss");
  for (guint n = 0; n < 65;) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, &caps);
    fail_unless (GST_BUFFER_DTS (buffer) > last);
    last = GST_BUFFER_DTS (buffer);
    n += gst_buffer_get_size (buffer) != 16;
  }
  fail_unless (strstr (caps, "width=(int)64") != NULL, "%s", caps);
  input_close (&bench, &a);
  bench_close (&bench);
  unlink (path);
}
GST_END_TEST;

/* Before the first input only where it is wanted so. */
GST_START_TEST (test_slate_at_start)
{
  Bench bench;
  g_autofree gchar *path =
      make_file ("1 ! video/x-raw,width=400,height=300 ! pngenc");
  g_autofree gchar *caps = NULL;

  bench_open_with (&bench, path);
  g_object_set (bench.element, "slate-at-start", TRUE, NULL);
  bench_play (&bench);
  gst_buffer_unref (take (&bench.video, &caps));
  fail_unless (strstr (caps, "width=(int)1280") != NULL, "%s", caps);
  gst_buffer_unref (take (&bench.audio, NULL));
  bench_close (&bench);
  unlink (path);
}
GST_END_TEST;

/* ---- what cannot be one ---- */

/* What the element has warned of since; nothing else is on the bus. */
static gchar *
take_warning (Bench *bench)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bench->bus,
      WAIT_US * GST_USECOND, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;

  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  return g_strdup (error->message);
}

static void
expect_no_warning (Bench *bench)
{
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_pop (bench->bus);
    if (!message)
      return;
    fail_if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING ||
        GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
  }
}

static gchar *
make_wrong_file (const gchar *head, gsize size)
{
  g_autofree gchar *path = NULL;
  gint fd = g_file_open_tmp ("millslate-XXXXXX", &path, NULL);

  fail_unless_equals_int (write (fd, head, size), size);
  close (fd);
  return g_steal_pointer (&path);
}

/* Before anybody sends, and once only; the stream goes on without it. */
static void
check_unusable (const gchar *path, const gchar *expected)
{
  Bench bench;
  guint ms = 1000;
  g_autofree gchar *prefix = g_strdup_printf ("slate '%s': got ", path);

  bench_open_with (&bench, path);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  wait_slate (&bench, "failed", &a, &ms);
  g_autofree gchar *warning = take_warning (&bench);
  fail_unless (g_str_has_prefix (warning, prefix), "%s", warning);
  fail_unless (g_str_has_suffix (warning, expected), "%s", warning);
  /* It is a slate that is missing, and no input. */
  gst_buffer_unref (take (&bench.video, NULL));
  lose (&a);
  push_video (&a, ms + 1000, TRUE);
  push_audio (&a, ms + 1000);
  for (guint64 last = 0; last != ms + 1000;) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, NULL);
    last = GST_BUFFER_OFFSET (buffer);
  }
  expect_no_warning (&bench);
  input_close (&bench, &a);
  bench_close (&bench);
}

GST_START_TEST (test_slate_missing)
{
  check_unusable ("/nonexistent/slate.png",
      "got no such file, expected a PNG, JPEG or MP4 file");
}
GST_END_TEST;

GST_START_TEST (test_slate_directory)
{
  check_unusable (g_get_tmp_dir (),
      "got a directory, expected a PNG, JPEG or MP4 file");
}
GST_END_TEST;

/* What only decoding tells: it begins like the real one. */
static const struct
{
  const gchar *head;
  gsize size;
  const gchar *expected;
} broken[] = {
  { "\x89PNG\r\n\x1a\n\0\0\0\rIHDRgarbage", 23, "expected a PNG picture" },
  { "\xff\xd8\xff\xe0garbage", 11, "expected a JPEG picture" },
  { "\0\0\0\020ftypisom\0\0\0\0\0\0\1\0mdat", 24,
      "expected an MP4 film of H.264" },
};

GST_START_TEST (test_slate_broken)
{
  g_autofree gchar *path =
      make_wrong_file (broken[__i__].head, broken[__i__].size);

  check_unusable (path, broken[__i__].expected);
  g_remove (path);
}
GST_END_TEST;

/* Half of a good one, as a copy that is under way. (Of a JPEG the rest is grey.)
 */
static const struct
{
  const gchar *chain;
  const gchar *expected;
} halves[] = {
  { "1 ! video/x-raw,width=400,height=300 ! pngenc", "expected a PNG picture" },
  { "30 ! video/x-raw,width=64,height=64 ! x264enc ! mp4mux",
      "expected an MP4 film of H.264" },
};

GST_START_TEST (test_slate_half)
{
  g_autofree gchar *path = make_file (halves[__i__].chain);
  GStatBuf status;

  fail_unless_equals_int (g_stat (path, &status), 0);
  fail_unless_equals_int (truncate (path, status.st_size / 2), 0);
  check_unusable (path, halves[__i__].expected);
  g_remove (path);
}
GST_END_TEST;

GST_START_TEST (test_slate_film_without_pictures)
{
  g_autofree gchar *path = make_file (
      "1 ! fakesink audiotestsrc num-buffers=47 samplesperbuffer=1024 ! "
      "avenc_aac ! mp4mux");

  check_unusable (path,
      "got no H.264 video in it, expected an MP4 film of H.264");
  g_remove (path);
}
GST_END_TEST;

/* It is told as soon as the element is made ready, which is what `millrace
 * validate` does, and is no reason not to be. */
GST_START_TEST (test_slate_told_when_ready)
{
  Bench bench;

  bench_open_with (&bench, "/nonexistent/slate.png");
  fail_unless_equals_int (gst_element_set_state (bench.element,
                              GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bench.bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  bench_close (&bench);
}
GST_END_TEST;

/* The file is put where it was missing while the stream goes on. */
GST_START_TEST (test_slate_comes_later)
{
  Bench bench;
  guint ms = 1000;
  g_autofree gchar *path =
      make_file ("1 ! video/x-raw,width=400,height=300 ! pngenc");
  g_autofree gchar *away = g_strconcat (path, ".away", NULL);

  fail_unless_equals_int (g_rename (path, away), 0);
  bench_open_with (&bench, path);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  wait_slate (&bench, "failed", &a, &ms);
  g_autofree gchar *warning = take_warning (&bench);
  fail_unless_equals_int (g_rename (away, path), 0);
  wait_slate (&bench, "ready", &a, &ms);
  expect_no_warning (&bench);
  lose (&a);
  expect_switch (&bench, 0, -1, "loss");
  input_close (&bench, &a);
  bench_close (&bench);
  g_remove (path);
}
GST_END_TEST;

static Suite *
failoverswitch_slate_suite (void)
{
  Suite *suite = suite_create ("failoverswitch-slate");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_slate_png);
  tcase_add_test (tcase, test_slate_jpeg);
  tcase_add_test (tcase, test_slate_film);
  tcase_add_test (tcase, test_slate_at_start);
  tcase_add_test (tcase, test_slate_missing);
  tcase_add_test (tcase, test_slate_directory);
  tcase_add_loop_test (tcase, test_slate_broken, 0, G_N_ELEMENTS (broken));
  tcase_add_loop_test (tcase, test_slate_half, 0, G_N_ELEMENTS (halves));
  tcase_add_test (tcase, test_slate_film_without_pictures);
  tcase_add_test (tcase, test_slate_told_when_ready);
  tcase_add_test (tcase, test_slate_comes_later);
  return suite;
}

GST_CHECK_MAIN (failoverswitch_slate);
