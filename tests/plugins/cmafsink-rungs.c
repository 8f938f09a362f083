/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a quality that cannot be switched to without a jump, a
 * stream that waits for a slow or dead encoder, qualities that never come back
 * after its restart. */
#include "cmafsink-rungs.h"

#include <stdarg.h>

static void
begin (Ladder *self, guint n, guint lag, guint gop, gboolean with_audio)
{
  memset (self, 0, sizeof *self);
  self->gop = gop;
  /* Everything stays listed. */
  fixture_init (&self->f, make_dir (), "mode", 1, NULL);
  ladder_init (self, n, lag);
  if (with_audio)
    self->f.audio = fixture_add (&self->f, "audio_0", audio_caps ());
}

/* ---- all there ---- */

/* Each rung is behind by its encoder's latency, all the time: that makes
 * neither gaps nor a second Period, and the first multivariant playlist that
 * anybody sees has them all. */
static void
test_latency (void)
{
  Ladder l;
  begin (&l, 5, 0, 50, TRUE);
  static const guint lags[] = { 0, 12, 25, 37, 50 };
  for (guint i = 0; i < 5; i++)
    l.rungs[i].lag = lags[i];
  while (!exists (&l.f, "master.m3u8") && l.now < 250)
    ladder_run (&l, l.now + 1);
  for (guint i = 0; i < 5; i++)
    g_assert_true (contains (&l.f, "master.m3u8", l.rungs[i].name));
  ladder_run (&l, 700);
  for (guint i = 0; i < 5; i++) {
    g_assert_cmpuint (count_gaps (&l.f, l.rungs[i].name), ==, 0);
    g_assert_cmpuint (assert_aligned (&l.f, "top", l.rungs[i].name), >=, 12);
  }
  g_assert_cmpuint (count_gaps (&l.f, "a112"), ==, 0);
  g_assert_cmpuint (count (&l.f, "manifest.mpd", "<Period "), ==, 1);
  ladder_eos (&l);
  wait_eos (&l.f);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (count_gaps (&l.f, l.rungs[i].name), ==, 0);
  ladder_clear (&l);
}

/* Segments longer than a GOP, keyframes where the source happened to have
 * them, one rung of half the frame rate. */
static void
test_irregular (void)
{
  static const guint keyframes[] = { 7, 31, 52, 61, 80, 103, 120, 155, 204, 230,
    255, 270, 305, 355, 356, 404, 455, 505, 554, 0 };
  Ladder l;
  begin (&l, 3, 20, 50, TRUE);
  l.keyframes = keyframes;
  l.rungs[2].every = 2;
  ladder_run (&l, 560);
  g_assert_cmpuint (assert_aligned (&l.f, "top", "mid"), >=, 8);
  g_assert_cmpuint (count_gaps (&l.f, "mid"), ==, 0);
  g_assert_cmpuint (assert_aligned (&l.f, "top", "low"), >=, 8);
  g_assert_cmpuint (count_gaps (&l.f, "low"), ==, 0);
  ladder_eos (&l);
  wait_eos (&l.f);
  ladder_clear (&l);
}

/* A GOP that is too long is cut in every rendition at the same picture. */
static void
test_long_gop (void)
{
  static const guint keyframes[] = { 50, 100, 400, 450, 500, 0 };
  Ladder l;
  begin (&l, 3, 20, 50, FALSE);
  l.keyframes = keyframes;
  ladder_run (&l, 560);
  for (guint i = 1; i < 3; i++) {
    g_assert_cmpuint (count_gaps (&l.f, l.rungs[i].name), ==, 0);
    g_assert_cmpuint (assert_aligned (&l.f, "top", l.rungs[i].name), >=, 9);
  }
  /* Nobody is told that each segment begins with a keyframe. */
  g_assert_false (contains (&l.f, "manifest.mpd", "startWithSAP=\"1\""));
  ladder_clear (&l);
}

/* The encoders put B-frames in: decoding times are shifted so that both begin
 * a segment at its presentation time. */
