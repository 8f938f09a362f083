/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a stream or a file that was packaged, but does not
 * play, plays out of step, lacks frames, or fails without saying why. */
#include "cmafsink-test.h"

/* ---- contract ---- */

static void
test_contract (void)
{
  g_autoptr (GstElement) sink = gst_element_factory_make ("cmafsink", NULL);
  g_assert_nonnull (sink);
  gst_object_ref_sink (sink);
  g_assert_true (GST_OBJECT_FLAG_IS_SET (sink, GST_ELEMENT_FLAG_SINK));
  guint segment;
  guint part;
  guint startup;
  gboolean hls;
  gboolean dash;
  gint mode;
  g_object_get (sink, "segment-duration-ms", &segment, "part-duration-ms",
      &part, "startup-timeout-ms", &startup, "hls", &hls, "dash", &dash, "mode",
      &mode, NULL);
  g_assert_cmpuint (segment, ==, 2000);
  g_assert_cmpuint (part, ==, 0);
  g_assert_cmpuint (startup, ==, 3000);
  g_assert_cmpint (mode, ==, 0);
  g_assert_true (hls && dash);
  static const gchar *const properties[] = { "location", "window-segments",
    "dvr-window-ms", "max-skew-ms", "stats" };
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    g_assert_nonnull (g_object_class_find_property (G_OBJECT_GET_CLASS (sink),
        properties[i]));
}

static void
test_pads (void)
{
  g_autoptr (GstElement) sink = gst_element_factory_make ("cmafsink", NULL);
  gst_object_ref_sink (sink);
  g_autoptr (GstPad) first = gst_element_request_pad_simple (sink, "video_%u");
  g_autoptr (GstPad) third = gst_element_request_pad_simple (sink, "video_2");
  g_autoptr (GstPad) next = gst_element_request_pad_simple (sink, "video_%u");
  g_autoptr (GstPad) audio = gst_element_request_pad_simple (sink, "audio_%u");
  g_assert_cmpstr (GST_PAD_NAME (first), ==, "video_0");
  g_assert_cmpstr (GST_PAD_NAME (third), ==, "video_2");
  g_assert_cmpstr (GST_PAD_NAME (next), ==, "video_3");
  g_assert_cmpstr (GST_PAD_NAME (audio), ==, "audio_0");
  gst_child_proxy_set (GST_CHILD_PROXY (sink), "video_0::name", "hd",
      "audio_0::language", "deu", NULL);
  g_autofree gchar *name = NULL;
  g_autofree gchar *language = NULL;
  g_object_get (first, "name", &name, NULL);
  g_object_get (audio, "language", &language, NULL);
  g_assert_cmpstr (name, ==, "hd");
  g_assert_cmpstr (language, ==, "deu");
  g_assert_cmpstr (GST_PAD_NAME (first), ==, "video_0");
  gst_element_release_request_pad (sink, third);
  g_assert_null (gst_element_get_static_pad (sink, "video_2"));
}

/* ---- a file ---- */

