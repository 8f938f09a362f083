/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Where parts of a segment end: before the part target is crossed, in decode
 * time, and not under 85 % of it but at the end of a segment (RFC 8216bis
 * 4.4.4.9; parts of sound are all INDEPENDENT, for which that does not hold).
 * Frames are whole: the target of a rendition is what frames of it fill. Sound
 * has as many parts as the picture, so its parts are up to a frame longer.
 *
 * Within that the last part of a segment is a full one. hls.js takes a segment
 * for loaded when its playlist tells its end and no more than 200 ms of it are
 * missing in the buffer: if it learns of a last part while it still parses the
 * one before, it never loads that part, and stalls there. Of 200 ms of AAC, nine
 * frames to a part, five would fill 45 of the 47 frames of a second and leave a
 * part of two; ten in the last ones are 213 ms, which hls.js does not overlook.
 *
 * Frames of a variable rate fill nothing for sure. Where they would leave a part
 * too short, or are themselves too long, decoding times give way: the part ends
 * in decode time while its last picture is still on, and the next one is decoded
 * earlier than it is shown. What is shown when stays as it is.
 */

#include "cmaf-packager-private.h"

/* Nobody sends a thousand pictures a second, whatever parameter sets claim. */
#define LEAST_FRAME_NS (1 * GST_MSECOND)

/* Of a part of sound: a frame more is a sixth more at the most. */
#define LEAST_SOUND_FRAMES 6

/* The duration of a frame, as it is told; 0: nobody does. */
static GstClockTime
get_frame (const MillCmafLane *lane)
{
  if (lane->kind == MILL_CMAF_AUDIO)
    return (GstClockTime) mill_cmaf_lane_to_ns (lane, lane->frame_length);
  if (lane->format.fps_n == 0)
    return 0;
  GstClockTime frame = gst_util_uint64_scale (GST_SECOND, lane->format.fps_d,
      lane->format.fps_n);
  return frame >= LEAST_FRAME_NS ? frame : 0;
}

/* The mean of the first @n frames: of stamps in whole milliseconds (RTMP) no
 * single one is right. */
static GstClockTime
measure_frame (const MillCmafLane *lane, guint n)
{
  gint64 span = mill_cmaf_track_get_end (lane->track, n - 1) -
      mill_cmaf_track_peek (lane->track, 0)->dts;
  return (GstClockTime) MAX (mill_cmaf_lane_to_ns (lane, span) / n, 1);
}

/* The most frames of which parts can be made that all keep the 85 %, the last of
 * a segment of @segment frames too; @most when there is no such number. */
static guint64
choose_frames (guint64 most, guint64 segment)
{
  for (guint64 n = most; n > most / 2; n--) {
    guint64 parts = (segment + n - 1) / n;
    if (parts * ((n * 85 + 99) / 100) <= segment)
      return n;
  }
  return most;
}

/* Sound of @told ns a frame has parts of whole frames that are on average as long
 * as @wanted, where one frame more or less is little of that. */
static guint64
choose_sound_frames (guint64 frames, GstClockTime told, GstClockTime wanted)
{
  return frames >= LEAST_SOUND_FRAMES && frames * told < wanted ? frames + 1
                                                                : frames;
}

/* What whole frames fill of the stream's target, which leaves room for a
 * rounding. Where nobody tells how long they are the next may be longer, or
 * shorter: then it is left alone, unless they fill less than 85 %.
 * @n: how many can be measured */
static GstClockTime
choose_target (const MillCmafPackager *self, const MillCmafLane *lane, guint n)
{
  GstClockTime longest = mill_cmaf_publisher_get_part_target (self->publisher);
  GstClockTime wanted = longest - MILL_CMAF_PART_ROUNDING_NS;
  GstClockTime told = get_frame (lane);
  GstClockTime frame = told > 0 ? told : measure_frame (lane, n);
  guint64 frames = longest / frame;
  if (frames == 0 ||
      (told == 0 && frames * frame <= wanted &&
          frames * frame * 100 >= wanted * 85))
    return wanted;
  if (told > 0 && lane->kind == MILL_CMAF_VIDEO)
    frames = choose_frames (frames,
        (self->options.publisher.segment_duration + frame / 2) / frame);
  else if (told > 0)
    frames = choose_sound_frames (frames, told, wanted);
  GstClockTime target = (frames * frame + MILL_CMAF_PART_ROUNDING_NS - 1) /
      MILL_CMAF_PART_ROUNDING_NS * MILL_CMAF_PART_ROUNDING_NS;
  return frames * frame > longest ? target : MIN (target, longest);
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
    lane->part_target = choose_target (self, lane, n);
}