static void
test_b_frames (void)
{
  static const gint order[] = { 0, 3, 1, 2 };
  Ladder l;
  begin (&l, 2, 0, 100, FALSE);
  for (guint i = 0; i < 301; i++) {
    ladder_push_frame (&l, &l.rungs[0], i);
    GstBuffer *buffer = make_frame (i % 100 == 0, 700);
    GST_BUFFER_PTS (buffer) = (i / 4 * 4 + order[i % 4]) * FRAME_NS;
    GST_BUFFER_DTS (buffer) = i < 2 ? GST_CLOCK_TIME_NONE : (i - 2) * FRAME_NS;
    GST_BUFFER_DURATION (buffer) = FRAME_NS;
    g_assert_cmpint (gst_harness_push (l.rungs[1].harness, buffer), ==,
        GST_FLOW_OK);
  }
  ladder_eos (&l);
  wait_eos (&l.f);
  g_assert_cmpuint (count_gaps (&l.f, "mid"), ==, 0);
  g_autoptr (GArray) entries = read_playlist (&l.f, "top");
  g_assert_cmpuint (entries->len, >=, 3);
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = &g_array_index (entries, Entry, i);
    g_autoptr (MillBmffSegment) a = open_segment (&l.f, "top", entry);
    g_autoptr (MillBmffSegment) b = open_segment (&l.f, "mid", entry);
    g_assert_cmpuint (sample_of (a, 0).decode_time, ==,
        sample_of (b, 0).decode_time);
  }
  ladder_clear (&l);
}

/* ---- one is missing ---- */

/* The source's own rendition is listed at latest max-skew-ms after it has a
 * segment, whatever the rungs do. */
static void
test_skew (void)
{
  Ladder l;
  memset (&l, 0, sizeof l);
  fixture_init (&l.f, make_dir (), "mode", 1, "max-skew-ms", 600, NULL);
  ladder_init (&l, 3, 10);
  ladder_run (&l, 310);
  ladder_stop_rungs (&l);
  for (guint segment = 7; segment < 16; segment++) {
    ladder_run (&l, segment * 50 + 1 + 16);
    g_autoptr (GArray) entries = read_playlist (&l.f, "top");
    g_assert_cmpuint (entries->len, ==, segment);
  }
  g_assert_cmpuint (count_gaps (&l.f, "top"), ==, 0);
  ladder_clear (&l);
}

/* By default the wait is a second and the latency of the rungs; killed ones do
 * not add to it from segment to segment. */
static void
test_default_skew (void)
{
  Ladder l;
  begin (&l, 3, 40, 50, FALSE);
  ladder_run (&l, 310);
  ladder_stop_rungs (&l);
  for (guint segment = 7; segment < 16; segment++) {
    ladder_run (&l, segment * 50 + 1 + 25 + 42);
    g_autoptr (GArray) entries = read_playlist (&l.f, "top");
    g_assert_cmpuint (entries->len, >=, segment);
  }
  ladder_clear (&l);
}

static void
assert_gaps (Ladder *l, const gchar *name, ...)
{
  va_list args;
  g_autoptr (GArray) entries = read_playlist (&l->f, name);
  guint n = 0;
  va_start (args, name);
  for (gint gap = va_arg (args, gint); gap >= 0; gap = va_arg (args, gint)) {
    g_assert_cmpuint (entries->len, >, (guint) gap);
    g_assert_true (g_array_index (entries, Entry, gap).gap);
    n++;
  }
  va_end (args);
  g_assert_cmpuint (count_gaps (&l->f, name), ==, n);
}

/* The ladder's process is killed in the middle of a segment; its successor is
 * fed from the last keyframe of the source on. */
