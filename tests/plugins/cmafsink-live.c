/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a live stream that stalls, loses sound, or cannot be
 * joined, when its source does what sources do: comes late, goes away, changes,
 * has long GOPs or only half of what was planned. */
#include "cmafsink-test.h"

static guint
longest_extinf_ms (Fixture *f, const gchar *name)
{
  g_autofree gchar *text = read_text (f, name);
  gdouble longest = 0;
  for (const gchar *at = text; (at = strstr (at, "#EXTINF:")) != NULL; at++)
    longest = MAX (longest, g_ascii_strtod (at + 8, NULL));
  return (guint) (longest * 1000);
}

/* ---- what is there ---- */

static void
test_video_only (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 101, 50);
  g_assert_true (contains (&f, "master.m3u8", "CODECS=\"avc1.64001E\""));
  g_assert_false (contains (&f, "master.m3u8", "AUDIO"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF:2.000"), ==, 2);
  /* What may come into the media is told to who begins before it does. */
  g_assert_cmpuint (count (&f, "manifest.mpd", "<InbandEventStream"), ==, 2);
  push_eos (&f);
  wait_eos (&f);
  fixture_clear (&f);
}

static void
test_audio_only (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.audio = fixture_add (&f, "audio_0", audio_caps ());
  push_both (&f, 0, 0, 300, 50);
  g_assert_true (contains (&f, "master.m3u8", "CODECS=\"mp4a.40.2\""));
  g_assert_false (contains (&f, "master.m3u8", "EXT-X-MEDIA"));
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXTINF"), >=, 5);
  g_assert_cmpuint (longest_extinf_ms (&f, "a112/playlist.m3u8"), <=, 2022);
  g_assert_true (contains (&f, "a112/playlist.m3u8",
      "#EXT-X-TARGETDURATION:2\n"));
  push_eos (&f);
  wait_eos (&f);
  fixture_clear (&f);
}

/* Both were planned, one never comes: the other plays after the time-out. */
static void
test_startup_timeout (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  g_autoptr (GstPad) planned =
      gst_element_request_pad_simple (f.sink, "audio_0");
  push_both (&f, 0, 0, 70, 25);
  /* Nobody could find the playlist: it waits too, so that it has no gaps. */
  g_assert_false (exists (&f, "master.m3u8"));
  g_assert_false (exists (&f, "v576/playlist.m3u8"));
  push_both (&f, 0, 70, 160, 25);
  g_assert_true (contains (&f, "master.m3u8", "v576/playlist.m3u8"));
  g_assert_true (contains (&f, "manifest.mpd", "v576"));
  fixture_clear (&f);
}

static void
test_late_audio (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 110, 50);
  g_assert_false (contains (&f, "master.m3u8", "AUDIO"));
  f.audio = fixture_add (&f, "audio_0", audio_caps ());
  push_both (&f, 0, 110, 260, 50);
  g_assert_true (contains (&f, "master.m3u8", "a112/playlist.m3u8"));
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXTINF"), ==,
      count (&f, "v576/playlist.m3u8", "#EXTINF"));
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXT-X-GAP"), ==, 2);
  /* A new rendition needs a new Period. */
  g_assert_cmpuint (count (&f, "manifest.mpd", "<Period "), ==, 2);
  fixture_clear (&f);
}

/* The first Period has left the window when the stream ends: what stays begins
 * at 0, and is shown at the times at which it was before. */
static void
test_end_without_first_period (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "window-segments", 3, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 110, 50);
  f.audio = fixture_add (&f, "audio_0", audio_caps ());
  push_both (&f, 0, 110, 460, 50);
  g_assert_cmpuint (count (&f, "manifest.mpd", "<Period "), ==, 1);
  g_assert_true (contains (&f, "manifest.mpd",
      "<Period id=\"p2\" start=\"PT4.000000S\">"));
  g_assert_true (contains (&f, "manifest.mpd", "presentationTimeOffset"));
  push_eos (&f);
  wait_eos (&f);
  g_assert_true (contains (&f, "manifest.mpd", "type=\"static\""));
  g_assert_true (contains (&f, "manifest.mpd",
      "<Period id=\"p2\" start=\"PT0.000000S\">"));
  g_assert_false (contains (&f, "manifest.mpd", "presentationTimeOffset"));
  g_assert_true (contains (&f, "manifest.mpd",
      "mediaPresentationDuration=\"PT18."));
  fixture_clear (&f);
}

