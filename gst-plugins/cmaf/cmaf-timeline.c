/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-timeline.h"

struct _MillCmafTimeline
{
  GstClockTime segment_duration;
  GstClockTime limit; /* 0: none */
  guint64 generation;
  guint64 next_number;
  GstClockTimeDiff base; /* GST_CLOCK_STIME_NONE before the first cut */
  gint64 wall_us; /* at running time 0 */
  gint64 next_wall_us; /* the same, from the next discontinuity on */
  MillCmafCutFlags pending; /* flags of the next cut */
  GstClockTimeDiff border; /* G_MAXINT64: none */
  GArray *cuts; /* MillCmafCut, consecutive numbers */
};

gint64
mill_cmaf_timeline_to_ticks (GstClockTimeDiff value, guint timescale)
{
  guint64 size = value < 0 ? -(guint64) value : (guint64) value;
  gint64 ticks =
      (gint64) gst_util_uint64_scale_round (size, timescale, GST_SECOND);
  return value < 0 ? -ticks : ticks;
}

GstClockTimeDiff
mill_cmaf_timeline_to_ns (gint64 ticks, guint timescale)
{
  guint64 size = ticks < 0 ? -(guint64) ticks : (guint64) ticks;
  gint64 value =
      (gint64) gst_util_uint64_scale_round (size, GST_SECOND, timescale);
  return ticks < 0 ? -value : value;
}

MillCmafTimeline *
mill_cmaf_timeline_new (GstClockTime segment_duration, guint64 generation,
    guint64 first_number)
{
  MillCmafTimeline *self = g_new0 (MillCmafTimeline, 1);
  self->segment_duration = segment_duration;
  self->generation = generation;
  self->next_number = first_number;
  self->base = GST_CLOCK_STIME_NONE;
  self->border = G_MAXINT64;
  self->cuts = g_array_new (FALSE, FALSE, sizeof (MillCmafCut));
  return self;
}

void
mill_cmaf_timeline_free (MillCmafTimeline *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->cuts);
  g_free (self);
}

void
mill_cmaf_timeline_set_limit (MillCmafTimeline *self, GstClockTime limit)
{
  self->limit = limit;
}

void
mill_cmaf_timeline_set_wall (MillCmafTimeline *self, gint64 wall_us)
{
  self->wall_us = self->next_wall_us = wall_us;
}

void
mill_cmaf_timeline_move_wall (MillCmafTimeline *self, gint64 wall_us,
    gboolean breaks)
{
  self->next_wall_us = wall_us;
  if (breaks)
    self->pending |= MILL_CMAF_CUT_DISCONTINUITY | MILL_CMAF_CUT_PERIOD;
}

void
mill_cmaf_timeline_shift_wall (MillCmafTimeline *self, guint64 number,
    gint64 us)
{
  self->wall_us += us;
  self->next_wall_us += us;
  for (guint i = 0; i < self->cuts->len; i++) {
    MillCmafCut *cut = &g_array_index (self->cuts, MillCmafCut, i);
    if (cut->number >= number)
      cut->wall_us += us;
  }
}

gint64
mill_cmaf_timeline_get_wall (const MillCmafTimeline *self)
{
  return self->next_wall_us;
}

void
mill_cmaf_timeline_set_generation (MillCmafTimeline *self, guint64 generation)
{
  self->generation = generation;
  self->pending |= MILL_CMAF_CUT_DISCONTINUITY | MILL_CMAF_CUT_PERIOD;
}

guint64
mill_cmaf_timeline_get_generation (const MillCmafTimeline *self)
{
  return self->generation;
}

void
mill_cmaf_timeline_break (MillCmafTimeline *self)
{
  self->pending |= MILL_CMAF_CUT_DISCONTINUITY;
}

void
mill_cmaf_timeline_set_border (MillCmafTimeline *self, GstClockTimeDiff time)
{
  self->border = time;
}

GstClockTimeDiff
mill_cmaf_timeline_get_border (const MillCmafTimeline *self)
{
  return self->border;
}

GstClockTimeDiff
mill_cmaf_timeline_get_video_slack (const MillCmafTimeline *self)
{
  return (GstClockTimeDiff) (self->segment_duration / 20);
}

const MillCmafCut *
mill_cmaf_timeline_last (const MillCmafTimeline *self)
{
  if (self->cuts->len == 0)
    return NULL;
  return &g_array_index (self->cuts, MillCmafCut, self->cuts->len - 1);
}

const MillCmafCut *
mill_cmaf_timeline_first (const MillCmafTimeline *self)
{
  if (self->cuts->len == 0)
    return NULL;
  return &g_array_index (self->cuts, MillCmafCut, 0);
}

guint64
mill_cmaf_timeline_get_next (const MillCmafTimeline *self)
{
  return self->next_number;
}