static void
test_killed (void)
{
  Ladder l;
  begin (&l, 4, 12, 50, TRUE);
  ladder_run (&l, 330);
  g_assert_true (has_state (&l.f, "mid live"));
  ladder_stop_rungs (&l);
  ladder_run (&l, 430);
  g_assert_true (has_state (&l.f, "mid late"));
  ladder_return_rungs (&l, 400);
  ladder_run (&l, 900);
  g_assert_cmpuint (count_gaps (&l.f, "top"), ==, 0);
  g_assert_cmpuint (count_gaps (&l.f, "a112"), ==, 0);
  for (guint i = 1; i < 4; i++) {
    assert_gaps (&l, l.rungs[i].name, 6, 7, -1);
    g_assert_cmpuint (assert_aligned (&l.f, "top", l.rungs[i].name), >=, 13);
    g_autofree gchar *playlist =
        g_build_filename (l.rungs[i].name, "playlist.m3u8", NULL);
    g_assert_cmpuint (count (&l.f, playlist, "EXT-X-MAP"), ==, 1);
    g_assert_false (contains (&l.f, playlist, "DISCONTINUITY"));
  }
  g_assert_true (has_state (&l.f, "mid live"));
  /* Without them, and with them again. */
  g_assert_cmpuint (count (&l.f, "manifest.mpd", "<Period "), ==, 3);
  g_assert_cmpuint (count (&l.f, "manifest.mpd", "<Representation id=\"mid\""),
      ==, 2);
  g_assert_cmpuint (count (&l.f, "manifest.mpd", "<Representation id=\"top\""),
      ==, 3);
  /* What happened is no reason to say that keyframes do not fit. */
  g_assert_null (gst_bus_pop_filtered (l.f.bus, GST_MESSAGE_WARNING));
  ladder_eos (&l);
  wait_eos (&l.f);
  ladder_clear (&l);
}

/* It is back before anybody has missed it: it sends again what it had sent. */
static void
test_killed_briefly (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, FALSE);
  ladder_run (&l, 330);
  ladder_stop_rungs (&l);
  ladder_run (&l, 345);
  ladder_return_rungs (&l, 300);
  ladder_run (&l, 700);
  for (guint i = 1; i < 3; i++) {
    g_assert_cmpuint (count_gaps (&l.f, l.rungs[i].name), ==, 0);
    g_assert_cmpuint (assert_aligned (&l.f, "top", l.rungs[i].name), >=, 12);
    g_autoptr (MillBmffSegment) again =
        open_segment (&l.f, l.rungs[i].name, &(Entry){ .uri = "1-6.m4s" });
    g_assert_cmpuint (again->samples->len, ==, 50);
    for (guint k = 0; k < 50; k++)
      g_assert_cmpuint (sample_of (again, k).decode_time, ==, (300 + k) * 3600);
  }
  ladder_clear (&l);
}

/* The link to the ladder lost frames: only that segment is missing. */
static void
test_hole (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, FALSE);
  ladder_run (&l, 330);
  l.rungs[1].next = 350;
  l.rungs[1].discont = TRUE;
  ladder_run (&l, 700);
  assert_gaps (&l, "mid", 6, -1);
  assert_gaps (&l, "low", -1);
  assert_gaps (&l, "top", -1);
  assert_aligned (&l.f, "top", "mid");
  ladder_clear (&l);
}

/* It leaves what new players read after three target durations. */
static void
test_gone (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, TRUE);
  ladder_run (&l, 310);
  ladder_stop_rungs (&l);
  ladder_run (&l, 400);
  g_assert_true (contains (&l.f, "master.m3u8", "mid/playlist.m3u8"));
  ladder_run (&l, 600);
  g_assert_true (has_state (&l.f, "mid gone"));
  g_assert_false (contains (&l.f, "master.m3u8", "mid/playlist.m3u8"));
  g_assert_true (contains (&l.f, "master.m3u8", "top/playlist.m3u8"));
  g_autoptr (GArray) top = read_playlist (&l.f, "top");
  g_autoptr (GArray) mid = read_playlist (&l.f, "mid");
  g_assert_cmpuint (top->len, ==, mid->len);
  /* Its running time does not begin with its buffers: time stamps of an encoder
   * that starts at 1000 h, with a segment that says so. */
  ladder_return_rungs (&l, 600);
  for (guint i = 1; i < 3; i++) {
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.start = 3600000 * GST_SECOND;
    gst_harness_push_event (l.rungs[i].harness,
        gst_event_new_segment (&segment));
  }
  for (guint i = 600; i < 850; i++) {
    ladder_push_frame (&l, &l.rungs[0], i);
    for (guint k = 1; k < 3 && i >= 620; k++) {
      GstBuffer *buffer = make_frame (ladder_is_keyframe (&l, i - 20), 500);
      GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = 3600000 * GST_SECOND +
          (i - 20) * FRAME_NS;
      if (i == 620)
        GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
      gst_harness_push (l.rungs[k].harness, buffer);
    }
  }
  g_assert_true (has_state (&l.f, "mid live"));
  g_assert_true (contains (&l.f, "master.m3u8", "mid/playlist.m3u8"));
  g_assert_cmpuint (assert_aligned (&l.f, "top", "mid"), >=, 9);
  ladder_clear (&l);
}

