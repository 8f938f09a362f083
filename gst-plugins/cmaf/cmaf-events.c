/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Messages in the media, which breaks and timed metadata become: from when they are
 * known, with the first chunk that can carry them, until the segment that they are
 * of is listed. Boxes that are written stay: of one id there is one time.
 */

#include "cmaf-cues-private.h"
#include "scte35/scte35.h"

/* What may wait, or be in segments that are not listed yet. */
#define EVENTS_MAX 256

static void
clear_event (gpointer data)
{
  g_clear_pointer (&((MillCmafEvent *) data)->message, g_bytes_unref);
}

GArray *
mill_cmaf_events_new (void)
{
  GArray *self = g_array_new (FALSE, FALSE, sizeof (MillCmafEvent));
  g_array_set_clear_func (self, clear_event);
  return self;
}

MillCmafEvent *
mill_cmaf_events_add_locked (MillCmafPackager *self, MillCmafSchemes scheme,
    GstClockTimeDiff time, GstClockTime duration, GBytes *message)
{
  MillCmafMarkers *markers = mill_cmaf_publisher_get_markers (self->publisher);
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  MillCmafEvent event = {
    .serial = markers->next_serial++,
    .scheme = scheme,
    .time = time,
    .duration = duration,
    .carrier = last != NULL ? last->number : self->first_number,
    .message = g_bytes_ref (message),
  };
  markers->schemes |= scheme;
  if (self->cues->events->len >= EVENTS_MAX)
    g_array_remove_index (self->cues->events, 0);
  g_array_append_val (self->cues->events, event);
  return &g_array_index (self->cues->events, MillCmafEvent,
      self->cues->events->len - 1);
}

/* ---- dates that move ---- */

guint64
mill_cmaf_events_to_pts_locked (const MillCmafPackager *self,
    GstClockTimeDiff time)
{
  GstClockTimeDiff media = time - mill_cmaf_timeline_get_base (self->timeline);
  return (guint64) mill_cmaf_timeline_to_ticks (MAX (media, 0),
      MILL_CMAF_SCTE35_TICKS);
}

void
mill_cmaf_events_restamp_locked (const MillCmafPackager *self, GBytes **message,
    GstClockTimeDiff time)
{
  if (time < self->take_start)
    return;
  GBytes *restamped = mill_scte35_writer_restamp (*message,
      mill_cmaf_events_to_pts_locked (self, time));
  g_bytes_unref (*message);
  *message = restamped;
}

void
mill_cmaf_events_shift_locked (MillCmafPackager *self, gint64 us)
{
  for (guint i = 0; i < self->cues->events->len; i++) {
    MillCmafEvent *event =
        &g_array_index (self->cues->events, MillCmafEvent, i);
    if (!event->is_asked || event->time < self->take_start)
      continue;
    event->time -= us * (GstClockTimeDiff) GST_USECOND;
    if (event->scheme == MILL_CMAF_SCHEME_SCTE35)
      mill_cmaf_events_restamp_locked (self, &event->message, event->time);
  }
}

/* What was asked for by its date and is before @end is told from segment @carrier
 * on, wherever its date goes. */
static void
release_before_locked (MillCmafPackager *self, GstClockTimeDiff end,
    guint64 carrier)
{
  MillCmafMarkers *markers = mill_cmaf_publisher_get_markers (self->publisher);
  GArray *events = self->cues->events;
  guint i = 0;
  for (guint left = events->len; left > 0; left--) {
    MillCmafEvent event = g_array_index (events, MillCmafEvent, i);
    if (!event.is_asked || event.time >= end) {
      i++;
      continue;
    }
    /* Others may have been told meanwhile: it comes behind them. */
    event.message = g_bytes_ref (event.message);
    g_array_remove_index (events, i);
    event.is_asked = FALSE;
    event.serial = markers->next_serial++;
    event.carrier = carrier;
    g_array_append_val (events, event);
  }
}

void
mill_cmaf_events_release_locked (MillCmafPackager *self)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  release_before_locked (self, G_MAXINT64,
      last != NULL ? last->number : self->first_number);
}

/* ---- into chunks ---- */

void
mill_cmaf_events_retire_locked (MillCmafPackager *self, const MillCmafCut *cut)
{
  GArray *events = self->cues->events;
  for (guint i = events->len; i > 0; i--) {
    const MillCmafEvent *event = &g_array_index (events, MillCmafEvent, i - 1);
    if (event->carrier <= cut->number && event->time < cut->end)
      g_array_remove_index (events, i - 1);
  }
}

/* Messages are in the video, in all of its renditions, so that all of a set have
 * the same ones; where there is none, in the audio. */
static gboolean
is_carrier (const MillCmafPackager *self, const MillCmafLane *lane)
{
  if (lane->kind == MILL_CMAF_VIDEO)
    return TRUE;
  for (guint i = 0; i < self->lanes->len; i++)
    if (mill_cmaf_packager_get_lane (self, i)->kind == MILL_CMAF_VIDEO)
      return FALSE;
  return lane->kind == MILL_CMAF_AUDIO;
}

static MillBmffEvent
box_event (const MillCmafPackager *self, const MillCmafLane *lane,
    const MillCmafEvent *event)
{
  GstClockTimeDiff time = event->time -
      mill_cmaf_timeline_get_base (self->timeline);
  guint64 duration = GST_CLOCK_TIME_IS_VALID (event->duration)
      ? (guint64) mill_cmaf_lane_to_ticks (lane,
            (GstClockTimeDiff) event->duration)
      : MILL_BMFF_EVENT_NO_DURATION;
  return (MillBmffEvent){
    .scheme = event->scheme == MILL_CMAF_SCHEME_ID3
        ? MILL_CMAF_SCHEME_URI_ID3
        : MILL_CMAF_SCHEME_URI_SCTE35,
    .value = "",
    .timescale = lane->format.timescale,
    .time = (guint64) mill_cmaf_lane_to_ticks (lane, MAX (time, 0)),
    .duration = (guint32) MIN (duration, MILL_BMFF_EVENT_NO_DURATION),
    .id = (guint32) event->serial,
    .message = event->message,
  };
}

void
mill_cmaf_events_collect_locked (MillCmafPackager *self, MillCmafLane *lane,
    MillBmffChunk *chunk)
{
  GstClockTimeDiff begin = mill_cmaf_lane_to_ns (lane, self->taken.dts);
  GstClockTimeDiff end = begin +
      mill_cmaf_lane_to_ns (lane, (gint64) self->taken.duration);
  GArray *boxes = self->cues->boxes;
  g_array_set_size (boxes, 0);
  if (!is_carrier (self, lane))
    return;
  release_before_locked (self, end, lane->segment);
  for (guint i = 0; i < self->cues->events->len; i++) {
    const MillCmafEvent *event =
        &g_array_index (self->cues->events, MillCmafEvent, i);
    if (event->is_asked)
      continue;
    gboolean is_new = event->serial >= lane->next_event &&
        event->carrier <= lane->segment;
    /* Who joins later does not read where it was announced. */
    gboolean is_due = event->carrier < lane->segment && event->time >= begin &&
        event->time < end;
    if (!is_new && !is_due)
      continue;
    MillBmffEvent box = box_event (self, lane, event);
    g_array_append_val (boxes, box);
    if (is_new)
      lane->next_event = event->serial + 1;
  }
  chunk->events = (const MillBmffEvent *) boxes->data;
  chunk->n_events = boxes->len;
}
