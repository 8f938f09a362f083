/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Where parts of a segment end: before the part target is crossed, in decode
 * time, and not under 85 % of it but at the end of a segment (RFC 8216bis
 * 4.4.4.9). Frames are whole, so a rendition whose frames do not fill 85 % of
 * the stream's target gets one of its own, which they do fill.
 */

#include "cmaf-packager-private.h"

/* What is made of stamps in whole milliseconds, as those of RTMP are. */
#define ROUNDING_NS (1 * GST_MSECOND)

/* The duration of a frame, from those that wait. Of ms stamps it is a mean. */
static GstClockTime
measure_frame (const MillCmafLane *lane, guint n)
{
  gint64 span = mill_cmaf_track_get_end (lane->track, n - 1) -
      mill_cmaf_track_peek (lane->track, 0)->dts;
  GstClockTimeDiff frame = mill_cmaf_lane_to_ns (lane, span) / n;
  return (GstClockTime) MAX (frame, 1);
}

static GstClockTime
choose_target (GstClockTime stream, GstClockTime frame)
{
  /* A mean of rounded stamps may be a hair too long. */
  guint64 n = (stream + ROUNDING_NS / 2) / frame;
  if (n == 0 || n * frame * 100 >= stream * 85)
    return stream;
  GstClockTime filled = n * frame;
  return MIN ((filled + ROUNDING_NS) / ROUNDING_NS * ROUNDING_NS, stream);
}

void
mill_cmaf_parts_declare_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  /* One that ended with its first chunk had none to measure. */
  GstClockTime wanted = lane->part_target > 0 ? lane->part_target
                                              : self->options.part_duration;
  lane->part_target = mill_cmaf_publisher_declare_parts (self->publisher,
      (guint) lane->rendition, wanted);
}

/* Whether the first @n samples are a part: another one would not fit, or has no
 * room if it is as long as the last. */
static gboolean
is_part (const MillCmafLane *lane, guint n, gint64 target, gboolean has_next)
{
  gint64 begin = mill_cmaf_track_peek (lane->track, 0)->dts;
  gint64 length = mill_cmaf_track_get_end (lane->track, n - 1) - begin;
  if (has_next && mill_cmaf_track_get_end (lane->track, n) - begin > target)
    return TRUE;
  gint64 last = (gint64) mill_cmaf_track_get_duration (lane->track, n - 1);
  return length + last > target && length * 100 >= target * 85;
}

void
mill_cmaf_parts_flush_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint settled)
{
  if (settled == 0)
    return;
  /* The timing rendition's next sample was offered as a cut already: it is in
   * this segment, and the part need not wait for its end. Of another lane the
   * next has to be settled too, or the part that ends the segment would be
   * empty. */
  gboolean decides = lane == self->timing;
  if (lane->part_target == 0) {
    GstClockTimeDiff queued = mill_cmaf_lane_to_ns (lane,
        mill_cmaf_track_get_end (lane->track, settled - 1) -
            mill_cmaf_track_peek (lane->track, 0)->dts);
    if (queued < (GstClockTimeDiff) self->options.part_duration / 2)
      return;
    lane->part_target = choose_target (self->options.part_duration,
        measure_frame (lane, settled));
  }
  for (guint n = 1; decides ? n <= settled : n < settled; n++) {
    gint64 target =
        mill_cmaf_lane_to_ticks (lane, (GstClockTimeDiff) lane->part_target);
    if (!is_part (lane, n, target, n < settled))
      continue;
    mill_cmaf_assembly_flush_locked (self, lane, n, FALSE);
    settled -= n;
    n = 0;
  }
}
