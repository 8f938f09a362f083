/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: segments of twice the length, cuts at pictures that
 * cannot be decoded alone, sound that drifts away from the picture. */
#include "cmaf-counting.h"
#include "cmaf-timeline.h"
#include "cmaf-track.h"

#define SEGMENT (2 * GST_SECOND)
#define MS GST_MSECOND

static MillCmafDecision
offer (MillCmafTimeline *timeline, GstClockTimeDiff time, gboolean sync)
{
  return mill_cmaf_timeline_offer (timeline, time, 40 * MS, sync,
      mill_cmaf_timeline_get_video_slack (timeline));
}

/* ---- timeline ---- */

static void
test_cuts (void)
{
  g_autoptr (MillCmafTimeline) timeline =
      mill_cmaf_timeline_new (SEGMENT, 3, 17);
  g_assert_cmpint (offer (timeline, 0, FALSE), ==, MILL_CMAF_GO_ON);
  g_assert_cmpint (offer (timeline, 0, TRUE), ==, MILL_CMAF_CUT_HERE);
  mill_cmaf_timeline_set_wall (timeline, 1000000);
  mill_cmaf_timeline_cut (timeline, 0, 0, MILL_CMAF_CUT_NONE);
  /* 5 % before the duration, and not a millisecond earlier. */
  g_assert_cmpint (offer (timeline, 1899 * MS, TRUE), ==, MILL_CMAF_GO_ON);
  g_assert_cmpint (offer (timeline, 1900 * MS, TRUE), ==, MILL_CMAF_CUT_HERE);
  g_assert_cmpint (offer (timeline, 5000 * MS, FALSE), ==, MILL_CMAF_GO_ON);
  const MillCmafCut *cut = mill_cmaf_timeline_cut (timeline, 2000 * MS,
      2000 * MS, MILL_CMAF_CUT_NONE);
  g_assert_cmpuint (cut->number, ==, 18);
  g_assert_cmpuint (cut->generation, ==, 3);
  g_assert_cmpint (cut->wall_us, ==, 3000000);
  g_assert_false (GST_CLOCK_STIME_IS_VALID (cut->end));
  cut = mill_cmaf_timeline_find (timeline, 17);
  g_assert_cmpint (cut->end, ==, 2000 * MS);
  mill_cmaf_timeline_retire (timeline, 18);
  g_assert_null (mill_cmaf_timeline_find (timeline, 17));
  g_assert_cmpuint (mill_cmaf_timeline_at (timeline, 0)->number, ==, 18);
}

/* Dates nobody was told of yet move, and those to come with them. */
static void
test_shift_wall (void)
{
  g_autoptr (MillCmafTimeline) timeline =
      mill_cmaf_timeline_new (SEGMENT, 1, 0);
  mill_cmaf_timeline_set_wall (timeline, 9000000);
  for (guint i = 0; i < 3; i++)
    mill_cmaf_timeline_cut (timeline, i * SEGMENT, i * SEGMENT,
        MILL_CMAF_CUT_NONE);
  mill_cmaf_timeline_shift_wall (timeline, 1, -1500000);
  g_assert_cmpint (mill_cmaf_timeline_find (timeline, 0)->wall_us, ==, 9000000);
  g_assert_cmpint (mill_cmaf_timeline_find (timeline, 1)->wall_us, ==, 9500000);
  g_assert_cmpint (mill_cmaf_timeline_find (timeline, 2)->wall_us, ==,
      11500000);
  g_assert_cmpint (mill_cmaf_timeline_get_wall (timeline), ==, 7500000);
  g_assert_cmpint (mill_cmaf_timeline_cut (timeline, 3 * SEGMENT, 3 * SEGMENT,
                       MILL_CMAF_CUT_DISCONTINUITY)
                       ->wall_us,
      ==, 13500000);
}

static void
test_long_gop (void)
{
  g_autoptr (MillCmafTimeline) timeline =
      mill_cmaf_timeline_new (SEGMENT, 1, 0);
  mill_cmaf_timeline_cut (timeline, 0, 0, MILL_CMAF_CUT_NONE);
  mill_cmaf_timeline_set_limit (timeline, 2499 * MS);
  g_assert_cmpint (offer (timeline, 2440 * MS, FALSE), ==, MILL_CMAF_GO_ON);
  g_assert_cmpint (offer (timeline, 2480 * MS, FALSE), ==,
      MILL_CMAF_CUT_LONG_GOP);
  g_assert_cmpint (offer (timeline, 2480 * MS, TRUE), ==, MILL_CMAF_CUT_HERE);
}

