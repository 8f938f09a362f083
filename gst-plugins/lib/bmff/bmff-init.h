/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-writer.h"
#include "codec/codec.h"

G_BEGIN_DECLS

/** What is to be done to the decoded picture, clockwise and after a flip from
 * left to right: the values of GStreamer's image-orientation tag, in order. */
typedef enum
{
  MILL_BMFF_UPRIGHT,
  MILL_BMFF_ROTATE_90,
  MILL_BMFF_ROTATE_180,
  MILL_BMFF_ROTATE_270,
  MILL_BMFF_FLIP,
  MILL_BMFF_FLIP_90,
  MILL_BMFF_FLIP_180,
  MILL_BMFF_FLIP_270,
} MillBmffOrientation;

/* Whether width and height change places. */
gboolean mill_bmff_init_is_turned (MillBmffOrientation orientation);

/** MillBmffTrack: what a CMAF header (ftyp + moov of one track) is made from. */
typedef struct
{
  guint32 track_id; /* from 1 */
  guint32 timescale; /* units per second */
  const gchar *language; /* (nullable) ISO 639-2/T, three letters; "und" */
  const MillCodecInfo *codec;
  GBytes *codec_data; /* its record, see mill_codec_parse_config() */
  const MillCodecHdr *hdr; /* (nullable) */
  MillBmffOrientation orientation; /* of video */
  guint32 max_bitrate_bps; /* btrt and esds; 0 unknown */
  guint32 average_bitrate_bps; /* 0 unknown; no btrt when both are */
  guint32 media_time; /* edit list: skips this much of the media, for the
                       * priming of audio; 0 writes none */
} MillBmffTrack;

/* Appends ftyp and moov.
 * Errors: MILL_BMFF_ERROR_INVALID for a track that lacks something,
 *   MILL_BMFF_ERROR_TOO_BIG
 * Source: ISO/IEC 23000-19 §7.3.1, 14496-12 §8, 14496-15 §5.4 and §8.4,
 *   14496-14 §5.6, and the bindings that codec/ names */
gboolean mill_bmff_init_write (MillBmffWriter *writer,
    const MillBmffTrack *track, GError **error);

G_END_DECLS
