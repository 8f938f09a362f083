/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-periods.h"

struct _MillCmafPeriods
{
  GPtrArray *list; /* MillCmafPeriod; those of a window are few */
  GstClockTimeDiff duration;
  guint64 bytes;
};

static void
free_period (gpointer data)
{
  MillCmafPeriod *period = data;
  g_ptr_array_unref (period->timelines);
  g_free (period);
}

static void
free_timeline (gpointer data)
{
  if (data != NULL)
    mill_mpd_timeline_free (data);
}

MillCmafPeriods *
mill_cmaf_periods_new (void)
{
  MillCmafPeriods *self = g_new0 (MillCmafPeriods, 1);
  self->list = g_ptr_array_new_with_free_func (free_period);
  return self;
}

void
mill_cmaf_periods_free (MillCmafPeriods *self)
{
  g_ptr_array_unref (self->list);
  g_free (self);
}

static const MillCmafCut *
cut_at (const MillCmafState *state, guint k)
{
  return &g_array_index (state->cuts, MillCmafCut, k);
}

static const MillCmafSegment *
segment_at (const MillCmafState *state, guint i, guint k)
{
  const MillCmafRendition *rendition = g_ptr_array_index (state->renditions, i);
  return &g_array_index (rendition->segments, MillCmafSegment, k);
}

static guint64
get_bytes (const MillCmafState *state, guint k)
{
  guint64 bytes = 0;
  for (guint i = 0; i < state->renditions->len; i++)
    bytes += segment_at (state, i, k)->bytes;
  return bytes;
}

static gboolean
is_dependent (const MillCmafCut *cut)
{
  return (cut->flags & (MILL_CMAF_CUT_DEPENDENT | MILL_CMAF_CUT_OPEN)) != 0;
}

static MillCmafPeriod *
get_last_period (MillCmafPeriods *self, const MillCmafCut *cut)
{
  MillCmafPeriod *last = self->list->len > 0
      ? g_ptr_array_index (self->list, self->list->len - 1)
      : NULL;
  if (last != NULL && last->number == cut->period)
    return last;
  last = g_new0 (MillCmafPeriod, 1);
  last->number = cut->period;
  last->timelines = g_ptr_array_new_with_free_func (free_timeline);
  g_ptr_array_add (self->list, last);
  return last;
}

static void
add_to_timeline (MillCmafPeriod *period, const MillCmafState *state, guint i,
    guint k)
{
  const MillCmafRendition *rendition = g_ptr_array_index (state->renditions, i);
  const MillCmafSegment *segment = segment_at (state, i, k);
  const MillCmafCut *cut = cut_at (state, k);
  if (segment->flags & MILL_CMAF_SEGMENT_GAP)
    return;
  if (period->timelines->len <= i)
    g_ptr_array_set_size (period->timelines, (gint) i + 1);
  gpointer *timeline = &g_ptr_array_index (period->timelines, i);
  if (*timeline == NULL)
    *timeline = mill_mpd_timeline_new ((guint64)
            mill_cmaf_timeline_to_ticks (cut->period_media,
                rendition->format.timescale));
  mill_mpd_timeline_append (*timeline, cut->number, segment->time,
      segment->duration);
}

static void
add (MillCmafPeriods *self, const MillCmafState *state, guint k)
{
  const MillCmafCut *cut = cut_at (state, k);
  MillCmafPeriod *period = get_last_period (self, cut);
  period->n_cuts++;
  period->n_dependent += is_dependent (cut);
  for (guint i = 0; i < state->renditions->len; i++)
    add_to_timeline (period, state, i, k);
  self->duration += cut->end - cut->start;
  self->bytes += get_bytes (state, k);
}

void
mill_cmaf_periods_add_last (MillCmafPeriods *self, const MillCmafState *state)
{
  add (self, state, state->cuts->len - 1);
}

void
mill_cmaf_periods_remove_first (MillCmafPeriods *self,
    const MillCmafState *state)
{
  const MillCmafCut *cut = cut_at (state, 0);
  MillCmafPeriod *period = g_ptr_array_index (self->list, 0);
  self->duration -= cut->end - cut->start;
  self->bytes -= get_bytes (state, 0);
  period->n_dependent -= is_dependent (cut);
  if (--period->n_cuts == 0) {
    g_ptr_array_remove_index (self->list, 0);
    return;
  }
  for (guint i = 0; i < period->timelines->len; i++)
    if (period->timelines->pdata[i] != NULL)
      mill_mpd_timeline_retire (period->timelines->pdata[i], cut->number + 1);
}

void
mill_cmaf_periods_reset (MillCmafPeriods *self, const MillCmafState *state)
{
  g_ptr_array_set_size (self->list, 0);
  self->duration = 0;
  self->bytes = 0;
  for (guint k = 0; k < state->cuts->len; k++)
    add (self, state, k);
}

GstClockTimeDiff
mill_cmaf_periods_get_duration (const MillCmafPeriods *self)
{
  return self->duration;
}

guint64
mill_cmaf_periods_get_bytes (const MillCmafPeriods *self)
{
  return self->bytes;
}

const MillCmafPeriod *
mill_cmaf_periods_get (const MillCmafPeriods *self, guint i)
{
  return i < self->list->len ? g_ptr_array_index (self->list, i) : NULL;
}

const MillMpdTimeline *
mill_cmaf_periods_get_timeline (const MillCmafPeriod *period, guint i)
{
  return i < period->timelines->len ? g_ptr_array_index (period->timelines, i)
                                    : NULL;
}
