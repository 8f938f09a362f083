/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-health-warnings.h"

/* Two marks per rule, so that what swings around one does not come and go. */
#define STALLED_S 3
#define TRACK_SILENT_S 5
#define LAG_BAD_US (1000 * 1000)
#define LAG_GOOD_US (500 * 1000)
#define FPS_BAD 0.8
#define FPS_GOOD 0.9
#define SWING_BAD 2.5
#define SWING_GOOD 2.0
#define KEYFRAME_BAD_NS (4500 * GST_MSECOND)
#define KEYFRAME_GOOD_NS (4100 * GST_MSECOND)
#define REGULAR_BAD 1.5
#define REGULAR_GOOD 1.2
#define SKEW_BAD_US (500 * 1000)
#define SKEW_GOOD_US (300 * 1000)
#define CORRECTIONS_BAD 3

typedef enum
{
  GOOD,
  BETWEEN, /* what stands stands */
  BAD,
} Verdict;

typedef struct
{
  const gchar *id;
  guint raise_s;
  guint clear_s;
  Verdict (*judge) (const MillRtmpHealthSample *sample);
  /* Returns: (transfer full): a sentence, and what to change */
  gchar *(*describe) (const MillRtmpHealthSample *sample);
} Rule;

static Verdict
compare (gdouble value, gdouble good, gdouble bad)
{
  if (value > bad)
    return BAD;
  return value <= good ? GOOD : BETWEEN;
}

/* ---- the rules ---- */

static guint
get_silence (const MillRtmpHealthSample *sample)
{
  return MIN (sample->silent_s[MILL_RTMP_HEALTH_VIDEO],
      sample->silent_s[MILL_RTMP_HEALTH_AUDIO]);
}

static Verdict
judge_stalled (const MillRtmpHealthSample *sample)
{
  return get_silence (sample) >= STALLED_S ? BAD : GOOD;
}

static gchar *
describe_stalled (const MillRtmpHealthSample *sample)
{
  return g_strdup_printf ("Nothing has come for %u s: look at the encoder and "
                          "its network.",
      get_silence (sample));
}

/* Of one kind alone: both together are another matter. */
static Verdict
judge_track (const MillRtmpHealthSample *sample, MillRtmpHealthKind kind)
{
  gboolean is_missing = sample->is_wanted[kind] &&
      sample->silent_s[kind] >= TRACK_SILENT_S;

  if (!is_missing)
    return GOOD;
  return sample->silent_s[!kind] < STALLED_S ? BAD : BETWEEN;
}

static Verdict
judge_no_video (const MillRtmpHealthSample *sample)
{
  return judge_track (sample, MILL_RTMP_HEALTH_VIDEO);
}

static gchar *
describe_no_video (const MillRtmpHealthSample *sample)
{
  return g_strdup ("Sound comes, but no picture: look at the encoder's video "
                   "source.");
}

static Verdict
judge_no_audio (const MillRtmpHealthSample *sample)
{
  return judge_track (sample, MILL_RTMP_HEALTH_AUDIO);
}

static gchar *
describe_no_audio (const MillRtmpHealthSample *sample)
{
  return g_strdup ("Pictures come, but no sound: look at the encoder's audio "
                   "source.");
}

static Verdict
judge_slow (const MillRtmpHealthSample *sample)
{
  return compare (sample->lag_us, LAG_GOOD_US, LAG_BAD_US);
}

static gchar *
describe_slow (const MillRtmpHealthSample *sample)
{
  return g_strdup_printf ("Frames arrive %.1f s late at %.1f Mbit/s: the "
                          "uplink is too slow, lower the bit rate.",
      sample->lag_us / 1e6,
      (sample->bitrate_10s_bps[0] + sample->bitrate_10s_bps[1]) / 1e6);
}

static Verdict
judge_fps (const MillRtmpHealthSample *sample)
{
  if (sample->fps_usual < 1)
    return GOOD;
  if (sample->silent_s[MILL_RTMP_HEALTH_VIDEO] >= STALLED_S)
    return BETWEEN; /* that is said already */
  gdouble part = sample->fps / sample->fps_usual;
  if (part < FPS_BAD)
    return BAD;
  return part >= FPS_GOOD ? GOOD : BETWEEN;
}