/* Samples are looked at together; a segment is listed when the keyframe comes
 * that ends it all the same, and the position is that of the last sample. */
static void
test_listed_at_once (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 200, 50);
  for (guint i = 200; i <= 400; i++) {
    push_both (&f, 0, i, i + 1, 50);
    g_autofree gchar *last = g_strdup_printf ("1-%u.m4s\n", i / 50 - 1);
    g_autofree gchar *next = g_strdup_printf ("1-%u.m4s\n", i / 50);
    g_assert_true (contains (&f, "v576/playlist.m3u8", last));
    g_assert_false (contains (&f, "v576/playlist.m3u8", next));
    gint64 position;
    g_assert_true (gst_element_query_position (f.sink, GST_FORMAT_TIME,
        &position));
    g_assert_cmpuint (position, ==, i * FRAME_NS);
  }
  fixture_clear (&f);
}

/* ---- keyframes and rates ---- */

static void
test_long_gop (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 51, 50);
  push_both (&f, 0, 51, 300, 10000);
  g_autofree gchar *warning = pop_text (&f, GST_MESSAGE_WARNING);
  g_assert_nonnull (strstr (warning, "keyframe"));
  g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_WARNING));
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "#EXT-X-TARGETDURATION:2\n"));
  g_assert_cmpuint (longest_extinf_ms (&f, "v576/playlist.m3u8"), <, 2500);
  g_assert_false (contains (&f, "v576/playlist.m3u8", "INDEPENDENT"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), >=, 4);
  fixture_clear (&f);
}

/* The first GOP decides the target duration. */
static void
test_gop_over_segment (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 451, 100);
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "#EXT-X-TARGETDURATION:4\n"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF:4.000"), ==, 4);
  fixture_clear (&f);
}

static void
test_variable_rate (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  GstCaps *caps = video_caps ();
  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 0, 1, NULL);
  f.video = fixture_add (&f, "video_0", caps);
  static const guint steps[] = { 10, 90, 33, 7, 160, 100 }; /* 400 ms */
  guint64 stamps[61];
  stamps[0] = 0;
  for (guint i = 0; i < 60; i++) {
    push_video (&f, stamps[i] * GST_MSECOND, stamps[i] * GST_MSECOND,
        i % 30 == 0);
    stamps[i + 1] = stamps[i] + steps[i % 6];
  }
  push_eos (&f);
  wait_eos (&f);
  guint n = 0;
  for (guint k = 0; k < 2; k++) {
    g_autofree gchar *name = g_strdup_printf ("v576/1-%u.m4s", k);
    g_autoptr (MillBmffSegment) segment = read_segment (&f, name);
    for (guint i = 0; i < segment->samples->len; i++, n++)
      g_assert_cmpuint (sample_of (segment, i).decode_time, ==, stamps[n] * 90);
  }
  g_assert_cmpuint (n, ==, 60);
  /* What the SPS says, as it is near what comes (15 per second). */
  g_assert_true (contains (&f, "master.m3u8", "FRAME-RATE=25.000"));
  fixture_clear (&f);
}

/* ---- the source goes away and changes ---- */

static void
push_discont (GstHarness *harness, GstBuffer *buffer, GstClockTime time)
{
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = time;
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
}

