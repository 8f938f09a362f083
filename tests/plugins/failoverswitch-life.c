/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* failoverswitch as an element: threads, the end, states. A user would notice:
 * a stream that ends too early or never, or that cannot be stopped. Time passes
 * where a test says so. */
#include "failoverswitch-test.h"
#include "still-clock.h"

/* ---- threads ---- */

typedef struct
{
  Input input;
  gint stop; /* atomic */
  guint loses_every; /* pictures; 0: never */
  GstFlowReturn flow;
} Feeder;

/* Pictures on a thread of their own, as fast as they are taken, that come and
 * go. */
static gpointer
feed (gpointer data)
{
  Feeder *feeder = data;

  for (guint n = 0; !g_atomic_int_get (&feeder->stop); n++) {
    feeder->flow = push_frame (feeder->input.video, 1000 + n, 1, n % 20 == 0);
    push_frame (feeder->input.audio, 1000 + n, 1, TRUE);
    if (feeder->loses_every > 0 && n % feeder->loses_every == 0)
      lose (&feeder->input);
    g_usleep (200);
  }
  return NULL;
}

static void
check_order (Out *out)
{
  guint64 last = 0;
  guint n = 0;

  for (; g_async_queue_length (out->items) > 0; n++) {
    GstMiniObject *item = g_async_queue_pop (out->items);
    if (GST_IS_BUFFER (item)) {
      fail_unless (GST_BUFFER_PTS (item) >= last, "time went back");
      last = GST_BUFFER_PTS (item);
    }
    gst_mini_object_unref (item);
  }
  fail_unless (n > 100, "%u of hundreds came out", n);
}

/* Changes from one thread to another and back, hundreds of times. */
GST_START_TEST (test_threads)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Feeder feeders[] = {
    { input_open (&bench, 0, VIDEO_A, AUDIO), 0, 30 },
    { input_open (&bench, 1, VIDEO_A, AUDIO), 0, 47 },
  };
  GThread *threads[G_N_ELEMENTS (feeders)];
  guint switches = 0;

  for (guint i = 0; i < G_N_ELEMENTS (feeders); i++)
    threads[i] = g_thread_new ("feeder", feed, &feeders[i]);
  for (gint64 end_us = g_get_real_time () + WAIT_US; switches < 60;) {
    g_autoptr (GstStructure) stats = NULL;
    fail_unless (g_get_real_time () < end_us, "%u changes", switches);
    g_object_get (bench.element, "stats", &stats, NULL);
    gst_structure_get_uint (stats, "switches", &switches);
    g_usleep (1000);
  }
  for (guint i = 0; i < G_N_ELEMENTS (feeders); i++) {
    g_atomic_int_set (&feeders[i].stop, TRUE);
    g_thread_join (threads[i]);
    fail_unless_equals_int (feeders[i].flow, GST_FLOW_OK);
  }
  check_order (&bench.video);
  check_order (&bench.audio);
  for (guint i = 0; i < G_N_ELEMENTS (feeders); i++)
    input_close (&bench, &feeders[i].input);
  bench_close (&bench);
}
GST_END_TEST;

static GstPadProbeReturn
on_blocked (GstPad *pad, GstPadProbeInfo *info, gpointer blocked)
{
  g_atomic_int_set ((gint *) blocked, TRUE);
  return GST_PAD_PROBE_OK;
}

static gpointer
push_one (gpointer data)
{
  return GINT_TO_POINTER (push_frame (data, 1040, 40, FALSE));
}

/* Stopped while what is below takes nothing: everybody gets away. */
GST_START_TEST (test_stop_while_blocked)
{
  Bench bench;
  gint blocked = FALSE;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  push_video (&a, 1000, TRUE);
  g_autoptr (GstPad) src =
      gst_element_get_static_pad (bench.element, "video_0");
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER,
      on_blocked, &blocked, NULL);
  GThread *thread = g_thread_new ("pusher", push_one, a.video);
  while (!g_atomic_int_get (&blocked))
    g_thread_yield ();
  fail_unless_equals_int (gst_element_set_state (bench.element, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_FLUSHING);
  input_close (&bench, &a);
  bench_close (&bench);
}
GST_END_TEST;

/* ---- the end ---- */

GST_START_TEST (test_end)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  Input b = input_open (&bench, 1, VIDEO_A, AUDIO);

  push_video (&a, 1000, TRUE);
  push_audio (&a, 1000);
  push_video (&b, 1000, TRUE);
  end (&a);
  fail_if (GST_PAD_IS_EOS (bench.video.pad));
  end (&b);
  wait_eos (&bench.video);
  wait_eos (&bench.audio);
  fail_unless_equals_int (push_frame (b.video, 1040, 40, TRUE), GST_FLOW_EOS);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* Without a slate, a stream whose inputs are away waits, and ends in time. */
