/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-packager-private.h"

/* What other lanes may queue while they wait for the timing rendition. */
#define AHEAD_MAX_BYTES (64u << 20)

/* How much sound after the end of the video belongs to its last segment: what
 * still rounds to the target duration. */
#define TAIL_NS (450 * GST_MSECOND)

/* ---- the timing rendition ---- */

/* Low-latency DASH counts the segments of a Period, until one is of another
 * length: then the next one that can be counted from begins a Period. */
static MillCmafCutFlags
count_locked (MillCmafPackager *self, GstClockTimeDiff end)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  if (self->options.part_duration == 0 || mill_cmaf_packager_is_vod (self) ||
      last == NULL)
    return MILL_CMAF_CUT_NONE;
  return mill_cmaf_counting_add (&self->counting, end - last->start)
      ? MILL_CMAF_CUT_PERIOD
      : MILL_CMAF_CUT_NONE;
}

static void
cut_locked (MillCmafPackager *self, MillCmafLane *lane, guint i,
    MillCmafCutFlags flags)
{
  MillCmafSample *sample = mill_cmaf_track_peek (lane->track, i);
  GstClockTimeDiff start = mill_cmaf_lane_to_ns (lane, sample->dts);
  GstClockTimeDiff end = start;
  if (i > 0 && (sample->flags & MILL_CMAF_SAMPLE_JUMP))
    end = mill_cmaf_lane_to_ns (lane,
        mill_cmaf_track_get_end (lane->track, i - 1));
  if (sample->flags & MILL_CMAF_SAMPLE_OPEN)
    flags |= MILL_CMAF_CUT_OPEN;
  if (self->cues != NULL)
    flags |= mill_cmaf_cues_get_flags_locked (self, start);
  flags |= count_locked (self, end);
  const MillCmafCut *cut =
      mill_cmaf_timeline_cut (self->timeline, start, end, flags);
  if (cut->flags & (MILL_CMAF_CUT_PERIOD | MILL_CMAF_CUT_DISCONTINUITY))
    mill_cmaf_counting_begin (&self->counting);
  sample->begins = cut->number;
  if (self->cues != NULL)
    mill_cmaf_cues_cut_locked (self, cut);
}

/* How far a cut may be before the end of a segment duration. */
static GstClockTimeDiff
get_slack (const MillCmafPackager *self, const MillCmafLane *lane)
{
  if (lane->kind == MILL_CMAF_VIDEO)
    return mill_cmaf_timeline_get_video_slack (self->timeline);
  /* What sounds on after the last picture makes the last segment a little
   * longer, rather than one more that has no video. */
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillCmafLane *other = mill_cmaf_packager_get_lane (self, i);
    if (other->kind == MILL_CMAF_VIDEO && other->eos)
      return -(GstClockTimeDiff) TAIL_NS;
  }
  return mill_cmaf_lane_to_ns (lane, lane->frame_length / 2);
}

/* An encoder has left pictures out, so that the one before sample @i lasts
 * until its segment is too long, which no offer could foresee: it begins the
 * next segment. It is still there, a track keeps its last sample back. */
static void
cut_before_hole_locked (MillCmafPackager *self, MillCmafLane *lane, guint i)
{
  const MillCmafSample *sample = mill_cmaf_track_peek (lane->track, i);
  if (i == 0 || (sample->flags & MILL_CMAF_SAMPLE_JUMP) ||
      !mill_cmaf_timeline_is_overrun (self->timeline,
          mill_cmaf_lane_to_ns (lane, sample->dts)))
    return;
  const MillCmafSample *before = mill_cmaf_track_peek (lane->track, i - 1);
  if (before->begins != MILL_CMAF_NONE)
    return;
  cut_locked (self, lane, i - 1,
      before->flags & MILL_CMAF_SAMPLE_SYNC ? MILL_CMAF_CUT_NONE
                                            : MILL_CMAF_CUT_DEPENDENT);
}

