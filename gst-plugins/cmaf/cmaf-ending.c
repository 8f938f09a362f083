/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* When a stream is over: which lanes have to end for that. */

#include "cmaf-packager-private.h"

static void
finish_locked (MillCmafPackager *self)
{
  GstClockTimeDiff end = G_MININT64;
  self->finishing = TRUE;
  for (guint i = 0; i < self->lanes->len; i++)
    mill_cmaf_cutting_elect_locked (self,
        mill_cmaf_packager_get_lane (self, i));
  for (guint i = 0; i < self->lanes->len; i++) {
    MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    guint length =
        lane->track != NULL ? mill_cmaf_track_get_length (lane->track) : 0;
    if (length > 0)
      end = MAX (end,
          mill_cmaf_lane_to_ns (lane,
              mill_cmaf_track_get_end (lane->track, length - 1)));
  }
  mill_cmaf_timeline_finish (self->timeline, end);
}

/* One that was planned and never came, or has fallen silent (its process is
 * gone) does not keep a live stream from ending with the others. */
static gboolean
is_over_locked (const MillCmafPackager *self, const MillCmafLane *lane)
{
  if (lane->eos)
    return TRUE;
  if (mill_cmaf_packager_is_vod (self))
    return FALSE;
  /* Nobody waits for text. */
  if (lane->kind == MILL_CMAF_TEXT)
    return TRUE;
  if (!GST_CLOCK_STIME_IS_VALID (lane->last_pts))
    return mill_cmaf_cutting_is_startup_over (self);
  return mill_cmaf_publication_is_silent (self, lane);
}

static gboolean
has_media_locked (const MillCmafPackager *self)
{
  for (guint i = 0; i < self->lanes->len; i++)
    if (mill_cmaf_packager_get_lane (self, i)->kind != MILL_CMAF_TEXT)
      return TRUE;
  return FALSE;
}

void
mill_cmaf_ending_note_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  lane->eos = TRUE;
  /* Text alone has no end: a file of subtitles is read before the film beside it
   * has shown its tracks. */
  gboolean all = has_media_locked (self);
  for (guint i = 0; i < self->lanes->len; i++)
    all = all && is_over_locked (self, mill_cmaf_packager_get_lane (self, i));
  for (guint i = 0; all && i < self->lanes->len; i++)
    mill_cmaf_packager_get_lane (self, i)->eos = TRUE;
  if (all && !self->finishing)
    finish_locked (self);
  else
    for (guint i = 0; i < self->lanes->len; i++)
      if (!mill_cmaf_packager_get_lane (self, i)->eos)
        mill_cmaf_cutting_elect_locked (self,
            mill_cmaf_packager_get_lane (self, i));
}
