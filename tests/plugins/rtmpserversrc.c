/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * The element by itself: contract, media and time stamps, states, bad input.
 * Publishers and their admission are in rtmpserversrc-publish.c.
 */
#include "rtmp-publisher.h"
#include "rtmp-receiver.h"

#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LOCATION "rtmp://127.0.0.1:0/live/cam"

/* A publisher of H.264 and AAC whose configurations are through. */
static Publisher *
open_av (Receiver *receiver)
{
  Publisher *publisher = publisher_open (receiver->address, "live", "cam");

  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_audio_config (publisher, 0, ASC_48000_STEREO);
  return publisher;
}

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

/* ---- contract ---- */

/* Scripts and the daemon rely on the names and defaults of interfaces.md. */
GST_START_TEST (contract)
{
  g_autoptr (Receiver) receiver = receiver_new (NULL);
  g_autofree gchar *location = NULL;
  g_autofree gchar *listening = NULL;
  guint handshake_ms = 0;
  guint idle_ms = 0;
  guint reconnect_ms = 0;

  g_object_get (receiver->element, "location", &location, "listening",
      &listening, "handshake-timeout-ms", &handshake_ms, "idle-timeout-ms",
      &idle_ms, "reconnect-timeout-ms", &reconnect_ms, NULL);
  fail_unless (location == NULL && listening == NULL);
  fail_unless_equals_int (handshake_ms, 10000);
  fail_unless_equals_int (idle_ms, 30000);
  fail_unless_equals_int (reconnect_ms, 30000);
  fail_unless (GST_OBJECT_FLAG_IS_SET (receiver->element,
      GST_ELEMENT_FLAG_SOURCE));

  GstElementClass *klass = GST_ELEMENT_GET_CLASS (receiver->element);
  const gchar *const names[] = { "video_%u", "audio_%u" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstPadTemplate *pad_template =
        gst_element_class_get_pad_template (klass, names[i]);
    fail_unless (pad_template != NULL);
    fail_unless_equals_int (GST_PAD_TEMPLATE_PRESENCE (pad_template),
        GST_PAD_SOMETIMES);
    fail_unless_equals_int (GST_PAD_TEMPLATE_DIRECTION (pad_template),
        GST_PAD_SRC);
  }
  const gchar *const signals[] = { "authorize", "publish-start",
    "publish-end" };
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    fail_unless (g_signal_lookup (signals[i],
                     G_OBJECT_TYPE (receiver->element)) != 0);
}
GST_END_TEST;

/* A live source that said ASYNC or SUCCESS would hang a pipeline's preroll. */
GST_START_TEST (states_and_listening)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  GstElement *element = receiver->element;
  g_autofree gchar *ready = NULL;
  g_autofree gchar *null = NULL;

  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  g_object_get (element, "listening", &ready, NULL);
  fail_unless (g_str_has_prefix (ready, "127.0.0.1:"));
  fail_if (g_str_has_suffix (ready, ":0"));
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PLAYING),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (element, GST_STATE_NULL);
  g_object_get (element, "listening", &null, NULL);
  fail_unless (null == NULL);
}
GST_END_TEST;

static void
expect_error (const gchar *location, GQuark domain, gint code,
    const gchar *text)
{
  g_autoptr (Receiver) receiver = receiver_new (location);

  fail_unless_equals_int (gst_element_set_state (receiver->element,
                              GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, domain, code), "%s", error->message);
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
}

