/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-health.h"

#define N_KINDS MILL_RTMP_HEALTH_N_KINDS
/* Many publishers begin with a burst of what they have kept. */
#define STARTUP_S 3
#define SHORT_S 10
#define LONG_S 60
#define N_KEYFRAMES 8
#define MIN_KEYFRAMES 4
/* A mean of fewer steps says little. */
#define MIN_STEPS 8
#define GAP_NS (250 * (gint64) GST_MSECOND)
/* More than what two frames of a constant rate differ by when an encoder rounds
 * to milliseconds. */
#define COMPOSITION_SPREAD_MS 5
/* What a publisher once managed is forgotten by 3 % per minute. */
#define FPS_DECAY 0.9995

typedef struct
{
  /* since the last tick */
  guint64 bytes;
  guint frames;
  gint64 transit_sum_us;
  /* of this publisher */
  gboolean has_last;
  gint64 last_dts_ns;
  gboolean has_transit; /* last_transit_us is one */
  gint64 last_transit_us; /* of the last frame whose arrival was known */
  gint64 step_8; /* mean step in ns, by 8 */
  guint n_steps;
  gint64 jitter_16; /* RFC 3550 §6.4.1, in us, by 16 */
  gboolean has_come;
  guint silent_s;
} Track;

typedef struct
{
  gint64 elapsed_us;
  guint64 bytes[N_KINDS];
  guint frames;
  guint corrections;
} Second;

struct _MillRtmpHealth
{
  /* lane */
  Track tracks[N_KINDS];
  gboolean is_gathered;
  Track *last; /* of tracks: whose frame came last; nullable */
  gint64 last_tick_us;
  guint corrections; /* of all time, at the last tick */
  Second seconds[SHORT_S]; /* ring */
  guint bitrates_bps[LONG_S]; /* ring: 10 s means */
  gint64 transits_us[LONG_S]; /* ring; G_MAXINT64: none */
  gint64 last_key_ns;
  gboolean has_key;
  guint64 intervals_ns[N_KEYFRAMES]; /* ring */
  guint n_intervals;
  gint32 composition_min_ms; /* since the last tick */
  gint32 composition_max_ms;
  guint b_frames_s; /* left of a memory of them */
  MillRtmpHealthSample sample;

  /* counters: written by the lane, read from anywhere */
  guint64 keyframe_interval_ns;
  guint64 keyframe_interval_max_ns;

  /* lock */
  GMutex lock;
  MillRtmpHealthSample shown;
  MillRtmpHealthWarnings warnings;
};

/* ---- life ---- */

MillRtmpHealth *
mill_rtmp_health_new (void)
{
  MillRtmpHealth *self = g_new0 (MillRtmpHealth, 1);

  g_mutex_init (&self->lock);
  self->shown.rtt_us = -1;
  return self;
}

void
mill_rtmp_health_free (MillRtmpHealth *self)
{
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];

  mill_rtmp_health_warnings_clear (&self->warnings, changes);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
forget_transits (MillRtmpHealth *self)
{
  for (guint i = 0; i < LONG_S; i++)
    self->transits_us[i] = G_MAXINT64;
}

void
mill_rtmp_health_begin (MillRtmpHealth *self, gint64 now_us)
{
  for (guint i = 0; i < N_KINDS; i++)
    self->tracks[i] = (Track){ 0 };
  self->last = NULL;
  for (guint i = 0; i < SHORT_S; i++)
    self->seconds[i] = (Second){ 0 };
  forget_transits (self);
  self->last_tick_us = now_us;
  self->n_intervals = 0;
  self->has_key = FALSE;
  self->b_frames_s = 0;
  self->composition_min_ms = G_MAXINT32;
  self->composition_max_ms = G_MININT32;
  self->sample = (MillRtmpHealthSample){ .rtt_us = -1 };
  __atomic_store_n (&self->keyframe_interval_ns, 0, __ATOMIC_RELAXED);
  __atomic_store_n (&self->keyframe_interval_max_ns, 0, __ATOMIC_RELAXED);
}

guint
mill_rtmp_health_end (MillRtmpHealth *self, MillRtmpHealthChange *ret_changes)
{
  g_mutex_lock (&self->lock);
  guint n_changes =
      mill_rtmp_health_warnings_clear (&self->warnings, ret_changes);
  /* Totals stay to be looked at; rates are those of nobody. */
  self->shown.fps = self->shown.fps_10s = 0;
  for (guint i = 0; i < N_KINDS; i++)
    self->shown.bitrate_bps[i] = self->shown.bitrate_10s_bps[i] = 0;
  self->shown.rtt_us = -1;
  g_mutex_unlock (&self->lock);
  return n_changes;
}

/* ---- frames ---- */

