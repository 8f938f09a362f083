/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Where parts of a segment end: before the part target is crossed, in decode
 * time, and not under 85 % of it but at the end of a segment (RFC 8216bis
 * 4.4.4.9). Frames are whole, so a rendition whose frames do not fill 85 % of
 * the stream's target gets one of its own, which they do fill.
 *
 * Within that the parts of a segment are made alike, as far as the segment
 * before says how long this one becomes: nine frames of AAC fill 200 ms best,
 * but leave two for the end of a second. A part that is over 20 ms after the
 * one before is told when that is not loaded yet, and hls.js, which takes a
 * segment for loaded when no more than 200 ms of it are missing, stops there.
 *
 * Frames of a variable rate fill nothing for sure. Where they would leave a part
 * too short, or are themselves too long, decoding times give way: the part ends
 * in decode time while its last picture is still on, and the next one is decoded
 * earlier than it is shown. What is shown when stays as it is.
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

static void
choose_target_locked (MillCmafPackager *self, MillCmafLane *lane, guint n)
{
  if (lane->part_target == 0)
    lane->part_target =
        choose_target (mill_cmaf_publisher_get_part_target (self->publisher),
            measure_frame (lane, n));
}

/* Ticks; see the head of the file. */
typedef struct
{
  gint64 most; /* the part target */
  gint64 least;
  gint64 planned;
} Limits;

/* @left: of the segment, from the first queued sample on; 0: unknown */
static Limits
plan_part (const MillCmafLane *lane, gint64 left)
{
  Limits limits;
  limits.most =
      mill_cmaf_lane_to_ticks (lane, (GstClockTimeDiff) lane->part_target);
  limits.least = (limits.most * 85 + 99) / 100;
  limits.planned = limits.most;
  if (left <= 0)
    return limits;
  /* Durations of frames are rounded: a hair is no part. */
  gint64 hair = (gint64) mill_cmaf_track_get_duration (lane->track, 0) / 2;
  gint64 n = (left - hair + limits.most - 1) / limits.most;
  limits.planned = CLAMP (left / MAX (n, 1), limits.least, limits.most);
  return limits;
}

static gint64
get_length (const MillCmafLane *lane, guint n)
{
  return mill_cmaf_track_get_end (lane->track, n - 1) -
      mill_cmaf_track_peek (lane->track, 0)->dts;
}

/* Whether the first @n samples are a part: another one would not fit, or has no
 * room if it is as long as the last, or they are what was planned. */
static gboolean
is_part (const MillCmafLane *lane, guint n, const Limits *limits,
    gboolean has_next)
{
  gint64 length = get_length (lane, n);
  if (length > limits->most ||
      (has_next && get_length (lane, n + 1) > limits->most))
    return TRUE;
  gint64 last = (gint64) mill_cmaf_track_get_duration (lane->track, n - 1);
  return length >= limits->least &&
      (length + last > limits->most || length + last / 2 >= limits->planned);
}

/* The first @n samples are too short for a part, or longer than one: it ends at
 * the part target all the same, which moves the decoding time of the sample
 * after it. That has to be one that another one can be decoded before: a
 * keyframe may begin a segment, where decoding is presentation.
 * @settled: as many are certainly in this segment
 * Returns: how many samples are the part */
static guint
stretch (const MillCmafLane *lane, guint n, guint settled, const Limits *limits)
{
  gint64 length = get_length (lane, n);
  guint last = length > limits->most ? n : n + 1;
  if (lane->kind != MILL_CMAF_VIDEO || last > settled ||
      last >= mill_cmaf_track_get_length (lane->track) ||
      (length >= limits->least && length <= limits->most))
    return n;
  MillCmafSample *next = mill_cmaf_track_peek (lane->track, last);
  gint64 end = mill_cmaf_track_peek (lane->track, 0)->dts + limits->most;
  if (next->flags != MILL_CMAF_SAMPLE_NONE || next->dts <= end)
    return n;
  next->dts = end;
  return last;
}

/* What the open segment of @lane still lacks, if it becomes as long as the one
 * before; ticks. */
static gint64
guess_left (const MillCmafPackager *self, const MillCmafLane *lane)
{
  gint64 whole = lane->last_length > 0
      ? (gint64) lane->last_length
      : mill_cmaf_lane_to_ticks (lane,
            (GstClockTimeDiff) self->options.publisher.segment_duration);
  const MillCmafWritten *written = mill_cmaf_lane_find (lane, lane->segment);
  return whole - (written != NULL ? (gint64) written->duration : 0);
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
  GstClockTimeDiff queued =
      mill_cmaf_lane_to_ns (lane, get_length (lane, settled));
  if (lane->part_target == 0 &&
      queued < (GstClockTimeDiff) self->options.part_duration / 2)
    return;
  choose_target_locked (self, lane, settled);
  Limits limits = plan_part (lane, guess_left (self, lane));
  for (guint n = 1; decides ? n <= settled : n < settled; n++) {
    if (!is_part (lane, n, &limits, n < settled))
      continue;
    guint taken = stretch (lane, n, decides ? settled : settled - 1, &limits);
    mill_cmaf_assembly_flush_locked (self, lane, taken, FALSE);
    settled -= taken;
    n = 0;
    if (settled > 0)
      limits = plan_part (lane, guess_left (self, lane));
  }
}

guint
mill_cmaf_parts_split_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint left)
{
  if (left == 0)
    return 0;
  choose_target_locked (self, lane, left);
  Limits limits = plan_part (lane, get_length (lane, left));
  for (guint n = 1; n < left; n++) {
    if (get_length (lane, left) <= limits.most)
      break;
    if (!is_part (lane, n, &limits, TRUE))
      continue;
    guint taken = stretch (lane, n, left - 1, &limits);
    mill_cmaf_assembly_flush_locked (self, lane, taken, FALSE);
    left -= taken;
    n = 0;
    limits = plan_part (lane, get_length (lane, left));
  }
  return left;
}