static void
test_absence (void)
{
  g_autoptr (MillCmafTimeline) timeline =
      mill_cmaf_timeline_new (SEGMENT, 1, 0);
  mill_cmaf_timeline_cut (timeline, 0, 0, MILL_CMAF_CUT_NONE);
  mill_cmaf_timeline_finish (timeline, 1200 * MS);
  mill_cmaf_timeline_break (timeline);
  const MillCmafCut *cut = mill_cmaf_timeline_cut (timeline, 9000 * MS,
      9000 * MS, MILL_CMAF_CUT_NONE);
  g_assert_cmpint (cut->flags, ==, MILL_CMAF_CUT_DISCONTINUITY);
  g_assert_cmpint (mill_cmaf_timeline_find (timeline, 0)->end, ==, 1200 * MS);
  /* One, and no more. */
  cut = mill_cmaf_timeline_cut (timeline, 11000 * MS, 11000 * MS,
      MILL_CMAF_CUT_NONE);
  g_assert_cmpint (cut->flags, ==, MILL_CMAF_CUT_NONE);
}

/* Whoever takes over, and is behind, does not cut before the last cut, not even
 * for a new generation. */
static void
test_never_back (void)
{
  g_autoptr (MillCmafTimeline) timeline =
      mill_cmaf_timeline_new (SEGMENT, 1, 0);
  mill_cmaf_timeline_cut (timeline, 0, 0, MILL_CMAF_CUT_NONE);
  mill_cmaf_timeline_cut (timeline, 2000 * MS, 2000 * MS, MILL_CMAF_CUT_NONE);
  mill_cmaf_timeline_set_generation (timeline, 2);
  g_assert_cmpint (mill_cmaf_timeline_offer (timeline, 500 * MS, 0, TRUE, 0),
      ==, MILL_CMAF_GO_ON);
  g_assert_cmpint (mill_cmaf_timeline_offer (timeline, 2000 * MS, 0, TRUE, 0),
      ==, MILL_CMAF_GO_ON);
  g_assert_cmpint (mill_cmaf_timeline_offer (timeline, 2040 * MS, 0, TRUE, 0),
      ==, MILL_CMAF_CUT_HERE);
  mill_cmaf_timeline_finish (timeline, 2100 * MS);
  g_assert_cmpint (mill_cmaf_timeline_offer (timeline, 500 * MS, 0, TRUE, 0),
      ==, MILL_CMAF_GO_ON);
}

static void
test_negative_begin (void)
{
  g_autoptr (MillCmafTimeline) timeline =
      mill_cmaf_timeline_new (SEGMENT, 1, 0);
  const MillCmafCut *cut = mill_cmaf_timeline_cut (timeline, -80 * (gint64) MS,
      0, MILL_CMAF_CUT_NONE);
  g_assert_cmpint (cut->media_start, ==, 0);
  cut = mill_cmaf_timeline_cut (timeline, 2000 * MS, 2000 * MS,
      MILL_CMAF_CUT_NONE);
  g_assert_cmpint (cut->media_start, ==, 2080 * MS);
}

static void
test_ticks (void)
{
  static const struct
  {
    GstClockTimeDiff time;
    guint timescale;
    gint64 ticks;
  } cases[] = {
    { 0, 90000, 0 },
    { 33366667, 90000, 3003 }, /* 30000/1001 fps */
    { -21333333, 48000, -1024 },
    { 3600 * (gint64) GST_SECOND, 90000, 324000000 },
    /* a thousand hours, as x264enc adds them */
    { 3600000 * (gint64) GST_SECOND, 90000, G_GINT64_CONSTANT (324000000000) },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_assert_cmpint (mill_cmaf_timeline_to_ticks (cases[i].time,
                         cases[i].timescale),
        ==, cases[i].ticks);
    GstClockTimeDiff back =
        mill_cmaf_timeline_to_ns (cases[i].ticks, cases[i].timescale);
    g_assert_cmpint (mill_cmaf_timeline_to_ticks (back, cases[i].timescale), ==,
        cases[i].ticks);
  }
}

/* ---- track ---- */

static MillCmafPush
push (MillCmafTrack *track, GstClockTimeDiff pts, GstClockTimeDiff dts,
    gboolean sync, gboolean discont)
{
  MillCmafInput input = {
    .pts = pts,
    .dts = dts,
    .duration = GST_CLOCK_TIME_NONE,
    .size = 10,
    .sync = sync,
    .discont = discont,
  };
  return mill_cmaf_track_push (track, &input,
      gst_allocator_alloc (NULL, 10, NULL));
}

/* RTMP stamps are whole milliseconds: an hour of them must not drift, and no
 * two frames may be anything but 1024 samples apart. */