/* Planned, and never there: the others are listed when the time is over. */
static void
test_never_comes (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, FALSE);
  l.rungs[2].away = TRUE;
  ladder_run (&l, 70);
  g_assert_false (exists (&l.f, "master.m3u8"));
  ladder_run (&l, 200);
  g_assert_true (contains (&l.f, "master.m3u8", "top/playlist.m3u8"));
  g_assert_true (contains (&l.f, "master.m3u8", "mid/playlist.m3u8"));
  g_assert_false (contains (&l.f, "master.m3u8", "low"));
  g_assert_cmpuint (count_gaps (&l.f, "mid"), ==, 0);
  /* It does not keep the stream from ending either. */
  ladder_eos (&l);
  wait_eos (&l.f);
  g_assert_true (contains (&l.f, "top/playlist.m3u8", "ENDLIST"));
  ladder_clear (&l);
}

/* The first time it comes is long after the others have begun. */
static void
test_late (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, TRUE);
  ladder_stop_rungs (&l);
  ladder_run (&l, 320);
  g_assert_false (contains (&l.f, "master.m3u8", "mid"));
  ladder_return_rungs (&l, 300);
  ladder_run (&l, 700);
  g_assert_true (contains (&l.f, "master.m3u8", "mid/playlist.m3u8"));
  assert_gaps (&l, "mid", 0, 1, 2, 3, 4, 5, -1);
  g_assert_cmpuint (assert_aligned (&l.f, "top", "mid"), >=, 7);
  g_assert_cmpuint (count (&l.f, "manifest.mpd", "<Period "), ==, 2);
  ladder_clear (&l);
}

/* The rungs end, the source goes on. */
static void
test_one_ends (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, TRUE);
  ladder_run (&l, 330);
  gst_harness_push_event (l.rungs[1].harness, gst_event_new_eos ());
  l.rungs[1].away = TRUE;
  ladder_run (&l, 620);
  g_assert_true (has_state (&l.f, "mid gone"));
  g_assert_cmpuint (count_gaps (&l.f, "top"), ==, 0);
  g_assert_cmpuint (count_gaps (&l.f, "low"), ==, 0);
  g_assert_false (contains (&l.f, "top/playlist.m3u8", "ENDLIST"));
  ladder_eos (&l);
  wait_eos (&l.f);
  ladder_clear (&l);
}

/* The source ends while the ladder is dead, which therefore says nothing. */
static void
test_end_without_ladder (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, TRUE);
  ladder_run (&l, 330);
  ladder_stop_rungs (&l);
  ladder_run (&l, 420);
  ladder_eos (&l);
  wait_eos (&l.f);
  g_assert_true (contains (&l.f, "mid/playlist.m3u8", "ENDLIST"));
  ladder_clear (&l);
}

/* Encoders that look far ahead empty themselves one after the other when the
 * source ends: what the first gives at once is no time that the others are
 * late. */
static void
test_long_look_ahead (void)
{
  Ladder l;
  begin (&l, 4, 60, 50, TRUE);
  ladder_run (&l, 475);
  for (guint i = 0; i < 4; i++) {
    Rung *rung = &l.rungs[i];
    for (; rung->next < l.now; rung->next++)
      g_assert_cmpint (ladder_push_frame (&l, rung, rung->next), ==,
          GST_FLOW_OK);
    gst_harness_push_event (rung->harness, gst_event_new_eos ());
    if (i == 0)
      gst_harness_push_event (l.f.audio, gst_event_new_eos ());
  }
  wait_eos (&l.f);
  for (guint i = 0; i < 4; i++) {
    g_assert_cmpuint (count_gaps (&l.f, l.rungs[i].name), ==, 0);
    g_assert_cmpuint (assert_aligned (&l.f, "top", l.rungs[i].name), ==, 10);
  }
  ladder_clear (&l);
}

