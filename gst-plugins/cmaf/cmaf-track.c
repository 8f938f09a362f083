/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-track.h"

#include <string.h>

/* What is further in the past than this cannot be placed. */
#define PAST_NS (2 * GST_SECOND)
/* A sample lasts at most this long when nothing follows it. */
#define LAST_MAX_NS (5 * GST_SECOND)

struct _MillCmafTrack
{
  MillCmafKind kind;
  guint timescale;
  guint frame_length; /* ticks; audio */
  GArray *samples; /* MillCmafSample, in decoding order */
  gsize queued_bytes;
  gboolean running; /* a decoder can go on with the next sample */
  gboolean anchored; /* there was a sample before */
  gboolean away; /* the source was, and no sample has come since */
  gboolean resumed; /* interrupted, and it may repeat what has come before */
  gint64 shift; /* added to the DTS of video */
  gint64 last_dts;
  gint64 floor; /* end of what was taken out: nothing may begin before it */
  guint32 last_length; /* ticks of the last frame of audio */
  guint64 step; /* ticks between the last two samples, or their duration */
};

void
mill_cmaf_track_init_taken (MillCmafTaken *taken)
{
  memset (taken, 0, sizeof (*taken));
  taken->samples = g_array_new (FALSE, FALSE, sizeof (MillBmffSample));
  taken->memories =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_memory_unref);
}

void
mill_cmaf_track_clear_taken (MillCmafTaken *taken)
{
  g_clear_pointer (&taken->samples, g_array_unref);
  g_clear_pointer (&taken->memories, g_ptr_array_unref);
}

MillCmafTrack *
mill_cmaf_track_new (MillCmafKind kind, guint timescale, guint frame_length)
{
  MillCmafTrack *self = g_new0 (MillCmafTrack, 1);
  self->kind = kind;
  self->timescale = timescale;
  self->frame_length = frame_length;
  self->last_length = frame_length;
  self->step = frame_length > 0 ? frame_length : timescale / 25;
  self->floor = G_MININT64;
  self->samples = g_array_new (FALSE, FALSE, sizeof (MillCmafSample));
  return self;
}

void
mill_cmaf_track_free (MillCmafTrack *self)
{
  if (self == NULL)
    return;
  mill_cmaf_track_drop (self, self->samples->len);
  g_array_unref (self->samples);
  g_free (self);
}

guint
mill_cmaf_track_get_timescale (const MillCmafTrack *self)
{
  return self->timescale;
}

static gint64
to_ticks (const MillCmafTrack *self, GstClockTimeDiff value)
{
  return mill_cmaf_timeline_to_ticks (value, self->timescale);
}

static MillCmafSample *
sample_at (const MillCmafTrack *self, guint i)
{
  return &g_array_index (self->samples, MillCmafSample, i);
}

static void
append (MillCmafTrack *self, MillCmafSample *sample)
{
  if (self->anchored && sample->dts > self->last_dts &&
      !(sample->flags & MILL_CMAF_SAMPLE_JUMP))
    self->step = (guint64) (sample->dts - self->last_dts);
  self->last_dts = sample->dts;
  if (self->kind == MILL_CMAF_AUDIO)
    self->last_length = sample->duration;
  self->anchored = TRUE;
  self->queued_bytes += sample->size;
  g_array_append_val (self->samples, *sample);
}

/* An IDR decodes at its presentation time. Where that is not after the
 * samples before it (the encoder's delay has shrunk), those move closer. */
static void
make_room (MillCmafTrack *self, MillCmafSample *idr)
{
  gint64 n = self->samples->len;
  gint64 earliest = self->floor;
  if (n > 0)
    earliest = sample_at (self, 0)->dts + n;
  if (idr->dts < earliest)
    idr->dts = earliest;
  gint64 limit = idr->dts - 1;
  for (guint i = self->samples->len; i > 0; i--, limit--) {
    MillCmafSample *sample = sample_at (self, i - 1);
    if (sample->dts <= limit)
      break;
    sample->dts = limit;
  }
  if (self->samples->len > 0)
    self->last_dts = sample_at (self, self->samples->len - 1)->dts;
}

