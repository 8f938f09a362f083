/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What an operator is told about a publisher, of publishers that do each thing
 * wrong: a fault here is a warning that is not true, or one that never comes. */
#include "rtmp-arrival.h"
#include "rtmp-health.h"

#include <string.h>

#define FPS 25
#define FRAME_US (G_USEC_PER_SEC / FPS)
#define AUDIO_US 20000 /* of Opus; whole milliseconds */

/** A publisher, by what it does in the next seconds. */
typedef struct
{
  MillRtmpHealth *health;
  gint64 now_us; /* monotonic */
  gint64 media_us; /* of its clock */
  guint frame;
  guint gop; /* frames between keyframes */
  gint64 last_video_us; /* of its clock */
  gint64 last_audio_us;

  gboolean sends_video;
  gboolean sends_audio;
  guint every; /* sends each such frame */
  gint64 speed; /* seconds of media in one */
  guint frame_bytes;
  gint64 audio_late_us; /* behind the picture of its time */
  gint64 slow_us; /* that each second falls behind */
  gint32 composition_ms; /* of every other frame */
  guint repairs;
  gboolean low_latency;
  gboolean announces_audio;
} Sim;

static Sim *
sim_new (void)
{
  Sim *sim = g_new0 (Sim, 1);

  gst_init (NULL, NULL);
  sim->health = mill_rtmp_health_new ();
  sim->now_us = 1000 * G_USEC_PER_SEC;
  sim->gop = 2 * FPS;
  sim->every = 1;
  sim->speed = 1;
  sim->sends_video = sim->sends_audio = TRUE;
  sim->frame_bytes = 10000;
  mill_rtmp_health_begin (sim->health, sim->now_us);
  return sim;
}

static void
sim_free (Sim *sim)
{
  mill_rtmp_health_free (sim->health);
  g_free (sim);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sim, sim_free)

static void
send_video (Sim *sim)
{
  gboolean is_key = sim->frame % sim->gop == 0;
  const MillRtmpHealthFrame frame = {
    .kind = MILL_RTMP_HEALTH_VIDEO,
    .is_main = TRUE,
    .is_key = is_key,
    .composition_ms = sim->frame % 2 ? sim->composition_ms : 0,
    .size = sim->frame_bytes,
    .dts_ns = sim->media_us * 1000,
    .arrival_us = sim->now_us,
  };

  if (sim->sends_video && sim->frame % sim->every == 0)
    mill_rtmp_health_count (sim->health, &frame);
  sim->frame++;
}

static void
send_audio (Sim *sim)
{
  const MillRtmpHealthFrame frame = {
    .kind = MILL_RTMP_HEALTH_AUDIO,
    .is_main = TRUE,
    .size = 300,
    .dts_ns = (sim->media_us - sim->audio_late_us) * 1000,
    .arrival_us = sim->now_us,
  };

  if (sim->sends_audio)
    mill_rtmp_health_count (sim->health, &frame);
}

/* One second: media, then the tick. Adds "+id " and "-id " to @news. */
static void
run_second (Sim *sim, GString *news)
{
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];
  gint64 end_us = sim->now_us + G_USEC_PER_SEC;

  for (gint64 at = 0; at < sim->speed * G_USEC_PER_SEC; at += AUDIO_US) {
    if (at % FRAME_US == 0)
      send_video (sim);
    send_audio (sim);
    sim->media_us += AUDIO_US;
    sim->now_us += AUDIO_US / sim->speed;
  }
  sim->media_us -= sim->slow_us;
  sim->now_us = end_us;
  const MillRtmpHealthTick tick = {
    .now_us = sim->now_us,
    .rtt_us = 30000,
    .repairs = sim->repairs,
    .low_latency = sim->low_latency,
    .is_announced = { TRUE, sim->announces_audio },
  };
  guint n = mill_rtmp_health_tick (sim->health, &tick, changes);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (news, "%c%s ", changes[i].is_raised ? '+' : '-',
        mill_rtmp_health_warnings_get_id (changes[i].warning));
}

/* What came and went in so many seconds must be @expected. */
static void
expect_news (Sim *sim, guint seconds, const gchar *expected)
{
  g_autoptr (GString) news = g_string_new (NULL);

  for (guint i = 0; i < seconds; i++)
    run_second (sim, news);
  g_assert_cmpstr (g_strchomp (news->str), ==, expected);
}

static GstStructure *
get_stats (Sim *sim)
{
  GstStructure *stats = gst_structure_new_empty ("stats");

  mill_rtmp_health_fill_stats (sim->health, stats);
  return stats;
}

