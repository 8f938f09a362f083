/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-packager-private.h"

/* A chunk is written when this much of it is in memory, however long its
 * segment may become. */
#define CHUNK_MAX_BYTES (8u << 20)
/* What may be missing in a segment that is listed: players go over it. */
#define HOLE_MAX_NS (100 * (GstClockTimeDiff) GST_MSECOND)
/* A lane of a live stream that is ahead by more starts again at a later cut. */
#define LIVE_AHEAD_BYTES (64u << 20)
/* From NTP's epoch to that of Unix. */
#define NTP_EPOCH_S G_GUINT64_CONSTANT (2208988800)

/* ---- writing a chunk ---- */

static gboolean
begin_rendition_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  if (lane->rendition >= 0)
    return TRUE;
  mill_cmaf_lane_measure (lane, &self->taken);
  if (!mill_cmaf_packager_name_rendition_locked (self, lane))
    return FALSE;
  if (self->options.part_duration > 0)
    mill_cmaf_parts_declare_locked (self, lane);
  return TRUE;
}

/* Audio that begins before zero (the priming of a file) is skipped by an edit
 * list: decoding times cannot be negative. Video has its delay skipped: players
 * agree on what an edit list is, while negative composition offsets make some
 * (FFmpeg's demuxer) move the whole track. */
static void
place_zero_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  gint64 base = mill_cmaf_lane_to_ticks (lane,
      mill_cmaf_timeline_get_base (self->timeline));
  lane->edit = lane->kind == MILL_CMAF_VIDEO
      ? mill_cmaf_track_get_delay (lane->track)
      : MAX (base - self->taken.dts, 0);
}

/* Decoding time of what was taken, on the media's timeline. */
static gint64
place_taken_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  gint64 time = self->taken.dts -
      mill_cmaf_lane_to_ticks (lane,
          mill_cmaf_timeline_get_base (self->timeline));
  if (lane->kind == MILL_CMAF_AUDIO)
    return MAX (time + lane->edit, 0);
  for (guint i = 0; i < self->taken.samples->len; i++)
    g_array_index (self->taken.samples, MillBmffSample, i).composition_offset +=
        (gint32) lane->edit;
  return MAX (time, 0);
}

static GBytes *
make_init_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafCut *cut)
{
  if (lane->init_generation == cut->generation)
    return NULL;
  place_zero_locked (self, lane);
  g_autoptr (GError) error = NULL;
  GBytes *init = mill_cmaf_lane_write_init (lane, &error);
  if (init == NULL)
    mill_cmaf_packager_fail_locked (self, error);
  return init;
}

/* When the first sample of what was taken is presented at the packager, for
 * players that keep a latency. Of a stream without parts nobody asks for it.
 * NTP (RFC 5905 6): seconds since 1900 with 32 bits of fraction. */
static guint64
get_ntp_time (const MillCmafPackager *self, const MillCmafLane *lane,
    const MillCmafCut *cut)
{
  if (self->options.part_duration == 0 || cut->wall_us <= 0 ||
      mill_cmaf_packager_is_vod (self))
    return 0;
  guint64 wall_us = (guint64) (cut->wall_us +
      (mill_cmaf_lane_to_ns (lane, self->taken.pts) - cut->start) /
          GST_USECOND);
  guint64 seconds = wall_us / G_USEC_PER_SEC + NTP_EPOCH_S;
  guint64 fraction = (wall_us % G_USEC_PER_SEC << 32) / G_USEC_PER_SEC;
  return seconds << 32 | fraction;
}

static GBytes *
make_header_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafChunkWrite *write, gint64 decode_time)
{
  MillBmffChunk chunk = {
    .track_id = 1,
    .sequence_number = ++lane->sequence,
    .decode_time = (guint64) decode_time,
    .ntp_time = get_ntp_time (self, lane, write->cut),
    .samples = (const MillBmffSample *) self->taken.samples->data,
    .n_samples = self->taken.samples->len,
  };
  /* What is one file is one segment, with an index (23009-1 6.3.5.2). */
  gboolean begins = write->begins && !self->options.publisher.single_file;
  if (begins)
    chunk.flags |= MILL_BMFF_CHUNK_SEGMENT_START;
  /* A lane may end long before the cuts for what it has queued are known. */
  if (begins && lane->eos && mill_cmaf_track_get_length (lane->track) == 0)
    chunk.flags |= MILL_BMFF_CHUNK_LAST_SEGMENT;
  if (lane->codec.roll_distance != 0)
    chunk.flags |= MILL_BMFF_CHUNK_ROLL;
  if (G_UNLIKELY (self->cues != NULL))
    mill_cmaf_events_collect_locked (self, lane, &chunk);
  g_autoptr (GError) error = NULL;
  if (!mill_bmff_chunk_write (&self->header, &chunk, &error)) {
    mill_cmaf_packager_fail_locked (self, error);
    return NULL;
  }
  return mill_bmff_writer_steal_bytes (&self->header);
}

