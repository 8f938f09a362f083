/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-writer.h"
#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * Reads what the writers of this folder write, and CMAF of others as far as
 * it has one track. All input is untrusted; every access is bounded.
 *
 * Threads: no shared state; any thread.
 */

/** Iterates over the boxes of one level. */
typedef struct
{
  const guint8 *data;
  gsize size;
  gsize position; /* of the next box */
} MillBmffReader;

typedef struct
{
  guint32 type;
  gsize offset; /* of the box in the reader's data */
  gsize size; /* with header */
  const guint8 *payload; /* after the header (not after version and flags) */
  gsize payload_size;
} MillBmffBox;

typedef enum
{
  MILL_BMFF_NEXT_BOX,
  MILL_BMFF_NEXT_END,
  MILL_BMFF_NEXT_ERROR,
} MillBmffNext;

void mill_bmff_reader_init (MillBmffReader *reader, const guint8 *data,
    gsize size);

/* Errors: MILL_BMFF_ERROR_TRUNCATED, MILL_BMFF_ERROR_INVALID; the position
 *   stays at the box that is wrong */
MillBmffNext mill_bmff_reader_next (MillBmffReader *reader,
    MillBmffBox *ret_box, GError **error);

/* The first box of @type among the children in @data.
 * Returns: FALSE with @error when there is none */
gboolean mill_bmff_reader_find (const guint8 *data, gsize size, guint32 type,
    MillBmffBox *ret_box, GError **error);

/** What a CMAF header says. */
typedef struct
{
  guint32 track_id;
  guint32 timescale;
  gchar language[4];
  guint32 handler; /* 'vide', 'soun' */
  guint32 codec; /* sample entry: 'avc1', 'mp4a' */
  guint8 object_type; /* of an esds: 0x40 AAC, 0x6B and 0x69 MP3 */
  GBytes *codec_data; /* payload of the codec's own box, or what an esds has as
                       * DecoderSpecificInfo: see mill_codec_parse_config();
                       * empty for MP3 */
  MillCodecColour colour; /* colr nclx */
  MillCodecHdr hdr; /* mdcv, clli */
  gint32 matrix[4]; /* tkhd: a, b, c, d; 16.16 */
  gint16 roll_distance; /* of the roll group; 0 without */
  guint width; /* of the sample entry; 0 for audio */
  guint height;
  guint par_n; /* pasp; 1:1 without */
  guint par_d;
  guint sample_rate; /* 0 for video */
  guint channels;
  guint32 max_bitrate_bps; /* btrt; 0 without */
  guint32 average_bitrate_bps;
  gint64 media_time; /* of the edit list; 0 without */
  guint32 default_duration; /* trex */
  guint32 default_size;
  guint32 default_flags;
} MillBmffInit;

/* Returns: (transfer full) (nullable)
 * Errors: MILL_BMFF_ERROR */
MillBmffInit *mill_bmff_reader_parse_init (const guint8 *data, gsize size,
    GError **error);
void mill_bmff_reader_free_init (MillBmffInit *init);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillBmffInit, mill_bmff_reader_free_init)

G_END_DECLS
