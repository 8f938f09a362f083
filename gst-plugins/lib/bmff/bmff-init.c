/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-init.h"

#include <string.h>

/* Far over any configuration record, far under what a box can hold. */
#define MAX_CODEC_DATA (1024 * 1024)

#define FOURCC MILL_BMFF_FOURCC

/* ---- ftyp ---- */

/* The AVC media profiles of ISO/IEC 23000-19 Table A.1, smallest first. */
static guint32
video_profile_brand (const MillAvcInfo *avc)
{
  gboolean sdr = !avc->has_colour ||
      (avc->transfer_characteristics == 1 ||
          avc->transfer_characteristics == 6);
  if (avc->profile > 100 || avc->bit_depth_luma != 8 ||
      avc->chroma_format != 1 || avc->interlaced || !sdr ||
      avc->fps_n > 60 * (guint64) avc->fps_d)
    return 0;
  if (avc->width <= 864 && avc->height <= 576 && avc->level <= 31)
    return FOURCC ('c', 'f', 's', 'd');
  if (avc->width <= 1920 && avc->height <= 1080 && avc->level <= 40)
    return FOURCC ('c', 'f', 'h', 'd');
  if (avc->width <= 1920 && avc->height <= 1080 && avc->level <= 42)
    return FOURCC ('c', 'h', 'd', 'f');
  return 0;
}

/* Table A.2: AAC-LC, HE-AAC and HE-AACv2 of one or two channels. */
static guint32
audio_profile_brand (const MillAacInfo *aac)
{
  if (aac->object_type != 2 || aac->channels > 2 ||
      aac->output_sample_rate > 48000 || aac->frame_length != 1024)
    return 0;
  return FOURCC ('c', 'a', 'a', 'c');
}

static void
write_ftyp (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('f', 't', 'y', 'p'));
  /* ISO/IEC 23000-19 : 'cmf2' promises a video without an edit list. */
  gboolean is_cmf2 = track->avc == NULL || track->media_time == 0;
  guint32 cmf2 = FOURCC ('c', 'm', 'f', '2');
  mill_bmff_writer_put_u32 (w, is_cmf2 ? cmf2 : FOURCC ('c', 'm', 'f', 'c'));
  mill_bmff_writer_put_u32 (w, 0);
  if (is_cmf2)
    mill_bmff_writer_put_u32 (w, cmf2);
  mill_bmff_writer_put_u32 (w, FOURCC ('c', 'm', 'f', 'c'));
  mill_bmff_writer_put_u32 (w, FOURCC ('i', 's', 'o', '6'));
  guint32 profile = track->avc != NULL ? video_profile_brand (track->avc)
                                       : audio_profile_brand (track->aac);
  if (profile != 0)
    mill_bmff_writer_put_u32 (w, profile);
  mill_bmff_writer_end (w, box);
}

/* ---- sample entries ---- */

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

static void
write_codec_data (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (track->codec_data, &size);
  mill_bmff_writer_put_data (w, data, size);
}

/* 14496-12 §12.1.5 */
static void
write_colr (MillBmffWriter *w, const MillAvcInfo *avc)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('c', 'o', 'l', 'r'));
  mill_bmff_writer_put_u32 (w, FOURCC ('n', 'c', 'l', 'x'));
  mill_bmff_writer_put_u16 (w, avc->colour_primaries);
  mill_bmff_writer_put_u16 (w, avc->transfer_characteristics);
  mill_bmff_writer_put_u16 (w, avc->matrix_coefficients);
  mill_bmff_writer_put_u8 (w, avc->full_range ? 0x80 : 0);
  mill_bmff_writer_end (w, box);
}

static void
write_pasp (MillBmffWriter *w, const MillAvcInfo *avc)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('p', 'a', 's', 'p'));
  mill_bmff_writer_put_u32 (w, avc->par_n);
  mill_bmff_writer_put_u32 (w, avc->par_d);
  mill_bmff_writer_end (w, box);
}

/* 14496-12 §8.5.2.2: what every sample entry begins with */
static gsize
begin_sample_entry (MillBmffWriter *w, guint32 type)
{
  gsize box = mill_bmff_writer_begin (w, type);
  mill_bmff_writer_put_zeros (w, 6);
  mill_bmff_writer_put_u16 (w, 1); /* data_reference_index */
  return box;
}