/* @bandwidth of the Representation with the id @name in the last MPD */
static guint64
get_bandwidth (Fixture *f, const gchar *name)
{
  g_autofree gchar *mpd = read_text (f, "manifest.mpd");
  g_autofree gchar *pattern = g_strdup_printf (
      "<Representation [^>]*id=\"%s\"[^>]*bandwidth=\"([0-9]+)\"", name);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_assert_true (g_regex_match (regex, mpd, 0, &match));
  g_autofree gchar *number = g_match_info_fetch (match, 1);
  return g_ascii_strtoull (number, NULL, 10);
}

/* A rung that comes to need more bits than the next one would have another
 * place in the order of a new MPD, where dash.js stops fetching. */
static void
test_order_of_bit_rates (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, TRUE);
  ladder_run (&l, 330);
  g_assert_cmpuint (get_bandwidth (&l.f, "low"), <,
      get_bandwidth (&l.f, "mid"));
  g_assert_cmpuint (get_bandwidth (&l.f, "mid"), <,
      get_bandwidth (&l.f, "top"));
  l.rungs[2].size = 4000;
  ladder_run (&l, 630);
  guint64 needed = get_bandwidth (&l.f, "low");
  g_assert_cmpuint (needed, >=, 4000 * 8 * 25);
  g_assert_cmpuint (needed, <, get_bandwidth (&l.f, "mid"));
  g_assert_cmpuint (get_bandwidth (&l.f, "mid"), <,
      get_bandwidth (&l.f, "top"));
  l.rungs[2].size = 500;
  ladder_run (&l, 1030);
  g_assert_cmpuint (get_bandwidth (&l.f, "low"), ==, needed);
  ladder_eos (&l);
  wait_eos (&l.f);
  ladder_clear (&l);
}

/* ---- changes ---- */

/* The ladder is back with other parameter sets: the encoding of the stream has
 * changed, in all playlists at once. */
static void
test_other_encoding (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, TRUE);
  ladder_run (&l, 330);
  ladder_stop_rungs (&l);
  ladder_run (&l, 430);
  guint8 other[sizeof avcc];
  memcpy (other, avcc, sizeof avcc);
  other[sizeof avcc - 6] ^= 1; /* in the PPS */
  for (guint i = 1; i < 3; i++)
    gst_harness_set_src_caps (l.rungs[i].harness,
        make_caps ("video/x-h264, stream-format=avc, alignment=au", other,
            sizeof other));
  ladder_return_rungs (&l, 400);
  ladder_run (&l, 800);
  static const gchar *const names[] = { "top", "mid", "low", "a112" };
  for (guint i = 0; i < 4; i++) {
    g_autofree gchar *name = g_build_filename (names[i], "playlist.m3u8", NULL);
    g_assert_cmpuint (count (&l.f, name, "#EXT-X-DISCONTINUITY\n"), ==, 1);
  }
  g_assert_cmpuint (count_gaps (&l.f, "top"), ==, 0);
  g_assert_cmpuint (assert_aligned (&l.f, "top", "mid"), >=, 10);
  g_assert_true (has_state (&l.f, "mid live"));
  ladder_clear (&l);
}

/* The publisher is away and back; the ladder still has some of before. */
static void
test_reconnect (void)
{
  Ladder l;
  begin (&l, 3, 20, 50, FALSE);
  ladder_run (&l, 330);
  /* The source, at frame 330, goes on with a keyframe at 600, which pushes what
   * the encoders still have out of them. */
  l.rungs[0].discont = TRUE;
  for (guint i = 0; i < 20; i++)
    for (guint k = 0; k < 3; k++)
      ladder_push_frame (&l, &l.rungs[k], k == 0 ? 600 + i : 310 + i);
  for (guint k = 0; k < 3; k++) {
    l.rungs[k].next = k == 0 ? 620 : 600;
    l.rungs[k].discont = k > 0;
  }
  l.now = 620;
  ladder_run (&l, 900);
  for (guint k = 0; k < 3; k++) {
    g_autofree gchar *name =
        g_build_filename (l.rungs[k].name, "playlist.m3u8", NULL);
    g_assert_cmpuint (count (&l.f, name, "#EXT-X-DISCONTINUITY\n"), ==, 1);
    g_assert_cmpuint (count_gaps (&l.f, l.rungs[k].name), ==, 0);
    g_assert_cmpuint (assert_aligned (&l.f, "top", l.rungs[k].name), >=, 11);
  }
  ladder_clear (&l);
}