static gchar *
describe_fps (const MillRtmpHealthSample *sample)
{
  return g_strdup_printf ("%.1f frames per second instead of %.1f: the encoder "
                          "does not keep up or drops frames, lower its preset, "
                          "size or bit rate.",
      sample->fps, sample->fps_usual);
}

static Verdict
judge_swing (const MillRtmpHealthSample *sample)
{
  if (sample->bitrate_min_bps == 0)
    return GOOD;
  return compare (sample->bitrate_max_bps / (gdouble) sample->bitrate_min_bps,
      SWING_GOOD, SWING_BAD);
}

static gchar *
describe_swing (const MillRtmpHealthSample *sample)
{
  return g_strdup_printf ("The bit rate swings between %.1f and %.1f Mbit/s: "
                          "set the encoder to CBR, or limit it (-maxrate, "
                          "-bufsize).",
      sample->bitrate_min_bps / 1e6, sample->bitrate_max_bps / 1e6);
}

static guint64
get_keyframe_interval (const MillRtmpHealthSample *sample)
{
  return MAX (sample->keyframe_interval_ns, sample->keyframe_age_ns);
}

static Verdict
judge_keyframe_long (const MillRtmpHealthSample *sample)
{
  return compare (get_keyframe_interval (sample), KEYFRAME_GOOD_NS,
      KEYFRAME_BAD_NS);
}

static gchar *
describe_keyframe_long (const MillRtmpHealthSample *sample)
{
  /* The text stays as it began: while one is awaited nobody knows when it will
   * come, and the age is not the encoder's interval. */
  return g_strdup_printf ("%s %.1f s, viewers wait that long: set the keyframe "
                          "interval to 2 s (-g, keyint).",
      sample->keyframe_age_ns > sample->keyframe_interval_ns
          ? "A keyframe has not come for"
          : "A keyframe comes every",
      get_keyframe_interval (sample) / 1e9);
}

static Verdict
judge_keyframe_irregular (const MillRtmpHealthSample *sample)
{
  if (sample->keyframe_shortest_ns == 0)
    return GOOD;
  return compare (sample->keyframe_longest_ns /
          (gdouble) sample->keyframe_shortest_ns,
      REGULAR_GOOD, REGULAR_BAD);
}

static gchar *
describe_keyframe_irregular (const MillRtmpHealthSample *sample)
{
  return g_strdup_printf ("Keyframes come every %.1f to %.1f s, so segments "
                          "are of unequal length: turn scene-cut keyframes off "
                          "(scenecut=0).",
      sample->keyframe_shortest_ns / 1e9, sample->keyframe_longest_ns / 1e9);
}

static Verdict
judge_b_frames (const MillRtmpHealthSample *sample)
{
  return sample->low_latency && sample->has_b_frames ? BAD : GOOD;
}

static gchar *
describe_b_frames (const MillRtmpHealthSample *sample)
{
  return g_strdup ("B-frames delay a stream that is to have low latency: turn "
                   "them off (bframes=0, -tune zerolatency).");
}

static Verdict
judge_skew (const MillRtmpHealthSample *sample)
{
  return sample->has_skew
      ? compare (ABS (sample->skew_us), SKEW_GOOD_US, SKEW_BAD_US)
      : BETWEEN;
}

static gchar *
describe_skew (const MillRtmpHealthSample *sample)
{
  return g_strdup_printf ("%s of the same time stamp comes %.1f s before %s: "
                          "look at the sync offset of the encoder's sources.",
      sample->skew_us > 0 ? "The picture" : "Sound",
      ABS (sample->skew_us) / 1e6,
      sample->skew_us > 0 ? "sound" : "the picture");
}

static Verdict
judge_timestamps (const MillRtmpHealthSample *sample)
{
  return compare (sample->n_corrections, 0, CORRECTIONS_BAD - 1);
}

static gchar *
describe_timestamps (const MillRtmpHealthSample *sample)
{
  return g_strdup_printf ("%u time stamps of the last 10 s jumped or went back "
                          "and were mended: look at the encoder's clock or "
                          "source.",
      sample->n_corrections);
}

