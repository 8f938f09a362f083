/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * Good media: caps, the order of what is pushed, time stamps, pads.
 */
#include "rtmpserversrc-test.h"

static void
expect_string (GstCaps *caps, const gchar *field, const gchar *expected)
{
  fail_unless_equals_string (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), field),
      expected);
}

static gint
get_int (GstCaps *caps, const gchar *field)
{
  gint value = -1;

  gst_structure_get_int (gst_caps_get_structure (caps, 0), field, &value);
  return value;
}

static GstCaps *
take_caps (Receiver *receiver, ReceiverKind kind)
{
  g_autoptr (GstEvent) event =
      receiver_take_event (receiver, kind, GST_EVENT_CAPS);
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  return gst_caps_ref (caps);
}

/* Everything a muxer asks of caps, so that no parser is needed. */
GST_START_TEST (caps_and_order_of_events)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 5 * GST_SECOND);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 100, TRUE, 0);
  publisher_send_audio (publisher, 100);

  g_autoptr (GstEvent) start =
      receiver_take_event (receiver, RECEIVER_VIDEO, GST_EVENT_STREAM_START);
  g_autoptr (GstCaps) video = take_caps (receiver, RECEIVER_VIDEO);
  expect_string (video, "stream-format", "avc");
  expect_string (video, "alignment", "au");
  expect_string (video, "profile", "high");
  expect_string (video, "level", "3");
  expect_string (video, "chroma-format", "4:2:0");
  fail_unless_equals_int (get_int (video, "width"), 640);
  fail_unless_equals_int (get_int (video, "height"), 360);
  gint n = 0;
  gint d = 0;
  gst_structure_get_fraction (gst_caps_get_structure (video, 0), "framerate",
      &n, &d);
  fail_unless (n == 30 && d == 1);
  fail_unless (gst_structure_has_field (gst_caps_get_structure (video, 0),
      "codec_data"));
  g_autoptr (GstEvent) segment_event =
      receiver_take_event (receiver, RECEIVER_VIDEO, GST_EVENT_SEGMENT);
  const GstSegment *segment;
  gst_event_parse_segment (segment_event, &segment);
  fail_unless_equals_int (segment->format, GST_FORMAT_TIME);
  fail_unless (segment->start == 0 && segment->base == 0);
  g_autoptr (GstEvent) tags =
      receiver_take_event (receiver, RECEIVER_VIDEO, GST_EVENT_TAG);
  g_autoptr (GstBuffer) frame = receiver_take_buffer (receiver, RECEIVER_VIDEO);
  fail_unless (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DISCONT));
  fail_if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT));
  fail_unless_equals_int (gst_buffer_get_size (frame), 7);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (frame), GST_SECOND / 30);

  g_autoptr (GstEvent) audio_start =
      receiver_take_event (receiver, RECEIVER_AUDIO, GST_EVENT_STREAM_START);
  guint group = 0;
  guint audio_group = 1;
  gst_event_parse_group_id (start, &group);
  gst_event_parse_group_id (audio_start, &audio_group);
  fail_unless_equals_int (group, audio_group);
  g_autoptr (GstCaps) audio = take_caps (receiver, RECEIVER_AUDIO);
  fail_unless_equals_int (get_int (audio, "mpegversion"), 4);
  fail_unless_equals_int (get_int (audio, "rate"), 48000);
  fail_unless_equals_int (get_int (audio, "channels"), 2);
  expect_string (audio, "stream-format", "raw");
  expect_string (audio, "profile", "lc");
}
GST_END_TEST;

/* A late or early picture, or sound out of step with it, is what a user sees
 * of wrong time stamps. */
GST_START_TEST (time_stamps)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 5 * GST_SECOND);
  g_autoptr (Publisher) publisher = open_av (receiver);
  /* decoding order I P B with composition offsets, one of them negative */
  publisher_send_video (publisher, 1000, TRUE, 66);
  publisher_send_audio (publisher, 990);
  publisher_send_video (publisher, 1033, FALSE, 100);
  publisher_send_video (publisher, 1066, FALSE, -33);

  const gint64 dts[] = { 5000, 5033, 5066 };
  const gint64 pts[] = { 5066, 5133, 5033 };
  for (guint i = 0; i < 4; i++)
    gst_event_unref (receiver_take_any_event (receiver, RECEIVER_VIDEO));
  for (guint i = 0; i < G_N_ELEMENTS (dts); i++) {
    g_autoptr (GstBuffer) frame =
        receiver_take_buffer (receiver, RECEIVER_VIDEO);
    fail_unless_equals_int64 (GST_BUFFER_DTS (frame) / GST_MSECOND, dts[i]);
    fail_unless_equals_int64 (GST_BUFFER_PTS (frame) / GST_MSECOND, pts[i]);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (frame,
                                GST_BUFFER_FLAG_DELTA_UNIT),
        i > 0);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (frame,
                                GST_BUFFER_FLAG_DISCONT),
        i == 0);
  }
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 4990);
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "video-frames"), 3);
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "audio-frames"), 1);
}
GST_END_TEST;

/* A publisher that has run for 49.7 days goes on as if nothing was. */
GST_START_TEST (wire_clock_wraps)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, GST_SECOND);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0xffffffe0, TRUE, 0);
  publisher_send_video (publisher, 0x00000001, FALSE, 0);
  publisher_send_audio (publisher, 0xfffffff0);
  publisher_send_video (publisher, 0x00000022, FALSE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1000);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1033);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1066);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 1016);
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "jumps"), 0);
}
GST_END_TEST;

