/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* failoverswitch between inputs of the test's own. A viewer would notice: a
 * picture that stands still while another input is there, one that cannot be
 * decoded after a change, or time that jumps. Time passes where a test says
 * so. */
#include "failoverswitch-test.h"
#include "still-clock.h"

GST_START_TEST (test_loss)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  push_video (&b, 1000, TRUE);
  push_video (&a, 1040, FALSE);
  push_video (&b, 1040, FALSE);
  expect_video (&bench, 1000, 1000, TRUE);
  expect_video (&bench, 1040, 1040, FALSE);
  fail_unless_equals_int (get_active (&bench), 0);
  lose (&a);
  /* What was under way when it went: not shown, nor what it is shown from. */
  push_video (&a, 1080, FALSE);
  expect_nothing (&bench.video);
  /* At once, from the keyframe on that it has kept, right after the end. */
  push_video (&b, 1080, FALSE);
  expect_video (&bench, 1000, 1080, FALSE);
  expect_video (&bench, 1040, 1120, FALSE);
  expect_video (&bench, 1080, 1160, FALSE);
  push_video (&b, 1120, FALSE);
  expect_video (&bench, 1120, 1200, FALSE);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "loss");
  fail_unless_equals_int (get_active (&bench), 1);

  /* Back at a keyframe of the better one, not before, and without a gap: to
   * whoever decodes, two encoders that are set alike are one. */
  push_video (&a, 1160, TRUE);
  expect_video (&bench, 1160, 1240, FALSE);
  push_video (&b, 1160, FALSE);
  push_video (&a, 1200, FALSE);
  expect_video (&bench, 1200, 1280, FALSE);
  expect_switch (&bench, 1, 0, "recovery");
  expect_nothing (&bench.video);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_recovery_waits_for_keyframe)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&b, 1000, TRUE);
  expect_video (&bench, 1000, 1000, TRUE);
  g_object_set (bench.element, "recovery-ms", 60000, NULL);
  push_video (&a, 1000, TRUE);
  push_video (&a, 1040, TRUE);
  g_object_set (bench.element, "recovery-ms", 0, NULL);
  push_video (&a, 1080, FALSE);
  push_video (&b, 1040, FALSE);
  expect_video (&bench, 1040, 1040, FALSE);
  expect_nothing (&bench.video);
  push_video (&a, 1120, TRUE);
  expect_video (&bench, 1120, 1120, FALSE);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* The socket stays open, and nothing comes: left as soon as it has been silent
 * for the time that is set, and not before. */
GST_START_TEST (test_stall)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  Input b = input_open (&bench, 1, VIDEO_A, AUDIO);
  guint ms = 0;
  guint64 last_video = 0;
  guint64 last_audio = 0;

  push_video (&a, 2000, TRUE);
  push_audio (&a, 2000);
  push_video (&b, 2000, TRUE);
  push_audio (&b, 2000);
  while (get_active (&bench) != 1) {
    still_clock_move (10 * G_TIME_SPAN_MILLISECOND);
    ms += 10;
    push_audio (&b, 2000 + ms);
    push_video (&b, 2000 + ms, FALSE);
    fail_unless (ms <= 200);
  }
  fail_unless_equals_int (ms, 200);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "stall");
  /* Both tracks go on without going back, and together. */
  while (g_async_queue_length (bench.video.items) > 0) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, NULL);
    fail_unless (GST_BUFFER_DTS (buffer) > last_video);
    last_video = GST_BUFFER_DTS (buffer);
  }
  while (g_async_queue_length (bench.audio.items) > 0) {
    g_autoptr (GstBuffer) buffer = take (&bench.audio, NULL);
    fail_unless (GST_BUFFER_PTS (buffer) > last_audio);
    last_audio = GST_BUFFER_PTS (buffer);
  }
  fail_unless_equals_uint64 (last_video, last_audio);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* A fifth of the pictures, sent in time with those of the backup. */
