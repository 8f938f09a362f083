/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Where parts of a segment end: before the part target is crossed, in decode
 * time, and not under 85 % of it but at the end of a segment (RFC 8216bis
 * 4.4.4.9). Frames are whole, so a rendition whose frames do not fill 85 % of
 * the stream's target gets one of its own, which they do fill.
 */

#include "cmaf-packager-private.h"

/* The duration of a frame, as it is told, or else the mean of the first @n: of
 * stamps in whole milliseconds (RTMP) no single one is right. */
static GstClockTime
measure_frame (const MillCmafLane *lane, guint n)
{
  if (lane->kind == MILL_CMAF_AUDIO && lane->frame_length > 0)
    return (GstClockTime) mill_cmaf_lane_to_ns (lane, lane->frame_length);
  if (lane->kind == MILL_CMAF_VIDEO && lane->format.fps_n > 0)
    return gst_util_uint64_scale (GST_SECOND, lane->format.fps_d,
        lane->format.fps_n);
  gint64 span = mill_cmaf_track_get_end (lane->track, n - 1) -
      mill_cmaf_track_peek (lane->track, 0)->dts;
  return (GstClockTime) MAX (mill_cmaf_lane_to_ns (lane, span) / n, 1);
}

/* @longest: that of the stream, which leaves room for a rounding. */
static GstClockTime
choose_target (GstClockTime longest, GstClockTime frame)
{
  GstClockTime wanted = longest - MILL_CMAF_PART_ROUNDING_NS;
  guint64 filled = longest / MAX (frame, 1) * frame;
  gboolean fills = filled * 100 >= wanted * 85;
  if (filled == 0 || (fills && filled <= wanted))
    return wanted;
  return MIN ((filled + MILL_CMAF_PART_ROUNDING_NS - 1) /
          MILL_CMAF_PART_ROUNDING_NS * MILL_CMAF_PART_ROUNDING_NS,
      longest);
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

static void
choose_target_locked (MillCmafPackager *self, MillCmafLane *lane, guint n)
{
  if (lane->part_target == 0)
    lane->part_target =
        choose_target (mill_cmaf_publisher_get_part_target (self->publisher),
            measure_frame (lane, n));
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
  GstClockTimeDiff queued = mill_cmaf_lane_to_ns (lane,
      mill_cmaf_track_get_end (lane->track, settled - 1) -
          mill_cmaf_track_peek (lane->track, 0)->dts);
  if (lane->part_target == 0 &&
      queued < (GstClockTimeDiff) self->options.part_duration / 2)
    return;
  choose_target_locked (self, lane, settled);
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

guint
mill_cmaf_parts_split_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint left)
{
  if (left == 0)
    return 0;
  choose_target_locked (self, lane, left);
  for (guint n = 1; n < left; n++) {
    gint64 target =
        mill_cmaf_lane_to_ticks (lane, (GstClockTimeDiff) lane->part_target);
    if (mill_cmaf_track_get_end (lane->track, n) -
            mill_cmaf_track_peek (lane->track, 0)->dts <=
        target)
      continue;
    mill_cmaf_assembly_flush_locked (self, lane, n, FALSE);
    left -= n;
    n = 0;
  }
  return left;
}