/* Whether another lane has cut in the hole before sample @i: who takes over from
 * a video that ends soon after its source was away still has that hole, and
 * would cut it a second time. */
static gboolean
is_hole_cut (const MillCmafPackager *self, const MillCmafLane *lane, guint i)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  if (last == NULL || !(last->flags & MILL_CMAF_CUT_DISCONTINUITY))
    return FALSE;
  gint64 reached = mill_cmaf_track_get_reached (lane->track, i);
  return reached == G_MININT64 ||
      mill_cmaf_lane_to_ns (lane, reached) <= last->start;
}

/* Offers the samples from @from on to the timeline. */
void
mill_cmaf_cutting_offer_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint from)
{
  GstClockTimeDiff slack = get_slack (self, lane);
  for (guint i = from; i < mill_cmaf_track_get_length (lane->track); i++) {
    const MillCmafSample *sample = mill_cmaf_track_peek (lane->track, i);
    if (sample->begins != MILL_CMAF_NONE)
      continue;
    if ((sample->flags & MILL_CMAF_SAMPLE_JUMP) && !is_hole_cut (self, lane, i))
      mill_cmaf_timeline_break (self->timeline);
    cut_before_hole_locked (self, lane, i);
    GstClockTime duration = i > 0
        ? (GstClockTime) mill_cmaf_lane_to_ns (lane,
              (gint64) mill_cmaf_track_get_duration (lane->track, i - 1))
        : 0;
    MillCmafDecision decision = mill_cmaf_timeline_offer (self->timeline,
        mill_cmaf_lane_to_ns (lane, sample->dts), duration,
        (sample->flags & MILL_CMAF_SAMPLE_SYNC) != 0, slack);
    if (decision == MILL_CMAF_CUT_HERE)
      cut_locked (self, lane, i, MILL_CMAF_CUT_NONE);
    else if (decision == MILL_CMAF_CUT_LONG_GOP) {
      cut_locked (self, lane, i, MILL_CMAF_CUT_DEPENDENT);
      if (!self->long_gop_told) {
        self->long_gop_told = TRUE;
        g_autoptr (GError) error = g_error_new (MILL_CMAF_STATE_ERROR,
            MILL_CMAF_STATE_ERROR_INVALID,
            "keyframe distance of '%s': got more than a segment may last, "
            "expected a keyframe every %.1f s: cutting without one",
            lane->pad, self->options.publisher.segment_duration / 1e9);
        mill_cmaf_packager_say_locked (self, MILL_CMAF_WARNED, error);
      }
    }
  }
}

/* Index of the first queued sample after the last cut; the length: none */
static guint
find_after_last_cut (const MillCmafPackager *self, const MillCmafLane *lane)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  guint length = mill_cmaf_track_get_length (lane->track);
  guint from = 0;
  while (last != NULL && from < length &&
      mill_cmaf_lane_to_ns (lane,
          mill_cmaf_track_peek (lane->track, from)->dts) <= last->start)
    from++;
  return from;
}

/* Where a video can begin to cut; -1: nowhere yet */
static gint
find_first_cut (const MillCmafPackager *self, const MillCmafLane *lane)
{
  guint length = mill_cmaf_track_get_length (lane->track);
  for (guint i = find_after_last_cut (self, lane); i < length; i++)
    if (mill_cmaf_track_peek (lane->track, i)->flags & MILL_CMAF_SAMPLE_SYNC)
      return (gint) i;
  return -1;
}

static void
take_over_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  guint from = find_after_last_cut (self, lane);
  self->timing = lane;
  /* An IDR of a video that comes (back) is cut at, wherever it is. */
  if (lane->kind == MILL_CMAF_VIDEO && lane->segment == MILL_CMAF_NONE) {
    gint first = find_first_cut (self, lane);
    from = first < 0 ? mill_cmaf_track_get_length (lane->track) : (guint) first;
    if (first >= 0 && last != NULL && !GST_CLOCK_STIME_IS_VALID (last->end)) {
      cut_locked (self, lane, from, MILL_CMAF_CUT_NONE);
      from++;
    }
  }
  mill_cmaf_cutting_offer_locked (self, lane, from);
}