static void
test_reconnect (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 70, 50);
  /* Back after seven seconds: sound first, and a picture from inside a GOP. */
  GstClockTime zero = 10 * GST_SECOND;
  GstBuffer *sound = gst_buffer_new_allocate (NULL, 300, NULL);
  gst_buffer_memset (sound, 0, 0x21, 300);
  push_discont (f.audio, sound, zero - 100 * GST_MSECOND);
  push_discont (f.video, make_frame (FALSE, 500), zero - 80 * GST_MSECOND);
  push_both (&f, zero, 0, 120, 50);
  static const gchar *const names[] = { "v576/playlist.m3u8",
    "a112/playlist.m3u8" };
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpuint (count (&f, names[i], "#EXT-X-DISCONTINUITY\n"), ==, 1);
    g_assert_cmpuint (count (&f, names[i], "#EXT-X-GAP"), ==, 0);
    g_assert_true (contains (&f, names[i], "#EXT-X-MEDIA-SEQUENCE:0\n"));
    g_assert_cmpuint (count (&f, names[i], "#EXTINF"), ==, 4);
  }
  /* Segment 1 ends where the source left: 70 frames less the 50 of segment 0. */
  g_assert_true (contains (&f, "v576/playlist.m3u8", "#EXTINF:0.800"));
  g_autoptr (MillBmffSegment) back = read_segment (&f, "v576/1-2.m4s");
  g_assert_cmpuint (sample_of (back, 0).decode_time, ==, 10 * 90000);
  g_autoptr (MillBmffSegment) sounds = read_segment (&f, "a112/1-2.m4s");
  g_assert_cmpuint (sample_of (sounds, 0).decode_time, >=, 10 * 48000);
  g_assert_true (contains (&f, "manifest.mpd", "<S t=\"900000\""));
  push_eos (&f);
  wait_eos (&f);
  fixture_clear (&f);
}

/* The end comes while the first segment after an absence is open, and the sound,
 * which goes on a moment after the picture, is the last to end: players would
 * stumble over a second discontinuity and a segment of no length. */
static void
test_end_after_reconnect (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 70, 50);
  const GstClockTime zero = 10 * GST_SECOND;
  push_discont (f.video, make_frame (TRUE, 2000), zero);
  for (guint i = 0; i < 2; i++) {
    GstBuffer *sound = gst_buffer_new_allocate (NULL, 300, NULL);
    gst_buffer_memset (sound, 0, 0x21, 300);
    GST_BUFFER_PTS (sound) = zero + GST_MSECOND + i * AAC_NS;
    if (i == 0)
      GST_BUFFER_FLAG_SET (sound, GST_BUFFER_FLAG_DISCONT);
    g_assert_cmpint (gst_harness_push (f.audio, sound), ==, GST_FLOW_OK);
  }
  push_both (&f, zero, 1, 40, 50);
  push_eos (&f);
  wait_eos (&f);
  static const gchar *const names[] = { "v576/playlist.m3u8",
    "a112/playlist.m3u8" };
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpuint (count (&f, names[i], "#EXT-X-DISCONTINUITY\n"), ==, 1);
    g_assert_cmpuint (count (&f, names[i], "#EXT-X-GAP"), ==, 0);
    g_assert_cmpuint (count (&f, names[i], "#EXTINF"), ==, 3);
  }
  fixture_clear (&f);
}

static void
test_new_encoding (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 70, 50);
  guint8 other[sizeof avcc];
  memcpy (other, avcc, sizeof avcc);
  other[sizeof avcc - 6] ^= 1; /* in the PPS */
  gst_harness_set_src_caps (f.video,
      make_caps ("video/x-h264, stream-format=avc, alignment=au", other,
          sizeof other));
  push_both (&f, 0, 75, 200, 25);
  for (guint i = 0; i < 2; i++) {
    const gchar *name = i == 0 ? "v576/playlist.m3u8" : "a112/playlist.m3u8";
    g_assert_cmpuint (count (&f, name, "#EXT-X-DISCONTINUITY\n"), ==, 1);
    g_assert_true (contains (&f, name, "#EXT-X-MAP:URI=\"init-1.mp4\""));
    g_assert_true (contains (&f, name, "#EXT-X-MAP:URI=\"init-2.mp4\""));
    g_assert_true (contains (&f, name, "2-2.m4s"));
    g_assert_cmpuint (count (&f, name, "#EXT-X-GAP"), ==, 0);
  }
  g_assert_true (exists (&f, "a112/init-2.mp4"));
  g_assert_cmpuint (count (&f, "manifest.mpd", "<Period "), ==, 2);
  fixture_clear (&f);
}

/* ---- a rendition stays away ---- */

static void
push_only_video (Fixture *f, guint from, guint to)
{
  GstHarness *audio = g_steal_pointer (&f->audio);
  push_both (f, 0, from, to, 50);
  f->audio = audio;
}

static void
push_only_audio (Fixture *f, guint from, guint to)
{
  GstHarness *video = g_steal_pointer (&f->video);
  push_both (f, 0, from, to, 50);
  f->video = video;
}

