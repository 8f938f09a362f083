/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/codec.h"

#include <string.h>

#include "codec/ac3.h"
#include "codec/av1.h"
#include "codec/codec-bits-private.h"
#include "codec/flac.h"
#include "codec/hevc.h"
#include "codec/mp3.h"
#include "codec/opus.h"
#include "codec/vp9.h"

G_DEFINE_QUARK (mill_codec_error, mill_codec_error)

/* ---- H.264 and AAC, which have a description of their own ---- */

static gboolean
parse_avc (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  MillAvcInfo avc;
  if (!mill_avc_parse_config (data, size, &avc, error))
    return FALSE;
  g_autofree gchar *name = mill_avc_get_codec_string (&avc);
  *ret_info = (MillCodecInfo){
    .codec = MILL_CODEC_AVC,
    .sample_entry = bits_fourcc ('a', 'v', 'c', '1'),
    .width = avc.width,
    .height = avc.height,
    .par_n = avc.par_n,
    .par_d = avc.par_d,
    .fps_n = avc.fps_n,
    .fps_d = avc.fps_d,
    .profile = avc.profile,
    .level = avc.level,
    .chroma_format = avc.chroma_format,
    .bit_depth = MAX (avc.bit_depth_luma, avc.bit_depth_chroma),
    .interlaced = avc.interlaced,
    .nal_length_size = avc.nal_length_size,
    .colour = { .known = avc.has_colour,
        .primaries = avc.colour_primaries,
        .transfer = avc.transfer_characteristics,
        .matrix = avc.matrix_coefficients,
        .full_range = avc.full_range },
  };
  g_strlcpy (ret_info->name, name, sizeof ret_info->name);
  return TRUE;
}

static gboolean
parse_aac (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  MillAacInfo aac;
  if (!mill_aac_parse_config (data, size, &aac, error))
    return FALSE;
  g_autofree gchar *name = mill_aac_get_codec_string (&aac);
  *ret_info = (MillCodecInfo){
    .codec = MILL_CODEC_AAC,
    .sample_entry = bits_fourcc ('m', 'p', '4', 'a'),
    .profile = aac.object_type,
    .sample_rate = aac.sample_rate,
    .output_sample_rate = aac.output_sample_rate,
    .channels = aac.ps ? 2 : aac.channels,
    .frame_length = aac.frame_length,
    /* ISO/IEC 23091-3 has taken over AAC's own numbers. */
    .channel_configuration = aac.ps ? 2 : aac.channel_configuration,
  };
  g_strlcpy (ret_info->name, name, sizeof ret_info->name);
  return TRUE;
}

/* ---- text ---- */

GBytes *
mill_codec_init_text (MillCodec codec, MillCodecInfo *ret_info)
{
  /* 14496-30 6.6: vttC has what precedes the cues; IMSC 1.1 6.2. */
  static const gchar header[] = "WEBVTT";
  static const gchar name_space[] = "http://www.w3.org/ns/ttml";
  gboolean is_webvtt = codec == MILL_CODEC_WVTT;
  *ret_info = (MillCodecInfo){
    .codec = codec,
    .sample_entry = is_webvtt ? bits_fourcc ('w', 'v', 't', 't')
                              : bits_fourcc ('s', 't', 'p', 'p'),
  };
  g_strlcpy (ret_info->name, is_webvtt ? "wvtt" : "stpp.ttml.im1t",
      sizeof ret_info->name);
  return is_webvtt ? g_bytes_new_static (header, sizeof header - 1)
                   : g_bytes_new_static (name_space, sizeof name_space - 1);
}

static gboolean
parse_text (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  g_set_error_literal (error, MILL_CODEC_ERROR, MILL_CODEC_ERROR_UNSUPPORTED,
      "configuration record of text: got one, expected none");
  return FALSE;
}

/* ---- all codecs ---- */

