/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Which wall clock what is published has: that of what came earliest for its
 * stamp, until dates are told. Those never change: not in a playlist (RFC 8216bis
 * 6.2.1), and what availabilityStartTime says of a segment neither (ISO/IEC
 * 23009-1 5.4). What was dated before is dated anew then.
 *
 * The first playlists wait until it is known, at the longest until players are
 * told of the presentation. Where there are playlists already, after a restart and
 * when the source was away and is back (which is another take, with stamps that
 * lie elsewhere), players have nothing to play: what counts is what came before
 * the first part is told. That waits for as long as it would take if nothing had
 * been waiting: what had, comes all at once. Breaks that begin or end meanwhile are
 * told of then, too.
 */

#include "cmaf-packager-private.h"

/* By how much the source's clock may be off what playlists tell: a clock that
 * drifts must not break a stream, one that was set must. */
#define REFERENCE_MAX_US G_USEC_PER_SEC

/* Wall clock of the first cut of this take, as far as is known. */
static gint64
get_take_wall (const MillCmafPackager *self)
{
  if (self->take_start == G_MININT64)
    return 0;
  return mill_cmaf_timeline_get_wall (self->timeline) +
      self->take_start / (GstClockTimeDiff) GST_USECOND;
}

/* What is dated from the first cut of this take on was dated by @us too late. */
static void
move_locked (MillCmafPackager *self, gint64 us)
{
  gint64 from_us = get_take_wall (self);
  if (us == 0)
    return;
  mill_cmaf_timeline_shift_wall (self->timeline, self->take, us);
  mill_cmaf_publisher_shift_dates (self->publisher, self->take, us);
  if (self->cues != NULL)
    mill_cmaf_cues_shift_locked (self, from_us, us);
}

static void
follow_locked (MillCmafPackager *self)
{
  gint64 offset_us = mill_cmaf_wall_get_offset (self->wall);
  move_locked (self, offset_us - self->wall_offset_us);
  self->wall_offset_us = offset_us;
}

static void
stop_measuring_locked (MillCmafPackager *self)
{
  mill_cmaf_wall_settle (self->wall);
  g_atomic_int_set (&self->asks_arrival, FALSE);
}

/* Measuring is over, and dates are where they stay. */
static void
release_locked (MillCmafPackager *self)
{
  if (self->cues == NULL)
    return;
  mill_cmaf_cues_settle_locked (self, G_MAXINT64);
  mill_cmaf_events_release_locked (self);
}

static void
settle_locked (MillCmafPackager *self)
{
  if (!mill_cmaf_wall_is_open (self->wall))
    return;
  follow_locked (self);
  stop_measuring_locked (self);
  release_locked (self);
}

gboolean
mill_cmaf_dating_waits_locked (MillCmafPackager *self, const MillCmafLane *lane)
{
  return G_UNLIKELY (g_atomic_int_get (&self->asks_arrival)) &&
      lane->segment != MILL_CMAF_NONE && lane->segment >= self->take &&
      mill_cmaf_wall_is_fresh (self->wall, self->options.part_duration);
}

gboolean
mill_cmaf_dating_announce_locked (MillCmafPackager *self, gboolean due)
{
  GstClockTime span = self->options.publisher.segment_duration / 2;
  if (self->dates_told)
    return TRUE;
  if (!due && mill_cmaf_wall_is_open (self->wall) &&
      !mill_cmaf_wall_is_steady (self->wall, span))
    return FALSE;
  settle_locked (self);
  return self->dates_told = TRUE;
}

void
mill_cmaf_dating_tell_locked (MillCmafPackager *self, guint64 number)
{
  if (G_LIKELY (!g_atomic_int_get (&self->asks_arrival)) || number < self->take)
    return;
  if (self->dates_told)
    settle_locked (self);
  else
    follow_locked (self);
}

/* Dates of the wall clock never go back: at the most the time that the source was
 * away is taken for that of pictures that waited. */