/* A decoder that is given the moof and the payload up to the end of the first
 * sample decodes that one, though the moof tells of others: of a picture to jump
 * to no more than that is fetched. @header: of the chunk that begins the segment
 */
static void
note_i_frame_locked (MillCmafPackager *self, MillCmafWritten *written,
    GBytes *header)
{
  const MillBmffSample *first =
      &g_array_index (self->taken.samples, MillBmffSample, 0);
  gsize size;
  const guint8 *data = g_bytes_get_data (header, &size);
  gsize moof = mill_bmff_chunk_find_moof (data, size);
  written->i_frame_offset = (guint32) moof;
  written->i_frame_bytes = (guint32) (size - moof) + first->size;
}

/* Times of the chunk, told so that those of a segment's chunks add up to what
 * playlists say of the segment. */
static void
tell_time (const MillCmafLane *lane, MillCmafWritten *written,
    MillCmafChunkWrite *write, guint64 duration)
{
  GstClockTimeDiff before =
      mill_cmaf_lane_to_ns (lane, (gint64) written->duration);
  written->duration += duration;
  write->duration =
      (GstClockTime) (mill_cmaf_lane_to_ns (lane, (gint64) written->duration) -
          before);
  write->wall_us = write->cut->wall_us +
      (mill_cmaf_lane_to_ns (lane, written->time) - write->cut->media_start) /
          GST_USECOND +
      before / GST_USECOND;
}

static void
submit_chunk_locked (MillCmafPackager *self, MillCmafLane *lane,
    MillCmafWritten *written, MillCmafChunkWrite *write)
{
  g_autoptr (GBytes) init = make_init_locked (self, lane, write->cut);
  gint64 decode_time = place_taken_locked (self, lane);
  g_autoptr (GBytes) header =
      make_header_locked (self, lane, write, decode_time);
  if (self->failed)
    return;
  lane->init_generation = write->cut->generation;
  gsize size = self->taken.size + g_bytes_get_size (header);
  if (write->begins)
    written->time = decode_time -
        (lane->kind == MILL_CMAF_AUDIO ? lane->edit : 0);
  if (write->begins && write->sync && lane->kind == MILL_CMAF_VIDEO)
    note_i_frame_locked (self, written, header);
  tell_time (lane, written, write, self->taken.duration);
  written->bytes += size;
  written->pending++;
  write->init = init;
  write->header = header;
  g_autoptr (GError) error = NULL;
  if (mill_cmaf_publisher_write_chunk (self->publisher, write, &error)) {
    if (write->begins)
      written->offset = write->offset;
    self->bytes += size;
    return;
  }
  written->pending--;
  written->failed = TRUE;
  /* The header may have gone with it. */
  if (init != NULL)
    lane->init_generation = MILL_CMAF_NONE;
  mill_cmaf_outcome_degrade_locked (self, error);
}

/* Takes the first @n samples out of the lane into its segment. */
void
mill_cmaf_assembly_flush_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint n, gboolean ends)
{
  if (n == 0)
    return;
  const MillCmafCut *cut =
      mill_cmaf_timeline_find (self->timeline, lane->segment);
  /* Too late: the segment is listed without it. */
  if (cut == NULL || lane->segment < self->next_publish || self->failed ||
      cut->generation < lane->hold_generation) {
    mill_cmaf_track_drop (lane->track, n);
    return;
  }
  lane->hold_generation = 0;
  mill_cmaf_dating_tell_locked (self, cut->number);
  mill_cmaf_track_take (lane->track, n, &self->taken);
  MillCmafWritten *written = begin_rendition_locked (self, lane)
      ? mill_cmaf_lane_open (lane, lane->segment)
      : NULL;
  if (written != NULL && !written->failed) {
    MillCmafChunkWrite write = {
      .rendition = (guint) lane->rendition,
      .cut = cut,
      .memories = self->taken.memories,
      .begins = written->bytes == 0,
      .ends = ends,
      .sync = self->taken.sync,
      .time = mill_cmaf_lane_to_ns (lane, self->taken.dts),
    };
    submit_chunk_locked (self, lane, written, &write);
  }
  g_ptr_array_set_size (self->taken.memories, 0);
}

/* ---- lanes: which samples are in which segment ---- */