/* A source that was started again, and is fed from the last keyframe on, sends
 * again what was queued before it went: the new takes the place of the old, up
 * to what is written. Returns: whether @idr has a place */
static gboolean
take_back (MillCmafTrack *self, const MillCmafSample *idr)
{
  guint n = self->samples->len;
  if (idr->dts < self->floor)
    return FALSE;
  while (n > 0 && sample_at (self, n - 1)->dts >= idr->dts) {
    /* A cut was made there, which others follow. */
    if (sample_at (self, n - 1)->begins != MILL_CMAF_NONE)
      return FALSE;
    n--;
  }
  for (guint i = n; i < self->samples->len; i++) {
    self->queued_bytes -= sample_at (self, i)->size;
    gst_memory_unref (sample_at (self, i)->memory);
  }
  g_array_set_size (self->samples, n);
  self->last_dts = n > 0 ? sample_at (self, n - 1)->dts
                         : MAX (self->floor, idr->dts - (gint64) self->step);
  return TRUE;
}

/* Slack of two encoders' stamps of one picture: half of the shortest frame
 * that is common. */
static gint64
get_slack (const MillCmafTrack *self)
{
  return self->kind == MILL_CMAF_VIDEO ? self->timescale / 240 : 0;
}

static MillCmafPush
place_video (MillCmafTrack *self, const MillCmafInput *input,
    MillCmafSample *sample)
{
  gint64 dts = sample->pts;
  if (GST_CLOCK_STIME_IS_VALID (input->dts))
    dts = to_ticks (self, input->dts);
  else if (!input->sync)
    dts = MIN (sample->pts, self->last_dts + (gint64) self->step) - self->shift;
  /* What follows an open one is shown before it: then the shift of before makes
   * its decoding time the presentation time of the first of those. */
  if (input->sync && (!input->open || !self->anchored))
    self->shift = sample->pts - dts;
  sample->dts = dts + self->shift;

  self->resumed |= self->anchored && input->discont;
  if (self->resumed && input->sync && sample->dts <= self->last_dts) {
    if (!take_back (self, sample)) {
      self->running = FALSE;
      return MILL_CMAF_DROPPED;
    }
    self->running = TRUE;
  }
  /* It repeats what has come before, and not from a keyframe on. */
  if (self->resumed && !input->sync && input->discont &&
      sample->dts <= self->last_dts) {
    self->running = FALSE;
    return MILL_CMAF_DROPPED;
  }
  if (input->sync)
    self->resumed = FALSE;

  gint64 expected = self->last_dts + (gint64) self->step;
  /* What a source flags as discontinuous and leaves a hole before is another
   * take, however short the hole: a publisher is back within 200 ms, and its
   * pictures refer to none from before. */
  gboolean away = self->anchored && input->discont &&
      sample->dts - expected > (gint64) self->step / 2;
  if (away || self->away)
    sample->flags |= MILL_CMAF_SAMPLE_JUMP;
  if (self->anchored && sample->dts < self->last_dts - to_ticks (self, PAST_NS))
    return MILL_CMAF_DROPPED;
  if (!input->sync && (away || !self->running)) {
    gboolean was_running = self->running;
    self->running = FALSE;
    self->away |= away;
    return away && was_running ? MILL_CMAF_LOST : MILL_CMAF_DROPPED;
  }
  if (input->sync)
    make_room (self, sample);
  else if (sample->dts <= self->last_dts)
    sample->dts = self->last_dts + 1;
  return MILL_CMAF_QUEUED;
}

/* Samples of audio are counted: the stamps of a container in milliseconds, or
 * of a jittering source, only correct the count when they are half a frame
 * away from it. */
