/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-packager-private.h"

/* A chunk is written when this much of it is in memory, however long its
 * segment may become. */
#define CHUNK_MAX_BYTES (8u << 20)

/* ---- writing a chunk ---- */

static void
name_rendition_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  mill_cmaf_lane_measure (lane, &self->taken);
  g_autofree gchar *fallback = mill_cmaf_lane_propose_name (lane);
  lane->rendition = (gint) mill_cmaf_publisher_add_rendition (self->publisher,
      lane->pad, lane->name, fallback, &lane->format);
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

static GBytes *
make_header_locked (MillCmafPackager *self, MillCmafLane *lane, gboolean begins,
    gint64 decode_time)
{
  MillBmffChunk chunk = {
    .track_id = 1,
    .sequence_number = ++lane->sequence,
    .decode_time = (guint64) decode_time,
    .samples = (const MillBmffSample *) self->taken.samples->data,
    .n_samples = self->taken.samples->len,
  };
  if (begins)
    chunk.flags |= MILL_BMFF_CHUNK_SEGMENT_START;
  if (begins && lane->eos)
    chunk.flags |= MILL_BMFF_CHUNK_LAST_SEGMENT;
  g_autoptr (GError) error = NULL;
  if (!mill_bmff_chunk_write (&self->header, &chunk, &error)) {
    mill_cmaf_packager_fail_locked (self, error);
    return NULL;
  }
  return mill_bmff_writer_steal_bytes (&self->header);
}

static void
submit_chunk_locked (MillCmafPackager *self, MillCmafLane *lane,
    MillCmafWritten *written, MillCmafChunkWrite *write)
{
  g_autoptr (GBytes) init = make_init_locked (self, lane, write->cut);
  gint64 decode_time = place_taken_locked (self, lane);
  g_autoptr (GBytes) header =
      make_header_locked (self, lane, write->begins, decode_time);
  if (self->failed)
    return;
  lane->init_generation = write->cut->generation;
  gsize size = self->taken.size + g_bytes_get_size (header);
  if (write->begins)
    written->time = decode_time -
        (lane->kind == MILL_CMAF_AUDIO ? lane->edit : 0);
  written->duration += self->taken.duration;
  written->bytes += size;
  written->pending++;
  write->init = init;
  write->header = header;
  g_autoptr (GError) error = NULL;
  if (mill_cmaf_publisher_write_chunk (self->publisher, write, &error)) {
    self->bytes += size;
    return;
  }
  written->pending--;
  written->failed = TRUE;
  /* The header may have gone with it. */
  if (init != NULL)
    lane->init_generation = MILL_CMAF_NONE;
  mill_cmaf_packager_degrade_locked (self, error);
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
  mill_cmaf_track_take (lane->track, n, &self->taken);
  if (lane->rendition < 0)
    name_rendition_locked (self, lane);
  MillCmafWritten *written = mill_cmaf_lane_open (lane, lane->segment);
  if (!written->failed) {
    MillCmafChunkWrite write = {
      .rendition = (guint) lane->rendition,
      .cut = cut,
      .buffers = self->taken.buffers,
      .begins = written->bytes == 0,
      .ends = ends,
      .sync = self->taken.sync,
      .time = mill_cmaf_lane_to_ns (lane, self->taken.dts),
      .duration = (GstClockTime) mill_cmaf_lane_to_ns (lane,
          (gint64) self->taken.duration),
    };
    write.wall_us = cut->wall_us + (write.time - cut->start) / GST_USECOND;
    submit_chunk_locked (self, lane, written, &write);
  }
  g_ptr_array_set_size (self->taken.buffers, 0);
}

