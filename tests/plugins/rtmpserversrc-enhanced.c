/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * What arrives in the extended form: every codec's caps, HDR, time, and changes
 * of the codec. Several tracks are in rtmpserversrc-enhanced-tracks.c.
 */
#include "rtmpserversrc-enhanced-test.h"

#include <gst/video/video.h>

#include "rtmp/flv-color-info.h"

/* The same by libvpx, and heads of sound. */
#define VPCC "000b820202020000"
#define OPUS_HEAD "4f707573486561640102380180bb0000000000"
#define STREAMINFO                                           \
  "664c614380000022100010000000000000000ac442f0000000000000" \
  "0000000000000000000000000000"

static void
send_audio (Publisher *publisher, guint packet_type, guint32 ts, guint32 fourcc,
    const gchar *hex)
{
  Send send = { MILL_FLV_KIND_AUDIO, packet_type, NO_TRACKS, .ts = ts };
  Part part = { 0, fourcc, hex, 0 };

  send_parts (publisher, &send, &part, 1);
}

static void
expect_codec_data (GstCaps *caps, const gchar *hex)
{
  const GValue *value =
      gst_structure_get_value (gst_caps_get_structure (caps, 0), "codec_data");
  g_autoptr (GByteArray) want = parse_hex (hex);

  fail_unless (value != NULL);
  fail_unless_equals_int (gst_buffer_get_size (gst_value_get_buffer (value)),
      want->len);
  fail_unless (gst_buffer_memcmp (gst_value_get_buffer (value), 0, want->data,
                   want->len) == 0);
}

/* ---- codecs ---- */

typedef struct
{
  guint32 fourcc;
  const gchar *config;
  const gchar *caps;
  const gchar *codec_data; /* nullable: the configuration */
} VideoCodec;

static const VideoCodec video_codecs[] = {
  { MILL_FLV_FOURCC_AVC, AVCC_640x360,
      "video/x-h264, stream-format=avc, alignment=au, width=640, height=360" },
  { MILL_FLV_FOURCC_HEVC, HVCC,
      "video/x-h265, stream-format=hvc1, alignment=au, profile=main, "
      "level=(string)2, tier=main, width=320, height=180, "
      "chroma-format=4:2:0, bit-depth-luma=(uint)8, framerate=25/1" },
  { MILL_FLV_FOURCC_AV1, AV1C,
      "video/x-av1, stream-format=obu-stream, alignment=tu, profile=main, "
      "width=320, height=180, chroma-format=4:2:0, bit-depth-luma=(uint)8, "
      "framerate=25/1" },
  { MILL_FLV_FOURCC_VP9, VPCC,
      "video/x-vp9, alignment=super-frame, profile=(string)0, width=320, "
      "height=180, chroma-format=4:2:0, framerate=25/1",
      "01000000" VPCC },
  { MILL_FLV_FOURCC_VP8, VPCC,
      "video/x-vp8, profile=(string)0, width=320, height=180, framerate=25/1",
      "" },
};

/* What a muxer or a decoder needs, without a parser. The size of VP9 and VP8 is
 * what onMetaData says: their configuration has none. */
GST_START_TEST (video_caps)
{
  const VideoCodec *codec = &video_codecs[__i__];
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "videocodecid", (gdouble) codec->fourcc,
      "width", 320.0, "height", 180.0, "framerate", 25.0, NULL);
  send_video (publisher, MILL_FLV_EX_SEQUENCE_START, 0, codec->fourcc,
      codec->config);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 40, codec->fourcc,
      "aabbccdd");

  g_autoptr (GstCaps) caps = wait_caps (receiver, RECEIVER_VIDEO);
  expect_caps (caps, codec->caps);
  const gchar *data = codec->codec_data ? codec->codec_data : codec->config;
  if (*data)
    expect_codec_data (caps, data);
  g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int (gst_buffer_get_size (frame), 4);
  fail_unless (gst_buffer_memcmp (frame, 0, "\xaa\xbb\xcc\xdd", 4) == 0);
  fail_if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT));
  /* audio is not announced: it is not waited for */
  receiver_wait_signal (receiver, "no-more-pads");
}
GST_END_TEST;

typedef struct
{
  guint32 fourcc;
  const gchar *config; /* nullable: the frames say it */
  const gchar *frame;
  const gchar *caps;
  guint64 duration_us; /* 0: not known */
} AudioCodec;

