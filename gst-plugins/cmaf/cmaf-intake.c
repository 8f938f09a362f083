/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Samples that cannot end anything are put aside, and worked through together:
 * what all lanes of a stream are made of has left the processor's cache by the
 * time its next sample comes, and would be fetched for nothing. It is the same
 * work in the same order, so only its moment is another one. At most one chunk
 * without a segment's end could be written later for it, so streams with parts
 * have none.
 */

#include "cmaf-packager-private.h"

/* So many samples, or bytes, at most: what is found out when they are looked at
 * is not late by more than part of a second. */
#define HELD_MAX 64
#define HELD_MAX_BYTES (1u << 20)

/* Between a sample's presentation, which is known here, and what its track makes
 * of its decoding time: by how much a keyframe's may have been rounded, and by
 * how much that of another picture may be later. */
#define KEYFRAME_MARGIN_NS (5 * (GstClockTimeDiff) GST_MSECOND)
#define MARGIN_NS (200 * (GstClockTimeDiff) GST_MSECOND)

/* A sample that was put aside. */
typedef struct
{
  MillCmafLane *lane;
  MillCmafInput input;
  GstMemory *memory;
} Arrival;

/* ---- one sample ---- */

/* A buffer of one memory, as nearly all are, is let go of at once. */
static GstMemory *
take_memory (GstBuffer *buffer)
{
  GstMemory *memory = gst_buffer_n_memory (buffer) == 1
      ? gst_buffer_get_memory (buffer, 0)
      : gst_buffer_get_all_memory (buffer);
  gst_buffer_unref (buffer);
  return memory;
}

static void
take_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafInput *input, GstMemory *memory)
{
  mill_cmaf_clock_advance_locked (self, lane, input);
  MillCmafPush pushed = mill_cmaf_track_push (lane->track, input, memory);
  guint length = mill_cmaf_track_get_length (lane->track);
  if (pushed == MILL_CMAF_LOST && lane == self->timing) {
    if (length > 0)
      mill_cmaf_timeline_finish (self->timeline,
          mill_cmaf_lane_to_ns (lane,
              mill_cmaf_track_get_end (lane->track, length - 1)));
    mill_cmaf_timeline_break (self->timeline);
  }
  if (pushed != MILL_CMAF_QUEUED)
    return;
  mill_cmaf_dating_note_locked (self, lane, input);
  if (lane == self->timing)
    mill_cmaf_cutting_offer_locked (self, lane, length - 1);
  else
    mill_cmaf_cutting_elect_locked (self, lane);
}

/* ---- many ---- */

/* Whether every lane is in the segment that is open, and nothing before it waits
 * for being listed. */
static gboolean
is_steady_locked (const MillCmafPackager *self, const MillCmafCut *open)
{
  if (mill_cmaf_packager_is_vod (self) || self->options.part_duration > 0 ||
      !self->manifests || self->finishing || self->failed)
    return FALSE;
  if (open == NULL || open->number != self->next_publish ||
      GST_CLOCK_STIME_IS_VALID (open->end))
    return FALSE;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    if (!lane->eos && lane->track != NULL && lane->segment != open->number &&
        !mill_cmaf_publication_is_silent (self, lane))
      return FALSE;
  }
  return TRUE;
}

static void
plan_locked (MillCmafPackager *self)
{
  self->hold_until = self->hold_keyframes_until = G_MININT64;
  GstClockTimeDiff earliest = mill_cmaf_timeline_get_earliest (self->timeline);
  GstClockTimeDiff latest = mill_cmaf_timeline_get_latest (self->timeline);
  if (!GST_CLOCK_STIME_IS_VALID (earliest) ||
      !is_steady_locked (self, mill_cmaf_timeline_last (self->timeline)))
    return;
  self->hold_keyframes_until = earliest - KEYFRAME_MARGIN_NS;
  self->hold_until = latest - MARGIN_NS;
}

/* Whether nothing can come of the sample yet. */
static gboolean
may_hold_locked (const MillCmafPackager *self, const MillCmafLane *lane,
    const MillCmafInput *input)
{
  if (input->discont || input->pts >= self->hold_until)
    return FALSE;
  return lane != self->timing || !input->sync ||
      input->pts < self->hold_keyframes_until;
}

static void
hold_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafInput *input, GstMemory *memory)
{
  Arrival arrival = { lane, *input, memory };
  if (self->held == NULL)
    self->held = g_array_sized_new (FALSE, FALSE, sizeof (Arrival), HELD_MAX);
  g_array_append_val (self->held, arrival);
  self->held_bytes += input->size;
}

void
mill_cmaf_intake_settle_locked (MillCmafPackager *self)
{
  if (self->held == NULL || self->held->len == 0)
    return;
  for (guint i = 0; i < self->held->len; i++) {
    Arrival *arrival = &g_array_index (self->held, Arrival, i);
    take_locked (self, arrival->lane, &arrival->input, arrival->memory);
  }
  g_array_set_size (self->held, 0);
  self->held_bytes = 0;
  mill_cmaf_packager_proceed_locked (self);
}

gboolean
mill_cmaf_intake_push_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafInput *input, GstBuffer *buffer)
{
  GstMemory *memory = take_memory (buffer);
  if (may_hold_locked (self, lane, input)) {
    hold_locked (self, lane, input, memory);
    if (self->held->len < HELD_MAX && self->held_bytes < HELD_MAX_BYTES)
      return FALSE;
    mill_cmaf_intake_settle_locked (self);
  } else {
    mill_cmaf_intake_settle_locked (self);
    take_locked (self, lane, input, memory);
    mill_cmaf_packager_proceed_locked (self);
  }
  plan_locked (self);
  return TRUE;
}

void
mill_cmaf_intake_begin_locked (MillCmafPackager *self)
{
  mill_cmaf_intake_settle_locked (self);
  self->hold_until = G_MININT64;
}

void
mill_cmaf_intake_clear (MillCmafPackager *self)
{
  for (guint i = 0; self->held != NULL && i < self->held->len; i++)
    gst_memory_unref (g_array_index (self->held, Arrival, i).memory);
  g_clear_pointer (&self->held, g_array_unref);
}
