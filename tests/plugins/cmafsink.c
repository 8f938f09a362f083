/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a stream or a file that was packaged, but does not
 * play, plays out of step, lacks frames, or fails without saying why. */
#include "cmafsink-test.h"

#include "bmff/bmff-reader.h"

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

  g_autofree gchar *path = path_of (&f, "v576/init-1.mp4");
  gsize size;
  g_autofree gchar *bytes = NULL;
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init ((const guint8 *) bytes, size, NULL);
  g_assert_nonnull (init);
  g_assert_cmpint (init->media_time, ==, 2 * 3600);
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
  g_autofree gchar *path = path_of (&f, "a112/init-1.mp4");
  gsize size;
  g_autofree gchar *bytes = NULL;
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init ((const guint8 *) bytes, size, NULL);
  g_assert_nonnull (init);
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
  g_assert_true (contains (&f, "master.m3u8", "v576/playlist.m3u8"));
  g_assert_true (contains (&f, "manifest.mpd", "type=\"dynamic\""));
  g_assert_true (contains (&f, "manifest.mpd", "availabilityStartTime="));
  push_both (&f, 0, 60, 510, 50);
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
  return g_test_run ();
}