static const AudioCodec audio_codecs[] = {
  { MILL_FLV_FOURCC_AAC, ASC_48000_STEREO, "211004",
      "audio/mpeg, mpegversion=4, stream-format=raw, framed=true, rate=48000, "
      "channels=2",
      21333 },
  { MILL_FLV_FOURCC_OPUS, OPUS_HEAD, "fc00",
      "audio/x-opus, rate=48000, channels=2, channel-mapping-family=0", 0 },
  /* "If the Opus sequence start payload is empty": stereo */
  { MILL_FLV_FOURCC_OPUS, "", "fc00",
      "audio/x-opus, rate=48000, channels=2, channel-mapping-family=0", 0 },
  { MILL_FLV_FOURCC_FLAC, STREAMINFO, "fff8c9",
      "audio/x-flac, framed=true, rate=44100, channels=2", 92879 },
  { MILL_FLV_FOURCC_AC3, NULL, "0b77000000400000",
      "audio/x-ac3, framed=true, alignment=frame, rate=48000, channels=2",
      32000 },
  { MILL_FLV_FOURCC_AC3, NULL, "0b7700000040e100",
      "audio/x-ac3, framed=true, alignment=frame, rate=48000, channels=6",
      32000 },
  { MILL_FLV_FOURCC_EAC3, NULL, "0b7700ff3480",
      "audio/x-eac3, framed=true, alignment=frame, rate=48000, channels=2",
      32000 },
  { MILL_FLV_FOURCC_MP3, NULL, "fffb9000aabb",
      "audio/mpeg, mpegversion=1, layer=3, rate=44100, channels=2, "
      "parsed=true",
      26122 },
};

GST_START_TEST (audio_caps)
{
  const AudioCodec *codec = &audio_codecs[__i__];
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "audiocodecid", (gdouble) codec->fourcc,
      NULL);
  if (codec->config)
    send_audio (publisher, MILL_FLV_EX_SEQUENCE_START, 0, codec->fourcc,
        codec->config);
  send_audio (publisher, MILL_FLV_EX_CODED_FRAMES, 40, codec->fourcc,
      codec->frame);

  g_autoptr (GstCaps) caps = wait_caps (receiver, RECEIVER_AUDIO);
  expect_caps (caps, codec->caps);
  g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_AUDIO);
  fail_unless_equals_int (gst_buffer_get_size (frame),
      strlen (codec->frame) / 2);
  if (codec->duration_us > 0)
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (frame) / GST_USECOND,
        codec->duration_us);
  receiver_wait_signal (receiver, "no-more-pads");
}
GST_END_TEST;

/* MP3 as old encoders send it. */
GST_START_TEST (classic_mp3)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open_classic (receiver->address, "live", "cam");
  publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 0, "2ffffb9064aabb");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 10, TRUE, 0);

  g_autoptr (GstCaps) caps = wait_caps (receiver, RECEIVER_AUDIO);
  expect_caps (caps, "audio/mpeg, mpegversion=1, layer=3, rate=44100");
  g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_AUDIO);
  fail_unless_equals_int (gst_buffer_get_size (frame), 6);
  receiver_wait_signal (receiver, "no-more-pads");
}
GST_END_TEST;

/* 5.1 without an identification header: the layout is what viewers hear. */
GST_START_TEST (multichannel_opus)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "audiocodecid", 1332770163.0, NULL);
  send_audio (publisher, MILL_FLV_EX_AUDIO_MULTICHANNEL_CONFIG, 0,
      MILL_FLV_FOURCC_OPUS, "01060000003f");
  send_audio (publisher, MILL_FLV_EX_SEQUENCE_START, 0, MILL_FLV_FOURCC_OPUS,
      "");
  send_audio (publisher, MILL_FLV_EX_CODED_FRAMES, 0, MILL_FLV_FOURCC_OPUS,
      "fc00");

  g_autoptr (GstCaps) caps = wait_caps (receiver, RECEIVER_AUDIO);
  expect_caps (caps,
      "audio/x-opus, channels=6, channel-mapping-family=1, stream-count=4, "
      "coupled-count=2, channel-mapping=(int)<0, 4, 1, 2, 3, 5>");
}
GST_END_TEST;

/* ---- HDR ---- */