/* VisualSampleEntry, 14496-12 §12.1.3; avc1, 14496-15 §5.4.2 */
static void
write_avc1 (MillBmffWriter *w, const MillBmffTrack *track)
{
  const MillAvcInfo *avc = track->avc;
  gsize box = begin_sample_entry (w, FOURCC ('a', 'v', 'c', '1'));
  mill_bmff_writer_put_zeros (w, 16);
  mill_bmff_writer_put_u16 (w, avc->width);
  mill_bmff_writer_put_u16 (w, avc->height);
  mill_bmff_writer_put_u32 (w, 0x00480000); /* 72 dpi */
  mill_bmff_writer_put_u32 (w, 0x00480000);
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u16 (w, 1); /* frame_count */
  mill_bmff_writer_put_zeros (w, 32); /* compressorname */
  mill_bmff_writer_put_u16 (w, 0x0018); /* depth */
  mill_bmff_writer_put_u16 (w, 0xffff);

  gsize config = mill_bmff_writer_begin (w, FOURCC ('a', 'v', 'c', 'C'));
  write_codec_data (w, track);
  mill_bmff_writer_end (w, config);
  if (avc->has_colour)
    write_colr (w, avc);
  write_pasp (w, avc);
  write_btrt (w, track);
  mill_bmff_writer_end (w, box);
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
 * the predefined 2, 14496-14 §3.1.2. */
static void
write_esds (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize config_size = g_bytes_get_size (track->codec_data);
  gsize decoder_size = 13 + size_of_descriptor (config_size);
  gsize es_size = 3 + size_of_descriptor (decoder_size) +
      size_of_descriptor (1);

  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('e', 's', 'd', 's'), 0, 0);
  put_descriptor (w, 0x03, es_size);
  mill_bmff_writer_put_u16 (w, 0); /* ES_ID */
  mill_bmff_writer_put_u8 (w, 0);
  put_descriptor (w, 0x04, decoder_size);
  mill_bmff_writer_put_u8 (w, 0x40); /* ISO/IEC 14496-3 */
  mill_bmff_writer_put_u8 (w, 0x05 << 2 | 1); /* audio stream, reserved 1 */
  mill_bmff_writer_put_u24 (w, 0); /* bufferSizeDB */
  mill_bmff_writer_put_u32 (w, track->max_bitrate_bps);
  mill_bmff_writer_put_u32 (w, track->average_bitrate_bps);
  put_descriptor (w, 0x05, config_size);
  write_codec_data (w, track);
  put_descriptor (w, 0x06, 1);
  mill_bmff_writer_put_u8 (w, 0x02);
  mill_bmff_writer_end (w, box);
}

/* AudioSampleEntry, 14496-12 §12.2.3; mp4a, 14496-14 §5.6 */
static void
write_mp4a (MillBmffWriter *w, const MillBmffTrack *track)
{
  const MillAacInfo *aac = track->aac;
  guint rate = aac->output_sample_rate;
  gsize box = begin_sample_entry (w, FOURCC ('m', 'p', '4', 'a'));
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_put_u16 (w, aac->ps ? 2 : aac->channels);
  mill_bmff_writer_put_u16 (w, 16); /* samplesize */
  mill_bmff_writer_put_u32 (w, 0);
  /* 16.16; a rate that does not fit is in the AudioSpecificConfig only */
  mill_bmff_writer_put_u32 (w, rate <= G_MAXUINT16 ? rate << 16 : 0);
  write_esds (w, track);
  write_btrt (w, track);
  mill_bmff_writer_end (w, box);
}

/* ---- moov, from the inside out ---- */

static void
write_empty_table (MillBmffWriter *w, guint32 type)
{
  gsize box = mill_bmff_writer_begin_full (w, type, 0, 0);
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_end (w, box);
}

static void
write_stbl (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize stbl = mill_bmff_writer_begin (w, FOURCC ('s', 't', 'b', 'l'));
  gsize stsd =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 's', 'd'), 0, 0);
  mill_bmff_writer_put_u32 (w, 1);
  if (track->avc != NULL)
    write_avc1 (w, track);
  else
    write_mp4a (w, track);
  mill_bmff_writer_end (w, stsd);
  write_empty_table (w, FOURCC ('s', 't', 't', 's'));
  write_empty_table (w, FOURCC ('s', 't', 's', 'c'));
  gsize stsz =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 's', 'z'), 0, 0);
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_end (w, stsz);
  write_empty_table (w, FOURCC ('s', 't', 'c', 'o'));
  mill_bmff_writer_end (w, stbl);
}

