/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-timeline.h"

void
mill_failover_timeline_init (MillFailoverTimeline *self)
{
  self->offset = 0;
  for (guint i = 0; i < MILL_FAILOVER_MAX_TRACKS; i++)
    self->lines[i] = (MillFailoverLine){
      .end = MILL_FAILOVER_NO_TIME,
      .last_dts = MILL_FAILOVER_NO_TIME,
      .last_pts = MILL_FAILOVER_NO_TIME,
    };
}

/* Of a track that the stream did not have, the others say where it begins. */
static gint64
find_end (const MillFailoverTimeline *self, guint track)
{
  gint64 end = self->lines[track].end;

  for (guint i = 0; i < MILL_FAILOVER_MAX_TRACKS; i++)
    if (self->lines[track].end == MILL_FAILOVER_NO_TIME)
      end = MAX (end, self->lines[i].end);
  return end;
}

gint64
mill_failover_timeline_switch (MillFailoverTimeline *self,
    const MillFailoverStamp *first)
{
  const MillFailoverLine *line = &self->lines[first->track];
  gint64 end = find_end (self, first->track);

  self->offset = 0;
  if (end != MILL_FAILOVER_NO_TIME)
    self->offset = MAX (0, end - first->pts);
  /* An encoder of longer delay: its first picture is decoded earlier. */
  if (first->dts != MILL_FAILOVER_NO_TIME &&
      line->last_dts != MILL_FAILOVER_NO_TIME)
    self->offset = MAX (self->offset, line->last_dts + 1 - first->dts);
  for (guint i = 0; i < MILL_FAILOVER_MAX_TRACKS; i++)
    self->lines[i].is_fresh = TRUE;
  return end == MILL_FAILOVER_NO_TIME ? 0 : first->pts + self->offset - end;
}

static gboolean
is_shown (const MillFailoverLine *line, const MillFailoverStamp *stamp)
{
  if (!line->is_fresh)
    return TRUE;
  if (stamp->is_video && !stamp->is_start)
    return FALSE;
  /* Sound that was heard already, but for what an interleave rounds off. */
  return line->end == MILL_FAILOVER_NO_TIME ||
      stamp->pts + stamp->duration / 2 >= line->end;
}

gboolean
mill_failover_timeline_stamp (MillFailoverTimeline *self,
    MillFailoverStamp *stamp)
{
  MillFailoverLine *line = &self->lines[stamp->track];

  stamp->pts += self->offset;
  if (stamp->dts != MILL_FAILOVER_NO_TIME)
    stamp->dts += self->offset;
  if (!is_shown (line, stamp))
    return FALSE;
  /* Decoding never goes back, whatever the sources say. */
  if (stamp->dts != MILL_FAILOVER_NO_TIME) {
    if (line->last_dts != MILL_FAILOVER_NO_TIME)
      stamp->dts = MAX (stamp->dts, line->last_dts);
    line->last_dts = stamp->dts;
  } else if (!stamp->is_video && line->last_pts != MILL_FAILOVER_NO_TIME) {
    stamp->pts = MAX (stamp->pts, line->last_pts);
  }
  stamp->is_discont = line->is_fresh;
  line->is_fresh = FALSE;
  line->last_pts = stamp->pts;
  line->end = MAX (line->end, stamp->pts + stamp->duration);
  return TRUE;
}

gint64
mill_failover_timeline_get_end (const MillFailoverTimeline *self, guint track)
{
  return find_end (self, track);
}