typedef gboolean (*ParseFunc) (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

static const struct
{
  const gchar *title;
  ParseFunc parse;
} codecs[] = {
  [MILL_CODEC_AVC] = { "H.264", parse_avc },
  [MILL_CODEC_HEVC] = { "HEVC", mill_hevc_parse_config },
  [MILL_CODEC_AV1] = { "AV1", mill_av1_parse_config },
  [MILL_CODEC_VP9] = { "VP9", mill_vp9_parse_config },
  [MILL_CODEC_AAC] = { "AAC", parse_aac },
  [MILL_CODEC_OPUS] = { "Opus", mill_opus_parse_config },
  [MILL_CODEC_FLAC] = { "FLAC", mill_flac_parse_config },
  [MILL_CODEC_AC3] = { "AC-3", mill_ac3_parse_config },
  [MILL_CODEC_EAC3] = { "E-AC-3", mill_ac3_parse_enhanced_config },
  [MILL_CODEC_MP3] = { "MP3", mill_mp3_parse_config },
  [MILL_CODEC_WVTT] = { "WebVTT", parse_text },
  [MILL_CODEC_STPP] = { "TTML", parse_text },
};

gboolean
mill_codec_parse_config (MillCodec codec, const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error)
{
  g_return_val_if_fail (codec < G_N_ELEMENTS (codecs), FALSE);
  return codecs[codec].parse (data, size, ret_info, error);
}

const gchar *
mill_codec_get_title (MillCodec codec)
{
  return codecs[codec].title;
}

gboolean
mill_codec_is_video (MillCodec codec)
{
  return codec <= MILL_CODEC_VP9;
}

gboolean
mill_codec_is_text (MillCodec codec)
{
  return codec >= MILL_CODEC_WVTT;
}

MillCodecRange
mill_codec_get_range (const MillCodecColour *colour)
{
  if (!colour->known)
    return MILL_CODEC_SDR;
  if (colour->transfer == 16)
    return MILL_CODEC_PQ;
  return colour->transfer == 18 ? MILL_CODEC_HLG : MILL_CODEC_SDR;
}

void
mill_codec_set_sample_entry (MillCodecInfo *info, guint32 sample_entry)
{
  info->sample_entry = sample_entry;
  for (guint i = 0; i < 4 && info->name[i] != '\0'; i++)
    info->name[i] = (gchar) (sample_entry >> (24 - 8 * i) & 0xff);
}

gboolean
mill_codec_equals (const MillCodecInfo *a, const MillCodecInfo *b)
{
  return a->codec == b->codec && a->sample_entry == b->sample_entry &&
      strcmp (a->name, b->name) == 0 && a->width == b->width &&
      a->height == b->height &&
      a->par_n * (guint64) b->par_d == b->par_n * (guint64) a->par_d &&
      a->colour.known == b->colour.known &&
      a->colour.primaries == b->colour.primaries &&
      a->colour.transfer == b->colour.transfer &&
      a->colour.matrix == b->colour.matrix &&
      a->colour.full_range == b->colour.full_range &&
      a->sample_rate == b->sample_rate && a->channels == b->channels &&
      a->frame_length == b->frame_length;
}

gboolean
mill_codec_varies (MillCodec codec)
{
  return codec == MILL_CODEC_OPUS || codec == MILL_CODEC_FLAC ||
      codec == MILL_CODEC_EAC3;
}

guint
mill_codec_get_frame_length (const MillCodecInfo *info, const guint8 *frame,
    gsize size)
{
  guint length = 0;
  if (info->codec == MILL_CODEC_OPUS)
    length = mill_opus_get_frame_length (frame, size);
  else if (info->codec == MILL_CODEC_FLAC)
    length = mill_flac_get_frame_length (frame, size);
  else if (info->codec == MILL_CODEC_EAC3)
    length = mill_ac3_get_frame_length (frame, size);
  return length > 0 ? length : info->frame_length;
}