static void
test_audio_of_milliseconds (void)
{
  static const guint rates[] = { 44100, 48000, 22050, 96000 };
  for (guint r = 0; r < G_N_ELEMENTS (rates); r++) {
    g_autoptr (MillCmafTrack) track =
        mill_cmaf_track_new (MILL_CMAF_AUDIO, rates[r], 1024);
    guint frames = 3600 * rates[r] / 1024;
    for (guint i = 0; i < frames; i++) {
      guint64 ms = gst_util_uint64_scale (i, 1024 * 1000, rates[r]);
      g_assert_cmpint (push (track, (GstClockTimeDiff) (ms * MS),
                           GST_CLOCK_STIME_NONE, TRUE, FALSE),
          ==, MILL_CMAF_QUEUED);
      guint last = mill_cmaf_track_get_length (track) - 1;
      g_assert_cmpint (mill_cmaf_track_peek (track, last)->dts, ==, i * 1024);
      if (last > 100)
        mill_cmaf_track_drop (track, 50);
    }
  }
}

/* A frame that is missing stays missing: what follows is not moved forward. */
static void
test_audio_loss (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_AUDIO, 48000, 1024);
  MillCmafTaken taken;
  mill_cmaf_track_init_taken (&taken);
  for (guint i = 0; i < 10; i++)
    if (i != 5)
      push (track,
          (GstClockTimeDiff) gst_util_uint64_scale (i, 1024 * GST_SECOND,
              48000),
          GST_CLOCK_STIME_NONE, TRUE, FALSE);
  g_assert_cmpint (mill_cmaf_track_peek (track, 8)->dts, ==, 9 * 1024);
  mill_cmaf_track_take (track, 9, &taken);
  g_assert_cmpuint (taken.duration, ==, 10 * 1024);
  mill_cmaf_track_clear_taken (&taken);
}

/* A source whose clock is 100 ppm fast is followed, in small steps. */
static void
test_audio_drift (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_AUDIO, 48000, 1024);
  for (gint64 i = 0; i < 100000; i++) {
    gint64 stamp = mill_cmaf_timeline_to_ns (i * 1024, 48000);
    stamp -= stamp / 10000;
    push (track, stamp, GST_CLOCK_STIME_NONE, TRUE, FALSE);
    guint last = mill_cmaf_track_get_length (track) - 1;
    gint64 error = mill_cmaf_track_peek (track, last)->dts -
        mill_cmaf_timeline_to_ticks (stamp, 48000);
    g_assert_cmpint (ABS (error), <=, 512);
    if (last > 0)
      g_assert_cmpint (mill_cmaf_track_peek (track, last)->dts, >,
          mill_cmaf_track_peek (track, last - 1)->dts);
    if (last > 100)
      mill_cmaf_track_drop (track, 50);
  }
}

static void
test_video_of_variable_rate (void)
{
  static const gint64 stamps[] = { 0, 10, 50, 51, 400, 1000, 1001 };
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_VIDEO, 90000, 0);
  MillCmafTaken taken;
  mill_cmaf_track_init_taken (&taken);
  for (guint i = 0; i < G_N_ELEMENTS (stamps); i++)
    push (track, stamps[i] * (gint64) MS, stamps[i] * (gint64) MS, i == 0,
        FALSE);
  mill_cmaf_track_take (track, G_N_ELEMENTS (stamps) - 1, &taken);
  gint64 time = 0;
  for (guint i = 0; i < taken.samples->len; i++) {
    g_assert_cmpint (time, ==, stamps[i] * 90);
    time += g_array_index (taken.samples, MillBmffSample, i).duration;
  }
  g_assert_cmpuint (taken.duration, ==, 1001 * 90);
  mill_cmaf_track_clear_taken (&taken);
}

/* The delay between decoding and presentation shrinks at an IDR: frames before
 * it are moved closer, none is lost, nothing overlaps. */
static void
test_video_delay_changes (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_VIDEO, 90000, 0);
  gint64 frame = 40 * (gint64) MS;
  for (gint64 i = 0; i < 5; i++)
    push (track, (i + 2) * frame, i * frame, i == 0, FALSE);
  g_assert_cmpint (mill_cmaf_track_get_delay (track), ==, 7200);
  /* Presented 30 ms after the fifth frame is decoded in our time. */
  push (track, 5 * frame, 5 * frame, TRUE, FALSE);
  g_assert_cmpuint (mill_cmaf_track_get_length (track), ==, 6);
  g_assert_cmpint (mill_cmaf_track_peek (track, 5)->dts, ==, 5 * 3600);
  for (guint i = 1; i < 6; i++)
    g_assert_cmpint (mill_cmaf_track_peek (track, i)->dts, >,
        mill_cmaf_track_peek (track, i - 1)->dts);
}