static void
test_vod (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 125, 50);
  g_assert_false (exists (&f, "master.m3u8"));
  push_eos (&f);
  wait_eos (&f);

  g_autofree gchar *playlist = read_text (&f, "v576/playlist.m3u8");
  g_assert_nonnull (strstr (playlist, "#EXT-X-PLAYLIST-TYPE:VOD\n"));
  g_assert_nonnull (strstr (playlist, "#EXT-X-TARGETDURATION:2\n"));
  g_assert_nonnull (strstr (playlist, "#EXT-X-ENDLIST\n"));
  g_assert_null (strstr (playlist, "PROGRAM-DATE-TIME"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF:2.000000,"), ==,
      2);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF:1.000000,"), ==,
      1);
  g_assert_true (contains (&f, "master.m3u8",
      "CODECS=\"avc1.64001E,mp4a.40.2\""));
  g_assert_true (contains (&f, "master.m3u8", "RESOLUTION=720x576"));
  g_assert_true (contains (&f, "master.m3u8", "FRAME-RATE=25.000"));
  g_assert_true (contains (&f, "manifest.mpd", "type=\"static\""));
  g_assert_true (contains (&f, "manifest.mpd",
      "mediaPresentationDuration=\"PT5."));

  guint frames = 0;
  for (guint n = 0; n < 3; n++) {
    g_autofree gchar *name = g_strdup_printf ("v576/1-%u.m4s", n);
    g_autoptr (MillBmffSegment) segment = read_segment (&f, name);
    for (guint i = 0; i < segment->samples->len; i++, frames++) {
      MillBmffSegmentSample sample = sample_of (segment, i);
      g_assert_cmpuint (sample.decode_time, ==, frames * 3600);
      g_assert_cmpint (sample.composition_offset, ==, 0);
      g_assert_cmpuint (sample.size, ==, frames % 50 == 0 ? 2000 : 500);
    }
  }
  g_assert_cmpuint (frames, ==, 125);
  fixture_clear (&f);
}

/* Encoders that look ahead decode before they present: the presentation times
 * stay, decoding begins at the presentation time of the IDR. */
static void
test_b_frames (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  /* I P B B | I P B B ..., as x264 puts them: DTS two frames early. */
  static const gint order[] = { 0, 3, 1, 2 };
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 2 * FRAME_NS;
  gst_harness_push_event (f.video, gst_event_new_segment (&segment));
  for (guint i = 0; i < 100; i++) {
    GstClockTime dts = i * FRAME_NS;
    GstClockTime pts = (i / 4 * 4 + order[i % 4] + 2) * FRAME_NS;
    g_assert_cmpint (push_video (&f, pts, dts, i % 4 == 0), ==, GST_FLOW_OK);
  }
  push_eos (&f);
  wait_eos (&f);

  g_autofree gchar *bytes = read_bytes (&f, "v576/init-1.mp4", NULL);
  g_autoptr (MillBmffInit) init = read_init (&f, "v576/init-1.mp4");
  g_assert_cmpint (init->media_time, ==, 2 * 3600);
  g_assert_cmpint (memcmp (bytes + 8, "cmfc", 4), ==, 0);
  guint n = 0;
  for (guint k = 0; k < 3; k++) {
    g_autofree gchar *name = g_strdup_printf ("v576/1-%u.m4s", k);
    g_autoptr (MillBmffSegment) got = read_segment (&f, name);
    g_assert_cmpuint (sample_of (got, 0).decode_time, ==, n * 3600);
    for (guint i = 0; i < got->samples->len; i++, n++) {
      MillBmffSegmentSample sample = sample_of (got, i);
      gint64 pts = (gint64) sample.decode_time + sample.composition_offset -
          init->media_time;
      g_assert_cmpint (pts, ==, (n / 4 * 4 + order[n % 4]) * 3600);
      g_assert_cmpint (sample.composition_offset, >=, 0);
    }
  }
  g_assert_cmpuint (n, ==, 100);
  fixture_clear (&f);
}

/* A file's first audio frame is there for the decoder only. */
static void
test_audio_priming (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  fixture_add_both (&f);
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = AAC_NS;
  gst_harness_push_event (f.audio, gst_event_new_segment (&segment));
  push_both (&f, 0, 0, 100, 50);
  push_eos (&f);
  wait_eos (&f);
  g_autoptr (MillBmffInit) init = read_init (&f, "a112/init-1.mp4");
  g_assert_cmpint (init->media_time, ==, 1024);
  g_autoptr (MillBmffSegment) got = read_segment (&f, "a112/1-0.m4s");
  g_assert_cmpuint (sample_of (got, 0).decode_time, ==, 0);
  fixture_clear (&f);
}

/* ---- live ---- */