static void
count_keyframe (MillRtmpHealth *self, gint64 dts_ns)
{
  guint64 interval_ns = (guint64) MAX (dts_ns - self->last_key_ns, 0);

  if (self->has_key) {
    self->intervals_ns[self->n_intervals++ % N_KEYFRAMES] = interval_ns;
    __atomic_store_n (&self->keyframe_interval_ns, interval_ns,
        __ATOMIC_RELAXED);
    if (interval_ns > self->keyframe_interval_max_ns)
      __atomic_store_n (&self->keyframe_interval_max_ns, interval_ns,
          __ATOMIC_RELAXED);
  }
  self->has_key = TRUE;
  self->last_key_ns = dts_ns;
}

/* A step that is longer than those before. */
static void
count_hole (MillRtmpHealth *self, gint64 step_ns, gint64 usual_ns)
{
  self->sample.n_missing += (guint64) ((step_ns + usual_ns / 2) / usual_ns - 1);
  if (step_ns > GAP_NS && step_ns > 3 * usual_ns)
    self->sample.gaps++;
}

static void
count_transit (Track *track, gint64 transit_us)
{
  gint64 change_us = ABS (transit_us - track->last_transit_us);

  if (track->has_transit)
    track->jitter_16 += change_us - track->jitter_16 / 16;
  track->has_transit = TRUE;
  track->last_transit_us = transit_us;
}

static void
count_step (MillRtmpHealth *self, Track *track, gint64 step_ns)
{
  gint64 usual_ns = track->step_8 / 8;

  if (track->n_steps >= MIN_STEPS && usual_ns > 0 &&
      step_ns > usual_ns + usual_ns / 2)
    count_hole (self, step_ns, usual_ns);
  track->step_8 = track->n_steps == 0 ? step_ns * 8
                                      : track->step_8 + step_ns - usual_ns;
  track->n_steps++;
}

void
mill_rtmp_health_count (MillRtmpHealth *self, const MillRtmpHealthFrame *frame)
{
  Track *track = &self->tracks[frame->kind];

  track->bytes += frame->size;
  self->last = frame->is_main ? track : NULL;
  if (!frame->is_main)
    return;
  gint64 transit_us = frame->arrival_us - frame->dts_ns / 1000;
  if (frame->is_discont && track->has_last) {
    /* Another clock: what was measured by the one before means nothing. */
    forget_transits (self);
    self->has_key = FALSE;
    track->has_transit = FALSE;
    track->transit_sum_us = transit_us * track->frames;
  } else if (track->has_last) {
    count_step (self, track, frame->dts_ns - track->last_dts_ns);
  }
  if (!self->is_gathered)
    count_transit (track, transit_us);
  track->has_last = TRUE;
  track->has_come = TRUE;
  track->frames++;
  track->transit_sum_us += transit_us;
  track->last_dts_ns = frame->dts_ns;
  if (frame->kind != MILL_RTMP_HEALTH_VIDEO)
    return;
  self->composition_min_ms =
      MIN (self->composition_min_ms, frame->composition_ms);
  self->composition_max_ms =
      MAX (self->composition_max_ms, frame->composition_ms);
  if (frame->is_key)
    count_keyframe (self, frame->dts_ns);
}

void
mill_rtmp_health_set_gathered (MillRtmpHealth *self, gboolean gathered)
{
  self->is_gathered = gathered;
}

void
mill_rtmp_health_tell_arrival (MillRtmpHealth *self, gint64 arrival_us)
{
  if (self->last)
    count_transit (self->last, arrival_us - self->last->last_dts_ns / 1000);
}

void
mill_rtmp_health_warm (const MillRtmpHealth *self, MillRtmpWarm *warm)
{
  mill_rtmp_warm_add (warm, self->tracks, sizeof self->tracks);
  mill_rtmp_warm_add (warm, &self->composition_min_ms,
      sizeof self->composition_min_ms);
}

/* ---- once per second ---- */

static guint
get_rate (guint64 amount, gint64 elapsed_us)
{
  return elapsed_us > 0
      ? (guint) (amount * G_USEC_PER_SEC / (guint64) elapsed_us)
      : 0;
}