GST_START_TEST (bad_locations)
{
  const gchar *const bad[] = { "http://127.0.0.1:0/live/a", "rtmp://",
    "rtmp:", "rtmp://127.0.0.1:70000/live/a", "rtmp://127.0.0.1:x/live/a",
    "rtmp://[::1/live/a", "rtmp://127.0.0.1:/live/a",
    "rtmp://127.0.0.1:0/live/a?key=b" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    expect_error (bad[i], GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        bad[i]);
  expect_error ("rtmps://127.0.0.1:0/live/a", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "rtmps");
  expect_error (NULL, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "location");
  expect_error ("rtmp://192.0.2.1:0/live/a", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_OPEN_READ, "192.0.2.1");
}
GST_END_TEST;

/* The user must learn which port and what to do about it. */
GST_START_TEST (occupied_port)
{
  g_autoptr (GSocketListener) other = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (other, NULL, NULL);
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://127.0.0.1:%u/live/a", port);

  expect_error (location, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY,
      location);
}
GST_END_TEST;

/* ---- media ---- */

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

/* ---- bad input ---- */

static gchar *
take_warning (Receiver *receiver)
{
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;

  gst_message_parse_warning (message, &error, NULL);
  return g_strdup (error->message);
}

/* HEVC in the form of long ago, with nothing usable beside it: the encoder shows
 * why it was cut off, and the element waits for a better one. */
GST_START_TEST (unknown_codec_alone)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "videocodecid", 12.0, NULL);
  publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 0, "1c00000000010203");

  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "HEVC") != NULL, "%s", warning);
  publisher_wait_end (publisher);
  fail_unless_equals_string (publisher->code, "NetStream.Publish.Denied");
  fail_unless (strstr (publisher->description, "use Enhanced RTMP") != NULL);
  receiver_wait_signal (receiver, "end ");
  receiver_wait_state (receiver, "waiting");
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));

  g_autoptr (Publisher) better = open_av (receiver);
  receiver_wait_signal (receiver, "pad video_0");
}
GST_END_TEST;

/* Speex beside H.264: the picture goes on, with one warning. */
GST_START_TEST (unknown_codec_beside_a_known_one)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 0, "b2ffffb900");
  publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 20, "b2ffffb900");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  receiver_wait_signal (receiver, "no-more-pads");
  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "Speex") != NULL, "%s", warning);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* A publisher that goes to and fro between a good and a broken configuration
 * does not fill the log: one warning, and media whenever it is good. */
GST_START_TEST (configuration_to_and_fro)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  for (guint i = 0; i < 20; i++) {
    publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 40 * i,
        "170000000001640028");
    publisher_send_video_config (publisher, 40 * i, AVCC_640x360);
    publisher_send_video (publisher, 40 * i, TRUE, 0);
  }

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  while (receiver_take_dts (receiver, RECEIVER_VIDEO) < 40 * 19)
    ;
  g_autofree gchar *warning = take_warning (receiver);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* Nor does one that changes its encoding with every frame cost the packager a
 * segment for each. */
GST_START_TEST (encoding_to_and_fro)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  for (guint i = 1; i <= 100; i++) {
    publisher_send_video_config (publisher, i,
        i % 2 ? AVCC_320x180 : AVCC_640x360);
    publisher_send_video (publisher, i, TRUE, 0);
  }
  publisher_send_audio (publisher, 200);
  /* the first frame came at 1 */
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 199);

  guint64 frames = receiver_get_stat (receiver, "video-frames");
  fail_unless (frames >= 8 && frames < 60, "%" G_GUINT64_FORMAT, frames);
  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "too often") != NULL, "%s", warning);
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* Media messages cut short, empty, or with a broken configuration. */
GST_START_TEST (damaged_media)
{
  const gchar *const damaged[] = { "17", "1700", "17010000", "57", "27" };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");

  for (guint i = 0; i < G_N_ELEMENTS (damaged); i++) {
    publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 0, damaged[i]);
    publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 0, "af");
  }
  publisher_send_video (publisher, 0, TRUE, 0); /* before its configuration */
  publisher_send_video_config (publisher, 0, "0164");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 7, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "configuration") != NULL, "%s", warning);
}
GST_END_TEST;

static void
wait_closed (gint fd)
{
  guint8 data[4096];
  gssize n;

  do {
    n = read (fd, data, sizeof data);
  } while (n > 0);
  close (fd);
}