/* An encoder whose clock is set, forwards or back, must not stall players:
 * running time goes on, the break is marked and counted once, though sound and
 * picture do not jump with the same message. */
GST_START_TEST (wire_clock_jumps)
{
  const guint32 jumps[] = { 90000, 5 };

  for (guint i = 0; i < G_N_ELEMENTS (jumps); i++) {
    g_autoptr (Receiver) receiver = receiver_new (LOCATION);
    receiver_start (receiver, GST_SECOND);
    g_autoptr (Publisher) publisher = open_av (receiver);
    publisher_send_video (publisher, 40000, TRUE, 0);
    publisher_send_audio (publisher, 40000);
    publisher_send_video (publisher, jumps[i], TRUE, 0);
    publisher_send_audio (publisher, 40021);
    publisher_send_audio (publisher, jumps[i] + 2);

    fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO),
        1000);
    g_autoptr (GstBuffer) after =
        receiver_take_buffer (receiver, RECEIVER_VIDEO);
    gint64 jumped_ms = GST_BUFFER_DTS (after) / GST_MSECOND;
    fail_unless (GST_BUFFER_FLAG_IS_SET (after, GST_BUFFER_FLAG_DISCONT));
    fail_unless_equals_int64 (jumped_ms, 1001);
    fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO),
        1000);
    fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO),
        1021);
    /* back on the video's new clock, never before what was pushed */
    g_autoptr (GstBuffer) sound =
        receiver_take_buffer (receiver, RECEIVER_AUDIO);
    fail_unless (GST_BUFFER_FLAG_IS_SET (sound, GST_BUFFER_FLAG_DISCONT));
    fail_unless_equals_int64 (GST_BUFFER_DTS (sound) / GST_MSECOND, 1021);
    fail_unless_equals_uint64 (receiver_get_stat (receiver, "jumps"), 1);
  }
}
GST_END_TEST;

/* The network was late when the encoder's clock was set, but nothing is missing:
 * a hole would be a discontinuity for every player. */
GST_START_TEST (late_jump_leaves_no_hole)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, GST_SECOND);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 40000, TRUE, 0);
  publisher_send_video (publisher, 40033, FALSE, 0);
  publisher_send_audio (publisher, 40040);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 1040);
  gst_test_clock_set_time (receiver->clock, GST_SECOND + 433 * GST_MSECOND);
  publisher_send_video (publisher, 5, FALSE, 0);
  publisher_send_video (publisher, 38, FALSE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1000);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1033);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1066);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1099);
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "jumps"), 1);
}
GST_END_TEST;

/* no-more-pads tells an application that it may start without the rest. */
GST_START_TEST (pads_when_both_are_known)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);

  receiver_expect_signal (receiver, "start cam");
  receiver_expect_signal (receiver, "pad video_0");
  receiver_expect_signal (receiver, "pad audio_0");
  receiver_expect_signal (receiver, "no-more-pads");
}
GST_END_TEST;

GST_START_TEST (audio_only_by_metadata)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "audiocodecid", 10.0, NULL);
  publisher_send_audio_config (publisher, 0, ASC_44100_STEREO);
  publisher_send_audio (publisher, 0);

  receiver_expect_signal (receiver, "start cam");
  receiver_expect_signal (receiver, "pad audio_0");
  receiver_expect_signal (receiver, "no-more-pads");
}
GST_END_TEST;

GST_START_TEST (late_second_track)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_audio_config (publisher, 0, ASC_44100_STEREO);
  for (guint32 ts = 0; ts <= 1000; ts += 500)
    publisher_send_audio (publisher, ts);
  receiver_expect_signal (receiver, "start cam");
  receiver_expect_signal (receiver, "pad audio_0");
  receiver_expect_signal (receiver, "no-more-pads");

  publisher_send_video_config (publisher, 1500, AVCC_640x360);
  publisher_send_video (publisher, 1500, TRUE, 0);
  receiver_expect_signal (receiver, "pad video_0");
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 1500);
}
GST_END_TEST;

/* An encoder that changes its size mid-stream: new caps before the frame. */
GST_START_TEST (config_change)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  publisher_send_video_config (publisher, 40, AVCC_640x360);
  publisher_send_video (publisher, 40, FALSE, 0);
  publisher_send_video_config (publisher, 80, AVCC_320x180);
  publisher_send_video (publisher, 80, TRUE, 0);

  receiver_take_dts (receiver, RECEIVER_VIDEO);
  /* the same configuration again is no change */
  gst_buffer_unref (receiver_take_buffer (receiver, RECEIVER_VIDEO));
  g_autoptr (GstCaps) caps = take_caps (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int (get_int (caps, "width"), 320);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 80);
}
GST_END_TEST;

static Suite *
rtmpserversrc_media_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-media");
  TCase *media_case = tcase_create ("media");

  suite_add_tcase (suite, media_case);
  tcase_add_test (media_case, caps_and_order_of_events);
  tcase_add_test (media_case, time_stamps);
  tcase_add_test (media_case, wire_clock_wraps);
  tcase_add_test (media_case, wire_clock_jumps);
  tcase_add_test (media_case, late_jump_leaves_no_hole);
  tcase_add_test (media_case, pads_when_both_are_known);
  tcase_add_test (media_case, audio_only_by_metadata);
  tcase_add_test (media_case, late_second_track);
  tcase_add_test (media_case, config_change);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_media);