GST_START_TEST (test_low_framerate)
{
  Bench bench;
  bench_open (&bench);
  g_object_set (bench.element, "min-framerate-percent", 50,
      "framerate-window-ms", 600, "stall-timeout-ms", 5000, "recovery-ms",
      60000, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);
  guint slow_ms = 0;
  guint ms = 0;

  for (guint n = 0; get_active (&bench) != 1; n++, ms += 40) {
    fail_unless (ms < 15000, "a slow input was never left");
    if (ms > 1500 && slow_ms == 0)
      slow_ms = ms;
    if (slow_ms == 0 || n % 5 == 0)
      push_video (&a, 1000 + ms, n % 5 == 0);
    push_video (&b, 1000 + ms, n % 25 == 0);
    still_clock_move (40 * G_TIME_SPAN_MILLISECOND);
  }
  fail_unless (slow_ms > 0, "left while it was not slow");
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "framerate");
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* One that comes and goes is not shown before it has been there for a while. */
GST_START_TEST (test_flapping)
{
  Bench bench;
  bench_open (&bench);
  g_object_set (bench.element, "recovery-ms", 60000, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  for (guint i = 0; i < 20; i++) {
    lose (&a);
    push_video (&b, 1040 + i * 40, i % 5 == 0);
    push_video (&a, 1040 + i * 40, TRUE);
  }
  fail_unless_equals_int (get_active (&bench), 1);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "loss");
  fail_if (gst_bus_have_pending (bench.bus));
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* Each loss shows the backup from two seconds ago on: the stream does not fall
 * behind for ever. */
GST_START_TEST (test_lead_is_bounded)
{
  Bench bench;
  guint64 lead = 0;
  guint64 most = 0;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  for (guint ms = 1000; ms < 41000; ms += 2000) {
    push_video (&a, ms, TRUE);
    push_video (&b, ms, TRUE);
    push_video (&a, ms + 1960, FALSE);
    lose (&a);
    push_video (&b, ms + 1960, FALSE);
    g_autoptr (GstStructure) stats = NULL;
    g_object_get (bench.element, "stats", &stats, NULL);
    fail_unless (gst_structure_get_uint64 (stats, "lead", &lead));
    most = MAX (most, lead);
  }
  fail_unless (most > 8 * GST_SECOND, "%" GST_TIME_FORMAT,
      GST_TIME_ARGS (most));
  fail_unless (most < 13 * GST_SECOND, "%" GST_TIME_FORMAT,
      GST_TIME_ARGS (most));
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* New caps where they differ, before the first frame they are for; none where
 * they do not. */
GST_START_TEST (test_caps)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_B, NULL);
  g_autofree gchar *caps = NULL;

  push_video (&a, 1000, TRUE);
  gst_buffer_unref (take (&bench.video, &caps));
  fail_unless (strstr (caps, "width=(int)320") != NULL, "%s", caps);
  end (&a);
  push_video (&b, 1040, TRUE);
  g_autoptr (GstBuffer) other = take (&bench.video, &caps);
  fail_unless (strstr (caps, "width=(int)640") != NULL, "%s", caps);
  fail_unless (GST_BUFFER_IS_DISCONT (other));
  push_video (&b, 1080, FALSE);
  g_clear_pointer (&caps, g_free);
  gst_buffer_unref (take (&bench.video, &caps));
  fail_unless (caps == NULL);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_audio_only)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, NULL, AUDIO);
  Input b = input_open (&bench, 1, NULL, AUDIO);

  push_audio (&a, 1000);
  push_audio (&b, 1000);
  push_audio (&b, 1020);
  expect_frame (&bench.audio, 1000, 1000, TRUE);
  end (&a);
  push_audio (&b, 1040);
  expect_frame (&bench.audio, 1040, 1040, FALSE);
  push_audio (&b, 1060);
  expect_frame (&bench.audio, 1060, 1060, FALSE);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_operator)
{
  Bench bench;
  gboolean done;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  g_signal_emit_by_name (bench.element, "switch", 7, &done);
  fail_if (done);
  push_video (&b, 1000, TRUE);
  g_signal_emit_by_name (bench.element, "switch", 1, &done);
  fail_unless (done);
  push_video (&b, 1040, FALSE);
  fail_unless_equals_int (get_active (&bench), 0);
  push_video (&b, 1080, TRUE);
  fail_unless_equals_int (get_active (&bench), 1);
  /* It stays, until it is let go. */
  push_video (&a, 1120, TRUE);
  fail_unless_equals_int (get_active (&bench), 1);
  g_signal_emit_by_name (bench.element, "switch", -1, &done);
  fail_unless (done);
  push_video (&a, 1160, TRUE);
  fail_unless_equals_int (get_active (&bench), 0);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "operator");
  expect_switch (&bench, 1, 0, "recovery");
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* What was chosen fails for a moment: it is not forgotten. */
GST_START_TEST (test_operator_holds)
{
  Bench bench;
  gboolean done;
  gint chosen;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  push_video (&b, 1000, TRUE);
  g_signal_emit_by_name (bench.element, "switch", 1, &done);
  fail_unless (done);
  push_video (&b, 1040, TRUE);
  fail_unless_equals_int (get_active (&bench), 1);
  lose (&b);
  still_clock_move (40 * G_TIME_SPAN_MILLISECOND);
  push_video (&a, 1080, TRUE);
  fail_unless_equals_int (get_active (&bench), 0);
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (bench.element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_int (stats, "chosen", &chosen));
  fail_unless_equals_int (chosen, 1);
  /* It has to be asked for while it is there. */
  g_signal_emit_by_name (bench.element, "switch", 1, &done);
  fail_if (done);
  push_video (&b, 1120, TRUE);
  push_video (&b, 1160, TRUE);
  fail_unless_equals_int (get_active (&bench), 1);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "operator");
  expect_switch (&bench, 1, 0, "loss");
  expect_switch (&bench, 0, 1, "recovery");
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

static Suite *
failoverswitch_suite (void)
{
  Suite *suite = suite_create ("failoverswitch");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, still_clock_stop, still_clock_go);
  tcase_add_test (tcase, test_loss);
  tcase_add_test (tcase, test_recovery_waits_for_keyframe);
  tcase_add_test (tcase, test_stall);
  tcase_add_test (tcase, test_low_framerate);
  tcase_add_test (tcase, test_flapping);
  tcase_add_test (tcase, test_lead_is_bounded);
  tcase_add_test (tcase, test_caps);
  tcase_add_test (tcase, test_audio_only);
  tcase_add_test (tcase, test_operator);
  tcase_add_test (tcase, test_operator_holds);
  return suite;
}

GST_CHECK_MAIN (failoverswitch);