static void
send_color (Publisher *publisher, guint32 ts, const MillFlvColorInfo *color)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_autoptr (GByteArray) out = g_byte_array_new ();
  MillFlvExHeader header = { MILL_FLV_KIND_VIDEO, 1, MILL_FLV_EX_VIDEO_METADATA,
    NO_TRACKS };

  mill_flv_color_info_write (body, color);
  MillFlvExBody part = { 0, MILL_FLV_FOURCC_HEVC, 0, body->data, body->len };
  mill_flv_ex_writer_write (out, &header, &part, 1);
  publisher_send_bytes (publisher, MILL_RTMP_MESSAGE_VIDEO, ts, out);
}

/* Without these a television shows HDR grey; a reset goes back. */
GST_START_TEST (color_info)
{
  static const MillFlvColorInfo nothing;
  MillFlvColorInfo hdr = {
    .has_config = TRUE,
    .bit_depth = 10,
    .primaries = 9,
    .transfer = 16,
    .matrix = 9,
    .has_light_level = TRUE,
    .max_cll = 1000,
    .max_fall = 400,
    .has_mastering = TRUE,
    .red = { 0.68, 0.32 },
    .green = { 0.265, 0.69 },
    .blue = { 0.15, 0.06 },
    .white = { 0.3127, 0.329 },
    .max_luminance = 1000,
    .min_luminance = 0.01,
  };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  send_color (publisher, 0, &hdr);
  send_video (publisher, MILL_FLV_EX_SEQUENCE_START, 0, MILL_FLV_FOURCC_HEVC,
      HVCC);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 0, MILL_FLV_FOURCC_HEVC,
      "aa");

  g_autoptr (GstCaps) caps = wait_caps (receiver, RECEIVER_VIDEO);
  expect_caps (caps, "video/x-h265, colorimetry=bt2100-pq");
  GstVideoContentLightLevel level;
  fail_unless (gst_video_content_light_level_from_caps (&level, caps));
  fail_unless_equals_int (level.max_content_light_level, 1000);
  fail_unless_equals_int (level.max_frame_average_light_level, 400);
  GstVideoMasteringDisplayInfo display;
  fail_unless (gst_video_mastering_display_info_from_caps (&display, caps));
  fail_unless_equals_int (display.display_primaries[0].x, 34000);
  fail_unless_equals_int (display.display_primaries[2].y, 3000);
  fail_unless_equals_int (display.white_point.x, 15635);
  fail_unless_equals_int (display.max_display_mastering_luminance, 10000000);
  fail_unless_equals_int (display.min_display_mastering_luminance, 100);

  send_color (publisher, 40, &nothing);
  g_autoptr (GstCaps) reset = wait_caps (receiver, RECEIVER_VIDEO);
  fail_if (gst_structure_has_field (gst_caps_get_structure (reset, 0),
      "mastering-display-info"));
}
GST_END_TEST;

/* ---- time ---- */

/* ModEx: what lies between two milliseconds is kept, and never goes back. */
GST_START_TEST (nanoseconds)
{
  static const guint32 nanos[] = { 0, 333333, 666667, 500000 };
  static const guint32 times[] = { 1000, 1033, 1066, 1066 };
  static const guint64 expected[] = { 0, 33333333, 66666667, 66666667 };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  send_video (publisher, MILL_FLV_EX_SEQUENCE_START, 0, MILL_FLV_FOURCC_HEVC,
      HVCC);
  for (guint i = 0; i < G_N_ELEMENTS (nanos); i++) {
    Send send = { MILL_FLV_KIND_VIDEO, MILL_FLV_EX_CODED_FRAMES, NO_TRACKS,
      times[i], nanos[i], i > 0 };
    Part part = { 0, MILL_FLV_FOURCC_HEVC, "aabb", 40 };
    send_parts (publisher, &send, &part, 1);
  }

  for (guint i = 0; i < G_N_ELEMENTS (nanos); i++) {
    g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO);
    fail_unless_equals_uint64 (GST_BUFFER_DTS (frame), expected[i]);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (frame),
        expected[i] + 40 * GST_MSECOND);
  }
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "repairs"), 1);
}
GST_END_TEST;

/* ---- changes ---- */

/* From H.264 to HEVC in the middle: the picture goes on after its first
 * keyframe, and frames of the old codec in between reach nobody. */
