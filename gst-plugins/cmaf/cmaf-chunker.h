/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/*
 * One track to CMAF chunks, for who has no stream directory: cut by its own
 * keyframes, written by the same lane, track and timeline as a packager's.
 * Pure logic, no I/O; one thread at a time.
 */
typedef struct _MillCmafChunker MillCmafChunker;

typedef enum
{
  MILL_CMAF_PIECE_NONE = 0,
  MILL_CMAF_PIECE_SEGMENT = 1 << 0, /* begins a segment */
  MILL_CMAF_PIECE_SYNC = 1 << 1, /* a decoder can begin with it */
  MILL_CMAF_PIECE_DISCONT = 1 << 2, /* does not follow the one before */
} MillCmafPieceFlags;

/**
 * MillCmafPiece: a chunk
 * @init: (nullable): the CMAF header that it and what follows needs
 * @header: its styp, moof and mdat header; the payloads of @taken follow
 * @dts: running time of its first sample's decoding, ns, never negative
 * @shift: what the composition offsets of @taken are greater by than the edit
 *   list takes away again, ticks
 * @timescale: of @taken
 */
typedef struct
{
  MillCmafPieceFlags flags;
  GBytes *init;
  GBytes *header;
  GstClockTime dts;
  gint64 shift;
  guint timescale;
  MillCmafTaken taken;
} MillCmafPiece;

/** @piece: (transfer full) */
void mill_cmaf_chunker_free_piece (MillCmafPiece *piece);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafPiece, mill_cmaf_chunker_free_piece)

/** @chunk_duration: ns; 0: a segment is one chunk. Returns: (transfer full) */
MillCmafChunker *mill_cmaf_chunker_new (GstClockTime segment_duration,
    GstClockTime chunk_duration);
void mill_cmaf_chunker_free (MillCmafChunker *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafChunker, mill_cmaf_chunker_free)

/** Of what comes next. Another one than before ends the segment; the next
 * piece has a CMAF header.
 * Errors: MILL_BMFF_ERROR */
gboolean mill_cmaf_chunker_set_format (MillCmafChunker *self,
    const MillCmafLaneFormat *format, GError **error);

/** @buffer: (transfer full): of the format that was set
 * Errors: MILL_BMFF_ERROR */
gboolean mill_cmaf_chunker_push (MillCmafChunker *self,
    const MillCmafInput *input, GstBuffer *buffer, GError **error);

/** What is queued becomes a piece; the next sample that can begins a segment.
 * Errors: MILL_BMFF_ERROR */
gboolean mill_cmaf_chunker_break (MillCmafChunker *self, GError **error);

/** The same at the end of the stream. */
gboolean mill_cmaf_chunker_finish (MillCmafChunker *self, GError **error);

/** Returns: (transfer full)(nullable): the oldest piece that is ready */
MillCmafPiece *mill_cmaf_chunker_pop (MillCmafChunker *self);

G_END_DECLS
