/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

#include "codec/aac.h"
#include "codec/avc.h"

G_BEGIN_DECLS

/*
 * What packaging needs to know of a stream, whatever its codec. Each codec has
 * one configuration record, the payload of its box in ISOBMFF sample entries;
 * it is made from what a container or an encoder gives by the codec's own file.
 *
 * Threads: no state; any thread. All input is untrusted.
 */

#define MILL_CODEC_ERROR (mill_codec_error_quark ())
GQuark mill_codec_error_quark (void);

/**
 * MillCodecError: of every codec here but H.264 and AAC
 * @MILL_CODEC_ERROR_TRUNCATED: the data ends before what it announces
 * @MILL_CODEC_ERROR_INVALID: a value that the specification forbids
 * @MILL_CODEC_ERROR_UNSUPPORTED: legal, but nothing that is packaged
 */
typedef enum
{
  MILL_CODEC_ERROR_TRUNCATED,
  MILL_CODEC_ERROR_INVALID,
  MILL_CODEC_ERROR_UNSUPPORTED,
} MillCodecError;

typedef enum
{
  MILL_CODEC_AVC,
  MILL_CODEC_HEVC,
  MILL_CODEC_AV1,
  MILL_CODEC_VP9,
  MILL_CODEC_AAC,
  MILL_CODEC_OPUS,
  MILL_CODEC_FLAC,
  MILL_CODEC_AC3,
  MILL_CODEC_EAC3,
  MILL_CODEC_MP3,
  MILL_CODEC_WVTT, /* WebVTT in ISOBMFF (14496-30) */
  MILL_CODEC_STPP, /* TTML: the text profile of IMSC 1.1 */
} MillCodec;

/** Code points of ISO/IEC 23091-2. */
typedef struct
{
  gboolean known; /* the four below were in the stream */
  guint8 primaries; /* 1 BT.709, 9 BT.2020 */
  guint8 transfer; /* 1 BT.709, 14 BT.2020 10 bit, 16 PQ, 18 HLG */
  guint8 matrix;
  gboolean full_range;
} MillCodecColour;

/** SMPTE ST 2086 and CTA-861.3, in the units of the boxes mdcv and clli. */
typedef struct
{
  gboolean has_mastering;
  guint16 primaries[3][2]; /* x, y of green, blue, red; 0.00002 */
  guint16 white[2];
  guint32 max_luminance; /* 0.0001 cd/m² */
  guint32 min_luminance;
  gboolean has_light;
  guint16 max_cll; /* cd/m² */
  guint16 max_fall;
} MillCodecHdr;

#define MILL_CODEC_NAME_SIZE 64

/** Zero: unknown, or nothing that the kind has. */
typedef struct
{
  MillCodec codec;
  guint32 sample_entry; /* four letters, big-endian */
  gchar name[MILL_CODEC_NAME_SIZE]; /* RFC 6381; of HLS' CODECS */

  /* video */
  guint width; /* luma samples after cropping */
  guint height;
  guint par_n; /* pixel aspect ratio */
  guint par_d;
  guint fps_n;
  guint fps_d;
  guint8 profile;
  guint8 tier;
  guint8 level;
  guint8 chroma_format; /* 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
  guint8 bit_depth;
  gboolean interlaced;
  guint8 nal_length_size; /* of codecs that have NAL units */
  MillCodecColour colour;

  /* audio */
  guint sample_rate; /* of the coder: what frame_length counts */
  guint output_sample_rate;
  guint channels; /* that are played */
  guint frame_length; /* samples of a frame; the longest, where they vary */
  guint8 bits_per_sample; /* of FLAC */
  guint8 channel_configuration; /* ISO/IEC 23091-3; 0: none fits */
  guint16 dolby_channels; /* of AC-3 and E-AC-3: ETSI TS 102 366 table E.1.4 */
  gint8 roll_distance; /* frames to decode before, negative; 0: none */
  guint16 pre_skip; /* of Opus, samples */
} MillCodecInfo;

/** What a player has to be able to show: MILL_CODEC_SDR is also unknown. */
typedef enum
{
  MILL_CODEC_SDR,
  MILL_CODEC_HLG,
  MILL_CODEC_PQ,
} MillCodecRange;

MillCodecRange mill_codec_get_range (const MillCodecColour *colour);

/* @data: the codec's configuration record: payload of avcC, hvcC, av1C, vpcC,
 *   dOps, dfLa, dac3 or dec3; an AudioSpecificConfig; a frame header of MP3;
 *   not of text
 * @ret_info: (out caller-allocates): untouched on failure. A vpcC and an av1C
 *   without a sequence header know no picture size.
 * Errors: MILL_CODEC_ERROR, MILL_AVC_ERROR, MILL_AAC_ERROR */
gboolean mill_codec_parse_config (MillCodec codec, const guint8 *data,
    gsize size, MillCodecInfo *ret_info, GError **error);

/* Whether @codec is video. */
gboolean mill_codec_is_video (MillCodec codec);

/* Whether @codec is text, which has no stream to parse: its record is what the
 * sample entry says of it (see mill_codec_init_text()). */
gboolean mill_codec_is_text (MillCodec codec);

/* Fills in @ret_info. Returns: (transfer full): the record: payload of vttC, or
 * the namespace of the documents */
GBytes *mill_codec_init_text (MillCodec codec, MillCodecInfo *ret_info);

/* Name for people: "HEVC". */
const gchar *mill_codec_get_title (MillCodec codec);

/* Where parameter sets may be in-band: "hev1" instead of "hvc1". Sets the first
 * four letters of the name, too. */
void mill_codec_set_sample_entry (MillCodecInfo *info, guint32 sample_entry);

/* Whether a decoder that was set up for @a can go on with @b. */
gboolean mill_codec_equals (const MillCodecInfo *a, const MillCodecInfo *b);

/* Samples that one frame of audio lasts, where the codec tells it in each frame
 * (Opus, FLAC, E-AC-3); @info's frame_length otherwise. */
guint mill_codec_get_frame_length (const MillCodecInfo *info,
    const guint8 *frame, gsize size);

/* Whether frames of it may last differently. */
gboolean mill_codec_varies (MillCodec codec);

G_END_DECLS