static gdouble
get_number (Sim *sim, const gchar *name)
{
  g_autoptr (GstStructure) stats = get_stats (sim);
  const GValue *value = gst_structure_get_value (stats, name);
  GValue number = G_VALUE_INIT;

  g_assert_nonnull (value);
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_value_get_boolean (value);
  g_value_init (&number, G_TYPE_DOUBLE);
  g_assert_true (g_value_transform (value, &number));
  return g_value_get_double (&number);
}

static void
expect_number (Sim *sim, const gchar *name, gdouble expected, gdouble tolerance)
{
  gdouble got = get_number (sim, name);

  if (ABS (got - expected) > tolerance)
    g_error ("%s: got %g, expected %g", name, got, expected);
}

/* The sentence of the one warning that stands. */
static gchar *
get_message (Sim *sim)
{
  g_autoptr (GstStructure) stats = get_stats (sim);
  const GValue *list = gst_structure_get_value (stats, "warnings");

  g_assert_cmpuint (gst_value_array_get_size (list), ==, 1);
  return g_strdup (gst_structure_get_string (
      gst_value_get_structure (gst_value_array_get_value (list, 0)),
      "message"));
}

static void
expect_message (Sim *sim, const gchar *text)
{
  g_autofree gchar *message = get_message (sim);

  if (!strstr (message, text))
    g_error ("got '%s', expected '%s' in it", message, text);
}

/* ---- numbers ---- */

static void
test_numbers (void)
{
  g_autoptr (Sim) sim = sim_new ();

  expect_news (sim, 20, "");
  expect_number (sim, "fps", FPS, 0.1);
  expect_number (sim, "fps-10s", FPS, 0.1);
  expect_number (sim, "video-bitrate", FPS * 10000 * 8, 1000);
  expect_number (sim, "audio-bitrate", 50 * 300 * 8, 1000);
  expect_number (sim, "bitrate-10s", FPS * 10000 * 8 + 50 * 300 * 8, 1000);
  expect_number (sim, "keyframe-interval", 2e9, 0);
  expect_number (sim, "keyframe-interval-max", 2e9, 0);
  expect_number (sim, "jitter", 0, 0);
  expect_number (sim, "lag", 0, 0);
  expect_number (sim, "rtt", 30e6, 0);
  expect_number (sim, "gaps", 0, 0);
  expect_number (sim, "missing-frames", 0, 0);

  /* windows of two lengths */
  sim->frame_bytes = 20000;
  expect_news (sim, 1, "");
  expect_number (sim, "video-bitrate", FPS * 20000 * 8, 1000);
  expect_number (sim, "video-bitrate-10s", FPS * 11000 * 8, 1000);
}

/* An encoder that drops frames: what is missing in its own time stamps. */
static void
test_missing_frames (void)
{
  g_autoptr (Sim) sim = sim_new ();

  sim->sends_audio = FALSE;
  expect_news (sim, 5, "");
  /* ten frames on are one hole */
  sim->media_us += 10 * FRAME_US;
  expect_news (sim, 1, "");
  expect_number (sim, "missing-frames", 10, 0);
  expect_number (sim, "gaps", 1, 0);
  /* one frame is no hole for a viewer */
  sim->media_us += FRAME_US;
  expect_news (sim, 1, "");
  expect_number (sim, "missing-frames", 11, 0);
  expect_number (sim, "gaps", 1, 0);
}

/* RFC 3550 §6.4.1: a sixteenth of each difference. */
static void
test_jitter (void)
{
  g_autoptr (Sim) sim = sim_new ();

  sim->sends_audio = FALSE;
  for (guint i = 0; i < 10; i++) {
    sim->now_us += i % 2 ? 10000 : -10000;
    expect_news (sim, 1, "");
  }
  g_assert_cmpfloat (get_number (sim, "jitter"), >, 0);
  g_assert_cmpfloat (get_number (sim, "jitter"), <, 10e6);
}

/* One second of pictures of which five are read together, each five with the
 * time of the last one, which comes @late_us late every second time. */
static void
gather_second (Sim *sim, gint64 late_us)
{
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];
  gint64 start_us = sim->now_us;

  for (guint read = 0; read < FPS / 5; read++) {
    gint64 last_us = start_us + ((gint64) read * 5 + 4) * FRAME_US +
        (sim->frame / 5 % 2 ? late_us : 0);
    sim->now_us = start_us + ((gint64) read + 1) * 5 * FRAME_US;
    for (guint i = 0; i < 5; i++) {
      send_video (sim);
      sim->media_us += FRAME_US;
    }
    mill_rtmp_health_tell_arrival (sim->health, last_us);
  }
  sim->now_us = start_us + FPS * FRAME_US;
  const MillRtmpHealthTick tick = { .now_us = sim->now_us };
  mill_rtmp_health_tick (sim->health, &tick, changes);
}