gboolean
mill_cmaf_cutting_is_startup_over (const MillCmafPackager *self)
{
  return self->clock >= self->options.startup_timeout;
}

static gboolean
is_stalled (const MillCmafPackager *self, const MillCmafLane *lane)
{
  GstClockTime limit = 3 * self->options.publisher.segment_duration +
      MILL_CMAF_DEFAULT_SKEW;
  return !mill_cmaf_packager_is_vod (self) && self->clock - lane->heard > limit;
}

static guint
get_place (const MillCmafPackager *self, const MillCmafLane *lane)
{
  guint place = G_MAXUINT;
  g_ptr_array_find (self->lanes, lane, &place);
  return place;
}

/* The pass-through is linked before what is made of it: the first video cuts,
 * which a crash of an encoder cannot stop. Whether such a one is to come. */
static gboolean
is_better_expected (const MillCmafPackager *self, const MillCmafLane *lane)
{
  for (guint i = 0; i < get_place (self, lane); i++) {
    const MillCmafLane *other = mill_cmaf_packager_get_lane (self, i);
    if (other->kind == MILL_CMAF_VIDEO && !other->eos)
      return !self->finishing &&
          mill_cmaf_track_get_queued_bytes (lane->track) <= AHEAD_MAX_BYTES &&
          (mill_cmaf_packager_is_vod (self) ||
              !mill_cmaf_cutting_is_startup_over (self));
  }
  return FALSE;
}

static void
elect_video_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  gboolean cuts = self->timing != NULL && !self->timing->eos &&
      self->timing->kind == MILL_CMAF_VIDEO && !is_stalled (self, self->timing);
  if (cuts && get_place (self, self->timing) < get_place (self, lane))
    return;
  if (self->timing == NULL && is_better_expected (self, lane))
    return;
  if (find_first_cut (self, lane) >= 0)
    take_over_locked (self, lane);
}

/* A video that was planned and has not ended. */
static gboolean
is_video_planned (const MillCmafPackager *self)
{
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    if (lane->kind == MILL_CMAF_VIDEO && !lane->eos)
      return TRUE;
  }
  return FALSE;
}

static gboolean
has_video (const MillCmafPackager *self)
{
  for (guint i = 0; i < self->lanes->len; i++)
    if (mill_cmaf_packager_get_lane (self, i)->kind == MILL_CMAF_VIDEO)
      return TRUE;
  return FALSE;
}

/* Whether a lane of audio has to cut, for want of a video that does. */
static gboolean
wants_audio_to_cut (const MillCmafPackager *self, const MillCmafLane *lane)
{
  if (self->timing != NULL)
    return self->timing->eos || is_stalled (self, self->timing);
  if (self->finishing ||
      mill_cmaf_track_get_queued_bytes (lane->track) > AHEAD_MAX_BYTES)
    return TRUE;
  /* In a file the thread of the audio may run far ahead of the video's. */
  if (is_video_planned (self))
    return !mill_cmaf_packager_is_vod (self) &&
        mill_cmaf_cutting_is_startup_over (self);
  /* Without any, one may still be requested. */
  return has_video (self) || mill_cmaf_cutting_is_startup_over (self);
}

/* Makes sure that somebody cuts, after lane @lane got a sample or an end. */
void
mill_cmaf_cutting_elect_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  if (lane->track == NULL || lane == self->timing)
    return;
  guint length = mill_cmaf_track_get_length (lane->track);
  if (length == 0)
    return;
  if (lane->kind == MILL_CMAF_VIDEO) {
    elect_video_locked (self, lane);
    return;
  }
  if (wants_audio_to_cut (self, lane))
    take_over_locked (self, lane);
}
