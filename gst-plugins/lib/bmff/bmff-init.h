/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-writer.h"
#include "codec/aac.h"
#include "codec/avc.h"

G_BEGIN_DECLS

/**
 * MillBmffTrack: what a CMAF header (ftyp + moov of one track) is made from.
 * Set @avc for H.264 or @aac for AAC, with @codec_data as that codec's
 * configuration record.
 */
typedef struct
{
  guint32 track_id; /* from 1 */
  guint32 timescale; /* units per second */
  const gchar *language; /* (nullable) ISO 639-2/T, three letters; "und" */
  const MillAvcInfo *avc; /* (nullable) */
  const MillAacInfo *aac; /* (nullable) */
  GBytes *codec_data; /* avcC payload, or AudioSpecificConfig */
  guint32 max_bitrate_bps; /* btrt and esds; 0 unknown */
  guint32 average_bitrate_bps; /* 0 unknown; no btrt when both are */
  guint32 media_time; /* edit list: skips this much of the media, for the
                       * priming of audio; 0 writes none */
} MillBmffTrack;

/* Appends ftyp and moov.
 * Errors: MILL_BMFF_ERROR_INVALID for a track that lacks something,
 *   MILL_BMFF_ERROR_TOO_BIG
 * Source: ISO/IEC 23000-19 §7.3.1, 14496-12 §8, 14496-15 §5.4, 14496-14 §5.6 */
gboolean mill_bmff_init_write (MillBmffWriter *writer,
    const MillBmffTrack *track, GError **error);

G_END_DECLS
