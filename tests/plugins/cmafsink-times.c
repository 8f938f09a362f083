/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: sound that runs away from the picture in a long stream,
 * and dates in playlists that jump, or are of another clock than was asked for.
 */
#include "cmafsink-test.h"

#define HOUR_S 3600

static const guint8 asc_44100[] = { 0x12, 0x10 }; /* AAC-LC, stereo */

/* What a source makes of exact times. */
typedef GstClockTime (*Stamp) (GstClockTime exact);

static GstClockTime
stamp_exact (GstClockTime exact)
{
  return exact;
}

/* As in FLV, RTMP and Matroska. */
static GstClockTime
stamp_ms (GstClockTime exact)
{
  return (exact + GST_MSECOND / 2) / GST_MSECOND * GST_MSECOND;
}

static GstClockTime
frame_time (guint64 i)
{
  return gst_util_uint64_scale (i, 1001 * GST_SECOND, 30000);
}

static GstClockTime
sound_time (guint64 i)
{
  return gst_util_uint64_scale (i, 1024 * GST_SECOND, 44100);
}

/* Each sample says at its end which one it is. */
static void
push_numbered (GstHarness *harness, GstBuffer *buffer, guint32 number,
    GstClockTime pts, GstClockTime duration)
{
  guint32 big = GUINT32_TO_BE (number);
  gst_buffer_fill (buffer, gst_buffer_get_size (buffer) - 4, &big, 4);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
}

static void
push_for (Fixture *f, guint seconds, Stamp stamp)
{
  guint64 sound = 0;
  for (guint64 i = 0; frame_time (i) < seconds * GST_SECOND; i++) {
    push_numbered (f->video, make_frame (i % 60 == 0, 40), (guint32) i,
        stamp (frame_time (i)), GST_CLOCK_TIME_NONE);
    for (; sound_time (sound) < frame_time (i + 1); sound++)
      push_numbered (f->audio, gst_buffer_new_allocate (NULL, 20, NULL),
          (guint32) sound, stamp (sound_time (sound)), GST_CLOCK_TIME_NONE);
  }
}

/* (transfer full) what stands between @from and @to. */
static gchar *
read_between (Fixture *f, const gchar *name, const gchar *from, const gchar *to)
{
  g_autofree gchar *text = read_text (f, name);
  g_auto (GStrv) halves = g_strsplit (text, from, 2);
  g_assert_cmpuint (g_strv_length (halves), ==, 2);
  g_auto (GStrv) rest = g_strsplit (halves[1], to, 2);
  return g_strdup (rest[0]);
}

/* How much later than its source the first sample of a segment is said to be
 * presented, ns; @edit: media time that presentation begins at, ticks */
static GstClockTimeDiff
measure_delay (Fixture *f, const gchar *rendition, guint number,
    guint timescale, GstClockTime (*time_of) (guint64 i))
{
  g_autofree gchar *name = g_strdup_printf ("%s/1-%u.m4s", rendition, number);
  gsize size;
  g_autofree gchar *data = read_bytes (f, name, &size);
  g_autoptr (MillBmffSegment) segment =
      mill_bmff_segment_parse ((const guint8 *) data, size, NULL);
  MillBmffSegmentSample first = sample_of (segment, 0);
  guint32 index;
  memcpy (&index, data + first.offset + first.size - 4, sizeof index);
  index = GUINT32_FROM_BE (index);
  return (GstClockTimeDiff) gst_util_uint64_scale_round (first.decode_time,
             GST_SECOND, timescale) -
      (GstClockTimeDiff) time_of (index);
}

/* PROGRAM-DATE-TIME of a segment is that of the one before and its duration. */
static void
assert_steady_dates (Fixture *f, const gchar *name, guint least)
{
  g_autofree gchar *text = read_text (f, name);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gint64 expected_us = -1;
  gint64 first_us = -1;
  gdouble sum = 0;
  guint n = 0;
  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_str_has_prefix (lines[i], "#EXT-X-PROGRAM-DATE-TIME:")) {
      gint64 us = parse_date (strchr (lines[i], ':') + 1);
      if (first_us < 0)
        first_us = us;
      /* Dates are cut to milliseconds, and each EXTINF is rounded by half a
       * microsecond at most; nothing else adds up. */
      if (expected_us >= 0)
        g_assert_cmpint (ABS (us - expected_us), <=, 1000);
      g_assert_cmpint (ABS (us - first_us - (gint64) (sum * 1e6)), <=,
          1000 + (n + 1) / 2);
      expected_us = us;
      n++;
    } else if (g_str_has_prefix (lines[i], "#EXTINF:")) {
      gdouble duration = g_ascii_strtod (lines[i] + 8, NULL);
      expected_us += (gint64) (duration * 1e6 + 0.5);
      sum += duration;
    }
  }
  g_assert_cmpuint (n, >=, least);
}

/* When the hour began: what a playlist's milliseconds cut off is least with the
 * one, most with the other, and not left to the clock of who runs this. */
#define EPOCH_US G_GINT64_CONSTANT (1764072000000000)
#define LATE_EPOCH_US G_GINT64_CONSTANT (1764072000000999)

