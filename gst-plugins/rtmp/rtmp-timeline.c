/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-timeline.h"

void
mill_rtmp_timeline_init (MillRtmpTimeline *timeline)
{
  *timeline = (MillRtmpTimeline){ .highest_ms = -1 };
  for (guint i = 0; i < MILL_RTMP_TIMELINE_TRACKS; i++)
    timeline->last_ns[i] = -1;
}

void
mill_rtmp_timeline_begin (MillRtmpTimeline *timeline)
{
  timeline->current.id = 0;
  timeline->previous.id = 0;
}

/* Serial arithmetic: right over the wrap as long as two messages are less than
 * 24 days apart. */
static gint32
get_step (const MillRtmpTimelineEpoch *epoch, guint32 wire_ms)
{
  return (gint32) (wire_ms - epoch->last_wire_ms);
}

static gboolean
is_close (guint32 from_ms, guint32 wire_ms)
{
  gint32 step = (gint32) (wire_ms - from_ms);

  return step > -MILL_RTMP_TIMELINE_JUMP_MS &&
      step < MILL_RTMP_TIMELINE_JUMP_MS;
}

/* Whether the track's own messages of that epoch lead to this one. */
static gboolean
continues (const MillRtmpTimelineEpoch *epoch,
    const MillRtmpTimelineStamp *stamp)
{
  return epoch->id != 0 && epoch->has_track[stamp->track] &&
      is_close (epoch->track_wire_ms[stamp->track], stamp->wire_ms);
}

static gboolean
is_near (const MillRtmpTimelineEpoch *epoch, guint32 wire_ms)
{
  return epoch->id != 0 && is_close (epoch->last_wire_ms, wire_ms);
}

/* A publisher that was silent for a while and says so is no jump. */
static gboolean
is_pause (const MillRtmpTimeline *timeline, const MillRtmpTimelineStamp *stamp)
{
  gint64 step = get_step (&timeline->current, stamp->wire_ms);
  gint64 arrival_step = (stamp->arrival_us - timeline->last_arrival_us) / 1000;

  return timeline->current.id != 0 &&
      ABS (step - arrival_step) < MILL_RTMP_TIMELINE_JUMP_MS;
}

static MillRtmpTimelineEpoch *
find_epoch (MillRtmpTimeline *timeline, const MillRtmpTimelineStamp *stamp)
{
  if (continues (&timeline->current, stamp))
    return &timeline->current;
  if (continues (&timeline->previous, stamp))
    return &timeline->previous;
  if (is_near (&timeline->current, stamp->wire_ms))
    return &timeline->current;
  if (is_near (&timeline->previous, stamp->wire_ms))
    return &timeline->previous;
  if (is_pause (timeline, stamp))
    return &timeline->current;
  return NULL;
}

gboolean
mill_rtmp_timeline_needs_anchor (const MillRtmpTimeline *timeline,
    const MillRtmpTimelineStamp *stamp)
{
  /* find_epoch() hands out a place to write to but writes nothing itself. */
  return !find_epoch ((MillRtmpTimeline *) timeline, stamp);
}

/* A publisher's clock was set, and its media goes on: the message belongs where
 * its track would have been without that. By how much it came later is the
 * network's doing, or that of a busy machine, unless the publisher was silent
 * for longer than one that comes back. */
static gint64
follow_jump (const MillRtmpTimeline *timeline,
    const MillRtmpTimelineStamp *stamp)
{
  gint64 arrival_ms = stamp->arrival_running_time / GST_MSECOND;
  gint64 silent_ms = (stamp->arrival_us - timeline->last_arrival_us) / 1000;
  gint64 step_ms = timeline->step_ms[stamp->track];
  gint64 expected_ms = timeline->highest_ms + 1;

  if (step_ms > 0)
    expected_ms = timeline->last_ns[stamp->track] / (gint64) GST_MSECOND +
        step_ms;
  gint64 late_ms = MIN (arrival_ms - expected_ms, silent_ms - step_ms);
  return late_ms < MILL_RTMP_TIMELINE_TAKE_MS ? expected_ms
                                              : expected_ms + late_ms;
}

/* A publisher that sends faster than real time is ahead of its arrival. */
static gint64
begin_take (const MillRtmpTimeline *timeline,
    const MillRtmpTimelineStamp *stamp)
{
  gint64 arrival_ms = stamp->arrival_running_time / GST_MSECOND;
  gint64 pause_ms = timeline->n_epochs > 0 ? MILL_RTMP_TIMELINE_TAKE_MS : 1;

  return MAX (arrival_ms, timeline->highest_ms + pause_ms);
}

static MillRtmpTimelineEpoch *
begin_epoch (MillRtmpTimeline *timeline, const MillRtmpTimelineStamp *stamp)
{
  gboolean is_jump = timeline->current.id != 0;
  gint64 offset_ms = is_jump ? follow_jump (timeline, stamp)
                             : begin_take (timeline, stamp);

  if (is_jump)
    timeline->jumps++;
  timeline->previous = timeline->current;
  timeline->current = (MillRtmpTimelineEpoch){
    .id = ++timeline->n_epochs,
    .last_wire_ms = stamp->wire_ms,
    .offset_ms = offset_ms,
  };
  return &timeline->current;
}

/* How long a message of the track lasts, as far as its stamps tell. */
static void
learn_step (MillRtmpTimeline *timeline, const MillRtmpTimelineEpoch *epoch,
    const MillRtmpTimelineStamp *stamp)
{
  gint32 step_ms;

  if (!continues (epoch, stamp))
    return;
  step_ms = (gint32) (stamp->wire_ms - epoch->track_wire_ms[stamp->track]);
  if (step_ms > 0)
    timeline->step_ms[stamp->track] = MIN (step_ms, MILL_RTMP_TIMELINE_TAKE_MS);
}

GstClockTime
mill_rtmp_timeline_stamp (MillRtmpTimeline *timeline,
    const MillRtmpTimelineStamp *stamp, gboolean *ret_discont)
{
  MillRtmpTimelineEpoch *epoch = find_epoch (timeline, stamp);
  gint64 *last_ns = &timeline->last_ns[stamp->track];

  if (!epoch)
    epoch = begin_epoch (timeline, stamp);
  *ret_discont = epoch->id != timeline->last_epoch[stamp->track];
  timeline->last_epoch[stamp->track] = epoch->id;
  learn_step (timeline, epoch, stamp);
  epoch->offset_ms += get_step (epoch, stamp->wire_ms);
  epoch->last_wire_ms = stamp->wire_ms;
  epoch->track_wire_ms[stamp->track] = stamp->wire_ms;
  epoch->has_track[stamp->track] = TRUE;
  timeline->last_arrival_us = stamp->arrival_us;

  gint64 running_ns = epoch->offset_ms * (gint64) GST_MSECOND + stamp->nano;
  /* Nothing lies before the start of the pipeline, or before what was pushed:
   * after a new epoch the other track may begin a little earlier. */
  gint64 floor_ns = MAX (*last_ns, 0);
  if (running_ns < floor_ns) {
    running_ns = floor_ns;
    timeline->repairs++;
  }
  *last_ns = running_ns;
  timeline->highest_ms =
      MAX (timeline->highest_ms, running_ns / (gint64) GST_MSECOND);
  return running_ns;
}