static MillCmafPush
place_audio (MillCmafTrack *self, const MillCmafInput *input,
    MillCmafSample *sample)
{
  sample->dts = sample->pts;
  if (self->anchored) {
    gint64 expected = self->last_dts + self->last_length;
    gint64 error = sample->pts - expected;
    if (error < -to_ticks (self, PAST_NS))
      return MILL_CMAF_DROPPED;
    /* Started again, it repeats what has come before. */
    self->resumed |= input->discont && error < -(gint64) self->frame_length / 2;
    if (self->resumed && error < -(gint64) self->frame_length / 2)
      return MILL_CMAF_DROPPED;
    self->resumed = FALSE;
    if (ABS (error) <= self->frame_length / 2) {
      sample->dts = expected;
    } else {
      sample->dts = MAX (sample->pts, MAX (self->last_dts + 1, self->floor));
      if (input->discont && error > 0)
        sample->flags |= MILL_CMAF_SAMPLE_JUMP;
    }
  }
  sample->pts = sample->dts;
  return MILL_CMAF_QUEUED;
}

MillCmafPush
mill_cmaf_track_push (MillCmafTrack *self, const MillCmafInput *input,
    GstMemory *memory)
{
  MillCmafSample sample = {
    .pts = to_ticks (self, input->pts),
    .begins = MILL_CMAF_NONE,
    .size = (guint32) input->size,
    .flags = (input->sync ? MILL_CMAF_SAMPLE_SYNC : MILL_CMAF_SAMPLE_NONE) |
        (input->sync && input->open ? MILL_CMAF_SAMPLE_OPEN
                                    : MILL_CMAF_SAMPLE_NONE),
    .memory = memory,
  };
  if (self->kind == MILL_CMAF_AUDIO)
    sample.duration = input->frame_length > 0 ? input->frame_length
                                              : self->frame_length;
  else if (GST_CLOCK_TIME_IS_VALID (input->duration) &&
      input->duration <= LAST_MAX_NS)
    sample.duration =
        (guint32) to_ticks (self, (GstClockTimeDiff) input->duration);
  MillCmafPush pushed = self->kind == MILL_CMAF_VIDEO
      ? place_video (self, input, &sample)
      : place_audio (self, input, &sample);
  if (pushed != MILL_CMAF_QUEUED) {
    gst_memory_unref (memory);
    return pushed;
  }
  append (self, &sample);
  self->running = TRUE;
  self->away = FALSE;
  return MILL_CMAF_QUEUED;
}

void
mill_cmaf_track_lose (MillCmafTrack *self)
{
  if (self->kind == MILL_CMAF_VIDEO)
    self->running = FALSE;
}

guint
mill_cmaf_track_get_length (const MillCmafTrack *self)
{
  return self->samples->len;
}

MillCmafSample *
mill_cmaf_track_peek (const MillCmafTrack *self, guint i)
{
  return sample_at (self, i);
}

gsize
mill_cmaf_track_get_queued_bytes (const MillCmafTrack *self)
{
  return self->queued_bytes;
}

guint64
mill_cmaf_track_get_duration (const MillCmafTrack *self, guint i)
{
  const MillCmafSample *sample = sample_at (self, i);
  if (i + 1 < self->samples->len) {
    const MillCmafSample *next = sample_at (self, i + 1);
    if (!(next->flags & MILL_CMAF_SAMPLE_JUMP))
      return (guint64) (next->dts - sample->dts);
  }
  if (sample->duration > 0)
    return sample->duration;
  return MIN (self->step, (guint64) to_ticks (self, LAST_MAX_NS));
}

gint64
mill_cmaf_track_get_end (const MillCmafTrack *self, guint i)
{
  return sample_at (self, i)->dts +
      (gint64) mill_cmaf_track_get_duration (self, i);
}

gint
mill_cmaf_track_find_start (const MillCmafTrack *self, gint64 ticks)
{
  gint64 slack = get_slack (self);
  for (guint i = 0; i < self->samples->len; i++) {
    const MillCmafSample *sample = sample_at (self, i);
    if (sample->dts + slack >= ticks && (sample->flags & MILL_CMAF_SAMPLE_SYNC))
      return (gint) i;
  }
  return -1;
}