static void
test_video_absence (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_VIDEO, 90000, 0);
  g_assert_cmpint (push (track, 0, 0, FALSE, TRUE), ==, MILL_CMAF_DROPPED);
  g_assert_cmpint (push (track, 0, 0, TRUE, TRUE), ==, MILL_CMAF_QUEUED);
  /* A discontinuity without a jump is none. */
  g_assert_cmpint (push (track, 40 * MS, 40 * MS, FALSE, TRUE), ==,
      MILL_CMAF_QUEUED);
  g_assert_cmpint (push (track, 5000 * MS, 5000 * MS, FALSE, TRUE), ==,
      MILL_CMAF_LOST);
  g_assert_cmpint (push (track, 5040 * MS, 5040 * MS, FALSE, FALSE), ==,
      MILL_CMAF_DROPPED);
  g_assert_cmpint (push (track, 5080 * MS, 5080 * MS, TRUE, FALSE), ==,
      MILL_CMAF_QUEUED);
  g_assert_cmpuint (mill_cmaf_track_get_length (track), ==, 3);
}

/* A publisher that is back within a fraction of a second begins another take:
 * its pictures must not continue the segment of the one before. */
static void
test_video_short_absence (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_VIDEO, 90000, 0);
  push (track, 0, 0, TRUE, TRUE);
  push (track, 40 * MS, 40 * MS, FALSE, FALSE);
  g_assert_cmpint (push (track, 240 * MS, 240 * MS, TRUE, TRUE), ==,
      MILL_CMAF_QUEUED);
  g_assert_true (mill_cmaf_track_peek (track, 2)->flags &
      MILL_CMAF_SAMPLE_JUMP);
}

/* An encoder that was started again is fed from the last keyframe on: what is
 * not written yet is replaced, what is written is not written again. */
static void
test_video_repeated (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_VIDEO, 90000, 0);
  MillCmafTaken taken;
  mill_cmaf_track_init_taken (&taken);
  for (gint64 i = 0; i < 60; i++)
    push (track, i * 40 * MS, i * 40 * MS, i % 25 == 0, FALSE);
  mill_cmaf_track_take (track, 30, &taken);
  /* Into what is written: dropped, up to a keyframe that is not. */
  for (gint64 i = 25; i < 50; i++)
    g_assert_cmpint (push (track, i * 40 * MS, i * 40 * MS, i % 25 == 0,
                         i == 25),
        ==, MILL_CMAF_DROPPED);
  g_assert_cmpuint (mill_cmaf_track_get_length (track), ==, 30);
  for (gint64 i = 50; i < 55; i++)
    g_assert_cmpint (push (track, i * 40 * MS, i * 40 * MS, i % 25 == 0, FALSE),
        ==, MILL_CMAF_QUEUED);
  g_assert_cmpuint (mill_cmaf_track_get_length (track), ==, 25);
  for (guint i = 0; i < 25; i++) {
    const MillCmafSample *sample = mill_cmaf_track_peek (track, i);
    g_assert_cmpint (sample->dts, ==, (30 + i) * 3600);
    g_assert_false (sample->flags & MILL_CMAF_SAMPLE_JUMP);
  }
  g_assert_cmpuint (mill_cmaf_track_get_queued_bytes (track), ==, 250);
  mill_cmaf_track_clear_taken (&taken);
}

static void
test_audio_repeated (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_AUDIO, 48000, 1024);
  GstClockTimeDiff frame = 1024 * GST_SECOND / 48000;
  for (gint64 i = 0; i < 50; i++)
    push (track, i * frame, i * frame, TRUE, FALSE);
  for (gint64 i = 20; i < 60; i++)
    g_assert_cmpint (push (track, i * frame, i * frame, TRUE, i == 20), ==,
        i < 50 ? MILL_CMAF_DROPPED : MILL_CMAF_QUEUED);
  g_assert_cmpuint (mill_cmaf_track_get_length (track), ==, 60);
  for (guint i = 0; i < 60; i++)
    g_assert_cmpint (mill_cmaf_track_peek (track, i)->dts, ==, i * 1024);
}

