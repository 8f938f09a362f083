/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-writer.h"

G_BEGIN_DECLS

/**
 * MillBmffReference: one subsegment of an index
 * @size: bytes
 * @duration: up to the next one, timescale units
 * @sap_type: of its first sample: 1 to 3, 0 when nothing is promised (ISO/IEC
 *   14496-12 annex I)
 */
typedef struct
{
  guint64 size;
  guint64 duration;
  guint sap_type;
} MillBmffReference;

/**
 * MillBmffIndex: a segment index (sidx, ISO/IEC 14496-12 8.16.3)
 * @earliest_time: presentation time of the first subsegment
 * @distance: bytes between the end of the index and the first subsegment
 */
typedef struct
{
  guint32 track_id;
  guint32 timescale;
  guint64 earliest_time;
  guint64 distance;
  const MillBmffReference *references;
  guint n_references;
} MillBmffIndex;

/** Bytes that mill_bmff_index_write() appends for so many references. */
gsize mill_bmff_index_get_size (guint n_references);

/* Errors: MILL_BMFF_ERROR_INVALID without references or with more than 65535,
 * MILL_BMFF_ERROR_TOO_BIG for one of 2 GiB or a duration beyond 32 bits */
gboolean mill_bmff_index_write (MillBmffWriter *writer,
    const MillBmffIndex *index, GError **error);

G_END_DECLS