/* A video that follows begins at a cut that it has a keyframe of: the earliest
 * that can still be published. What it has from before is of no use to
 * anybody; what is after the last cut may be the beginning of the next. */
static gboolean
join_aligned_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  const MillCmafCut *cut =
      mill_cmaf_timeline_find (self->timeline, self->next_publish);
  while (cut != NULL) {
    gint start = mill_cmaf_track_find_keyframe (lane->track,
        mill_cmaf_lane_to_ticks (lane, cut->start));
    if (start >= 0) {
      mill_cmaf_track_drop (lane->track, (guint) start);
      lane->segment = cut->number;
      return TRUE;
    }
    cut = mill_cmaf_timeline_find (self->timeline, cut->number + 1);
  }
  guint n = 0;
  guint length = mill_cmaf_track_get_length (lane->track);
  gint64 limit = last != NULL ? mill_cmaf_lane_to_ticks (lane, last->start)
                              : G_MININT64;
  while (n < length) {
    const MillCmafSample *sample = mill_cmaf_track_peek (lane->track, n);
    if (sample->dts > limit && (sample->flags & MILL_CMAF_SAMPLE_SYNC))
      break;
    n++;
  }
  mill_cmaf_track_drop (lane->track, n);
  return FALSE;
}

static gboolean
join_audio_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  const MillCmafCut *cut = mill_cmaf_timeline_at (self->timeline,
      mill_cmaf_lane_to_ns (lane, mill_cmaf_track_peek (lane->track, 0)->dts));
  if (cut == NULL)
    return FALSE;
  gint start = mill_cmaf_lane_find_start (lane, cut);
  /* A file is kept whole: also what comes before its first picture. */
  if (mill_cmaf_packager_is_vod (self) && cut->number == self->first_number)
    start = 0;
  if (start < 0) {
    mill_cmaf_track_drop (lane->track,
        mill_cmaf_track_get_length (lane->track) - 1);
    return FALSE;
  }
  mill_cmaf_track_drop (lane->track, (guint) start);
  lane->segment = cut->number;
  return TRUE;
}

/* All of a file is kept, wherever its keyframes are. */
static gboolean
join_file_video_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  const MillCmafCut *cut = mill_cmaf_timeline_at (self->timeline,
      mill_cmaf_lane_to_ns (lane, mill_cmaf_track_peek (lane->track, 0)->dts));
  gint start = cut != NULL ? mill_cmaf_lane_find_start (lane, cut) : -1;
  if (start < 0)
    return FALSE;
  mill_cmaf_track_drop (lane->track, (guint) start);
  lane->segment = cut->number;
  return TRUE;
}

/* Finds the segment that the first sample of a lane is in, when it begins or
 * comes back. */
static gboolean
join_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  guint length = mill_cmaf_track_get_length (lane->track);
  if (lane->segment != MILL_CMAF_NONE)
    return TRUE;
  for (guint i = 0; i < length; i++) {
    guint64 begins = mill_cmaf_track_peek (lane->track, i)->begins;
    if (begins != MILL_CMAF_NONE) {
      mill_cmaf_track_drop (lane->track, i);
      lane->segment = begins;
      return TRUE;
    }
  }
  /* A video that cuts begins at one of its own cuts. Audio may have taken over
   * in the middle of a segment. */
  if (length == 0 || (lane == self->timing && lane->kind == MILL_CMAF_VIDEO))
    return FALSE;
  if (lane->kind == MILL_CMAF_AUDIO)
    return join_audio_locked (self, lane);
  return mill_cmaf_packager_is_vod (self) ? join_file_video_locked (self, lane)
                                          : join_aligned_locked (self, lane);
}

static void
close_segment_locked (MillCmafPackager *self, MillCmafLane *lane,
    gboolean complete)
{
  MillCmafWritten *written = mill_cmaf_lane_open (lane, lane->segment);
  written->closed = TRUE;
  written->closed_at = self->clock;
  if (written->bytes == 0 || !complete)
    written->failed = TRUE;
  if (!written->failed && !self->failed) {
    /* Counted first: it may be done by the time that this returns. */
    written->pending++;
    if (!mill_cmaf_publisher_close_segment (self->publisher,
            (guint) lane->rendition, lane->segment))
      written->pending--;
  }
  lane->segment++;
}

/* The samples before the boundary that belong to the old segment: all, or
 * those before the source went away. */
static guint
count_before_jump (MillCmafLane *lane, guint n)
{
  for (guint i = 1; i < n; i++)
    if (mill_cmaf_track_peek (lane->track, i)->flags & MILL_CMAF_SAMPLE_JUMP)
      return i;
  return n;
}