static const Rule rules[] = {
  [MILL_RTMP_HEALTH_STALLED] = { "stalled", 1, 1, judge_stalled,
      describe_stalled },
  [MILL_RTMP_HEALTH_NO_VIDEO] = { "no-video", 1, 1, judge_no_video,
      describe_no_video },
  [MILL_RTMP_HEALTH_NO_AUDIO] = { "no-audio", 1, 1, judge_no_audio,
      describe_no_audio },
  [MILL_RTMP_HEALTH_CONNECTION_SLOW] = { "connection-slow", 3, 10, judge_slow,
      describe_slow },
  [MILL_RTMP_HEALTH_FPS_DROP] = { "fps-drop", 3, 5, judge_fps, describe_fps },
  [MILL_RTMP_HEALTH_BITRATE_SWING] = { "bitrate-swing", 5, 10, judge_swing,
      describe_swing },
  [MILL_RTMP_HEALTH_KEYFRAME_LONG] = { "keyframe-interval-long", 1, 5,
      judge_keyframe_long, describe_keyframe_long },
  [MILL_RTMP_HEALTH_KEYFRAME_IRREGULAR] = { "keyframe-interval-irregular", 3, 5,
      judge_keyframe_irregular, describe_keyframe_irregular },
  [MILL_RTMP_HEALTH_B_FRAMES] = { "b-frames-with-low-latency", 3, 5,
      judge_b_frames, describe_b_frames },
  [MILL_RTMP_HEALTH_AV_SKEW] = { "av-skew", 3, 5, judge_skew, describe_skew },
  [MILL_RTMP_HEALTH_TIMESTAMPS] = { "timestamps-repaired", 1, 5,
      judge_timestamps, describe_timestamps },
};

G_STATIC_ASSERT (G_N_ELEMENTS (rules) == MILL_RTMP_HEALTH_N_WARNINGS);

const gchar *
mill_rtmp_health_warnings_get_id (MillRtmpHealthWarning warning)
{
  return rules[warning].id;
}

/* ---- judging ---- */

/* Returns whether it changed. The message is made once, when it comes. */
static gboolean
judge_one (MillRtmpHealthWarnings *self, MillRtmpHealthWarning warning,
    const MillRtmpHealthSample *sample)
{
  const Rule *rule = &rules[warning];
  Verdict verdict = rule->judge (sample);

  if (verdict == BETWEEN)
    return FALSE;
  self->items[warning].bad_s = verdict == BAD ? self->items[warning].bad_s + 1
                                              : 0;
  self->items[warning].good_s =
      verdict == GOOD ? self->items[warning].good_s + 1 : 0;
  gboolean is_raised = self->items[warning].is_raised;
  if (!is_raised && self->items[warning].bad_s >= rule->raise_s) {
    self->items[warning].message = rule->describe (sample);
    self->items[warning].since = g_get_real_time () / G_USEC_PER_SEC;
  } else if (is_raised && self->items[warning].good_s >= rule->clear_s) {
    g_clear_pointer (&self->items[warning].message, g_free);
  } else {
    return FALSE;
  }
  self->items[warning].is_raised = !is_raised;
  return TRUE;
}

guint
mill_rtmp_health_warnings_judge (MillRtmpHealthWarnings *self,
    const MillRtmpHealthSample *sample, MillRtmpHealthChange *ret_changes)
{
  guint n_changes = 0;

  for (guint i = 0; i < MILL_RTMP_HEALTH_N_WARNINGS; i++)
    if (judge_one (self, i, sample))
      ret_changes[n_changes++] =
          (MillRtmpHealthChange){ i, self->items[i].is_raised };
  return n_changes;
}

guint
mill_rtmp_health_warnings_clear (MillRtmpHealthWarnings *self,
    MillRtmpHealthChange *ret_changes)
{
  guint n_changes = 0;

  for (guint i = 0; i < MILL_RTMP_HEALTH_N_WARNINGS; i++) {
    if (self->items[i].is_raised)
      ret_changes[n_changes++] = (MillRtmpHealthChange){ i, FALSE };
    g_free (self->items[i].message);
  }
  *self = (MillRtmpHealthWarnings){ 0 };
  return n_changes;
}
