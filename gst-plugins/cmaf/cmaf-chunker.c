/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-chunker.h"

#include "cmaf-lane.h"

/* A chunk is written when this much of it is in memory, however long its
 * segment may become. */
#define CHUNK_MAX_BYTES (8u << 20)

struct _MillCmafChunker
{
  GstClockTime segment_duration;
  GstClockTime chunk_duration;
  MillCmafLane *lane; /* (nullable): before the first format */
  MillCmafTimeline *timeline;
  gboolean init_due; /* the next piece has a CMAF header */
  gboolean based; /* base is known */
  GstClockTimeDiff base; /* running time that is zero in the media; <= 0 */
  MillBmffWriter writer; /* scratch */
  GQueue ready; /* MillCmafPiece */
};

void
mill_cmaf_chunker_free_piece (MillCmafPiece *piece)
{
  if (piece == NULL)
    return;
  g_clear_pointer (&piece->init, g_bytes_unref);
  g_clear_pointer (&piece->header, g_bytes_unref);
  mill_cmaf_track_clear_taken (&piece->taken);
  g_free (piece);
}

MillCmafChunker *
mill_cmaf_chunker_new (GstClockTime segment_duration,
    GstClockTime chunk_duration)
{
  MillCmafChunker *self = g_new0 (MillCmafChunker, 1);
  self->segment_duration = segment_duration;
  self->chunk_duration = chunk_duration;
  self->timeline = mill_cmaf_timeline_new (segment_duration, 1, 1);
  g_queue_init (&self->ready);
  return self;
}

void
mill_cmaf_chunker_free (MillCmafChunker *self)
{
  if (self == NULL)
    return;
  g_queue_clear_full (&self->ready,
      (GDestroyNotify) mill_cmaf_chunker_free_piece);
  mill_bmff_writer_clear (&self->writer);
  mill_cmaf_timeline_free (self->timeline);
  mill_cmaf_lane_free (self->lane);
  g_free (self);
}

MillCmafPiece *
mill_cmaf_chunker_pop (MillCmafChunker *self)
{
  return g_queue_pop_head (&self->ready);
}

/* ---- pieces ---- */

/* Audio that begins before zero (priming) is skipped by an edit list, which
 * also takes the delay of video away: see place_zero_locked() of the packager.
 * Video that does moves zero. */
static gboolean
write_init (MillCmafChunker *self, MillCmafPiece *piece, GError **error)
{
  MillCmafLane *lane = self->lane;
  GstClockTimeDiff begin = mill_cmaf_lane_to_ns (lane, piece->taken.dts);
  if (!self->based && lane->kind == MILL_CMAF_VIDEO)
    self->base = MIN (begin, 0);
  self->based = TRUE;
  gint64 base = mill_cmaf_lane_to_ticks (lane, self->base);
  lane->edit = lane->kind == MILL_CMAF_VIDEO
      ? mill_cmaf_track_get_delay (lane->track)
      : MAX (base - piece->taken.dts, 0);
  mill_cmaf_lane_measure (lane, &piece->taken);
  piece->init = mill_cmaf_lane_write_init (lane, error);
  self->init_due = FALSE;
  return piece->init != NULL;
}

/* Returns: decoding time of the first sample on the media's timeline */
static guint64
place (MillCmafChunker *self, MillCmafPiece *piece)
{
  const MillCmafLane *lane = self->lane;
  gint64 time = piece->taken.dts - mill_cmaf_lane_to_ticks (lane, self->base);
  piece->dts = (GstClockTime) mill_cmaf_lane_to_ns (lane, MAX (time, 0));
  if (lane->kind == MILL_CMAF_AUDIO)
    return (guint64) MAX (time + lane->edit, 0);
  piece->shift = lane->edit;
  for (guint i = 0; i < piece->taken.samples->len; i++)
    g_array_index (piece->taken.samples, MillBmffSample, i)
        .composition_offset += (gint32) lane->edit;
  return (guint64) MAX (time, 0);
}

static gboolean
write_header (MillCmafChunker *self, MillCmafPiece *piece, gboolean is_last,
    GError **error)
{
  MillBmffChunk chunk = {
    .track_id = 1,
    .sequence_number = ++self->lane->sequence,
    .decode_time = place (self, piece),
    .samples = (const MillBmffSample *) piece->taken.samples->data,
    .n_samples = piece->taken.samples->len,
  };
  if (piece->flags & MILL_CMAF_PIECE_SEGMENT)
    chunk.flags |= MILL_BMFF_CHUNK_SEGMENT_START;
  if ((piece->flags & MILL_CMAF_PIECE_SEGMENT) && is_last)
    chunk.flags |= MILL_BMFF_CHUNK_LAST_SEGMENT;
  if (self->lane->codec.roll_distance != 0)
    chunk.flags |= MILL_BMFF_CHUNK_ROLL;
  if (!mill_bmff_chunk_write (&self->writer, &chunk, error))
    return FALSE;
  piece->header = mill_bmff_writer_steal_bytes (&self->writer);
  return TRUE;
}

