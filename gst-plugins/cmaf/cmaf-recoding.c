/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A lane that goes on in another encoding: a generation of its own. */

#include "cmaf-packager-private.h"

static void
begin_generation_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafLaneFormat *format)
{
  /* What is queued was encoded the old way: it goes to the old segment. */
  mill_cmaf_assembly_drain_locked (self, lane);
  if (lane->segment != MILL_CMAF_NONE)
    mill_cmaf_assembly_flush_locked (self, lane,
        mill_cmaf_track_get_length (lane->track), FALSE);
  mill_cmaf_track_drop (lane->track, mill_cmaf_track_get_length (lane->track));
  mill_cmaf_track_lose (lane->track);
  mill_cmaf_lane_set_format (lane, format);
  guint64 generation = mill_cmaf_timeline_get_generation (self->timeline);
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  if (last == NULL || last->generation == generation)
    generation = mill_cmaf_publisher_begin_generation (self->publisher,
        mill_cmaf_timeline_get_next (self->timeline));
  mill_cmaf_timeline_set_generation (self->timeline, generation);
  lane->hold_generation = generation;
  if (lane->rendition >= 0)
    mill_cmaf_publisher_set_format (self->publisher, (guint) lane->rendition,
        &lane->format);
}

void
mill_cmaf_recoding_set_format_locked (MillCmafPackager *self,
    MillCmafLane *lane, const MillCmafLaneFormat *format)
{
  if (lane->kind == MILL_CMAF_TEXT) {
    /* In one form all the time: whatever comes is made into that. */
    if (lane->rendition < 0)
      mill_cmaf_lane_set_format (lane, format);
  } else if (lane->track == NULL ||
      !GST_CLOCK_STIME_IS_VALID (lane->last_pts)) {
    mill_cmaf_lane_set_format (lane, format);
  } else if (mill_cmaf_lane_differs (lane, format)) {
    begin_generation_locked (self, lane, format);
  }
}