static void
test_live_window (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "window-segments", 3, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 60, 50);
  /* One segment is not enough to play without a stall. */
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 1);
  g_assert_false (exists (&f, "master.m3u8"));
  g_assert_false (exists (&f, "manifest.mpd"));
  push_both (&f, 0, 60, 110, 50);
  g_assert_true (contains (&f, "master.m3u8", "v576/playlist.m3u8"));
  g_assert_true (contains (&f, "manifest.mpd", "type=\"dynamic\""));
  g_assert_true (contains (&f, "manifest.mpd", "availabilityStartTime="));
  push_both (&f, 0, 110, 510, 50);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 3);
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXTINF"), ==, 3);
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "#EXT-X-MEDIA-SEQUENCE:7\n"));
  g_assert_true (contains (&f, "a112/playlist.m3u8",
      "#EXT-X-MEDIA-SEQUENCE:7\n"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "PROGRAM-DATE-TIME"), ==,
      3);
  g_assert_false (contains (&f, "v576/playlist.m3u8", "ENDLIST"));
  g_assert_false (contains (&f, "v576/playlist.m3u8", "PLAYLIST-TYPE"));
  /* What has left the playlist may still be asked for. */
  g_assert_true (exists (&f, "v576/1-6.m4s"));
  g_assert_true (contains (&f, "live.index", "v576 1 9 0 0 "));
  push_eos (&f);
  wait_eos (&f);
  g_assert_true (contains (&f, "v576/playlist.m3u8", "#EXT-X-ENDLIST"));
  g_assert_true (contains (&f, "a112/playlist.m3u8", "#EXT-X-ENDLIST"));
  g_assert_true (contains (&f, "manifest.mpd", "type=\"static\""));
  fixture_clear (&f);
}

static void
test_event (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 1, "window-segments", 3, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 510, 50);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 10);
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "#EXT-X-PLAYLIST-TYPE:EVENT"));
  fixture_clear (&f);
}

/* ---- caps, events, states ---- */

static void
assert_refused (const gchar *pad, GstCaps *caps, const gchar *expected)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, pad, NULL);
  gst_harness_push_event (f.video, gst_event_new_stream_start ("x"));
  g_autoptr (GstCaps) owned = caps;
  gst_harness_push_event (f.video, gst_event_new_caps (caps));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.video, gst_event_new_segment (&segment));
  g_assert_cmpint (push_video (&f, 0, 0, TRUE), ==, GST_FLOW_NOT_NEGOTIATED);
  g_autofree gchar *text = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, pad));
  g_assert_nonnull (strstr (text, expected));
  fixture_clear (&f);
}

static void
test_refused_caps (void)
{
  assert_refused ("video_0",
      make_caps ("video/x-h265, stream-format=hvc1, alignment=au", avcc,
          sizeof avcc),
      "video/x-h265");
  assert_refused ("video_0",
      gst_caps_from_string ("video/x-h264, stream-format=byte-stream, "
                            "alignment=au"),
      "video/x-h264");
  assert_refused ("video_0",
      make_caps ("video/x-h264, stream-format=avc, alignment=au", asc,
          sizeof asc),
      "H.264");
  assert_refused ("audio_0",
      gst_caps_from_string ("audio/mpeg, mpegversion=1, layer=2"), "MP3");
  assert_refused ("audio_0", gst_caps_from_string ("audio/x-opus"),
      "audio/x-opus");
  assert_refused ("audio_0",
      gst_caps_from_string ("audio/x-ac3, framed=(boolean)false"), "AC-3");
  assert_refused ("video_0", gst_caps_from_string ("video/x-vp8"),
      "no place for VP8");
  assert_refused ("video_0",
      gst_caps_from_string ("video/x-vp9, alignment=frame"), "super-frame");
  assert_refused ("video_0",
      gst_caps_from_string ("video/x-av1, stream-format=annexb"), "obu-stream");
}