static void
begin_take_locked (MillCmafPackager *self, const MillCmafLane *lane, guint i)
{
  if (self->dating != MILL_CMAF_DATED_BY_ARRIVAL)
    return;
  GstClockTimeDiff start =
      mill_cmaf_lane_to_ns (lane, mill_cmaf_track_peek (lane->track, i)->dts);
  gint64 reached = mill_cmaf_track_get_reached (lane->track, i);
  GstClockTimeDiff hole = reached != G_MININT64
      ? MAX (start - mill_cmaf_lane_to_ns (lane, reached), 0)
      : 0;
  mill_cmaf_wall_begin (self->wall, start,
      self->wall_offset_us * (GstClockTimeDiff) GST_USECOND - hole);
  self->take = mill_cmaf_timeline_get_next (self->timeline);
  self->take_start = start;
  /* Who leaves at once and is back has two takes of which nobody was told. */
  if (self->cues != NULL)
    mill_cmaf_cues_settle_locked (self, get_take_wall (self));
  g_atomic_int_set (&self->asks_arrival, TRUE);
}

void
mill_cmaf_dating_note_locked (MillCmafPackager *self, const MillCmafLane *lane,
    const MillCmafInput *input)
{
  guint i = mill_cmaf_track_get_length (lane->track) - 1;
  const MillCmafSample *sample = mill_cmaf_track_peek (lane->track, i);
  if (G_UNLIKELY (sample->flags & MILL_CMAF_SAMPLE_JUMP) &&
      lane == self->timing)
    begin_take_locked (self, lane, i);
  if (G_UNLIKELY (g_atomic_int_get (&self->asks_arrival)) &&
      GST_CLOCK_STIME_IS_VALID (input->arrival))
    mill_cmaf_wall_note (self->wall, lane, input->arrival,
        mill_cmaf_lane_to_ns (lane, sample->dts));
}

/* ---- whose clock ---- */

/* How much earlier than @wall_us says dates may become: a predecessor's have
 * been told up to where it ended. */
static GstClockTimeDiff
get_limit (const MillCmafPackager *self, gint64 wall_us, GstClockTimeDiff start)
{
  const MillSlidingList *cuts =
      mill_cmaf_publisher_get_state (self->publisher)->cuts;
  if (!mill_cmaf_publisher_is_continued (self->publisher))
    return G_MININT64;
  const MillCmafCut *last = &g_array_index (cuts, MillCmafCut, cuts->len - 1);
  gint64 end_us = last->wall_us + (last->end - last->start) / GST_USECOND;
  gint64 begin_us = wall_us + start / (GstClockTimeDiff) GST_USECOND;
  return MIN (end_us - begin_us, 0) * (GstClockTimeDiff) GST_USECOND;
}

void
mill_cmaf_dating_begin_locked (MillCmafPackager *self, MillCmafDating dating,
    gint64 wall_us, GstClockTimeDiff start)
{
  if (self->has_wall)
    return;
  self->has_wall = TRUE;
  self->take = self->first_number;
  self->take_start = G_MININT64;
  self->dates_told = mill_cmaf_publisher_is_continued (self->publisher);
  mill_cmaf_timeline_set_wall (self->timeline, wall_us);
  self->dating = mill_cmaf_packager_is_vod (self) ? MILL_CMAF_DATED_AS_TOLD
                                                  : dating;
  if (self->dating == MILL_CMAF_DATED_BY_ARRIVAL)
    mill_cmaf_wall_begin (self->wall, G_MININT64,
        get_limit (self, wall_us, start));
  else
    g_atomic_int_set (&self->asks_arrival, FALSE);
}

void
mill_cmaf_dating_refer_locked (MillCmafPackager *self, gint64 zero_us)
{
  if (!self->has_wall) {
    mill_cmaf_dating_begin_locked (self, MILL_CMAF_DATED_AS_TOLD, zero_us, 0);
    return;
  }
  gint64 off = zero_us - mill_cmaf_timeline_get_wall (self->timeline);
  self->dating = MILL_CMAF_DATED_AS_TOLD;
  if (mill_cmaf_wall_is_open (self->wall)) {
    stop_measuring_locked (self);
    /* Nobody was told of another one yet. */
    if (!self->dates_told)
      move_locked (self, off);
    release_locked (self);
    if (!self->dates_told)
      return;
  }
  if (off == 0)
    return;
  gboolean breaks = ABS (off) >= REFERENCE_MAX_US;
  /* What was put aside is from before. */
  if (breaks)
    mill_cmaf_intake_begin_locked (self);
  mill_cmaf_timeline_move_wall (self->timeline, zero_us, breaks);
}