/* Stamps of one picture that were rounded in two ways are one integer. */
static void
test_keyframe_of_picture (void)
{
  g_autoptr (MillCmafTrack) track =
      mill_cmaf_track_new (MILL_CMAF_VIDEO, 90000, 0);
  push (track, 0, 0, TRUE, FALSE);
  push (track, 33 * MS, 33 * MS, FALSE, FALSE);
  push (track, 67 * MS, 67 * MS, TRUE, FALSE);
  g_assert_cmpint (mill_cmaf_track_find_keyframe (track, 6000), ==, 2);
  g_assert_cmpint (mill_cmaf_track_peek (track, 2)->dts, ==, 6000);
  g_assert_cmpint (mill_cmaf_track_peek (track, 2)->pts, ==, 6000);
  g_assert_cmpint (mill_cmaf_track_find_keyframe (track, 3000), ==, -1);
  g_assert_cmpint (mill_cmaf_track_find_after (track, 3000), ==, 1);
  g_assert_true (mill_cmaf_track_has_passed (track, 5000));
  g_assert_false (mill_cmaf_track_has_passed (track, 6000));
}

/* ---- counting ---- */

typedef struct
{
  const gchar *name;
  const gchar *lengths; /* ms; "*n" repeats the one before */
  const gchar *periods; /* of them: after which a Period is begun */
} Count;

static const Count counts[] = {
  { "regular", "2000*20", "" },
  { "in-ms", "1001 1000 1001 1001 1000 1001*20", "" },
  { "no-whole-frames", "2002 1968 2002 1968 2002 1968 2002 1968", "" },
  /* Two that are alike are what a length is told from. */
  { "one-short", "2000*3 1200 2000*4", "5" },
  { "one-long", "1000*3 1400 1000*4", "5" },
  { "little", "1000*3 1150 1000*9", "" },
  { "adds-up", "1000*3 1150 1000*3 1150 1000*4", "9" },
  { "first", "700 1000*5", "2" },
  { "other-length", "1000*3 2000*5", "4" },
  /* No Period for each of them. */
  { "again", "1000*3 1400 1000*2 1400 1000*2 1400 1000*9", "5 13" },
  { "never", "1000 1400 1900 1300 1700 1000 1500 1200 1800", "" },
};

static void
test_counting (gconstpointer data)
{
  const Count *count = data;
  g_auto (GStrv) lengths = g_strsplit (count->lengths, " ", -1);
  g_autoptr (GString) begun = g_string_new (NULL);
  MillCmafCounting counting = { 0 };
  guint n = 0;
  mill_cmaf_counting_begin (&counting);
  for (guint i = 0; lengths[i] != NULL; i++) {
    gchar *end;
    GstClockTimeDiff length =
        (GstClockTimeDiff) g_ascii_strtoull (lengths[i], &end, 10);
    guint times = *end == '*' ? (guint) atoi (end + 1) : 1;
    for (; times > 0; times--, n++) {
      if (!mill_cmaf_counting_add (&counting, length * MS))
        continue;
      mill_cmaf_counting_begin (&counting);
      g_string_append_printf (begun, "%s%u", begun->len > 0 ? " " : "", n);
    }
  }
  g_assert_cmpstr (begun->str, ==, count->periods);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmaf/timeline/cuts", test_cuts);
  g_test_add_func ("/cmaf/timeline/shift-wall", test_shift_wall);
  g_test_add_func ("/cmaf/timeline/long-gop", test_long_gop);
  g_test_add_func ("/cmaf/timeline/absence", test_absence);
  g_test_add_func ("/cmaf/timeline/never-back", test_never_back);
  g_test_add_func ("/cmaf/timeline/negative-begin", test_negative_begin);
  g_test_add_func ("/cmaf/timeline/ticks", test_ticks);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    g_autofree gchar *name =
        g_strdup_printf ("/cmaf/counting/%s", counts[i].name);
    g_test_add_data_func (name, &counts[i], test_counting);
  }
  g_test_add_func ("/cmaf/track/audio-of-milliseconds",
      test_audio_of_milliseconds);
  g_test_add_func ("/cmaf/track/audio-loss", test_audio_loss);
  g_test_add_func ("/cmaf/track/audio-drift", test_audio_drift);
  g_test_add_func ("/cmaf/track/video-of-variable-rate",
      test_video_of_variable_rate);
  g_test_add_func ("/cmaf/track/video-delay-changes", test_video_delay_changes);
  g_test_add_func ("/cmaf/track/video-absence", test_video_absence);
  g_test_add_func ("/cmaf/track/video-short-absence", test_video_short_absence);
  g_test_add_func ("/cmaf/track/video-repeated", test_video_repeated);
  g_test_add_func ("/cmaf/track/audio-repeated", test_audio_repeated);
  g_test_add_func ("/cmaf/track/keyframe-of-picture", test_keyframe_of_picture);
  return g_test_run ();
}