/* A publisher that is read at intervals: what it is told of is its network, not
 * our intervals. */
static void
test_gathered_jitter (void)
{
  g_autoptr (Sim) sim = sim_new ();

  mill_rtmp_health_set_gathered (sim->health, TRUE);
  for (guint i = 0; i < 8; i++)
    gather_second (sim, 0);
  expect_number (sim, "jitter", 0, 0);
  for (guint i = 0; i < 30; i++)
    gather_second (sim, 8000);
  expect_number (sim, "jitter", 8e6, 0.5e6);
}

/* ---- warnings: each comes, says what to change, and goes ---- */

static void
test_keyframes_far_apart (void)
{
  g_autoptr (Sim) sim = sim_new ();

  sim->gop = 8 * FPS;
  expect_news (sim, 6, "+keyframe-interval-long");
  expect_message (sim, "set the keyframe interval to 2 s");
  expect_number (sim, "keyframe-interval", 0, 0);
  expect_news (sim, 10, "");
  expect_number (sim, "keyframe-interval-max", 8e9, 0);
  sim->gop = 2 * FPS;
  expect_news (sim, 12, "-keyframe-interval-long +keyframe-interval-irregular");
}

static void
test_keyframes_irregular (void)
{
  g_autoptr (Sim) sim = sim_new ();

  g_autoptr (GString) news = g_string_new (NULL);

  /* a second and two seconds in turns */
  for (guint i = 0; i < 15; i++) {
    sim->gop = i % 3 == 2 ? 3 * FPS : FPS;
    sim->frame = i % 3 == 2 ? 1 : 0;
    run_second (sim, news);
  }
  g_assert_cmpstr (news->str, ==, "+keyframe-interval-irregular ");
  expect_message (sim, "scenecut=0");
  sim->frame = 0;
  sim->gop = 2 * FPS;
  expect_news (sim, 30, "-keyframe-interval-irregular");
}

static void
test_b_frames (void)
{
  g_autoptr (Sim) sim = sim_new ();

  sim->composition_ms = 40;
  expect_news (sim, 10, "");
  expect_number (sim, "b-frames", 1, 0);
  sim->low_latency = TRUE;
  expect_news (sim, 5, "+b-frames-with-low-latency");
  sim->composition_ms = 0;
  expect_news (sim, 20, "-b-frames-with-low-latency");
  expect_number (sim, "b-frames", 0, 0);
}

static void
test_bitrate_swing (void)
{
  g_autoptr (Sim) sim = sim_new ();

  expect_news (sim, 30, "");
  sim->frame_bytes = 40000;
  expect_news (sim, 20, "+bitrate-swing");
  expect_message (sim, "CBR");
  expect_news (sim, 80, "-bitrate-swing");
}

static void
test_fps_drop (void)
{
  g_autoptr (Sim) sim = sim_new ();

  expect_news (sim, 20, "");
  sim->every = 2;
  expect_news (sim, 5, "+fps-drop");
  expect_message (sim, "instead of 25.0");
  sim->every = 1;
  expect_news (sim, 4, "");
  expect_news (sim, 2, "-fps-drop");
}

/* It must not come and go with every second of a rate between the marks. */
static void
test_hysteresis (void)
{
  g_autoptr (Sim) sim = sim_new ();

  expect_news (sim, 20, "");
  for (guint i = 0; i < 10; i++) {
    sim->every = 2;
    expect_news (sim, 2, "");
    sim->every = 1;
    expect_news (sim, 1, "");
  }
}

static void
test_skew (void)
{
  g_autoptr (Sim) sim = sim_new ();

  sim->audio_late_us = 800 * 1000;
  expect_news (sim, 5, "+av-skew");
  expect_message (sim, "The picture of the same time stamp comes 0.8 s before");
  expect_number (sim, "av-skew", 800e6, 1e6);
  sim->audio_late_us = 400 * 1000;
  expect_news (sim, 20, "");
  sim->audio_late_us = 0;
  expect_news (sim, 20, "-av-skew");
}

static void
test_lost_track (void)
{
  g_autoptr (Sim) sim = sim_new ();

  expect_news (sim, 5, "");
  sim->sends_audio = FALSE;
  expect_news (sim, 6, "+no-audio");
  sim->sends_audio = TRUE;
  expect_news (sim, 2, "-no-audio");
  sim->sends_video = FALSE;
  expect_news (sim, 6, "+no-video");
}

/* One that was promised by onMetaData; one that nobody spoke of is no fault. */
static void
test_announced_track (void)
{
  g_autoptr (Sim) silent = sim_new ();
  g_autoptr (Sim) mute = sim_new ();

  mute->sends_audio = FALSE;
  expect_news (mute, 10, "");
  silent->sends_audio = FALSE;
  silent->announces_audio = TRUE;
  expect_news (silent, 10, "+no-audio");
}