gint
mill_cmaf_track_find_keyframe (MillCmafTrack *self, gint64 ticks)
{
  gint64 slack = get_slack (self);
  for (guint i = 0; i < self->samples->len; i++) {
    MillCmafSample *sample = sample_at (self, i);
    if (!(sample->flags & MILL_CMAF_SAMPLE_SYNC) ||
        ABS (sample->dts - ticks) > slack)
      continue;
    if (i == 0 || sample_at (self, i - 1)->dts < ticks) {
      sample->pts += ticks - sample->dts;
      sample->dts = ticks;
    }
    return (gint) i;
  }
  return -1;
}

gint
mill_cmaf_track_find_after (const MillCmafTrack *self, gint64 ticks)
{
  gint64 slack = get_slack (self);
  for (guint i = 0; i < self->samples->len; i++)
    if (sample_at (self, i)->dts + slack >= ticks)
      return (gint) i;
  return -1;
}

gboolean
mill_cmaf_track_has_passed (const MillCmafTrack *self, gint64 ticks)
{
  return self->anchored && self->last_dts > ticks + get_slack (self);
}

gint64
mill_cmaf_track_get_reached (const MillCmafTrack *self, guint i)
{
  return i > 0 ? mill_cmaf_track_get_end (self, i - 1) : self->floor;
}

gint64
mill_cmaf_track_measure_hole (const MillCmafTrack *self, guint n, gint64 end)
{
  gint64 largest = 0;
  for (guint i = 1; i < n; i++)
    if (sample_at (self, i)->flags & MILL_CMAF_SAMPLE_JUMP)
      largest = MAX (largest,
          sample_at (self, i)->dts - mill_cmaf_track_get_end (self, i - 1));
  gint64 reached = mill_cmaf_track_get_reached (self, n);
  if (reached == G_MININT64)
    return G_MAXINT64;
  return MAX (largest, end - reached);
}

void
mill_cmaf_track_drop (MillCmafTrack *self, guint n)
{
  /* Its segment has gone: nothing may take its place any more. */
  if (n > 0)
    self->floor = MAX (self->floor, sample_at (self, n - 1)->dts + 1);
  for (guint i = 0; i < n; i++) {
    self->queued_bytes -= sample_at (self, i)->size;
    gst_memory_unref (sample_at (self, i)->memory);
  }
  g_array_remove_range (self->samples, 0, n);
}

void
mill_cmaf_track_take (MillCmafTrack *self, guint n, MillCmafTaken *taken)
{
  const MillCmafSample *first = sample_at (self, 0);
  g_array_set_size (taken->samples, 0);
  g_ptr_array_set_size (taken->memories, 0);
  taken->dts = first->dts;
  taken->pts = first->pts;
  taken->sync = (first->flags & MILL_CMAF_SAMPLE_SYNC) != 0;
  taken->duration = 0;
  taken->size = 0;
  for (guint i = 0; i < n; i++) {
    MillCmafSample *sample = sample_at (self, i);
    gint64 duration = (gint64) mill_cmaf_track_get_duration (self, i);
    /* Inside a chunk decoding times are sums of durations, so that one holds
     * a jump as a long sample. */
    if (i + 1 < n)
      duration = sample_at (self, i + 1)->dts - sample->dts;
    MillBmffSample out = {
      .size = sample->size,
      .duration = (guint32) duration,
      .composition_offset = (gint32) (sample->pts - sample->dts),
      .flags = sample->flags & MILL_CMAF_SAMPLE_SYNC ? MILL_BMFF_SAMPLE_SYNC
                                                     : MILL_BMFF_SAMPLE_DELTA,
    };
    g_array_append_val (taken->samples, out);
    g_ptr_array_add (taken->memories, sample->memory);
    self->queued_bytes -= sample->size;
    taken->duration += (guint64) duration;
    taken->size += sample->size;
  }
  self->floor = taken->dts + (gint64) taken->duration;
  g_array_remove_range (self->samples, 0, n);
}

gint64
mill_cmaf_track_get_delay (const MillCmafTrack *self)
{
  return MAX (self->shift, 0);
}