GST_START_TEST (test_timeout)
{
  Bench bench;
  bench_open (&bench);
  g_object_set (bench.element, "slate-timeout-ms", 300, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  for (gint64 end_us = g_get_real_time () + WAIT_US;
       !GST_PAD_IS_EOS (bench.video.pad);) {
    fail_unless (g_get_real_time () < end_us, "the stream does not end");
    still_clock_move (20 * G_TIME_SPAN_MILLISECOND);
  }
  wait_eos (&bench.video);
  input_close (&bench, &a);
  bench_close (&bench);
}
GST_END_TEST;

/* ---- life ---- */

GST_START_TEST (test_states)
{
  Bench bench;
  bench_open (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);

  for (guint i = 0; i < 2; i++) {
    bench_play (&bench);
    gst_pad_push_event (a.video, gst_event_new_flush_start ());
    gst_pad_push_event (a.video, gst_event_new_flush_stop (TRUE));
    g_autoptr (GstCaps) caps = gst_caps_from_string (VIDEO_A);
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (a.video, gst_event_new_stream_start ("x"));
    gst_pad_push_event (a.video, gst_event_new_caps (caps));
    gst_pad_push_event (a.video, gst_event_new_segment (&segment));
    push_video (&a, 1000, TRUE);
    gst_buffer_unref (take (&bench.video, NULL));
    gst_element_set_state (bench.element, GST_STATE_NULL);
    fail_unless_equals_int (bench.element->numsrcpads, 0);
    fail_unless_equals_int (get_active (&bench), -2);
  }
  input_close (&bench, &a);
  bench_close (&bench);
}
GST_END_TEST;

/* A demuxer in PAUSED links its pads and sends while the switch is on its way
 * from READY: what it is refused then, it never sends again. */
GST_START_TEST (test_data_before_paused)
{
  Bench bench;
  bench_open (&bench);
  fail_unless_equals_int (gst_element_set_state (bench.element,
                              GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  bench_play (&bench);
  push_video (&a, 1040, FALSE);
  expect_video (&bench, 1000, 1000, TRUE);
  expect_video (&bench, 1040, 1040, FALSE);
  gst_element_set_state (bench.element, GST_STATE_READY);
  fail_unless_equals_int (bench.element->numsrcpads, 0);
  fail_unless_equals_int (get_active (&bench), -2);
  input_close (&bench, &a);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_contract)
{
  Bench bench;
  guint number;
  gchar *slate;
  bench_open (&bench);
  g_autoptr (GstElement) fresh =
      gst_element_factory_make ("failoverswitch", NULL);
  gst_object_ref_sink (fresh);

  g_object_get (fresh, "stall-timeout-ms", &number, NULL);
  fail_unless_equals_int (number, 700);
  g_object_get (fresh, "min-framerate-percent", &number, NULL);
  fail_unless_equals_int (number, 50);
  g_object_get (fresh, "recovery-ms", &number, NULL);
  fail_unless_equals_int (number, 5000);
  g_object_get (fresh, "slate-timeout-ms", &number, NULL);
  fail_unless_equals_int (number, 300000);
  g_object_get (fresh, "slate", &slate, NULL);
  fail_unless (slate == NULL);
  g_autoptr (GstPad) pad_a =
      gst_element_request_pad_simple (bench.element, "sink_video_%u");
  g_autoptr (GstPad) pad_b =
      gst_element_request_pad_simple (bench.element, "sink_video_%u");
  fail_unless_equals_string (GST_PAD_NAME (pad_a), "sink_video_0");
  fail_unless_equals_string (GST_PAD_NAME (pad_b), "sink_video_1");
  /* Names and numbers may be mixed, as in a line of gst-launch-1.0. */
  g_autoptr (GstPad) pad_d =
      gst_element_request_pad_simple (bench.element, "sink_video_2");
  g_autoptr (GstPad) pad_e =
      gst_element_request_pad_simple (bench.element, "sink_video_%u");
  fail_unless_equals_string (GST_PAD_NAME (pad_d), "sink_video_2");
  fail_unless (pad_e != NULL);
  fail_unless_equals_string (GST_PAD_NAME (pad_e), "sink_video_3");
  gst_element_release_request_pad (bench.element, pad_a);
  gst_element_release_request_pad (bench.element, pad_b);
  gst_element_release_request_pad (bench.element, pad_d);
  gst_element_release_request_pad (bench.element, pad_e);
  bench_close (&bench);
}
GST_END_TEST;

static Suite *
failoverswitch_life_suite (void)
{
  Suite *suite = suite_create ("failoverswitch-life");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, still_clock_stop, still_clock_go);
  tcase_add_test (tcase, test_contract);
  tcase_add_test (tcase, test_threads);
  tcase_add_test (tcase, test_stop_while_blocked);
  tcase_add_test (tcase, test_end);
  tcase_add_test (tcase, test_timeout);
  tcase_add_test (tcase, test_states);
  tcase_add_test (tcase, test_data_before_paused);
  return suite;
}

GST_CHECK_MAIN (failoverswitch_life);