MillCmafDecision
mill_cmaf_timeline_offer (const MillCmafTimeline *self, GstClockTimeDiff time,
    GstClockTime duration, gboolean is_sync, GstClockTimeDiff slack)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self);
  /* Who takes over may be behind. */
  if (last != NULL && time <= last->start)
    return MILL_CMAF_GO_ON;
  if (last == NULL || GST_CLOCK_STIME_IS_VALID (last->end))
    return is_sync ? MILL_CMAF_CUT_HERE : MILL_CMAF_GO_ON;
  /* A pending discontinuity waits for nothing but a place to begin. */
  if (is_sync && self->pending != MILL_CMAF_CUT_NONE)
    return MILL_CMAF_CUT_HERE;
  if (is_sync && time >= self->border)
    return MILL_CMAF_CUT_HERE;
  GstClockTimeDiff length = time - last->start;
  if (is_sync && length + slack >= (GstClockTimeDiff) self->segment_duration)
    return MILL_CMAF_CUT_HERE;
  /* Here or never: with one sample more the segment would be too long. */
  if (self->limit > 0 &&
      length + (GstClockTimeDiff) duration > (GstClockTimeDiff) self->limit)
    return MILL_CMAF_CUT_LONG_GOP;
  return MILL_CMAF_GO_ON;
}

GstClockTimeDiff
mill_cmaf_timeline_get_earliest (const MillCmafTimeline *self)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self);
  if (last == NULL || GST_CLOCK_STIME_IS_VALID (last->end) ||
      self->pending != MILL_CMAF_CUT_NONE)
    return GST_CLOCK_STIME_NONE;
  GstClockTimeDiff usual = last->start +
      (GstClockTimeDiff) self->segment_duration -
      mill_cmaf_timeline_get_video_slack (self);
  return MIN (usual, MAX (self->border, last->start));
}

GstClockTimeDiff
mill_cmaf_timeline_get_latest (const MillCmafTimeline *self)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self);
  if (last == NULL || GST_CLOCK_STIME_IS_VALID (last->end))
    return GST_CLOCK_STIME_NONE;
  return self->limit > 0 ? last->start + (GstClockTimeDiff) self->limit
                         : G_MAXINT64;
}

gboolean
mill_cmaf_timeline_is_overrun (const MillCmafTimeline *self,
    GstClockTimeDiff time)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self);
  return self->limit > 0 && last != NULL &&
      !GST_CLOCK_STIME_IS_VALID (last->end) &&
      time - last->start > (GstClockTimeDiff) self->limit;
}

const MillCmafCut *
mill_cmaf_timeline_cut (MillCmafTimeline *self, GstClockTimeDiff start,
    GstClockTimeDiff end, MillCmafCutFlags flags)
{
  if (!GST_CLOCK_STIME_IS_VALID (self->base))
    self->base = MIN (start, 0);
  mill_cmaf_timeline_finish (self, end);
  flags |= self->pending;
  if (flags & MILL_CMAF_CUT_DISCONTINUITY)
    self->wall_us = self->next_wall_us;
  MillCmafCut cut = {
    .number = self->next_number++,
    .generation = self->generation,
    .start = start,
    .end = GST_CLOCK_STIME_NONE,
    .media_start = MAX (start - self->base, 0),
    .wall_us = self->wall_us + start / GST_USECOND,
    .flags = flags,
  };
  self->pending = MILL_CMAF_CUT_NONE;
  g_array_append_val (self->cuts, cut);
  return mill_cmaf_timeline_last (self);
}

void
mill_cmaf_timeline_finish (MillCmafTimeline *self, GstClockTimeDiff end)
{
  if (self->cuts->len == 0)
    return;
  MillCmafCut *last =
      &g_array_index (self->cuts, MillCmafCut, self->cuts->len - 1);
  if (!GST_CLOCK_STIME_IS_VALID (last->end))
    last->end = MAX (end, last->start);
}

const MillCmafCut *
mill_cmaf_timeline_find (const MillCmafTimeline *self, guint64 number)
{
  if (self->cuts->len == 0)
    return NULL;
  guint64 first = g_array_index (self->cuts, MillCmafCut, 0).number;
  if (number < first || number - first >= self->cuts->len)
    return NULL;
  return &g_array_index (self->cuts, MillCmafCut, number - first);
}

const MillCmafCut *
mill_cmaf_timeline_at (const MillCmafTimeline *self, GstClockTimeDiff time)
{
  for (guint i = self->cuts->len; i > 0; i--) {
    const MillCmafCut *cut = &g_array_index (self->cuts, MillCmafCut, i - 1);
    if (cut->start <= time || i == 1)
      return cut;
  }
  return NULL;
}

void
mill_cmaf_timeline_retire (MillCmafTimeline *self, guint64 number)
{
  guint n = 0;
  while (n < self->cuts->len &&
      g_array_index (self->cuts, MillCmafCut, n).number < number)
    n++;
  g_array_remove_range (self->cuts, 0, n);
}

GstClockTimeDiff
mill_cmaf_timeline_get_base (const MillCmafTimeline *self)
{
  return GST_CLOCK_STIME_IS_VALID (self->base) ? self->base : 0;
}
