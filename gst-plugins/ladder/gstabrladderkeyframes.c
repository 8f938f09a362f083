/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Keyframes beside those that an encoded source has: a raw source's, one per
 * interval, and those that a neighbour asks for.
 *
 * Threads: raw frames come in one streaming thread, requests in any; the latter
 * only set a flag that the next frame takes, or go on to the source.
 */

#include "gstabrladder-private.h"

#include <gst/video/video.h>

void
gst_abr_ladder_keyframes_start (GstAbrLadder *self)
{
  self->keyframes = mill_ladder_keyframes_new ();
  self->keyframe_due = GST_CLOCK_TIME_NONE;
  g_atomic_int_set (&self->is_raw, FALSE);
  g_atomic_int_set (&self->keyframe_wanted, FALSE);
  self->keyframe_wanted_at = GST_CLOCK_TIME_NONE;
}

void
gst_abr_ladder_keyframes_stop (GstAbrLadder *self)
{
  g_clear_pointer (&self->keyframes, mill_ladder_keyframes_unref);
}

/* Whether somebody has asked for a keyframe at @time, or before. */
static gboolean
take_wish (GstAbrLadder *self, GstClockTime time)
{
  gboolean is_now =
      g_atomic_int_compare_and_exchange (&self->keyframe_wanted, TRUE, FALSE);
  GST_OBJECT_LOCK (self);
  gboolean is_due = GST_CLOCK_TIME_IS_VALID (self->keyframe_wanted_at) &&
      time >= self->keyframe_wanted_at;
  if (is_due)
    self->keyframe_wanted_at = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (self);
  return is_now || is_due;
}

/* Of several times that are asked for the first counts: who wants another one
 * asks again when that is over. */
static void
add_wish (GstAbrLadder *self, GstEvent *event)
{
  GstClockTime time = GST_CLOCK_TIME_NONE;
  gst_video_event_parse_upstream_force_key_unit (event, &time, NULL, NULL);
  if (!GST_CLOCK_TIME_IS_VALID (time)) {
    g_atomic_int_set (&self->keyframe_wanted, TRUE);
    return;
  }
  GST_OBJECT_LOCK (self);
  self->keyframe_wanted_at = GST_CLOCK_TIME_IS_VALID (self->keyframe_wanted_at)
      ? MIN (self->keyframe_wanted_at, time)
      : time;
  GST_OBJECT_UNLOCK (self);
}

/* A raw source has no keyframes of its own: the first frame at or after each
 * multiple of the interval. */
static GstPadProbeReturn
on_raw_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstAbrLadder *self = user_data;
  if ((GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_FLUSH) != 0) {
    if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) ==
        GST_EVENT_FLUSH_STOP) {
      mill_ladder_keyframes_clear (self->keyframes);
      self->keyframe_due = GST_CLOCK_TIME_NONE;
    }
    return GST_PAD_PROBE_OK;
  }
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  if (event == NULL)
    return GST_PAD_PROBE_OK;
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  GstClockTime time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_PAD_PROBE_OK;
  gboolean is_first = !GST_CLOCK_TIME_IS_VALID (self->keyframe_due);
  gboolean is_wanted = take_wish (self, time);
  if (!is_first && !is_wanted && time < self->keyframe_due)
    return GST_PAD_PROBE_OK;
  mill_ladder_keyframes_add (self->keyframes, time);
  GstClockTime interval;
  GST_OBJECT_LOCK (self);
  interval = self->settings.keyframe_interval_ms * GST_MSECOND;
  GST_OBJECT_UNLOCK (self);
  if (is_first)
    self->keyframe_due = time;
  if (time >= self->keyframe_due)
    self->keyframe_due += ((time - self->keyframe_due) / interval + 1) *
        interval;
  return GST_PAD_PROBE_OK;
}

void
gst_abr_ladder_keyframes_set_raw (GstAbrLadder *self)
{
  g_atomic_int_set (&self->is_raw, TRUE);
}

void
gst_abr_ladder_keyframes_watch (GstAbrLadder *self, GstPad *pad)
{
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_raw_frame,
      self, NULL);
}

gboolean
gst_abr_ladder_keyframes_want_raw (GstAbrLadder *self)
{
  if (!g_atomic_int_get (&self->is_raw))
    return FALSE;
  g_atomic_int_set (&self->keyframe_wanted, TRUE);
  return TRUE;
}

/* A keyframe on demand is one in every rung, so it has to come from before the
 * ladder: from the encoder of the source, or with the next raw frame. */
gboolean
gst_abr_ladder_keyframes_request (GstAbrLadder *self, GstEvent *event)
{
  GST_OBJECT_LOCK (self);
  GstPad *video = self->inputs[GST_ABR_LADDER_VIDEO].pad;
  g_autoptr (GstPad) pad = video != NULL ? gst_object_ref (video) : NULL;
  GST_OBJECT_UNLOCK (self);
  if (pad == NULL || g_atomic_int_get (&self->is_raw)) {
    add_wish (self, event);
    gst_event_unref (event);
    return TRUE;
  }
  return gst_pad_push_event (pad, event);
}