GST_START_TEST (codec_change)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 20, MILL_FLV_FOURCC_HEVC,
      "dead"); /* before its configuration */
  send_video (publisher, MILL_FLV_EX_SEQUENCE_START, 40, MILL_FLV_FOURCC_HEVC,
      HVCC);
  publisher_send_video (publisher, 40, FALSE, 0);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 80, MILL_FLV_FOURCC_HEVC,
      "aabb");

  g_autoptr (GstBuffer) avc = wait_buffer (receiver, RECEIVER_VIDEO);
  g_autoptr (GstCaps) caps = wait_caps (receiver, RECEIVER_VIDEO);
  expect_caps (caps, "video/x-h265");
  g_autoptr (GstBuffer) hevc = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless (GST_BUFFER_FLAG_IS_SET (hevc, GST_BUFFER_FLAG_DISCONT));
  fail_unless_equals_uint64 (GST_BUFFER_DTS (hevc) - GST_BUFFER_DTS (avc),
      80 * GST_MSECOND);
}
GST_END_TEST;

/* The end of a sequence ends nothing: the encoder may begin another. */
GST_START_TEST (end_of_sequence)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  send_video (publisher, MILL_FLV_EX_SEQUENCE_START, 0, MILL_FLV_FOURCC_HEVC,
      HVCC);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 0, MILL_FLV_FOURCC_HEVC,
      "aa");
  send_video (publisher, MILL_FLV_EX_SEQUENCE_END, 40, MILL_FLV_FOURCC_HEVC,
      "");
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 60, MILL_FLV_FOURCC_HEVC,
      ""); /* of no length */
  send_video (publisher, MILL_FLV_EX_SEQUENCE_START, 80, MILL_FLV_FOURCC_HEVC,
      HVCC);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 80, MILL_FLV_FOURCC_HEVC,
      "bb");

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  g_autoptr (GstBuffer) frame = receiver_take_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (frame), 80 * GST_MSECOND);
}
GST_END_TEST;

/* A frame rate that is told anew, and a size that the codec does not tell. */
GST_START_TEST (metadata_changes)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "width", 320.0, "height", 180.0,
      "framerate", 25.0, NULL);
  send_video (publisher, MILL_FLV_EX_SEQUENCE_START, 0, MILL_FLV_FOURCC_VP9,
      VPCC);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 0, MILL_FLV_FOURCC_VP9,
      "aa");
  g_autoptr (GstCaps) one = wait_caps (receiver, RECEIVER_VIDEO);
  expect_caps (one, "video/x-vp9, width=320, height=180, framerate=25/1");

  publisher_send_metadata (publisher, "width", 640.0, "height", 360.0,
      "framerate", 50.0, NULL);
  send_video (publisher, MILL_FLV_EX_CODED_FRAMES, 40, MILL_FLV_FOURCC_VP9,
      "bb");
  g_autoptr (GstCaps) two = wait_caps (receiver, RECEIVER_VIDEO);
  expect_caps (two, "video/x-vp9, width=640, height=360, framerate=50/1");
  g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (frame), 20 * GST_MSECOND);
}
GST_END_TEST;

/* AV1 in the form of MPEG-2 TS has no configuration that a muxer could use. */
GST_START_TEST (mpeg2_ts_form)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "videocodecid", 1635135537.0, NULL);
  send_video (publisher, MILL_FLV_EX_VIDEO_MPEG2TS_SEQUENCE_START, 0,
      MILL_FLV_FOURCC_AV1, "800481000c00");

  publisher_wait_end (publisher);
  fail_unless (strstr (publisher->description, "MPEG-2 TS") != NULL, "%s",
      publisher->description);
}
GST_END_TEST;

static Suite *
rtmpserversrc_enhanced_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-enhanced");
  TCase *codecs = tcase_create ("codecs");

  tcase_add_loop_test (codecs, video_caps, 0, G_N_ELEMENTS (video_codecs));
  tcase_add_loop_test (codecs, audio_caps, 0, G_N_ELEMENTS (audio_codecs));
  tcase_add_test (codecs, classic_mp3);
  tcase_add_test (codecs, multichannel_opus);
  tcase_add_test (codecs, color_info);
  tcase_add_test (codecs, nanoseconds);
  tcase_add_test (codecs, codec_change);
  tcase_add_test (codecs, end_of_sequence);
  tcase_add_test (codecs, metadata_changes);
  tcase_add_test (codecs, mpeg2_ts_form);
  suite_add_tcase (suite, codecs);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_enhanced);