static void
test_bad_name (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", NULL);
  gst_child_proxy_set (GST_CHILD_PROXY (f.sink), "video_0::name", "a/../b",
      NULL);
  gst_harness_set_src_caps (f.video, video_caps ());
  g_autofree gchar *text = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, "a/../b"));
  fixture_clear (&f);
}

static void
test_names (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstHarness *second = fixture_add (&f, "video_1", video_caps ());
  f.audio = fixture_add (&f, "audio_0", NULL);
  gst_child_proxy_set (GST_CHILD_PROXY (f.sink), "audio_0::name", "sound",
      "audio_0::language", "deu", NULL);
  gst_harness_set_src_caps (f.audio, audio_caps ());
  for (guint i = 0; i < 100; i++) {
    push_both (&f, 0, i, i + 1, 50);
    GstBuffer *frame = make_frame (i % 50 == 0, 100);
    GST_BUFFER_PTS (frame) = GST_BUFFER_DTS (frame) = i * FRAME_NS;
    gst_harness_push (second, frame);
  }
  gst_harness_push_event (second, gst_event_new_eos ());
  push_eos (&f);
  wait_eos (&f);
  g_assert_true (contains (&f, "master.m3u8", "v576/playlist.m3u8"));
  g_assert_true (contains (&f, "master.m3u8", "v576-2/playlist.m3u8"));
  g_assert_true (contains (&f, "master.m3u8", "sound/playlist.m3u8"));
  g_assert_true (contains (&f, "master.m3u8", "LANGUAGE=\"deu\""));
  /* One timeline: both videos are cut at the same pictures. */
  g_autofree gchar *first = read_text (&f, "v576/playlist.m3u8");
  g_autofree gchar *other = read_text (&f, "v576-2/playlist.m3u8");
  g_assert_cmpstr (first, ==, other);
  gst_harness_teardown (second);
  fixture_clear (&f);
}

/* Running time decides, whatever the segment: x264enc begins at 1000 h. */
static void
test_segment (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  GstClockTime far = 3600 * 1000 * GST_SECOND;
  segment.start = segment.time = segment.position = far;
  gst_harness_push_event (f.video, gst_event_new_segment (&segment));
  gst_harness_push_event (f.video, gst_event_new_flush_start ());
  gst_harness_push_event (f.video, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (f.video, gst_event_new_segment (&segment));
  gst_harness_push_event (f.video, gst_event_new_gap (far, GST_SECOND));
  for (guint i = 0; i < 60; i++)
    push_video (&f, far + i * FRAME_NS, far + i * FRAME_NS, i % 50 == 0);
  push_eos (&f);
  wait_eos (&f);
  g_autoptr (MillBmffSegment) got = read_segment (&f, "v576/1-0.m4s");
  g_assert_cmpuint (sample_of (got, 0).decode_time, ==, 0);
  fixture_clear (&f);
}

static void
test_states (gconstpointer data)
{
  gboolean is_file = GPOINTER_TO_INT (data) == 2;
  Fixture f;
  fixture_init (&f, make_dir (), "mode", GPOINTER_TO_INT (data), NULL);
  fixture_add_both (&f);
  for (guint i = 0; i < 2; i++) {
    /* A run without media is forgotten, and a file that nothing lists; a stream
     * with media never. */
    push_both (&f, 0, 0, 60, 50);
    g_assert_cmpint (gst_element_set_state (f.sink, GST_STATE_NULL), ==,
        GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpint (gst_element_set_state (f.sink, GST_STATE_PLAYING), ==,
        GST_STATE_CHANGE_SUCCESS);
  }
  GstStructure *stats;
  guint64 generation;
  g_object_get (f.sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "generation", &generation));
  g_assert_cmpuint (generation, ==, is_file ? 1 : 3);
  gst_structure_free (stats);
  fixture_clear (&f);
}

/* EOS of a sink counts in PLAYING only. */
static void
test_eos_in_paused (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 60, 50);
  gst_element_set_state (f.sink, GST_STATE_PAUSED);
  push_eos (&f);
  g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_EOS));
  g_assert_true (exists (&f, "master.m3u8"));
  gst_element_set_state (f.sink, GST_STATE_PLAYING);
  wait_eos (&f);
  g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_EOS));
  fixture_clear (&f);
}