/* A port scanner or a browser on the RTMP port disturbs nobody. */
GST_START_TEST (garbage)
{
  const gchar *const texts[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    gint fd = publisher_connect_raw (receiver->address);
    fail_unless (write (fd, texts[i], 10) == 10);
    wait_closed (fd);
  }
  publisher_send_video (publisher, 33, FALSE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 33);
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* Out of descriptors: the process neither spins nor forgets who waits. */
GST_START_TEST (no_descriptor_left)
{
  /* valgrind accepts, then closes what is over the limit: another test. */
  if (strstr (g_getenv ("LD_PRELOAD") ? g_getenv ("LD_PRELOAD") : "",
          "vgpreload"))
    return;
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  gint next = dup (0);
  close (next);
  struct rlimit low = { next + 1, limit.rlim_max };
  setrlimit (RLIMIT_NOFILE, &low);
  gint fd = publisher_connect_raw (receiver->address);
  fail_unless_equals_int (fd, next);
  fail_unless (write (fd, "GET / HTTP/1.1", 14) == 14);

  clock_t start = clock ();
  struct pollfd item = { fd, POLLIN, 0 };
  fail_unless_equals_int (poll (&item, 1, 350), 0);
  fail_unless (clock () - start < CLOCKS_PER_SEC / 10);
  setrlimit (RLIMIT_NOFILE, &limit);
  wait_closed (fd);
}
GST_END_TEST;

/* Leaves @n descriptors to open. Returns: the limit that there was. */
static struct rlimit
limit_descriptors (gint n)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  gint next = dup (0);
  close (next);
  struct rlimit low = { next + n, limit.rlim_max };
  setrlimit (RLIMIT_NOFILE, &low);
  return limit;
}

/* A source that starts while publishers hold every descriptor takes its place
 * on a thread that runs, and its neighbours live on. */
GST_START_TEST (no_descriptor_for_a_thread)
{
  g_autoptr (Receiver) holder = receiver_new ("rtmp://127.0.0.1:0/live/a");
  receiver_start (holder, 0);
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live/b", holder->address);
  g_autoptr (Receiver) late = receiver_new (location);
  struct rlimit limit = limit_descriptors (0);
  receiver_start (late, 0);
  setrlimit (RLIMIT_NOFILE, &limit);

  g_autoptr (Publisher) publisher =
      publisher_open (holder->address, "live", "b");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (late, RECEIVER_VIDEO), 0);
}
GST_END_TEST;

/* The first of all has nothing to stand on, and says so. */
GST_START_TEST (no_descriptor_for_the_pool)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  struct rlimit limit = limit_descriptors (1);
  GstStateChangeReturn ret =
      gst_element_set_state (receiver->element, GST_STATE_READY);
  setrlimit (RLIMIT_NOFILE, &limit);
  fail_unless_equals_int (ret, GST_STATE_CHANGE_FAILURE);
  gst_message_unref (receiver_take_message (receiver, GST_MESSAGE_ERROR));
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
  receiver_start (receiver, 0);
}
GST_END_TEST;

/* Somebody who connects and says nothing does not stay. */
GST_START_TEST (silent_connection)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "handshake-timeout-ms", 100, NULL);
  receiver_start (receiver, 0);
  wait_closed (publisher_connect_raw (receiver->address));
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* ---- downstream ---- */

GST_START_TEST (flow_error)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);
  g_atomic_int_set (&receiver->flow, GST_FLOW_ERROR);
  publisher_send_video (publisher, 33, FALSE, 0);

  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_ERROR);
  publisher_wait_end (publisher);
  fail_unless_equals_string (publisher->code, "NetStream.Publish.Denied");
  gst_event_unref (receiver_take_event (receiver, RECEIVER_VIDEO,
      GST_EVENT_EOS));
  receiver_wait_signal (receiver, "end ");
  receiver_wait_state (receiver, "ended");
}
GST_END_TEST;

/* num-buffers of a sink, say: the end, and no error. */
GST_START_TEST (flow_eos)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  g_atomic_int_set (&receiver->flow, GST_FLOW_EOS);
  publisher_send_video (publisher, 0, TRUE, 0);
  publisher_send_audio (publisher, 0);

  publisher_wait_end (publisher);
  receiver_wait_state (receiver, "ended");
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* Sound that nobody wants does not stop the picture. */
GST_START_TEST (one_pad_not_linked)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  g_autoptr (GstPad) pad =
      gst_element_get_static_pad (receiver->element, "audio_0");
  gst_pad_unlink (pad, receiver->sinks[RECEIVER_AUDIO]);
  publisher_send_audio (publisher, 0);
  publisher_send_video (publisher, 20, TRUE, 0);
  publisher_send_audio (publisher, 21);
  publisher_send_video (publisher, 53, FALSE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 20);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 53);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* The same when the sound was there alone for a while. */