/* Whether @lane follows the cuts of another video, picture by picture. */
static gboolean
is_follower (const MillCmafPackager *self, const MillCmafLane *lane)
{
  return lane->kind == MILL_CMAF_VIDEO && lane != self->timing &&
      !mill_cmaf_packager_is_vod (self);
}

/* A segment that lacks pictures is better a gap, for which players look
 * elsewhere, than one that they stop in. @n samples of it are queued. */
static gboolean
is_complete_locked (const MillCmafPackager *self, const MillCmafLane *lane,
    guint n)
{
  const MillCmafCut *cut =
      mill_cmaf_timeline_find (self->timeline, lane->segment);
  if (cut == NULL || !is_follower (self, lane) ||
      (lane->eos && self->finishing))
    return TRUE;
  return mill_cmaf_track_measure_hole (lane->track, n,
             mill_cmaf_lane_to_ticks (lane, cut->end)) <=
      mill_cmaf_lane_to_ticks (lane, HOLE_MAX_NS);
}

/* The open segment of @lane ends with its first @n samples. */
static void
end_segment_locked (MillCmafPackager *self, MillCmafLane *lane, guint n)
{
  const MillCmafWritten *written = mill_cmaf_lane_find (lane, lane->segment);
  /* Parts that were told are never taken back. */
  gboolean told = self->options.part_duration > 0 && written != NULL &&
      written->bytes > 0;
  gboolean complete = told || is_complete_locked (self, lane, n);
  if (!complete && (written == NULL || written->bytes == 0)) {
    mill_cmaf_track_drop (lane->track, n);
  } else {
    if (self->options.part_duration > 0)
      n = mill_cmaf_parts_split_locked (self, lane, n);
    mill_cmaf_assembly_flush_locked (self, lane, n, TRUE);
  }
  close_segment_locked (self, lane, complete);
}

static void
tell_misaligned_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafCut *cut)
{
  if (lane->misaligned_told)
    return;
  lane->misaligned_told = TRUE;
  g_autoptr (GError) error = g_error_new (MILL_CMAF_STATE_ERROR,
      MILL_CMAF_STATE_ERROR_INVALID,
      "keyframes of '%s': got none at %.3f s, expected one where '%s' has one",
      lane->pad, cut->start / 1e9, self->timing ? self->timing->pad : "");
  mill_cmaf_packager_say_locked (self, MILL_CMAF_WARNED, error);
}

/* How many samples come before @cut, when it has no place for one of them. */
static guint
count_before (const MillCmafLane *lane, const MillCmafCut *cut)
{
  guint length = mill_cmaf_track_get_length (lane->track);
  gint after = mill_cmaf_track_find_after (lane->track,
      mill_cmaf_lane_to_ticks (lane, cut->start));
  return after < 0 ? length : (guint) after;
}

static gint
find_boundary_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafCut *cut)
{
  gint start = is_follower (self, lane)
      ? mill_cmaf_lane_find_aligned (lane, cut)
      : mill_cmaf_lane_find_start (lane, cut);
  const MillCmafCut *before =
      mill_cmaf_timeline_find (self->timeline, lane->segment);
  /* Nothing was on in between: the last picture is not that long. */
  if (start >= 0 && before != NULL && before->end < cut->start)
    mill_cmaf_track_peek (lane->track, (guint) start)->flags |=
        MILL_CMAF_SAMPLE_JUMP;
  return start;
}

/* Whether @lane is over the beginning of @cut: then its segment is ended. */
static gboolean
cross_cut_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafCut *cut)
{
  gint start = find_boundary_locked (self, lane, cut);
  gboolean missed = start < 0 && is_follower (self, lane) &&
      mill_cmaf_lane_has_passed (lane, cut);
  if (start < 0 && !lane->eos && !missed)
    return FALSE;
  guint n = start < 0 ? mill_cmaf_track_get_length (lane->track)
                      : (guint) start;
  if (missed)
    n = count_before (lane, cut);
  guint keep = n;
  if (cut->flags & MILL_CMAF_CUT_DISCONTINUITY)
    keep = count_before_jump (lane, n);
  guint length = mill_cmaf_track_get_length (lane->track);
  end_segment_locked (self, lane, keep);
  guint gone = length - mill_cmaf_track_get_length (lane->track);
  mill_cmaf_track_drop (lane->track, n - gone);
  if (missed) {
    /* One that comes back is nothing to be told of. */
    if (n > 0 && mill_cmaf_track_get_length (lane->track) > 0 &&
        !(mill_cmaf_track_peek (lane->track, 0)->flags & MILL_CMAF_SAMPLE_JUMP))
      tell_misaligned_locked (self, lane, cut);
    lane->segment = MILL_CMAF_NONE;
  }
  return !missed;
}