/* ---- lanes: which samples are in which segment ---- */

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
  const MillCmafCut *cut = mill_cmaf_timeline_at (self->timeline,
      mill_cmaf_lane_to_ns (lane, mill_cmaf_track_peek (lane->track, 0)->dts));
  if (lane->kind == MILL_CMAF_VIDEO && !mill_cmaf_packager_is_vod (self))
    cut = mill_cmaf_timeline_last (self->timeline);
  if (cut == NULL)
    return FALSE;
  gint start = mill_cmaf_lane_find_start (lane, cut);
  /* A file is kept whole: also what comes before its first picture. */
  if (mill_cmaf_packager_is_vod (self) && cut->number == self->first_number &&
      lane->kind == MILL_CMAF_AUDIO)
    start = 0;
  if (start < 0) {
    mill_cmaf_track_drop (lane->track, length - 1);
    return FALSE;
  }
  mill_cmaf_track_drop (lane->track, (guint) start);
  lane->segment = cut->number;
  return TRUE;
}

static void
close_segment_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  MillCmafWritten *written = mill_cmaf_lane_open (lane, lane->segment);
  written->closed = TRUE;
  if (written->bytes == 0)
    written->failed = TRUE;
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

static gboolean
cross_cut_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafCut *cut)
{
  guint length = mill_cmaf_track_get_length (lane->track);
  gint start = mill_cmaf_lane_find_start (lane, cut);
  /* A video that has lost its place waits for an IDR that is cut at. */
  gboolean lost = lane->kind == MILL_CMAF_VIDEO && lane != self->timing &&
      start < 0 && self->clock - lane->heard > MILL_CMAF_DEFAULT_SKEW;
  if (start < 0 && !lane->eos && !lost)
    return FALSE;
  guint n = start < 0 ? length : (guint) start;
  guint keep = n;
  if (cut->flags & MILL_CMAF_CUT_DISCONTINUITY)
    keep = count_before_jump (lane, n);
  mill_cmaf_assembly_flush_locked (self, lane, keep, TRUE);
  mill_cmaf_track_drop (lane->track, n - keep);
  close_segment_locked (self, lane);
  if (lost) {
    lane->segment = MILL_CMAF_NONE;
    mill_cmaf_track_lose (lane->track);
    return FALSE;
  }
  return TRUE;
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
  guint timing_length = mill_cmaf_track_get_length (self->timing->track);
  if (timing_length == 0)
    return 0;
  gint64 limit = mill_cmaf_lane_to_ticks (lane,
      mill_cmaf_lane_to_ns (self->timing,
          mill_cmaf_track_peek (self->timing->track, timing_length - 1)->dts));
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
flush_parts_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  GstClockTime part = self->options.part_duration;
  if (part == 0 &&
      mill_cmaf_track_get_queued_bytes (lane->track) < CHUNK_MAX_BYTES)
    return;
  guint settled = count_settled (self, lane);
  if (part == 0) {
    mill_cmaf_assembly_flush_locked (self, lane, settled, FALSE);
    return;
  }
  gint64 part_ticks = mill_cmaf_lane_to_ticks (lane, (GstClockTimeDiff) part);
  for (guint n = 1; n < settled; n++) {
    gint64 begin = mill_cmaf_track_peek (lane->track, 0)->dts;
    if (mill_cmaf_track_get_end (lane->track, n) - begin <= part_ticks)
      continue;
    mill_cmaf_assembly_flush_locked (self, lane, n, FALSE);
    settled -= n;
    n = 0;
  }
}

void
mill_cmaf_assembly_drain_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  if (lane->track == NULL || !join_locked (self, lane))
    return;
  /* A lane that is far behind goes on with what can still be published. */
  const MillCmafCut *first = mill_cmaf_timeline_at (self->timeline, G_MININT64);
  if (first != NULL && lane->segment + 1 < first->number)
    lane->segment = first->number - 1;
  for (;;) {
    const MillCmafCut *cut =
        mill_cmaf_timeline_find (self->timeline, lane->segment + 1);
    if (cut == NULL)
      break;
    if (!cross_cut_locked (self, lane, cut))
      return;
  }
  if (self->finishing) {
    if (mill_cmaf_timeline_find (self->timeline, lane->segment) != NULL) {
      mill_cmaf_assembly_flush_locked (self, lane,
          mill_cmaf_track_get_length (lane->track), TRUE);
      close_segment_locked (self, lane);
    }
    return;
  }
  flush_parts_locked (self, lane);
}