static void
test_audio_stalls (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 1, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 110, 50);
  push_only_video (&f, 110, 360);
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXT-X-GAP"), >=, 3);
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXTINF"), ==,
      count (&f, "v576/playlist.m3u8", "#EXTINF"));
  push_only_video (&f, 360, 460);
  g_assert_false (contains (&f, "master.m3u8", "a112"));
  push_both (&f, 0, 460, 660, 50);
  g_assert_true (contains (&f, "master.m3u8", "a112"));
  g_assert_false (contains (&f, "a112/playlist.m3u8", "DISCONTINUITY"));
  push_eos (&f);
  wait_eos (&f);
  fixture_clear (&f);
}

static void
test_video_stalls (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 1, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 110, 50);
  guint before = count (&f, "a112/playlist.m3u8", "#EXTINF");
  push_only_audio (&f, 110, 400);
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXTINF"), >, before + 3);
  g_assert_cmpuint (count (&f, "a112/playlist.m3u8", "#EXT-X-GAP"), ==, 0);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), >, 2);
  push_both (&f, 0, 400, 610, 50);
  g_autofree gchar *video = read_text (&f, "v576/playlist.m3u8");
  g_assert_true (g_regex_match_simple ("#EXTINF:2.000000,\\n[^#]*$", video, 0,
      0));
  g_assert_cmpuint (longest_extinf_ms (&f, "v576/playlist.m3u8"), <, 2500);
  push_eos (&f);
  wait_eos (&f);
  fixture_clear (&f);
}

/* ---- parts ---- */

static void
test_parts (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "part-duration-ms", 200, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 51, 50);
  g_autoptr (MillBmffSegment) segment = read_segment (&f, "v576/1-0.m4s");
  g_assert_cmpuint (segment->chunks->len, ==, 10);
  g_assert_cmpuint (segment->samples->len, ==, 50);
  g_assert_true (contains (&f, "live.index", "v576 1 0 9 "));
  g_assert_false (contains (&f, "v576/playlist.m3u8", "EXT-X-PART"));
  g_autoptr (MillBmffSegment) sound = read_segment (&f, "a112/1-0.m4s");
  /* As many as of the picture, of nine or ten frames: 192 or 213 ms. */
  g_assert_cmpuint (sound->chunks->len, ==, 10);
  for (guint i = 0; i < sound->chunks->len; i++) {
    guint64 duration =
        g_array_index (sound->chunks, MillBmffSegmentChunk, i).duration;
    g_assert_true (duration == 9 * 1024 || duration == 10 * 1024);
  }
  fixture_clear (&f);
}

/* A pipeline complains in its log, for each pad, of sinks that do not take it. */
static void
test_latency_is_taken (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  g_assert_true (gst_element_send_event (f.sink, gst_event_new_latency (0)));
  f.video = fixture_add (&f, "video_0", video_caps ());
  g_assert_true (gst_element_send_event (f.sink, gst_event_new_latency (0)));
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/live/video-only", test_video_only);
  g_test_add_func ("/cmafsink/live/audio-only", test_audio_only);
  g_test_add_func ("/cmafsink/live/startup-timeout", test_startup_timeout);
  g_test_add_func ("/cmafsink/live/late-audio", test_late_audio);
  g_test_add_func ("/live/end-without-first-period",
      test_end_without_first_period);
  g_test_add_func ("/cmafsink/live/listed-at-once", test_listed_at_once);
  g_test_add_func ("/cmafsink/live/long-gop", test_long_gop);
  g_test_add_func ("/cmafsink/live/gop-over-segment", test_gop_over_segment);
  g_test_add_func ("/cmafsink/live/variable-rate", test_variable_rate);
  g_test_add_func ("/cmafsink/live/reconnect", test_reconnect);
  g_test_add_func ("/cmafsink/live/end-after-reconnect",
      test_end_after_reconnect);
  g_test_add_func ("/cmafsink/live/new-encoding", test_new_encoding);
  g_test_add_func ("/cmafsink/live/audio-stalls", test_audio_stalls);
  g_test_add_func ("/cmafsink/live/video-stalls", test_video_stalls);
  g_test_add_func ("/cmafsink/live/parts", test_parts);
  g_test_add_func ("/cmafsink/live/latency", test_latency_is_taken);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
