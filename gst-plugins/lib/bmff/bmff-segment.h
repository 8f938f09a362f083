/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-reader.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 decode_time; /* timescale units */
  gint32 composition_offset;
  guint32 duration;
  guint32 size;
  guint32 flags;
  gsize offset; /* of the payload in the data */
} MillBmffSegmentSample;

typedef struct
{
  gsize offset; /* of the first byte: of styp or prft, else of moof */
  gsize size; /* up to the end of mdat */
  guint32 sequence_number;
  guint64 decode_time;
  guint64 duration; /* sum over the samples */
  guint first_sample; /* index into samples */
  guint n_samples;
  gboolean independent; /* the first sample is a sync sample */
} MillBmffSegmentChunk;

/**
 * MillBmffSegment: the complete chunks of a segment, or of several in a row.
 * @complete_size: bytes up to the end of the last complete chunk. A segment
 *   whose writer died is repaired by truncating it to that.
 * @rest_error: (nullable): why what follows @complete_size is no chunk:
 *   MILL_BMFF_ERROR_TRUNCATED for one that was cut off; NULL when nothing
 *   follows
 */
typedef struct
{
  GArray *chunks; /* (element-type MillBmffSegmentChunk) */
  GArray *samples; /* (element-type MillBmffSegmentSample) */
  gsize complete_size;
  GError *rest_error;
} MillBmffSegment;

/* @init: (nullable): for the defaults of trex, which our own chunks never
 *   need, and to refuse fragments of another track
 * Returns: (transfer full): never NULL */
MillBmffSegment *mill_bmff_segment_parse (const guint8 *data, gsize size,
    const MillBmffInit *init);
void mill_bmff_segment_free (MillBmffSegment *segment);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillBmffSegment, mill_bmff_segment_free)

G_END_DECLS
