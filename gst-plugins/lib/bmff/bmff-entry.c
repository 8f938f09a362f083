/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Sample entries, and the brands that go with them. */
#include "bmff/bmff-entry-private.h"

#include <string.h>

#include "codec/mp3.h"

#define FOURCC MILL_BMFF_FOURCC

/* ---- brands ---- */

static gboolean
is_bt709 (const MillCodecColour *colour)
{
  return !colour->known || (colour->transfer == 1 || colour->transfer == 6);
}

static gboolean
fits (const MillCodecInfo *info, guint width, guint height, guint level)
{
  return info->width <= width && info->height <= height &&
      info->level <= level && info->fps_n <= 60 * (guint64) info->fps_d;
}

/* The AVC media profiles of ISO/IEC 23000-19 Table A.1, smallest first. */
static guint32
get_avc_brand (const MillCodecInfo *info)
{
  if (info->profile > 100 || info->bit_depth != 8 || info->chroma_format != 1 ||
      info->interlaced || !is_bt709 (&info->colour))
    return 0;
  if (fits (info, 864, 576, 31))
    return FOURCC ('c', 'f', 's', 'd');
  if (fits (info, 1920, 1080, 40))
    return FOURCC ('c', 'f', 'h', 'd');
  return fits (info, 1920, 1080, 42) ? FOURCC ('c', 'h', 'd', 'f') : 0;
}

/* The HEVC media profiles of Table B.1; levels are 30 times their number. */
static guint32
get_hevc_brand (const MillCodecInfo *info)
{
  gboolean main10 = info->profile == 2;
  if (info->tier != 0 || info->chroma_format != 1 || info->interlaced ||
      (info->profile != 1 && !main10) || !fits (info, 3840, 2160, 153))
    return 0;
  if (main10 && mill_codec_get_range (&info->colour) == MILL_CODEC_PQ)
    return FOURCC ('c', 'h', 'd', '1');
  if (main10 && mill_codec_get_range (&info->colour) == MILL_CODEC_HLG)
    return FOURCC ('c', 'l', 'g', '1');
  if (!is_bt709 (&info->colour))
    return 0;
  if (fits (info, 1920, 1080, 123))
    return main10 ? FOURCC ('c', 'h', 'h', '1') : FOURCC ('c', 'h', 'h', 'd');
  if (!main10 && info->level > 150)
    return 0;
  return main10 ? FOURCC ('c', 'u', 'd', '1') : FOURCC ('c', 'u', 'd', '8');
}

/* Table A.2: AAC-LC, HE-AAC and HE-AACv2 of one or two channels. */
static guint32
get_aac_brand (const MillCodecInfo *info)
{
  if (info->profile != 2 || info->channels > 2 ||
      info->output_sample_rate > 48000 || info->frame_length != 1024)
    return 0;
  return FOURCC ('c', 'a', 'a', 'c');
}

guint32
mill_bmff_entry_get_brand (const MillBmffTrack *track)
{
  switch (track->codec->codec) {
    case MILL_CODEC_AVC:
      return get_avc_brand (track->codec);
    case MILL_CODEC_HEVC:
      return get_hevc_brand (track->codec);
    case MILL_CODEC_AV1: /* AV1's binding §2.1 */
      return FOURCC ('a', 'v', '0', '1');
    case MILL_CODEC_AAC:
      return get_aac_brand (track->codec);
    case MILL_CODEC_AC3:
    case MILL_CODEC_EAC3: /* ETSI TS 103 285 §6.3 */
      return FOURCC ('c', 'e', 'a', 'c');
    case MILL_CODEC_WVTT: /* 23000-19 §11.2.5, §11.3.5 */
      return FOURCC ('c', 'w', 'v', 't');
    case MILL_CODEC_STPP:
      return FOURCC ('i', 'm', '1', 't');
    default:
      return 0;
  }
}

/* ---- configuration ---- */

/** The box of a configuration record; where @is_full the record brings version
 * and flags along. */
static guint32
get_config_type (MillCodec codec)
{
  switch (codec) {
    case MILL_CODEC_AVC:
      return FOURCC ('a', 'v', 'c', 'C');
    case MILL_CODEC_HEVC:
      return FOURCC ('h', 'v', 'c', 'C');
    case MILL_CODEC_AV1:
      return FOURCC ('a', 'v', '1', 'C');
    case MILL_CODEC_VP9:
      return FOURCC ('v', 'p', 'c', 'C');
    case MILL_CODEC_OPUS:
      return FOURCC ('d', 'O', 'p', 's');
    case MILL_CODEC_FLAC:
      return FOURCC ('d', 'f', 'L', 'a');
    case MILL_CODEC_AC3:
      return FOURCC ('d', 'a', 'c', '3');
    case MILL_CODEC_EAC3:
      return FOURCC ('d', 'e', 'c', '3');
    default:
      return FOURCC ('e', 's', 'd', 's');
  }
}

static void
write_codec_data (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (track->codec_data, &size);
  mill_bmff_writer_put_data (w, data, size);
}