/* An hour of live, as fast as it goes: what each segment of each rendition says
 * of its time, against when its first sample was. */
static void
test_hour (gconstpointer data)
{
  Stamp stamp = (Stamp) data;
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 1 /* event */, "dash", FALSE,
      "program-date-time", 2, "epoch-us",
      stamp == stamp_exact ? EPOCH_US : LATE_EPOCH_US, NULL);
  f.video = fixture_add (&f, "video_0", NULL);
  f.audio = fixture_add (&f, "audio_0", NULL);
  gst_harness_set_src_caps (f.video,
      make_caps ("video/x-h264, stream-format=avc, alignment=au, "
                 "framerate=30000/1001",
          avcc, sizeof avcc));
  gst_harness_set_src_caps (f.audio,
      make_caps ("audio/mpeg, mpegversion=4, stream-format=raw, rate=44100, "
                 "channels=2",
          asc_44100, sizeof asc_44100));
  push_for (&f, HOUR_S, stamp);
  push_eos (&f);
  wait_eos (&f);
  g_autofree gchar *audio = read_between (&f, "master.m3u8", "URI=\"", "/");
  g_autofree gchar *init = g_strdup_printf ("%s/init-1.mp4", audio);
  g_autoptr (MillBmffInit) of_video = read_init (&f, "v576/init-1.mp4");
  g_autoptr (MillBmffInit) of_audio = read_init (&f, init);
  guint n = count (&f, "v576/playlist.m3u8", "#EXTINF:");
  g_assert_cmpuint (n, >=, HOUR_S / 2 - 2);
  GstClockTimeDiff skew = 0;
  GstClockTimeDiff least = 0;
  GstClockTimeDiff most = 0;
  for (guint i = 0; i < n - 1; i++) {
    GstClockTimeDiff now =
        measure_delay (&f, "v576", i, of_video->timescale, frame_time) -
        measure_delay (&f, audio, i, of_audio->timescale, sound_time);
    if (i == 0)
      skew = now;
    least = MIN (least, now - skew);
    most = MAX (most, now - skew);
  }
  g_test_message ("drift of %u segments: %.6f to %.6f ms", n, least / 1e6,
      most / 1e6);
  g_assert_cmpint (ABS (skew), <, GST_MSECOND);
  g_assert_cmpint (-least, <, GST_MSECOND);
  g_assert_cmpint (most, <, GST_MSECOND);
  g_autofree gchar *playlist = g_strdup_printf ("%s/playlist.m3u8", audio);
  assert_steady_dates (&f, "v576/playlist.m3u8", n);
  assert_steady_dates (&f, "v576/iframes.m3u8", n);
  assert_steady_dates (&f, playlist, n - 1);
  fixture_clear (&f);
}

/* ---- whose clock ---- */

/* 25 frames a second from @from to @to, of which the source says that they are
 * of @unix_us plus their time, in a meta named @caps. */
static void
push_dated (Fixture *f, guint from, guint to, const gchar *caps, guint64 zero)
{
  g_autoptr (GstCaps) reference = caps ? gst_caps_from_string (caps) : NULL;
  for (guint i = from; i < to; i++) {
    GstBuffer *buffer = make_frame (i % 50 == 0, 100);
    GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = i * FRAME_NS;
    GST_BUFFER_DURATION (buffer) = FRAME_NS;
    if (reference != NULL)
      gst_buffer_add_reference_timestamp_meta (buffer, reference,
          zero + i * FRAME_NS, GST_CLOCK_TIME_NONE);
    wait_for (f->video, i * FRAME_NS);
    g_assert_cmpint (gst_harness_push (f->video, buffer), ==, GST_FLOW_OK);
  }
}

#define NOON_NS (G_GUINT64_CONSTANT (1764072000) * GST_SECOND)
#define NTP_NS (G_GUINT64_CONSTANT (2208988800) * GST_SECOND)

static void
test_reference (gconstpointer data)
{
  gboolean ntp = data != NULL;
  Fixture f;
  fixture_init (&f, make_dir (), "program-date-time", 1, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_dated (&f, 0, 160, ntp ? "timestamp/x-ntp" : "timestamp/x-unix",
      NOON_NS + (ntp ? NTP_NS : 0));
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-25T12:00:00.000Z\n"));
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-25T12:00:04.000Z\n"));
  g_assert_true (contains (&f, "manifest.mpd",
      "availabilityStartTime=\"2025-11-25T12:00:00"));
  fixture_clear (&f);
}

/* A clock that drifts by 20 ms breaks nothing; one that is set anew does, once,
 * and dates are its own from there on. */
static void
test_reference_moves (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "program-date-time", 1, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_dated (&f, 0, 160, "timestamp/x-unix", NOON_NS);
  push_dated (&f, 160, 260, "timestamp/x-unix", NOON_NS + 20 * GST_MSECOND);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-DISCONTINUITY"),
      ==, 0);
  g_assert_true (contains (&f, "v576/playlist.m3u8", "T12:00:08.000Z"));
  push_dated (&f, 260, 460, "timestamp/x-unix", NOON_NS + 60 * GST_SECOND);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-DISCONTINUITY\n"),
      ==, 1);
  g_assert_true (contains (&f, "v576/playlist.m3u8", "T12:01:12.000Z"));
  g_assert_true (contains (&f, "v576/playlist.m3u8", "T12:01:14.000Z"));
  /* On the MPD's timeline too: a Period that begins where the clock says. */
  g_assert_true (contains (&f, "manifest.mpd", "start=\"PT72.000000S\""));
  fixture_clear (&f);
}