static void
write_minf (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize minf = mill_bmff_writer_begin (w, FOURCC ('m', 'i', 'n', 'f'));
  gsize head;
  if (track->avc != NULL) {
    head = mill_bmff_writer_begin_full (w, FOURCC ('v', 'm', 'h', 'd'), 0, 1);
    mill_bmff_writer_put_zeros (w, 8);
  } else {
    head = mill_bmff_writer_begin_full (w, FOURCC ('s', 'm', 'h', 'd'), 0, 0);
    mill_bmff_writer_put_zeros (w, 4);
  }
  mill_bmff_writer_end (w, head);

  gsize dinf = mill_bmff_writer_begin (w, FOURCC ('d', 'i', 'n', 'f'));
  gsize dref =
      mill_bmff_writer_begin_full (w, FOURCC ('d', 'r', 'e', 'f'), 0, 0);
  mill_bmff_writer_put_u32 (w, 1);
  /* Flag 1: the media is in this same file. */
  gsize url =
      mill_bmff_writer_begin_full (w, FOURCC ('u', 'r', 'l', ' '), 0, 1);
  mill_bmff_writer_end (w, url);
  mill_bmff_writer_end (w, dref);
  mill_bmff_writer_end (w, dinf);
  write_stbl (w, track);
  mill_bmff_writer_end (w, minf);
}

/* Three letters of five bits, 14496-12 §8.4.2.3 */
static guint16
pack_language (const gchar *language)
{
  return (language[0] - 0x60) << 10 | (language[1] - 0x60) << 5 |
      (language[2] - 0x60);
}

static void
write_mdia (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize mdia = mill_bmff_writer_begin (w, FOURCC ('m', 'd', 'i', 'a'));
  gsize mdhd =
      mill_bmff_writer_begin_full (w, FOURCC ('m', 'd', 'h', 'd'), 0, 0);
  mill_bmff_writer_put_zeros (w, 8); /* creation, modification */
  mill_bmff_writer_put_u32 (w, track->timescale);
  mill_bmff_writer_put_u32 (w, 0); /* duration */
  mill_bmff_writer_put_u16 (w,
      pack_language (track->language != NULL ? track->language : "und"));
  mill_bmff_writer_put_u16 (w, 0);
  mill_bmff_writer_end (w, mdhd);

  gboolean video = track->avc != NULL;
  const gchar *name = video ? "Video" : "Audio";
  gsize hdlr =
      mill_bmff_writer_begin_full (w, FOURCC ('h', 'd', 'l', 'r'), 0, 0);
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u32 (w,
      video ? FOURCC ('v', 'i', 'd', 'e') : FOURCC ('s', 'o', 'u', 'n'));
  mill_bmff_writer_put_zeros (w, 12);
  mill_bmff_writer_put_data (w, name, strlen (name) + 1);
  mill_bmff_writer_end (w, hdlr);
  write_minf (w, track);
  mill_bmff_writer_end (w, mdia);
}

static void
write_matrix (MillBmffWriter *w)
{
  static const guint32 unity[] = { 0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0,
    0x40000000 };
  for (guint i = 0; i < G_N_ELEMENTS (unity); i++)
    mill_bmff_writer_put_u32 (w, unity[i]);
}

/* The size on the screen, 16.16: samples stretched by their aspect ratio. */
static guint32
display_width (const MillAvcInfo *avc)
{
  guint64 width = ((guint64) avc->width << 16) * avc->par_n / avc->par_d;
  return MIN (width, G_MAXUINT32);
}

static void
write_tkhd (MillBmffWriter *w, const MillBmffTrack *track)
{
  const MillAvcInfo *avc = track->avc;
  /* Enabled, in the movie, in its preview. */
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'k', 'h', 'd'), 0, 7);
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_put_u32 (w, track->track_id);
  mill_bmff_writer_put_zeros (w, 4 + 4 + 8 + 2 + 2); /* duration ... group */
  mill_bmff_writer_put_u16 (w, avc != NULL ? 0 : 0x0100); /* volume */
  mill_bmff_writer_put_u16 (w, 0);
  write_matrix (w);
  mill_bmff_writer_put_u32 (w, avc != NULL ? display_width (avc) : 0);
  mill_bmff_writer_put_u32 (w, avc != NULL ? avc->height << 16 : 0);
  mill_bmff_writer_end (w, box);
}