static void
test_stall (void)
{
  g_autoptr (Sim) sim = sim_new ();
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];

  expect_news (sim, 20, "");
  sim->sends_video = sim->sends_audio = FALSE;
  expect_news (sim, 4, "+stalled");
  expect_number (sim, "bitrate", 0, 0);
  /* who goes takes the warnings along */
  g_assert_cmpuint (mill_rtmp_health_end (sim->health, changes), ==, 1);
  g_assert_false (changes[0].is_raised);
}

static void
test_slow_connection (void)
{
  g_autoptr (Sim) sim = sim_new ();

  expect_news (sim, 10, "");
  sim->slow_us = 200 * 1000;
  expect_news (sim, 10, "+connection-slow");
  expect_message (sim, "lower the bit rate");
  g_assert_cmpfloat (get_number (sim, "lag"), >, 1e9);
  sim->slow_us = 0;
  expect_news (sim, 90, "-connection-slow");
}

/* ffmpeg with a burst at the start is not slow after it. */
static void
test_burst_at_start (void)
{
  g_autoptr (Sim) sim = sim_new ();

  sim->speed = 5;
  expect_news (sim, 1, "");
  sim->speed = 1;
  expect_news (sim, 30, "");
  expect_number (sim, "lag", 0, 0);
}

static void
test_timestamps (void)
{
  g_autoptr (Sim) sim = sim_new ();

  expect_news (sim, 5, "");
  sim->repairs = 1;
  expect_news (sim, 1, "");
  sim->repairs = 4;
  expect_news (sim, 1, "+timestamps-repaired");
  expect_message (sim, "4 time stamps");
  expect_news (sim, 20, "-timestamps-repaired");
}

/* ---- when it came ---- */

/* A time of day that is set, by an hour in either direction, is no jitter of a
 * publisher that sends on as before; nor is one that is slewed. */
static void
test_arrival_clock (void)
{
  static const gint64 steps_us[] = { 3600 * (gint64) G_USEC_PER_SEC,
    -3600 * (gint64) G_USEC_PER_SEC, 5000, -5000 };
  for (guint i = 0; i < G_N_ELEMENTS (steps_us); i++) {
    MillRtmpArrivalClock clock = { 0 };
    gint64 offset_us = 1700000000 * (gint64) G_USEC_PER_SEC;
    guint n_told = 0;
    for (gint64 now_us = 1000000; now_us < 20000000; now_us += FRAME_US) {
      gint64 came_us = now_us - 700;
      gint64 stamp_us = came_us + offset_us;
      if (now_us == 1000000 + 100 * FRAME_US)
        offset_us += steps_us[i];
      offset_us += FRAME_US / 2000; /* 500 ppm */
      gint64 told_us = mill_rtmp_arrival_convert (&clock, stamp_us,
          now_us + offset_us, now_us);
      n_told += told_us > 0;
      if (told_us > 0)
        g_assert_cmpint (ABS (told_us - came_us), <=, FRAME_US / 2000);
    }
    /* But for a second or two after it was set. */
    g_assert_cmpuint (n_told, >, 475 - 2 * FPS);
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/health/numbers", test_numbers);
  g_test_add_func ("/rtmp/health/missing-frames", test_missing_frames);
  g_test_add_func ("/rtmp/health/jitter", test_jitter);
  g_test_add_func ("/rtmp/health/gathered-jitter", test_gathered_jitter);
  g_test_add_func ("/rtmp/health/keyframes-far-apart",
      test_keyframes_far_apart);
  g_test_add_func ("/rtmp/health/keyframes-irregular",
      test_keyframes_irregular);
  g_test_add_func ("/rtmp/health/b-frames", test_b_frames);
  g_test_add_func ("/rtmp/health/bitrate-swing", test_bitrate_swing);
  g_test_add_func ("/rtmp/health/fps-drop", test_fps_drop);
  g_test_add_func ("/rtmp/health/hysteresis", test_hysteresis);
  g_test_add_func ("/rtmp/health/skew", test_skew);
  g_test_add_func ("/rtmp/health/lost-track", test_lost_track);
  g_test_add_func ("/rtmp/health/announced-track", test_announced_track);
  g_test_add_func ("/rtmp/health/stall", test_stall);
  g_test_add_func ("/rtmp/health/slow-connection", test_slow_connection);
  g_test_add_func ("/rtmp/health/burst-at-start", test_burst_at_start);
  g_test_add_func ("/rtmp/health/timestamps", test_timestamps);
  g_test_add_func ("/rtmp/arrival/clock", test_arrival_clock);
  return g_test_run ();
}