/* Ticks; see the head of the file. */
typedef struct
{
  gint64 most; /* the part target */
  gint64 least;
  gint64 planned;
} Limits;

/* As few parts as it takes, of which the last one is full.
 * @left: of the segment, from the first queued sample on; 0: unknown */
static Limits
plan_part (const MillCmafLane *lane, gint64 left)
{
  Limits limits;
  limits.most =
      mill_cmaf_lane_to_ticks (lane, (GstClockTimeDiff) lane->part_target);
  limits.least = lane->kind == MILL_CMAF_AUDIO ? limits.most / 2
                                               : (limits.most * 85 + 99) / 100;
  limits.planned = limits.most;
  if (left <= 0)
    return limits;
  gint64 frame =
      mill_cmaf_lane_to_ticks (lane, (GstClockTimeDiff) get_frame (lane));
  gint64 full = limits.most;
  if (frame > 0 && frame <= limits.most)
    full = limits.most / frame * frame;
  /* Durations of frames are rounded: a hair is no part. */
  gint64 hair = (gint64) mill_cmaf_track_get_duration (lane->track, 0) / 2;
  gint64 n = (left - hair + full - 1) / full;
  if (n > 1)
    limits.planned = CLAMP ((left - full) / (n - 1), limits.least, limits.most);
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

/* Running time at which segment @cut ends: the timing rendition has cut there, or
 * will when it is as long as the one before. */
static GstClockTimeDiff
guess_end (const MillCmafPackager *self, const MillCmafCut *cut)
{
  const MillCmafCut *next =
      mill_cmaf_timeline_find (self->timeline, cut->number + 1);
  if (next != NULL)
    return next->start;
  const MillCmafCut *before = cut->number > 0
      ? mill_cmaf_timeline_find (self->timeline, cut->number - 1)
      : NULL;
  if (before != NULL && GST_CLOCK_STIME_IS_VALID (before->end))
    return cut->start + before->end - before->start;
  return cut->start +
      (GstClockTimeDiff) self->options.publisher.segment_duration;
}

/* What the segment that @lane is in still lacks, from its first queued sample on,
 * of which @settled are certainly in it; ticks, 0: unknown. */
static gint64
guess_left (const MillCmafPackager *self, const MillCmafLane *lane,
    guint settled)
{
  const MillCmafCut *cut =
      mill_cmaf_timeline_find (self->timeline, lane->segment);
  if (cut == NULL)
    return 0;
  gint64 left = mill_cmaf_lane_to_ticks (lane, guess_end (self, cut)) -
      mill_cmaf_track_peek (lane->track, 0)->dts;
  /* The next segment has the first frame at or after its beginning. */
  if (lane->kind == MILL_CMAF_AUDIO && lane->frame_length > 0)
    left = (left + lane->frame_length - 1) / lane->frame_length *
        lane->frame_length;
  return MAX (left, get_length (lane, settled));
}

void
mill_cmaf_parts_flush_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint settled)
{
  if (settled == 0 || mill_cmaf_dating_waits_locked (self, lane))
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
  Limits limits = plan_part (lane, guess_left (self, lane, settled));
  for (guint n = 1; decides ? n <= settled : n < settled; n++) {
    if (!is_part (lane, n, &limits, n < settled))
      continue;
    guint taken = stretch (lane, n, decides ? settled : settled - 1, &limits);
    mill_cmaf_assembly_flush_locked (self, lane, taken, FALSE);
    settled -= taken;
    n = 0;
    if (settled > 0)
      limits = plan_part (lane, guess_left (self, lane, settled));
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