GST_START_TEST (first_pad_not_linked)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_audio_config (publisher, 0, ASC_48000_STEREO);
  receiver_wait_signal (receiver, "pad audio_0");
  publisher_send_audio (publisher, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 0);
  g_autoptr (GstPad) pad =
      gst_element_get_static_pad (receiver->element, "audio_0");
  gst_pad_unlink (pad, receiver->sinks[RECEIVER_AUDIO]);
  publisher_send_audio (publisher, 21);
  publisher_send_video_config (publisher, 22, AVCC_640x360);
  publisher_send_video (publisher, 22, TRUE, 0);
  publisher_send_audio (publisher, 42);
  publisher_send_video (publisher, 55, FALSE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 22);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 55);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

GST_START_TEST (no_pad_linked)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  const gchar *const names[] = { "video_0", "audio_0" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstPad) pad =
        gst_element_get_static_pad (receiver->element, names[i]);
    gst_pad_unlink (pad, receiver->sinks[i]);
  }
  publisher_send_audio (publisher, 0);
  publisher_send_video (publisher, 0, TRUE, 0);

  gst_message_unref (receiver_take_message (receiver, GST_MESSAGE_ERROR));
  publisher_wait_end (publisher);
}
GST_END_TEST;

/* A sink is told what latency to make up for; none is a live source's. */
GST_START_TEST (latency)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = FALSE;
  GstClockTime min = 1;
  GstClockTime max = 0;

  fail_unless (gst_pad_peer_query (receiver->sinks[RECEIVER_VIDEO], query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live && min == 0 && max == GST_CLOCK_TIME_NONE);
}
GST_END_TEST;

/* ---- states ---- */

/* What gst-launch-1.0 -e does at ^C: without EOS the file has no index. */
GST_START_TEST (eos_is_sent)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);

  fail_unless (gst_element_send_event (receiver->element,
      gst_event_new_eos ()));
  gst_event_unref (receiver_take_event (receiver, RECEIVER_VIDEO,
      GST_EVENT_EOS));
  for (guint i = 0; i < 4; i++)
    gst_event_unref (receiver_take_any_event (receiver, RECEIVER_AUDIO));
  gst_event_unref (receiver_take_event (receiver, RECEIVER_AUDIO,
      GST_EVENT_EOS));
  publisher_wait_end (publisher);
  receiver_wait_signal (receiver, "end ");

  g_autoptr (Publisher) late = publisher_new (receiver->address, "live", "cam");
  fail_if (publisher_wait (late));
  fail_unless_equals_string (late->code, "NetStream.Publish.BadName");
}
GST_END_TEST;

/* Ended before anybody came: says so instead of hanging for ever. */
GST_START_TEST (eos_without_publisher)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);

  fail_if (gst_element_send_event (receiver->element, gst_event_new_eos ()));
  receiver_start (receiver, 0);
  fail_unless (gst_element_send_event (receiver->element,
      gst_event_new_eos ()));
  gst_message_unref (receiver_take_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

GST_START_TEST (cycles_twice)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);

  for (guint i = 0; i < 2; i++) {
    receiver_start (receiver, (i + 1) * GST_SECOND);
    g_autoptr (Publisher) publisher = open_av (receiver);
    publisher_send_video (publisher, 7000, TRUE, 0);
    fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO),
        1000 * (i + 1));
    gst_element_set_state (receiver->element, GST_STATE_NULL);
    publisher_wait_end (publisher);
    receiver_wait_signal (receiver, "end the stream was stopped");
    fail_unless_equals_int (g_list_length (GST_ELEMENT_PADS (receiver
                                                                 ->element)),
        0);
  }
}
GST_END_TEST;