/* Tag and size of a descriptor, 14496-1 §8.3.3: seven bits a byte, as few as
 * do. */
static guint
size_of_descriptor (gsize size)
{
  guint bytes = 2;
  for (gsize rest = size >> 7; rest > 0; rest >>= 7)
    bytes++;
  return bytes + size;
}

static void
put_descriptor (MillBmffWriter *w, guint8 tag, gsize size)
{
  mill_bmff_writer_put_u8 (w, tag);
  guint shift = 0;
  while (size >> (shift + 7) > 0)
    shift += 7;
  for (; shift > 0; shift -= 7)
    mill_bmff_writer_put_u8 (w, 0x80 | ((size >> shift) & 0x7f));
  mill_bmff_writer_put_u8 (w, size & 0x7f);
}

/* ES_Descriptor, 14496-1 §7.2.6.5; in files ES_ID is 0 and the SL config is
 * the predefined 2, 14496-14 §3.1.2. MP3 has no DecoderSpecificInfo. */
static void
write_esds (MillBmffWriter *w, const MillBmffTrack *track)
{
  gboolean is_aac = track->codec->codec == MILL_CODEC_AAC;
  gsize config_size = g_bytes_get_size (track->codec_data);
  gsize decoder_size = 13 + (is_aac ? size_of_descriptor (config_size) : 0);
  gsize es_size = 3 + size_of_descriptor (decoder_size) +
      size_of_descriptor (1);

  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('e', 's', 'd', 's'), 0, 0);
  put_descriptor (w, 0x03, es_size);
  mill_bmff_writer_put_u16 (w, 0); /* ES_ID */
  mill_bmff_writer_put_u8 (w, 0);
  put_descriptor (w, 0x04, decoder_size);
  mill_bmff_writer_put_u8 (w,
      is_aac ? 0x40 /* ISO/IEC 14496-3 */
             : mill_mp3_get_object_type (track->codec));
  mill_bmff_writer_put_u8 (w, 0x05 << 2 | 1); /* audio stream, reserved 1 */
  mill_bmff_writer_put_u24 (w, 0); /* bufferSizeDB */
  mill_bmff_writer_put_u32 (w, track->max_bitrate_bps);
  mill_bmff_writer_put_u32 (w, track->average_bitrate_bps);
  if (is_aac) {
    put_descriptor (w, 0x05, config_size);
    write_codec_data (w, track);
  }
  put_descriptor (w, 0x06, 1);
  mill_bmff_writer_put_u8 (w, 0x02);
  mill_bmff_writer_end (w, box);
}

/* What the encoder did not tell the container is what its edit list skips. */
static void
write_dops (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize start = w->size;
  write_codec_data (w, track);
  if (track->codec->pre_skip == 0 && track->media_time <= G_MAXUINT16) {
    w->data[start + 2] = track->media_time >> 8;
    w->data[start + 3] = track->media_time & 0xff;
  }
}

static void
write_config (MillBmffWriter *w, const MillBmffTrack *track)
{
  guint32 type = get_config_type (track->codec->codec);
  if (type == FOURCC ('e', 's', 'd', 's')) {
    write_esds (w, track);
    return;
  }
  gsize box = mill_bmff_writer_begin (w, type);
  if (track->codec->codec == MILL_CODEC_OPUS)
    write_dops (w, track);
  else
    write_codec_data (w, track);
  mill_bmff_writer_end (w, box);
}

/* ---- what is beside it ---- */

static void
write_btrt (MillBmffWriter *w, const MillBmffTrack *track)
{
  if (track->max_bitrate_bps == 0 && track->average_bitrate_bps == 0)
    return;
  gsize box = mill_bmff_writer_begin (w, FOURCC ('b', 't', 'r', 't'));
  mill_bmff_writer_put_u32 (w, 0); /* bufferSizeDB: unknown */
  mill_bmff_writer_put_u32 (w, track->max_bitrate_bps);
  mill_bmff_writer_put_u32 (w, track->average_bitrate_bps);
  mill_bmff_writer_end (w, box);
}

/* 14496-12 §12.1.5 */
static void
write_colr (MillBmffWriter *w, const MillCodecColour *colour)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('c', 'o', 'l', 'r'));
  mill_bmff_writer_put_u32 (w, FOURCC ('n', 'c', 'l', 'x'));
  mill_bmff_writer_put_u16 (w, colour->primaries);
  mill_bmff_writer_put_u16 (w, colour->transfer);
  mill_bmff_writer_put_u16 (w, colour->matrix);
  mill_bmff_writer_put_u8 (w, colour->full_range ? 0x80 : 0);
  mill_bmff_writer_end (w, box);
}

static void
write_pasp (MillBmffWriter *w, const MillCodecInfo *info)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('p', 'a', 's', 'p'));
  mill_bmff_writer_put_u32 (w, info->par_n);
  mill_bmff_writer_put_u32 (w, info->par_d);
  mill_bmff_writer_end (w, box);
}