/* A pipeline that was paused after this branch had ended still ends. */
static void
test_eos_again (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 60, 50);
  push_eos (&f);
  wait_eos (&f);
  gst_element_set_state (f.sink, GST_STATE_PAUSED);
  g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_EOS));
  gst_element_set_state (f.sink, GST_STATE_PLAYING);
  wait_eos (&f);
  g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_EOS));
  fixture_clear (&f);
}

/* What comes too early or too late is refused by its right name, and is no
 * failure of the sink. */
static void
test_out_of_turn (void)
{
  Fixture f;
  GstSegment segment;
  fixture_init (&f, make_dir (), NULL);
  f.audio = fixture_add (&f, "audio_0", audio_caps ());
  f.video = fixture_add (&f, "video_0", NULL);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.video, gst_event_new_stream_start ("v"));
  gst_harness_push_event (f.video, gst_event_new_segment (&segment));
  g_assert_cmpint (push_video (&f, 0, 0, TRUE), ==, GST_FLOW_NOT_NEGOTIATED);

  g_assert_cmpint (push_audio (&f, 0), ==, GST_FLOW_OK);
  gst_harness_push_event (f.audio, gst_event_new_eos ());
  gst_harness_push_event (f.audio, gst_event_new_flush_start ());
  gst_harness_push_event (f.audio, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (f.audio, gst_event_new_segment (&segment));
  g_assert_cmpint (push_audio (&f, AAC_NS), ==, GST_FLOW_EOS);
  g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_ERROR));
  fixture_clear (&f);
}

static void
test_eos_without_data (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_eos (&f);
  wait_eos (&f);
  g_assert_false (exists (&f, "master.m3u8"));
  fixture_clear (&f);
}

/* Gone after a picture: the sound that had come lies before it, in no segment.
 * The end is still one. */
static void
test_eos_with_early_sound (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 0, NULL);
  fixture_add_both (&f);
  push_audio (&f, 0);
  push_video (&f, 100 * GST_MSECOND, 100 * GST_MSECOND, TRUE);
  push_eos (&f);
  wait_eos (&f);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 1);
  g_assert_true (contains (&f, "v576/playlist.m3u8", "#EXT-X-ENDLIST"));
  fixture_clear (&f);
}

static void
test_latency (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  gst_harness_set_upstream_latency (f.video, 40 * GST_MSECOND);
  gst_harness_set_upstream_latency (f.audio, 70 * GST_MSECOND);
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  g_assert_true (gst_element_query (f.sink, query));
  gboolean live;
  GstClockTime least;
  gst_query_parse_latency (query, &live, &least, NULL);
  g_assert_true (live);
  g_assert_cmpuint (least, ==, 70 * GST_MSECOND);
  fixture_clear (&f);
}

static void
test_stats (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 210, 50);
  GstStructure *stats;
  guint64 segments;
  guint64 bytes;
  guint64 retention;
  guint target;
  g_object_get (f.sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "segments", G_TYPE_UINT64, &segments,
      "bytes", G_TYPE_UINT64, &bytes, "target-duration", G_TYPE_UINT, &target,
      "retention-ms", G_TYPE_UINT64, &retention, NULL));
  g_assert_cmpuint (segments, ==, 4);
  g_assert_cmpuint (bytes, >, 4 * 26000);
  g_assert_cmpuint (target, ==, 2);
  g_assert_cmpuint (retention, ==, 68000);
  const GValue *list = gst_structure_get_value (stats, "renditions");
  g_assert_cmpuint (gst_value_array_get_size (list), ==, 2);
  const GstStructure *video =
      gst_value_get_structure (gst_value_array_get_value (list, 0));
  g_assert_cmpstr (gst_structure_get_string (video, "name"), ==, "v576");
  g_assert_cmpstr (gst_structure_get_string (video, "state"), ==, "live");
  gst_structure_free (stats);
  fixture_clear (&f);
}