static gpointer
unblock_later (gpointer user_data)
{
  Receiver *receiver = user_data;
  GstState state = GST_STATE_PLAYING;

  /* The state change is under way when the publisher is let go of. */
  while (state != GST_STATE_READY) {
    GST_OBJECT_LOCK (receiver->element);
    state = GST_STATE_NEXT (receiver->element);
    GST_OBJECT_UNLOCK (receiver->element);
    g_thread_yield ();
  }
  receiver_unblock (receiver);
  return NULL;
}

/* Stopped while a push stands in a sink: waits for it, pushes no more. */
GST_START_TEST (stop_in_the_middle_of_a_push)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_block (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  publisher_send_video (publisher, 33, FALSE, 0);
  receiver_wait_blocked (receiver);

  /* must not wait: the push goes on only when the pipeline does */
  gst_element_set_state (receiver->element, GST_STATE_PAUSED);
  gst_element_set_state (receiver->element, GST_STATE_PLAYING);
  gst_element_set_state (receiver->element, GST_STATE_PAUSED);
  g_autoptr (GThread) thread =
      g_thread_new ("unblock", unblock_later, receiver);
  gst_element_set_state (receiver->element, GST_STATE_READY);
  fail_unless_equals_int (receiver->waiting, 0);
  g_thread_join (g_steal_pointer (&thread));
}
GST_END_TEST;

/* PAUSED takes no media, and what was sent meanwhile is not lost. */
GST_START_TEST (pause_stops_reading)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_autoptr (Receiver) sibling = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  receiver_start (sibling, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  g_autoptr (Publisher) other = open_av (sibling);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);
  gst_element_set_state (receiver->element, GST_STATE_PAUSED);

  /* two rounds through the sibling's lanes: whatever was to be read was */
  publisher_send_video (publisher, 33, FALSE, 0);
  publisher_send_video (other, 0, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (sibling, RECEIVER_VIDEO), 0);
  publisher_send_video (other, 33, FALSE, 0);
  fail_unless_equals_int64 (receiver_take_dts (sibling, RECEIVER_VIDEO), 33);
  fail_unless_equals_int (g_async_queue_length (receiver
                                                    ->items[RECEIVER_VIDEO]),
      0);

  gst_element_set_state (receiver->element, GST_STATE_PLAYING);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 33);
}
GST_END_TEST;

static Suite *
rtmpserversrc_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc");
  TCase *contract_case = tcase_create ("contract");
  TCase *media_case = tcase_create ("media");
  TCase *input_case = tcase_create ("input");
  TCase *state_case = tcase_create ("state");

  suite_add_tcase (suite, contract_case);
  tcase_add_test (contract_case, contract);
  tcase_add_test (contract_case, states_and_listening);
  tcase_add_test (contract_case, bad_locations);
  tcase_add_test (contract_case, occupied_port);
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
  suite_add_tcase (suite, input_case);
  tcase_add_test (input_case, unknown_codec_alone);
  tcase_add_test (input_case, unknown_codec_beside_a_known_one);
  tcase_add_test (input_case, configuration_to_and_fro);
  tcase_add_test (input_case, encoding_to_and_fro);
  tcase_add_test (input_case, damaged_media);
  tcase_add_test (input_case, garbage);
  tcase_add_test (input_case, silent_connection);
  tcase_add_test (input_case, no_descriptor_left);
  tcase_add_test (input_case, no_descriptor_for_the_pool);
  tcase_add_test (input_case, no_descriptor_for_a_thread);
  suite_add_tcase (suite, state_case);
  tcase_add_test (state_case, flow_error);
  tcase_add_test (state_case, flow_eos);
  tcase_add_test (state_case, one_pad_not_linked);
  tcase_add_test (state_case, first_pad_not_linked);
  tcase_add_test (state_case, no_pad_linked);
  tcase_add_test (state_case, latency);
  tcase_add_test (state_case, eos_is_sent);
  tcase_add_test (state_case, eos_without_publisher);
  tcase_add_test (state_case, cycles_twice);
  tcase_add_test (state_case, stop_in_the_middle_of_a_push);
  tcase_add_test (state_case, pause_stops_reading);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc);