static void
measure_rates (MillRtmpHealth *self)
{
  MillRtmpHealthSample *sample = &self->sample;
  const Second *last = &self->seconds[sample->seconds % SHORT_S];
  Second sum = { 0 };

  for (guint i = 0; i < SHORT_S; i++) {
    const Second *second = &self->seconds[i];
    sum.elapsed_us += second->elapsed_us;
    sum.frames += second->frames;
    sum.corrections += second->corrections;
    for (guint kind = 0; kind < N_KINDS; kind++)
      sum.bytes[kind] += second->bytes[kind];
  }
  for (guint kind = 0; kind < N_KINDS; kind++) {
    sample->bitrate_bps[kind] =
        get_rate (last->bytes[kind] * 8, last->elapsed_us);
    sample->bitrate_10s_bps[kind] =
        get_rate (sum.bytes[kind] * 8, sum.elapsed_us);
  }
  sample->fps = get_rate (last->frames * 1000, last->elapsed_us) / 1000.0;
  sample->fps_10s = get_rate (sum.frames * 1000, sum.elapsed_us) / 1000.0;
  if (sample->seconds >= STARTUP_S + SHORT_S)
    sample->fps_usual = MAX (sample->fps_10s, sample->fps_usual * FPS_DECAY);
  sample->n_corrections = sum.corrections;
}

static void
measure_swing (MillRtmpHealth *self)
{
  MillRtmpHealthSample *sample = &self->sample;

  /* Only whole means, without the burst. */
  if (sample->seconds < STARTUP_S + SHORT_S)
    return;
  guint n = sample->seconds - STARTUP_S - SHORT_S;
  self->bitrates_bps[n % LONG_S] = sample->bitrate_10s_bps[0] +
      sample->bitrate_10s_bps[1];
  sample->bitrate_min_bps = G_MAXUINT;
  sample->bitrate_max_bps = 0;
  for (guint i = 0; i < MIN (n + 1, LONG_S); i++) {
    sample->bitrate_min_bps =
        MIN (sample->bitrate_min_bps, self->bitrates_bps[i]);
    sample->bitrate_max_bps =
        MAX (sample->bitrate_max_bps, self->bitrates_bps[i]);
  }
}

/* By when frames arrive against when they say that they are. */
static void
measure_transit (MillRtmpHealth *self)
{
  MillRtmpHealthSample *sample = &self->sample;
  const Track *video = &self->tracks[MILL_RTMP_HEALTH_VIDEO];
  const Track *audio = &self->tracks[MILL_RTMP_HEALTH_AUDIO];
  const Track *leading = video->frames > 0 ? video : audio;
  gint64 mean_us = G_MAXINT64;

  sample->has_skew = video->frames > 0 && audio->frames > 0;
  if (sample->has_skew)
    sample->skew_us = audio->transit_sum_us / (gint64) audio->frames -
        video->transit_sum_us / (gint64) video->frames;
  if (leading->frames > 0 && sample->seconds > STARTUP_S) {
    mean_us = leading->transit_sum_us / (gint64) leading->frames;
    sample->jitter_us = leading->jitter_16 / 16;
  }
  self->transits_us[sample->seconds % LONG_S] = mean_us;
  gint64 best_us = G_MAXINT64;
  for (guint i = 0; i < LONG_S; i++)
    best_us = MIN (best_us, self->transits_us[i]);
  if (mean_us != G_MAXINT64)
    sample->lag_us = mean_us - best_us;
}

static void
measure_keyframes (MillRtmpHealth *self)
{
  MillRtmpHealthSample *sample = &self->sample;
  const Track *video = &self->tracks[MILL_RTMP_HEALTH_VIDEO];
  guint n = MIN (self->n_intervals, N_KEYFRAMES);

  sample->keyframe_interval_ns = self->keyframe_interval_ns;
  sample->keyframe_interval_max_ns = self->keyframe_interval_max_ns;
  sample->keyframe_age_ns = self->has_key
      ? (guint64) MAX (video->last_dts_ns - self->last_key_ns, 0)
      : 0;
  sample->keyframe_shortest_ns = n >= MIN_KEYFRAMES ? G_MAXUINT64 : 0;
  sample->keyframe_longest_ns = 0;
  for (guint i = 0; n >= MIN_KEYFRAMES && i < n; i++) {
    sample->keyframe_shortest_ns =
        MIN (sample->keyframe_shortest_ns, self->intervals_ns[i]);
    sample->keyframe_longest_ns =
        MAX (sample->keyframe_longest_ns, self->intervals_ns[i]);
  }
  if (self->composition_max_ms >
      (gint64) self->composition_min_ms + COMPOSITION_SPREAD_MS)
    self->b_frames_s = SHORT_S;
  else if (self->b_frames_s > 0)
    self->b_frames_s--;
  sample->has_b_frames = self->b_frames_s > 0;
  self->composition_min_ms = G_MAXINT32;
  self->composition_max_ms = G_MININT32;
}

