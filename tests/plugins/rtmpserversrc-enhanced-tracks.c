/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * What version 2 of the extended form brings: several tracks of a kind, and the
 * request to reconnect.
 */
#include "rtmpserversrc-enhanced-test.h"

#include "rtmp/amf0.h"

static GstTagList *
wait_tags (Receiver *receiver, ReceiverKind kind)
{
  g_autoptr (GstEvent) event = wait_event (receiver, kind, GST_EVENT_TAG);
  GstTagList *tags;

  gst_event_parse_tag (event, &tags);
  return gst_tag_list_ref (tags);
}

/* ---- several tracks ---- */

static void
send_track (Publisher *publisher, guint packet_type, guint32 ts, Part part)
{
  gboolean is_audio = part.fourcc == MILL_FLV_FOURCC_AAC ||
      part.fourcc == MILL_FLV_FOURCC_OPUS;
  Send send = { is_audio ? MILL_FLV_KIND_AUDIO : MILL_FLV_KIND_VIDEO,
    packet_type, MILL_FLV_EX_ONE_TRACK, ts };

  send_parts (publisher, &send, &part, 1);
}

/* As OBS sends several rungs: track 0 in the classic form, the others each in a
 * message of one track. The number of a pad is that of the track. */
GST_START_TEST (rungs_of_one_encoder)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_audio_config (publisher, 0, ASC_48000_STEREO);
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  send_track (publisher, MILL_FLV_EX_SEQUENCE_START, 0,
      (Part){ 7, MILL_FLV_FOURCC_AVC, AVCC_320x180 });
  publisher_send_video (publisher, 1000, TRUE, 0);
  send_track (publisher, MILL_FLV_EX_CODED_FRAMES, 1000,
      (Part){ 7, MILL_FLV_FOURCC_AVC, "aabb", 40 });
  publisher_send_audio (publisher, 1000);

  receiver_expect_signal (receiver, "start cam");
  receiver_expect_signal (receiver, "pad audio_0");
  receiver_expect_signal (receiver, "pad video_0");
  receiver_expect_signal (receiver, "pad video_7");
  receiver_expect_signal (receiver, "no-more-pads");
  g_autoptr (GstCaps) caps = wait_caps (receiver, RECEIVER_VIDEO_7);
  expect_caps (caps, "video/x-h264, width=320, height=180");
  g_autoptr (GstBuffer) one = wait_buffer (receiver, RECEIVER_VIDEO);
  g_autoptr (GstBuffer) other = wait_buffer (receiver, RECEIVER_VIDEO_7);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (one), GST_BUFFER_DTS (other));
  fail_unless_equals_uint64 (GST_BUFFER_PTS (other) - GST_BUFFER_DTS (other),
      40 * GST_MSECOND);
  fail_unless_equals_int (gst_buffer_get_size (other), 2);
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "video-frames"), 2);
}
GST_END_TEST;

/* All tracks of one time in one message, each with a codec of its own. */
GST_START_TEST (many_tracks_many_codecs)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  Send send = { MILL_FLV_KIND_VIDEO, MILL_FLV_EX_SEQUENCE_START,
    MILL_FLV_EX_MANY_TRACKS_MANY_CODECS, 0 };
  const Part configs[] = { { 0, MILL_FLV_FOURCC_HEVC, HVCC },
    { 1, MILL_FLV_FOURCC_AV1, AV1C } };
  const Part frames[] = { { 0, MILL_FLV_FOURCC_HEVC, "aabb", 80 },
    { 1, MILL_FLV_FOURCC_AV1, "ccddee" } };
  send_parts (publisher, &send, configs, 2);
  send.packet_type = MILL_FLV_EX_CODED_FRAMES;
  send.ts = 500;
  send_parts (publisher, &send, frames, 2);

  g_autoptr (GstCaps) hevc = wait_caps (receiver, RECEIVER_VIDEO);
  expect_caps (hevc, "video/x-h265");
  g_autoptr (GstCaps) av1 = wait_caps (receiver, RECEIVER_VIDEO_1);
  expect_caps (av1, "video/x-av1");
  g_autoptr (GstBuffer) one = wait_buffer (receiver, RECEIVER_VIDEO);
  g_autoptr (GstBuffer) two = wait_buffer (receiver, RECEIVER_VIDEO_1);
  fail_unless (gst_buffer_get_size (one) == 2 &&
      gst_buffer_memcmp (one, 0, "\xaa\xbb", 2) == 0);
  fail_unless (gst_buffer_get_size (two) == 3 &&
      gst_buffer_memcmp (two, 0, "\xcc\xdd\xee", 3) == 0);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (one) - GST_BUFFER_DTS (one),
      80 * GST_MSECOND);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (two), GST_BUFFER_DTS (two));
}
GST_END_TEST;

static void
write_number (GByteArray *out, const gchar *name, gdouble number)
{
  mill_amf0_write_name (out, name);
  mill_amf0_write_number (out, number);
}