/* How many samples are certainly in the lane's segment: before the next cut,
 * wherever it may come. */
static guint
count_settled (MillCmafPackager *self, MillCmafLane *lane)
{
  guint length = mill_cmaf_track_get_length (lane->track);
  if (length < 2)
    return 0;
  if (lane == self->timing)
    return length - 1;
  if (self->timing == NULL || self->timing->last_pts == GST_CLOCK_STIME_NONE)
    return 0;
  const MillCmafCut *next =
      mill_cmaf_timeline_find (self->timeline, lane->segment + 1);
  guint timing_length = mill_cmaf_track_get_length (self->timing->track);
  if (next == NULL && timing_length == 0)
    return 0;
  GstClockTimeDiff bound = next != NULL
      ? next->start
      : mill_cmaf_lane_to_ns (self->timing,
            mill_cmaf_track_peek (self->timing->track, timing_length - 1)->dts);
  gint64 limit = mill_cmaf_lane_to_ticks (lane, bound);
  guint n = 0;
  while (n < length - 1 && mill_cmaf_track_peek (lane->track, n)->dts < limit &&
      !(mill_cmaf_track_peek (lane->track, n + 1)->flags &
          MILL_CMAF_SAMPLE_JUMP))
    n++;
  return n;
}

/* Chunks before the end of a segment: parts, or what would be too much to
 * keep in memory. */
static void
flush_some_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  if (self->options.part_duration > 0)
    mill_cmaf_parts_flush_locked (self, lane, count_settled (self, lane));
  else if (mill_cmaf_track_get_queued_bytes (lane->track) >= CHUNK_MAX_BYTES)
    mill_cmaf_assembly_flush_locked (self, lane, count_settled (self, lane),
        FALSE);
}

/* Nobody keeps up with it, or its keyframes never fit. */
static void
lose_locked (MillCmafLane *lane)
{
  mill_cmaf_track_drop (lane->track, mill_cmaf_track_get_length (lane->track));
  mill_cmaf_track_lose (lane->track);
  lane->segment = MILL_CMAF_NONE;
}

/* One that sends again what it had sent may have gone back to before the segment
 * that it was in: it has to find its place anew, and what is written of that
 * segment has no end. */
static void
leave_if_back_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  const MillCmafCut *cut =
      mill_cmaf_timeline_find (self->timeline, lane->segment);
  if (cut == NULL || !is_follower (self, lane) ||
      mill_cmaf_track_get_length (lane->track) == 0 ||
      mill_cmaf_track_peek (lane->track, 0)->dts >=
          mill_cmaf_lane_to_ticks (lane, cut->start))
    return;
  const MillCmafWritten *written = mill_cmaf_lane_find (lane, lane->segment);
  if (written != NULL && written->bytes > 0)
    close_segment_locked (self, lane, FALSE);
  lane->segment = MILL_CMAF_NONE;
}

static void
finish_lane_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  if (mill_cmaf_timeline_find (self->timeline, lane->segment) != NULL)
    end_segment_locked (self, lane, mill_cmaf_track_get_length (lane->track));
}

void
mill_cmaf_assembly_drain_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  if (lane->track == NULL)
    return;
  gboolean crossed = TRUE;
  guint64 least = 0;
  leave_if_back_locked (self, lane);
  while (crossed && join_locked (self, lane)) {
    /* What it has ended it cannot begin again. */
    if (lane->segment < least) {
      lose_locked (lane);
      break;
    }
    /* A lane that is far behind goes on with what can still be published. */
    const MillCmafCut *first = mill_cmaf_timeline_first (self->timeline);
    if (first != NULL && lane->segment + 1 < first->number)
      lane->segment = first->number - 1;
    const MillCmafCut *cut =
        mill_cmaf_timeline_find (self->timeline, lane->segment + 1);
    if (cut == NULL)
      break;
    least = cut->number;
    crossed = cross_cut_locked (self, lane, cut) ||
        lane->segment == MILL_CMAF_NONE;
  }
  if (lane->segment != MILL_CMAF_NONE) {
    if (self->finishing)
      finish_lane_locked (self, lane);
    else
      flush_some_locked (self, lane);
  } else if (self->finishing) {
    /* What is left lies before the first cut: no segment will have it. */
    lose_locked (lane);
  }
  if (is_follower (self, lane) &&
      mill_cmaf_track_get_queued_bytes (lane->track) > LIVE_AHEAD_BYTES)
    lose_locked (lane);
}