/* ---- threads ---- */

static gpointer
push_all_audio (gpointer data)
{
  Fixture *f = data;
  for (guint64 i = 0; i < 1875; i++)
    push_audio (f, gst_util_uint64_scale (i, 1024 * GST_SECOND, 48000));
  gst_harness_push_event (f->audio, gst_event_new_eos ());
  return NULL;
}

/* A file's demuxer feeds each pad from a thread, as fast as it can. */
static void
test_threads (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  fixture_add_both (&f);
  g_autoptr (GThread) thread = g_thread_new ("audio", push_all_audio, &f);
  for (guint i = 0; i < 1000; i++)
    push_video (&f, i * FRAME_NS, i * FRAME_NS, i % 50 == 0);
  gst_harness_push_event (f.video, gst_event_new_eos ());
  g_thread_join (g_steal_pointer (&thread));
  wait_eos (&f);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (count (&f,
                          i == 0 ? "v576/playlist.m3u8" : "a112/playlist.m3u8",
                          "#EXTINF"),
        ==, 20);
  guint frames = 0;
  for (guint n = 0; n < 20; n++) {
    g_autofree gchar *name = g_strdup_printf ("a112/1-%u.m4s", n);
    g_autoptr (MillBmffSegment) segment = read_segment (&f, name);
    frames += segment->samples->len;
  }
  g_assert_cmpuint (frames, ==, 1875);
  fixture_clear (&f);
}

/* A player on a bad network goes on with the sound; none begins with it. */
static void
test_audio_variant (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, "audio-variant", TRUE, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 100, 50);
  push_eos (&f);
  wait_eos (&f);
  g_autofree gchar *text = read_text (&f, "master.m3u8");
  g_assert_cmpuint (count (&f, "master.m3u8", "#EXT-X-STREAM-INF"), ==, 2);
  g_auto (GStrv) parts = g_strsplit (text, "RESOLUTION=", 2);
  g_assert_nonnull (parts[1]);
  g_assert_nonnull (strstr (parts[1], ",CODECS=\"mp4a.40.2\"\na"));
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/contract", test_contract);
  g_test_add_func ("/cmafsink/pads", test_pads);
  g_test_add_func ("/cmafsink/vod", test_vod);
  g_test_add_func ("/cmafsink/b-frames", test_b_frames);
  g_test_add_func ("/cmafsink/audio-priming", test_audio_priming);
  g_test_add_func ("/cmafsink/live-window", test_live_window);
  g_test_add_func ("/cmafsink/event", test_event);
  g_test_add_func ("/cmafsink/refused-caps", test_refused_caps);
  g_test_add_func ("/cmafsink/bad-name", test_bad_name);
  g_test_add_func ("/cmafsink/names", test_names);
  g_test_add_func ("/cmafsink/segment", test_segment);
  g_test_add_data_func ("/cmafsink/states/live", GINT_TO_POINTER (0),
      test_states);
  g_test_add_data_func ("/cmafsink/states/file", GINT_TO_POINTER (2),
      test_states);
  g_test_add_func ("/cmafsink/eos-in-paused", test_eos_in_paused);
  g_test_add_func ("/cmafsink/eos-again", test_eos_again);
  g_test_add_func ("/cmafsink/out-of-turn", test_out_of_turn);
  g_test_add_func ("/cmafsink/eos-without-data", test_eos_without_data);
  g_test_add_func ("/cmafsink/eos-with-early-sound", test_eos_with_early_sound);
  g_test_add_func ("/cmafsink/latency", test_latency);
  g_test_add_func ("/cmafsink/stats", test_stats);
  g_test_add_func ("/cmafsink/threads", test_threads);
  g_test_add_func ("/cmafsink/audio-variant", test_audio_variant);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