/* Nobody says what time it is: the wall clock does, and it is no error. */
static void
test_reference_missing (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "program-date-time", 1, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  gint64 before = g_get_real_time ();
  push_dated (&f, 0, 160, NULL, 0);
  g_assert_cmpint (segment_date (&f, "v576/playlist.m3u8", 0), >=,
      before - G_USEC_PER_SEC);
  fixture_clear (&f);
}

/* Of a file too: the same dates with every run. */
static void
test_media (void)
{
  for (guint mode = 0; mode < 3; mode++) {
    Fixture f;
    fixture_init (&f, make_dir (), "program-date-time", 2, "epoch-us",
        G_GINT64_CONSTANT (1764072000500000), "mode", mode, NULL);
    f.video = fixture_add (&f, "video_0", video_caps ());
    push_dated (&f, 0, 160, NULL, 0);
    push_eos (&f);
    wait_eos (&f);
    assert_steady_dates (&f, "v576/playlist.m3u8", 3);
    g_assert_true (contains (&f, "v576/playlist.m3u8", "T12:00:00.500Z"));
    g_assert_true (contains (&f, "v576/playlist.m3u8", "T12:00:04.500Z"));
    fixture_clear (&f);
  }
}

/* ---- pictures to jump to ---- */

/* A segment that begins without a keyframe has no picture to jump to: a gap in
 * the list of those, and nowhere else. */
static void
test_no_picture (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "segment-duration-ms", 1000, "mode", 1, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 50, 25);
  push_both (&f, 0, 50, 176, 176);
  push_eos (&f);
  wait_eos (&f);
  guint n = count (&f, "v576/playlist.m3u8", "#EXTINF:");
  guint gaps = count (&f, "v576/iframes.m3u8", "#EXT-X-GAP\n");
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), ==, 0);
  g_assert_cmpuint (gaps, >=, 2);
  g_assert_cmpuint (count (&f, "v576/iframes.m3u8", "#EXTINF:"), ==, n);
  g_assert_cmpuint (count (&f, "v576/iframes.m3u8", "#EXT-X-BYTERANGE:") + gaps,
      ==, n);
  fixture_clear (&f);
}

/* Who does not want them has none. */
static void
test_no_i_frames (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "i-frame-playlists", FALSE, "mode", 1, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 150, 50);
  push_eos (&f);
  wait_eos (&f);
  g_assert_false (exists (&f, "v576/iframes.m3u8"));
  g_assert_false (contains (&f, "master.m3u8", "I-FRAME"));
  fixture_clear (&f);
}

/* ---- lengths ---- */

/* Segments of one to ten seconds: as long as they were asked for. */
static void
test_durations (void)
{
  for (guint s = 1; s <= 10; s++) {
    Fixture f;
    fixture_init (&f, make_dir (), "segment-duration-ms", s * 1000, "mode", 1,
        NULL);
    fixture_add_both (&f);
    push_both (&f, 0, 0, 25 * (4 * s + 1), 25);
    push_eos (&f);
    wait_eos (&f);
    g_autofree gchar *target =
        g_strdup_printf ("#EXT-X-TARGETDURATION:%u\n", s);
    g_autofree gchar *duration = g_strdup_printf ("#EXTINF:%u.000000,", s);
    g_assert_true (contains (&f, "v576/playlist.m3u8", target));
    g_assert_true (contains (&f, "v576/playlist.m3u8",
        "#EXT-X-PLAYLIST-TYPE:EVENT\n"));
    g_assert_cmpuint (count (&f, "v576/playlist.m3u8", duration), >=, 4);
    g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXTINF"), ==, 5);
    fixture_clear (&f);
  }
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/cmafsink/times/hour/exact", stamp_exact, test_hour);
  g_test_add_data_func ("/cmafsink/times/hour/ms", stamp_ms, test_hour);
  g_test_add_data_func ("/cmafsink/times/reference/unix", NULL, test_reference);
  g_test_add_data_func ("/cmafsink/times/reference/ntp", "", test_reference);
  g_test_add_func ("/cmafsink/times/reference/moves", test_reference_moves);
  g_test_add_func ("/cmafsink/times/reference/missing", test_reference_missing);
  g_test_add_func ("/cmafsink/times/media", test_media);
  g_test_add_func ("/cmafsink/times/no-picture", test_no_picture);
  g_test_add_func ("/cmafsink/times/no-i-frames", test_no_i_frames);
  g_test_add_func ("/cmafsink/times/durations", test_durations);
  return g_test_run ();
}