/* The packager is restarted; the ladder's frames come first. */
static void
test_packager_restart (void)
{
  Ladder l;
  begin (&l, 3, 12, 50, FALSE);
  gchar *dir = l.f.dir;
  ladder_run (&l, 330);
  l.f.dir = NULL;
  ladder_clear (&l);

  memset (&l, 0, sizeof l);
  l.gop = 50;
  fixture_init (&l.f, dir, "mode", 1, NULL);
  ladder_init (&l, 3, 12);
  for (guint i = 0; i < 3; i++)
    l.rungs[i].next = 350;
  for (guint i = 350; i < 360; i++)
    for (guint k = 1; k < 3; k++)
      ladder_push_frame (&l, &l.rungs[k], i);
  l.rungs[1].next = l.rungs[2].next = 360;
  l.now = 350;
  ladder_run (&l, 700);
  for (guint k = 0; k < 3; k++) {
    g_autofree gchar *name =
        g_build_filename (l.rungs[k].name, "playlist.m3u8", NULL);
    g_assert_cmpuint (count (&l.f, name, "#EXT-X-DISCONTINUITY\n"), ==, 1);
    g_assert_true (contains (&l.f, name, "\n1-0.m4s"));
    g_assert_true (contains (&l.f, name, "\n2-7.m4s"));
    g_assert_cmpuint (count_gaps (&l.f, l.rungs[k].name), ==, 0);
    g_assert_cmpuint (assert_aligned (&l.f, "top", l.rungs[k].name), >=, 10);
  }
  ladder_clear (&l);
}

/* ---- parts ---- */

/* A rung that is behind is written part by part all the same. */
static void
test_parts (void)
{
  Ladder l;
  memset (&l, 0, sizeof l);
  fixture_init (&l.f, make_dir (), "mode", 1, "part-duration-ms", 200, NULL);
  ladder_init (&l, 3, 15);
  ladder_run (&l, 355);
  g_assert_true (contains (&l.f, "live.index", "top 1 6 9 "));
  g_assert_true (contains (&l.f, "live.index", "mid 1 6 6 "));
  g_assert_false (contains (&l.f, "live.index", "mid 1 6 9 "));
  ladder_run (&l, 500);
  g_assert_cmpuint (count_gaps (&l.f, "mid"), ==, 0);
  g_assert_cmpuint (assert_aligned (&l.f, "top", "mid"), >=, 8);
  ladder_clear (&l);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func) g_test_add_func ("/cmafsink/rungs/" name, func)
  TEST ("latency", test_latency);
  TEST ("irregular", test_irregular);
  TEST ("long-gop", test_long_gop);
  TEST ("b-frames", test_b_frames);
  TEST ("skew", test_skew);
  TEST ("default-skew", test_default_skew);
  TEST ("killed", test_killed);
  TEST ("killed-briefly", test_killed_briefly);
  TEST ("hole", test_hole);
  TEST ("gone", test_gone);
  TEST ("never-comes", test_never_comes);
  TEST ("late", test_late);
  TEST ("one-ends", test_one_ends);
  TEST ("end-without-ladder", test_end_without_ladder);
  TEST ("long-look-ahead", test_long_look_ahead);
  TEST ("order-of-bit-rates", test_order_of_bit_rates);
  TEST ("other-encoding", test_other_encoding);
  TEST ("reconnect", test_reconnect);
  TEST ("packager-restart", test_packager_restart);
  TEST ("parts", test_parts);
  const gint failed = g_test_run ();
  gst_deinit ();
  return failed;
}