/* One edit of unknown length that starts inside the media. */
static void
write_edts (MillBmffWriter *w, guint32 media_time)
{
  gsize edts = mill_bmff_writer_begin (w, FOURCC ('e', 'd', 't', 's'));
  gsize elst =
      mill_bmff_writer_begin_full (w, FOURCC ('e', 'l', 's', 't'), 0, 0);
  mill_bmff_writer_put_u32 (w, 1);
  mill_bmff_writer_put_u32 (w, 0); /* segment_duration */
  mill_bmff_writer_put_u32 (w, media_time);
  mill_bmff_writer_put_u32 (w, 0x00010000); /* rate 1 */
  mill_bmff_writer_end (w, elst);
  mill_bmff_writer_end (w, edts);
}

static void
write_mvex (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize mvex = mill_bmff_writer_begin (w, FOURCC ('m', 'v', 'e', 'x'));
  gsize trex =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'r', 'e', 'x'), 0, 0);
  mill_bmff_writer_put_u32 (w, track->track_id);
  mill_bmff_writer_put_u32 (w, 1); /* sample description */
  /* cmf2 keeps the defaults in each traf. */
  mill_bmff_writer_put_zeros (w, 12);
  mill_bmff_writer_end (w, trex);
  mill_bmff_writer_end (w, mvex);
}

static void
write_moov (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize moov = mill_bmff_writer_begin (w, FOURCC ('m', 'o', 'o', 'v'));
  gsize mvhd =
      mill_bmff_writer_begin_full (w, FOURCC ('m', 'v', 'h', 'd'), 0, 0);
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_put_u32 (w, track->timescale);
  mill_bmff_writer_put_u32 (w, 0); /* duration */
  mill_bmff_writer_put_u32 (w, 0x00010000); /* rate */
  mill_bmff_writer_put_u16 (w, 0x0100); /* volume */
  mill_bmff_writer_put_zeros (w, 10);
  write_matrix (w);
  mill_bmff_writer_put_zeros (w, 24);
  /* All ones: search for a free one, 14496-12 §8.2.2.3. */
  mill_bmff_writer_put_u32 (w, MAX (track->track_id, track->track_id + 1));
  mill_bmff_writer_end (w, mvhd);

  gsize trak = mill_bmff_writer_begin (w, FOURCC ('t', 'r', 'a', 'k'));
  write_tkhd (w, track);
  if (track->media_time != 0)
    write_edts (w, track->media_time);
  write_mdia (w, track);
  mill_bmff_writer_end (w, trak);
  write_mvex (w, track);
  mill_bmff_writer_end (w, moov);
}

/* ---- public ---- */

static gboolean
is_language (const gchar *language)
{
  if (language == NULL)
    return TRUE;
  for (guint i = 0; i < 3; i++) {
    if (!g_ascii_islower (language[i]))
      return FALSE;
  }
  return language[3] == '\0';
}

static gboolean
check_track (const MillBmffTrack *track, GError **error)
{
  const gchar *wrong = NULL;
  if (track->track_id == 0)
    wrong = "track id 0, expected at least 1";
  else if (track->timescale == 0)
    wrong = "timescale 0, expected units per second";
  else if ((track->avc != NULL) == (track->aac != NULL))
    wrong = "not one codec, expected either H.264 or AAC";
  else if (track->codec_data == NULL ||
      g_bytes_get_size (track->codec_data) == 0)
    wrong = "no codec data, expected a configuration record";
  else if (track->avc != NULL &&
      (track->avc->width == 0 || track->avc->width > G_MAXUINT16 ||
          track->avc->height == 0 || track->avc->height > G_MAXUINT16 ||
          track->avc->par_n == 0 || track->avc->par_d == 0))
    wrong = "no or too big a picture, expected 1 to 65535 on a side";
  else if (track->media_time > G_MAXINT32)
    wrong = "an edit over 31 bits, expected the priming of audio";
  else if (!is_language (track->language))
    wrong = "an unknown language, expected three letters of ISO 639-2/T";
  if (wrong == NULL)
    return TRUE;
  g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_INVALID,
      "CMAF header of track '%u': got %s", track->track_id, wrong);
  return FALSE;
}

gboolean
mill_bmff_init_write (MillBmffWriter *writer, const MillBmffTrack *track,
    GError **error)
{
  if (!check_track (track, error))
    return FALSE;
  if (g_bytes_get_size (track->codec_data) > MAX_CODEC_DATA) {
    g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_TOO_BIG,
        "CMAF header of track '%u': got %" G_GSIZE_FORMAT
        " bytes of codec data, expected at most %d",
        track->track_id, g_bytes_get_size (track->codec_data), MAX_CODEC_DATA);
    return FALSE;
  }
  write_ftyp (writer, track);
  write_moov (writer, track);
  return TRUE;
}