/* onMetaData with a language and a bit rate for audio track 1. */
static void
send_track_metadata (Publisher *publisher, const gchar *language, gdouble kbps)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();

  mill_amf0_write_string (out, "onMetaData");
  mill_amf0_write_ecma_array_begin (out, 2);
  write_number (out, "audiodatarate", 128);
  mill_amf0_write_name (out, "audioTrackIdInfoMap");
  mill_amf0_write_object_begin (out);
  mill_amf0_write_name (out, "1");
  mill_amf0_write_object_begin (out);
  write_number (out, "audiodatarate", kbps);
  mill_amf0_write_name (out, "language");
  mill_amf0_write_string (out, language);
  mill_amf0_write_object_end (out);
  mill_amf0_write_object_end (out);
  mill_amf0_write_object_end (out);
  publisher_send_bytes (publisher, MILL_RTMP_MESSAGE_DATA, 0, out);
}

/* A viewer chooses the language by its name. */
GST_START_TEST (two_languages)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  send_track_metadata (publisher, "fr", 64);
  publisher_send_audio_config (publisher, 0, ASC_48000_STEREO);
  send_track (publisher, MILL_FLV_EX_SEQUENCE_START, 0,
      (Part){ 1, MILL_FLV_FOURCC_AAC, ASC_44100_STEREO });
  publisher_send_audio (publisher, 0);
  send_track (publisher, MILL_FLV_EX_CODED_FRAMES, 0,
      (Part){ 1, MILL_FLV_FOURCC_AAC, "211004" });

  g_autoptr (GstTagList) one = wait_tags (receiver, RECEIVER_AUDIO);
  g_autoptr (GstTagList) two = wait_tags (receiver, RECEIVER_AUDIO_1);
  g_autofree gchar *language = NULL;
  guint bitrate = 0;
  fail_if (gst_tag_list_get_string (one, GST_TAG_LANGUAGE_CODE, &language));
  fail_unless (gst_tag_list_get_string (two, GST_TAG_LANGUAGE_CODE, &language));
  fail_unless_equals_string (language, "fr");
  fail_unless (gst_tag_list_get_uint (two, GST_TAG_NOMINAL_BITRATE, &bitrate));
  fail_unless_equals_int (bitrate, 64000);
  gst_tag_list_get_uint (one, GST_TAG_NOMINAL_BITRATE, &bitrate);
  fail_unless_equals_int (bitrate, 128000);

  send_track_metadata (publisher, "fr", 96);
  g_autoptr (GstTagList) changed = wait_tags (receiver, RECEIVER_AUDIO_1);
  gst_tag_list_get_uint (changed, GST_TAG_NOMINAL_BITRATE, &bitrate);
  fail_unless_equals_int (bitrate, 96000);
}
GST_END_TEST;

/* A codec that nobody takes, in one of two tracks: the other goes on. */
GST_START_TEST (one_unknown_track)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  Send send = { MILL_FLV_KIND_VIDEO, MILL_FLV_EX_SEQUENCE_START,
    MILL_FLV_EX_MANY_TRACKS_MANY_CODECS, 0 };
  const Part configs[] = { { 0, 0x76766331 /* vvc1 */, "0102" },
    { 1, MILL_FLV_FOURCC_HEVC, HVCC } };
  send_parts (publisher, &send, configs, 2);
  send_track (publisher, MILL_FLV_EX_CODED_FRAMES, 0,
      (Part){ 1, MILL_FLV_FOURCC_HEVC, "aabb" });

  g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO_1);
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, "vvc1") != NULL, "%s", error->message);
}
GST_END_TEST;

/* Somebody who makes up tracks costs a bounded number of pads. */
GST_START_TEST (too_many_tracks)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  for (guint i = 10; i < 256; i++)
    send_track (publisher, MILL_FLV_EX_CODED_FRAMES, 0,
        (Part){ i, MILL_FLV_FOURCC_HEVC, "aabb" });
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);

  g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO);
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, "more than 32") != NULL, "%s",
      error->message);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* ---- reconnect ---- */

static gboolean
request_reconnect (Receiver *receiver, const gchar *url)
{
  gboolean asked = FALSE;

  g_signal_emit_by_name (receiver->element, "reconnect-request", url, "updates",
      &asked);
  return asked;
}

/* Before a shutdown an encoder is sent elsewhere, while everything goes on. */
GST_START_TEST (reconnect_request)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  fail_if (request_reconnect (receiver, NULL));
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  receiver_wait_signal (receiver, "start cam");
  fail_unless (request_reconnect (receiver, "rtmp://127.0.0.1:9/live"));
  publisher_wait_reconnect (publisher);
  fail_unless_equals_string (publisher->reconnect_url,
      "rtmp://127.0.0.1:9/live");

  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);
  g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO);
}
GST_END_TEST;

GST_START_TEST (reconnect_is_not_understood)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open_classic (receiver->address, "live", "cam");
  receiver_wait_signal (receiver, "start cam");
  fail_if (request_reconnect (receiver, NULL));
}
GST_END_TEST;

static Suite *
rtmpserversrc_enhanced_tracks_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-enhanced-tracks");
  TCase *tracks = tcase_create ("tracks");

  tcase_add_test (tracks, rungs_of_one_encoder);
  tcase_add_test (tracks, many_tracks_many_codecs);
  tcase_add_test (tracks, two_languages);
  tcase_add_test (tracks, one_unknown_track);
  tcase_add_test (tracks, too_many_tracks);
  tcase_add_test (tracks, reconnect_request);
  tcase_add_test (tracks, reconnect_is_not_understood);
  suite_add_tcase (suite, tracks);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_enhanced_tracks);
