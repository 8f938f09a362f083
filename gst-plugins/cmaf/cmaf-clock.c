/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The clock of arrival, by which the packager waits for what is late. */

#include "cmaf-packager-private.h"

/* The lane that paces the clock may be silent for so long, in media of another
 * one, before that takes its place: longer than a GOP that a lane may get at
 * once when it begins. */
#define PACE_MAX_NS (2 * GST_SECOND)
/* A lane's lag is taken for its own up to here: an encoder that does not keep up
 * with its source must not hold up the others. */
#define LAG_MAX_NS (3 * GST_SECOND)
/* A single sample moves the clock of arrival by at most this much. */
#define STEP_MAX_NS (500 * GST_MSECOND)

static void
pace_locked (MillCmafPackager *self, MillCmafLane *lane, guint64 step)
{
  self->pacer = lane;
  self->clock += step;
  for (guint i = 0; i < self->lanes->len; i++)
    mill_cmaf_packager_get_lane (self, i)->unpaced = 0;
}

/* What an encoder gives of what others have given already takes no time: at the
 * end it empties itself of all that it has looked ahead. */
static gboolean
is_catching_up (const MillCmafPackager *self, const MillCmafInput *input)
{
  return input->pts <= self->position &&
      self->position - input->pts <= (GstClockTimeDiff) LAG_MAX_NS;
}

/* The clock of arrival: what one lane has received, not what its stamps say,
 * so that an absence of the source does not look like a delay. It is the timing
 * rendition's while that comes: another may get a whole GOP at once. */
void
mill_cmaf_clock_advance_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafInput *input)
{
  guint64 step = 0;
  if (GST_CLOCK_STIME_IS_VALID (lane->last_pts) && input->pts > lane->last_pts)
    step = MIN ((guint64) (input->pts - lane->last_pts), STEP_MAX_NS);
  if (!GST_CLOCK_STIME_IS_VALID (lane->last_pts) ||
      input->pts > lane->last_pts || input->discont)
    lane->last_pts = input->pts;
  if (!is_catching_up (self, input))
    lane->unpaced += step;
  if (self->pacer == NULL || lane == self->pacer || lane == self->timing)
    pace_locked (self, lane, step);
  else if (lane->unpaced > PACE_MAX_NS)
    pace_locked (self, lane, lane->unpaced);
  lane->heard = self->clock;
  lane->feeder = g_thread_self ();
  lane->lag = 0;
  if (self->timing != NULL && lane != self->timing &&
      self->timing->last_pts > input->pts)
    lane->lag =
        MIN ((GstClockTime) (self->timing->last_pts - input->pts), LAG_MAX_NS);
  self->position = MAX (self->position, input->pts);
}
