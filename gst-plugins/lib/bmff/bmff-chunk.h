/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-event.h"
#include "bmff/bmff-writer.h"

G_BEGIN_DECLS

/* Sample flags, ISO/IEC 14496-12 §8.8.3.1. */
#define MILL_BMFF_SAMPLE_SYNC 0x02000000u /* depends on no other */
#define MILL_BMFF_SAMPLE_DELTA 0x01010000u /* depends on others, non-sync */
#define MILL_BMFF_SAMPLE_NON_SYNC_BIT 0x00010000u

typedef struct
{
  guint32 size; /* bytes */
  guint32 duration; /* timescale units */
  gint32 composition_offset; /* PTS - DTS, timescale units, may be negative */
  guint32 flags; /* MILL_BMFF_SAMPLE_SYNC or _DELTA */
} MillBmffSample;

/**
 * MillBmffChunkFlags:
 * @MILL_BMFF_CHUNK_SEGMENT_START: the chunk begins a segment: write styp
 * @MILL_BMFF_CHUNK_LAST_SEGMENT: with SEGMENT_START: that segment is the last
 *   of the presentation (brand lmsg)
 * @MILL_BMFF_CHUNK_ROLL: all samples are in the header's roll group (Opus)
 * @MILL_BMFF_CHUNK_EXPLICIT: trun has size and duration of each sample though
 *   all are alike: for who reads no defaults of tfhd
 */
typedef enum
{
  MILL_BMFF_CHUNK_NONE = 0,
  MILL_BMFF_CHUNK_SEGMENT_START = 1 << 0,
  MILL_BMFF_CHUNK_LAST_SEGMENT = 1 << 1,
  MILL_BMFF_CHUNK_ROLL = 1 << 2,
  MILL_BMFF_CHUNK_EXPLICIT = 1 << 3,
} MillBmffChunkFlags;

/** One CMAF chunk: one moof with one traf and one trun, one mdat. */
typedef struct
{
  MillBmffChunkFlags flags;
  guint32 track_id;
  guint32 sequence_number; /* mfhd; grows with each chunk of a track */
  guint64 decode_time; /* of the first sample, timescale units */
  guint64 ntp_time; /* prft: NTP time (32.32, since 1900) of the first
                     * sample's presentation; 0 writes none */
  const MillBmffSample *samples; /* in decoding order */
  guint n_samples; /* at least 1 */
  const MillBmffEvent *events; /* (nullable): messages to put before moof */
  guint n_events;
} MillBmffChunk;

/* Appends [styp] [prft] [emsg...] moof and the header of mdat. The caller writes the
 * payloads of the samples right after it, best in the same writev(). Grows
 * the writer at most once.
 * Errors: MILL_BMFF_ERROR_INVALID without samples, MILL_BMFF_ERROR_TOO_BIG
 *   when the payload exceeds a 32-bit box
 * Source: ISO/IEC 23000-19 §7.3.2, 14496-12 §8.8 */
gboolean mill_bmff_chunk_write (MillBmffWriter *writer,
    const MillBmffChunk *chunk, GError **error);

/* Bytes that mill_bmff_chunk_write() will append; 0 for a chunk that it
 * refuses. */
gsize mill_bmff_chunk_get_header_size (const MillBmffChunk *chunk);

/* Where moof begins in what mill_bmff_chunk_write() has made, with whatever
 * boxes before it; @size when there is none. */
gsize mill_bmff_chunk_find_moof (const guint8 *data, gsize size);

G_END_DECLS