static void
finish_second (MillRtmpHealth *self, const MillRtmpHealthTick *tick)
{
  Second *second = &self->seconds[++self->sample.seconds % SHORT_S];
  guint corrections = tick->jumps + tick->repairs;

  *second = (Second){ .elapsed_us = tick->now_us - self->last_tick_us,
    .frames = self->tracks[MILL_RTMP_HEALTH_VIDEO].frames,
    .corrections = self->sample.seconds > 1 ? corrections - self->corrections
                                            : 0 };
  self->corrections = corrections;
  self->last_tick_us = tick->now_us;
  for (guint kind = 0; kind < N_KINDS; kind++) {
    Track *track = &self->tracks[kind];
    second->bytes[kind] = track->bytes;
    track->silent_s = track->bytes > 0 ? 0 : track->silent_s + 1;
    self->sample.silent_s[kind] = track->silent_s;
    self->sample.is_wanted[kind] = track->has_come || tick->is_announced[kind];
  }
}

guint
mill_rtmp_health_tick (MillRtmpHealth *self, const MillRtmpHealthTick *tick,
    MillRtmpHealthChange *ret_changes)
{
  self->sample.rtt_us = tick->rtt_us;
  self->sample.low_latency = tick->low_latency;
  finish_second (self, tick);
  measure_rates (self);
  measure_swing (self);
  measure_transit (self);
  measure_keyframes (self);
  for (guint kind = 0; kind < N_KINDS; kind++) {
    self->tracks[kind].bytes = 0;
    self->tracks[kind].frames = 0;
    self->tracks[kind].transit_sum_us = 0;
  }
  g_mutex_lock (&self->lock);
  self->shown = self->sample;
  guint n_changes = mill_rtmp_health_warnings_judge (&self->warnings,
      &self->sample, ret_changes);
  g_mutex_unlock (&self->lock);
  return n_changes;
}

/* ---- what it tells ---- */

const gchar *
mill_rtmp_health_get_message (MillRtmpHealth *self,
    MillRtmpHealthWarning warning)
{
  return self->warnings.items[warning].message;
}

static void
append_warning_locked (MillRtmpHealth *self, MillRtmpHealthWarning warning,
    GValue *array)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value,
      gst_structure_new ("warning", "id", G_TYPE_STRING,
          mill_rtmp_health_warnings_get_id (warning), "message", G_TYPE_STRING,
          self->warnings.items[warning].message, "since", G_TYPE_INT64,
          self->warnings.items[warning].since, NULL));
  gst_value_array_append_and_take_value (array, &value);
}

static void
set_rates (GstStructure *structure, const MillRtmpHealthSample *sample)
{
  const guint *last = sample->bitrate_bps;
  const guint *mean = sample->bitrate_10s_bps;

  gst_structure_set (structure, "bitrate", G_TYPE_UINT, last[0] + last[1],
      "video-bitrate", G_TYPE_UINT, last[MILL_RTMP_HEALTH_VIDEO],
      "audio-bitrate", G_TYPE_UINT, last[MILL_RTMP_HEALTH_AUDIO], "bitrate-10s",
      G_TYPE_UINT, mean[0] + mean[1], "video-bitrate-10s", G_TYPE_UINT,
      mean[MILL_RTMP_HEALTH_VIDEO], "audio-bitrate-10s", G_TYPE_UINT,
      mean[MILL_RTMP_HEALTH_AUDIO], "fps", G_TYPE_DOUBLE, sample->fps,
      "fps-10s", G_TYPE_DOUBLE, sample->fps_10s, NULL);
}

static void
set_times (GstStructure *structure, const MillRtmpHealthSample *sample)
{
  gst_structure_set (structure, "av-skew", G_TYPE_INT64, sample->skew_us * 1000,
      "jitter", G_TYPE_UINT64, (guint64) sample->jitter_us * 1000, "lag",
      G_TYPE_UINT64, (guint64) sample->lag_us * 1000, "rtt", G_TYPE_INT64,
      sample->rtt_us >= 0 ? sample->rtt_us * 1000 : (gint64) -1, "gaps",
      G_TYPE_UINT, sample->gaps, "missing-frames", G_TYPE_UINT64,
      sample->n_missing, "b-frames", G_TYPE_BOOLEAN, sample->has_b_frames,
      NULL);
}

void
mill_rtmp_health_fill_stats (MillRtmpHealth *self, GstStructure *structure)
{
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_mutex_lock (&self->lock);
  set_rates (structure, &self->shown);
  set_times (structure, &self->shown);
  for (guint i = 0; i < MILL_RTMP_HEALTH_N_WARNINGS; i++)
    if (self->warnings.items[i].is_raised)
      append_warning_locked (self, i, &array);
  g_mutex_unlock (&self->lock);
  gst_structure_set (structure, "keyframe-interval", G_TYPE_UINT64,
      __atomic_load_n (&self->keyframe_interval_ns, __ATOMIC_RELAXED),
      "keyframe-interval-max", G_TYPE_UINT64,
      __atomic_load_n (&self->keyframe_interval_max_ns, __ATOMIC_RELAXED),
      NULL);
  gst_structure_take_value (structure, "warnings", &array);
}