/* The first @n queued samples become a piece. */
static gboolean
flush (MillCmafChunker *self, guint n, gboolean is_last, GError **error)
{
  if (n == 0)
    return TRUE;
  MillCmafLane *lane = self->lane;
  const MillCmafSample *first = mill_cmaf_track_peek (lane->track, 0);
  g_autoptr (MillCmafPiece) piece = g_new0 (MillCmafPiece, 1);
  mill_cmaf_track_init_taken (&piece->taken);
  piece->timescale = lane->format.timescale;
  if (first->begins != MILL_CMAF_NONE)
    piece->flags |= MILL_CMAF_PIECE_SEGMENT;
  if (first->flags & MILL_CMAF_SAMPLE_SYNC)
    piece->flags |= MILL_CMAF_PIECE_SYNC;
  if (self->init_due || (first->flags & MILL_CMAF_SAMPLE_JUMP))
    piece->flags |= MILL_CMAF_PIECE_DISCONT;
  mill_cmaf_track_take (lane->track, n, &piece->taken);
  if (self->init_due && !write_init (self, piece, error))
    return FALSE;
  if (!write_header (self, piece, is_last, error))
    return FALSE;
  g_queue_push_tail (&self->ready, g_steal_pointer (&piece));
  return TRUE;
}

/* ---- cuts ---- */

static GstClockTimeDiff
get_slack (const MillCmafChunker *self)
{
  if (self->lane->kind == MILL_CMAF_VIDEO)
    return mill_cmaf_timeline_get_video_slack (self->timeline);
  return mill_cmaf_lane_to_ns (self->lane, self->lane->frame_length / 2);
}

/* Whether the last sample that came, number @i in the queue, begins a
 * segment. */
static gboolean
begins_segment (MillCmafChunker *self, guint i)
{
  MillCmafLane *lane = self->lane;
  MillCmafSample *sample = mill_cmaf_track_peek (lane->track, i);
  GstClockTimeDiff start = mill_cmaf_lane_to_ns (lane, sample->dts);
  if (sample->flags & MILL_CMAF_SAMPLE_JUMP)
    mill_cmaf_timeline_break (self->timeline);
  if (mill_cmaf_timeline_offer (self->timeline, start, 0,
          (sample->flags & MILL_CMAF_SAMPLE_SYNC) != 0,
          get_slack (self)) != MILL_CMAF_CUT_HERE)
    return FALSE;
  const MillCmafCut *cut =
      mill_cmaf_timeline_cut (self->timeline, start, start, MILL_CMAF_CUT_NONE);
  sample->begins = cut->number;
  mill_cmaf_timeline_retire (self->timeline, cut->number);
  return TRUE;
}

/* Whether sample @i, the last one, is too much for the open chunk. */
static gboolean
begins_chunk (const MillCmafChunker *self, guint i)
{
  const MillCmafLane *lane = self->lane;
  if (self->chunk_duration == 0)
    return mill_cmaf_track_get_queued_bytes (lane->track) > CHUNK_MAX_BYTES;
  return mill_cmaf_track_get_end (lane->track, i) -
      mill_cmaf_track_peek (lane->track, 0)->dts >
      mill_cmaf_lane_to_ticks (lane, (GstClockTimeDiff) self->chunk_duration);
}

/* gst_buffer_get_all_memory() copies nothing of a buffer of one memory. */
static GstMemory *
steal_memory (GstBuffer *buffer)
{
  GstMemory *memory = gst_buffer_get_all_memory (buffer);
  gst_buffer_unref (buffer);
  return memory;
}

gboolean
mill_cmaf_chunker_push (MillCmafChunker *self, const MillCmafInput *input,
    GstBuffer *buffer, GError **error)
{
  MillCmafTrack *track = self->lane->track;
  if (mill_cmaf_track_push (track, input, steal_memory (buffer)) !=
      MILL_CMAF_QUEUED)
    return TRUE;
  guint last = mill_cmaf_track_get_length (track) - 1;
  if (begins_segment (self, last) || begins_chunk (self, last))
    return flush (self, last, FALSE, error);
  return TRUE;
}

static gboolean
flush_all (MillCmafChunker *self, gboolean is_last, GError **error)
{
  if (self->lane == NULL)
    return TRUE;
  return flush (self, mill_cmaf_track_get_length (self->lane->track), is_last,
      error);
}

gboolean
mill_cmaf_chunker_break (MillCmafChunker *self, GError **error)
{
  mill_cmaf_timeline_break (self->timeline);
  return flush_all (self, FALSE, error);
}

gboolean
mill_cmaf_chunker_finish (MillCmafChunker *self, GError **error)
{
  return flush_all (self, TRUE, error);
}

gboolean
mill_cmaf_chunker_set_format (MillCmafChunker *self,
    const MillCmafLaneFormat *format, GError **error)
{
  MillCmafKind kind = format->format.kind;
  if (self->lane != NULL && self->lane->kind == kind && !self->init_due &&
      !mill_cmaf_lane_differs (self->lane, format))
    return TRUE;
  if (!mill_cmaf_chunker_break (self, error))
    return FALSE;
  guint32 sequence = self->lane != NULL ? self->lane->sequence : 0;
  if (self->lane != NULL && self->lane->kind != kind)
    g_clear_pointer (&self->lane, mill_cmaf_lane_free);
  if (self->lane == NULL)
    self->lane = mill_cmaf_lane_new ("sink", kind);
  mill_cmaf_lane_set_format (self->lane, format);
  self->lane->sequence = sequence;
  /* Nothing of before decodes what is of the new format. */
  mill_cmaf_track_lose (self->lane->track);
  self->init_due = TRUE;
  return TRUE;
}