/* mdcv and clli, 14496-12 §12.1.6 and §12.1.7 */
static void
write_hdr (MillBmffWriter *w, const MillCodecHdr *hdr)
{
  if (hdr->has_mastering) {
    gsize box = mill_bmff_writer_begin (w, FOURCC ('m', 'd', 'c', 'v'));
    for (guint i = 0; i < G_N_ELEMENTS (hdr->primaries); i++) {
      mill_bmff_writer_put_u16 (w, hdr->primaries[i][0]);
      mill_bmff_writer_put_u16 (w, hdr->primaries[i][1]);
    }
    mill_bmff_writer_put_u16 (w, hdr->white[0]);
    mill_bmff_writer_put_u16 (w, hdr->white[1]);
    mill_bmff_writer_put_u32 (w, hdr->max_luminance);
    mill_bmff_writer_put_u32 (w, hdr->min_luminance);
    mill_bmff_writer_end (w, box);
  }
  if (hdr->has_light) {
    gsize box = mill_bmff_writer_begin (w, FOURCC ('c', 'l', 'l', 'i'));
    mill_bmff_writer_put_u16 (w, hdr->max_cll);
    mill_bmff_writer_put_u16 (w, hdr->max_fall);
    mill_bmff_writer_end (w, box);
  }
}

/* ---- entries ---- */

/* 14496-12 §8.5.2.2: what every sample entry begins with */
static gsize
begin_sample_entry (MillBmffWriter *w, guint32 type)
{
  gsize box = mill_bmff_writer_begin (w, type);
  mill_bmff_writer_put_zeros (w, 6);
  mill_bmff_writer_put_u16 (w, 1); /* data_reference_index */
  return box;
}

/* VisualSampleEntry, 14496-12 §12.1.3 */
static void
write_video (MillBmffWriter *w, const MillBmffTrack *track)
{
  const MillCodecInfo *info = track->codec;
  gsize box = begin_sample_entry (w, info->sample_entry);
  mill_bmff_writer_put_zeros (w, 16);
  mill_bmff_writer_put_u16 (w, info->width);
  mill_bmff_writer_put_u16 (w, info->height);
  mill_bmff_writer_put_u32 (w, 0x00480000); /* 72 dpi */
  mill_bmff_writer_put_u32 (w, 0x00480000);
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u16 (w, 1); /* frame_count */
  mill_bmff_writer_put_zeros (w, 32); /* compressorname */
  mill_bmff_writer_put_u16 (w, 0x0018); /* depth */
  mill_bmff_writer_put_u16 (w, 0xffff);
  write_config (w, track);
  if (info->colour.known)
    write_colr (w, &info->colour);
  write_pasp (w, info);
  if (track->hdr != NULL)
    write_hdr (w, track->hdr);
  write_btrt (w, track);
  mill_bmff_writer_end (w, box);
}

/* 16.16: a rate that does not fit is in the configuration record. FLAC's
 * encapsulation asks for the largest regular division of it, AAC's for 0. */
static guint32
get_entry_rate (const MillCodecInfo *info)
{
  guint rate = info->output_sample_rate;
  if (info->codec == MILL_CODEC_FLAC)
    while (rate > G_MAXUINT16)
      rate /= 2;
  return rate <= G_MAXUINT16 ? rate << 16 : 0;
}

/* AudioSampleEntry, 14496-12 §12.2.3 */
static void
write_audio (MillBmffWriter *w, const MillBmffTrack *track)
{
  const MillCodecInfo *info = track->codec;
  gsize box = begin_sample_entry (w, info->sample_entry);
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_put_u16 (w, info->channels);
  mill_bmff_writer_put_u16 (w,
      info->bits_per_sample > 0 ? info->bits_per_sample : 16);
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u32 (w, get_entry_rate (info));
  write_config (w, track);
  write_btrt (w, track);
  mill_bmff_writer_end (w, box);
}

/* WVTTSampleEntry, 14496-30 §6.6; XMLSubtitleSampleEntry, 14496-12 §12.6.3. */
static void
write_text (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize box = begin_sample_entry (w, track->codec->sample_entry);
  if (track->codec->codec == MILL_CODEC_WVTT) {
    gsize config = mill_bmff_writer_begin (w, FOURCC ('v', 't', 't', 'C'));
    write_codec_data (w, track);
    mill_bmff_writer_end (w, config);
  } else {
    write_codec_data (w, track);
    /* The ends of namespace, schema_location and auxiliary_mime_types. */
    mill_bmff_writer_put_zeros (w, 3);
  }
  write_btrt (w, track);
  mill_bmff_writer_end (w, box);
}

void
mill_bmff_entry_write (MillBmffWriter *writer, const MillBmffTrack *track)
{
  if (mill_codec_is_video (track->codec->codec))
    write_video (writer, track);
  else if (mill_codec_is_text (track->codec->codec))
    write_text (writer, track);
  else
    write_audio (writer, track);
}

/* The size on the screen, 16.16: samples stretched by their aspect ratio. */
guint32
mill_bmff_entry_get_display_width (const MillCodecInfo *info)
{
  guint64 width = ((guint64) info->width << 16) * info->par_n / info->par_d;
  return MIN (width, G_MAXUINT32);
}
