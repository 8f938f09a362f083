/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/av1.h"

#include <gst/base/gstbytereader.h>

#include "codec/codec-bits-private.h"

#define GST_USE_UNSTABLE_API
#include <gst/codecparsers/gstav1parser.h>

/* Bytes before configOBUs, binding §2.3.3. */
#define HEAD_SIZE 4

/** One OBU of the low-overhead format, §5.3. */
typedef struct
{
  guint type;
  const guint8 *data; /* with its header */
  guint size;
  const guint8 *payload;
  guint payload_size;
} Obu;

/* ---- OBUs ---- */

/* leb128(), §4.10.5: at most 8 bytes, and a value of 32 bits. */
static gboolean
get_leb128 (GstByteReader *reader, guint32 *ret_value)
{
  guint64 value = 0;
  for (guint i = 0; i < 8; i++) {
    guint8 byte;
    if (!gst_byte_reader_get_uint8 (reader, &byte))
      return FALSE;
    value |= (guint64) (byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      *ret_value = (guint32) value;
      return value <= G_MAXUINT32;
    }
  }
  return FALSE;
}

static gboolean
next_obu (GstByteReader *reader, Obu *obu)
{
  guint8 header;
  obu->data = reader->data + gst_byte_reader_get_pos (reader);
  if (!gst_byte_reader_get_uint8 (reader, &header) || (header & 0x80) != 0)
    return FALSE;
  obu->type = header >> 3 & 15;
  if ((header & 4) != 0 && !gst_byte_reader_skip (reader, 1))
    return FALSE;
  /* Without a size it goes to the end of the unit. */
  obu->payload_size = gst_byte_reader_get_remaining (reader);
  if ((header & 2) != 0 && !get_leb128 (reader, &obu->payload_size))
    return FALSE;
  if (!gst_byte_reader_get_data (reader, obu->payload_size, &obu->payload))
    return FALSE;
  obu->size = (guint) (obu->payload + obu->payload_size - obu->data);
  return TRUE;
}

static gboolean
find_sequence_header (const guint8 *data, gsize size, Obu *obu)
{
  GstByteReader reader;
  gst_byte_reader_init (&reader, data, MIN (size, G_MAXUINT));
  while (next_obu (&reader, obu)) {
    if (obu->type == GST_AV1_OBU_SEQUENCE_HEADER)
      return obu->payload_size > 0;
  }
  return FALSE;
}

gsize
mill_av1_get_delimiter_size (const guint8 *unit, gsize size)
{
  GstByteReader reader;
  Obu obu;
  gst_byte_reader_init (&reader, unit, MIN (size, G_MAXUINT));
  if (!next_obu (&reader, &obu) || obu.type != GST_AV1_OBU_TEMPORAL_DELIMITER ||
      obu.size == size)
    return 0;
  return obu.size;
}

gboolean
mill_av1_is_sync (const guint8 *unit, gsize size)
{
  GstByteReader reader;
  Obu obu;
  gboolean has_header = FALSE;
  gboolean is_reduced = FALSE;
  gst_byte_reader_init (&reader, unit, MIN (size, G_MAXUINT));
  while (next_obu (&reader, &obu)) {
    if (obu.type == GST_AV1_OBU_SEQUENCE_HEADER && obu.payload_size > 0) {
      has_header = TRUE;
      /* seq_profile (3), still_picture, reduced_still_picture_header */
      is_reduced = obu.payload[0] >> 3 & 1;
    }
    if (obu.type != GST_AV1_OBU_FRAME_HEADER && obu.type != GST_AV1_OBU_FRAME)
      continue;
    if (!has_header || obu.payload_size == 0)
      return FALSE;
    /* show_existing_frame, frame_type (2), show_frame: §5.9.2 */
    return is_reduced || (obu.payload[0] & 0xf0) == 0x10;
  }
  return FALSE;
}

/* ---- metadata, §5.8 ---- */

#define METADATA_LIGHT 1
#define METADATA_MASTERING 2

/* 0.16 fixed point to steps of 0.00002 */
static guint16
to_chromaticity (guint value)
{
  return (guint16) ((value * (guint64) 50000 + 0x8000) >> 16);
}

static void
read_mastering (BitsReader *reader, MillCodecHdr *hdr)
{
  MillCodecHdr read = *hdr;
  /* Red, green, blue here; green, blue, red in the box. */
  for (guint i = 0; i < 3; i++) {
    guint to = (i + 2) % 3;
    read.primaries[to][0] = to_chromaticity (bits_get (reader, 16));
    read.primaries[to][1] = to_chromaticity (bits_get (reader, 16));
  }
  read.white[0] = to_chromaticity (bits_get (reader, 16));
  read.white[1] = to_chromaticity (bits_get (reader, 16));
  /* 24.8 and 18.14 fixed point to steps of 0.0001 */
  guint64 most = bits_get (reader, 32) * (guint64) 10000 >> 8;
  guint64 least = bits_get (reader, 32) * (guint64) 10000 >> 14;
  read.max_luminance = (guint32) MIN (most, G_MAXUINT32);
  read.min_luminance = (guint32) MIN (least, G_MAXUINT32);
  read.has_mastering = TRUE;
  if (!reader->truncated)
    *hdr = read;
}

static void
read_light (BitsReader *reader, MillCodecHdr *hdr)
{
  guint16 max_cll = bits_get (reader, 16);
  guint16 max_fall = bits_get (reader, 16);
  if (reader->truncated)
    return;
  hdr->max_cll = max_cll;
  hdr->max_fall = max_fall;
  hdr->has_light = TRUE;
}

void
mill_av1_find_hdr (const guint8 *unit, gsize size, MillCodecHdr *hdr)
{
  GstByteReader reader;
  Obu obu;
  gst_byte_reader_init (&reader, unit, MIN (size, G_MAXUINT));
  while (next_obu (&reader, &obu)) {
    if (obu.type != GST_AV1_OBU_METADATA || obu.payload_size == 0)
      continue;
    /* metadata_type is a leb128() of one byte. */
    BitsReader payload;
    bits_init (&payload, obu.payload + 1, obu.payload_size - 1);
    if (obu.payload[0] == METADATA_LIGHT && !hdr->has_light)
      read_light (&payload, hdr);
    else if (obu.payload[0] == METADATA_MASTERING && !hdr->has_mastering)
      read_mastering (&payload, hdr);
  }
}

/* ---- sequence header, §5.5 ---- */

static gboolean
read_sequence_header (const Obu *obu, GstAV1SequenceHeaderOBU *sequence,
    GError **error)
{
  GstAV1Parser *parser = gst_av1_parser_new ();
  GstAV1OBU found;
  guint32 consumed;
  gboolean ok = gst_av1_parser_identify_one_obu (parser, obu->data, obu->size,
                    &found, &consumed) == GST_AV1_PARSER_OK &&
      gst_av1_parser_parse_sequence_header_obu (parser, &found, sequence) ==
          GST_AV1_PARSER_OK;
  gst_av1_parser_free (parser);
  if (ok)
    return TRUE;
  g_set_error (error, MILL_CODEC_ERROR, MILL_CODEC_ERROR_INVALID,
      "AV1: got a sequence header of %u bytes that breaks §5.5, expected a "
      "whole one",
      obu->payload_size);
  return FALSE;
}

static void
set_sequence (MillCodecInfo *info, const GstAV1SequenceHeaderOBU *sequence)
{
  const GstAV1ColorConfig *colour = &sequence->color_config;
  const GstAV1TimingInfo *timing = &sequence->timing_info;
  info->width = sequence->max_frame_width_minus_1 + 1u;
  info->height = sequence->max_frame_height_minus_1 + 1u;
  info->colour = (MillCodecColour){
    .known = colour->color_description_present_flag,
    .primaries = (guint8) colour->color_primaries,
    .transfer = (guint8) colour->transfer_characteristics,
    .matrix = (guint8) colour->matrix_coefficients,
    .full_range = colour->color_range,
  };
  if (!sequence->timing_info_present_flag || !timing->equal_picture_interval ||
      timing->num_units_in_display_tick == 0)
    return;
  guint64 d = (guint64) timing->num_units_in_display_tick *
      (timing->num_ticks_per_picture_minus_1 + (guint64) 1);
  if (timing->time_scale <= G_MAXINT32 && d <= G_MAXINT32) {
    info->fps_n = timing->time_scale;
    info->fps_d = (guint) d;
  }
}

/* ---- av1C, binding §2.3 ---- */

/* Binding §5: what follows the bit depth is all there or not at all. */
static void
print_name (MillCodecInfo *info, gboolean mono, guint subsampling)
{
  const MillCodecColour *colour = &info->colour;
  gint at = g_snprintf (info->name, sizeof info->name, "av01.%u.%02u%c.%02u",
      info->profile, info->level, info->tier ? 'H' : 'M', info->bit_depth);
  if (!colour->known && !colour->full_range && !mono && subsampling == 110)
    return;
  g_snprintf (info->name + at, sizeof info->name - at,
      ".%u.%03u.%02u.%02u.%02u.%u", mono ? 1 : 0, subsampling,
      colour->known ? colour->primaries : 2,
      colour->known ? colour->transfer : 2, colour->known ? colour->matrix : 2,
      colour->full_range ? 1 : 0);
}

gboolean
mill_av1_parse_config (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  MillCodecInfo info = {
    .codec = MILL_CODEC_AV1,
    .sample_entry = bits_fourcc ('a', 'v', '0', '1'),
    .par_n = 1,
    .par_d = 1,
    .fps_d = 1,
  };
  BitsReader reader;
  bits_init (&reader, data, MIN (size, HEAD_SIZE));
  guint version = bits_get (&reader, 8);
  info.profile = bits_get (&reader, 3);
  info.level = bits_get (&reader, 5);
  info.tier = bits_get (&reader, 1);
  guint high = bits_get (&reader, 1);
  guint twelve = bits_get (&reader, 1);
  guint mono = bits_get (&reader, 1);
  guint x = bits_get (&reader, 1);
  guint y = bits_get (&reader, 1);
  guint position = bits_get (&reader, 2);
  bits_skip (&reader, 8);
  if (!bits_check (&reader, "av1C", error))
    return FALSE;
  if (version != 0x81 || info.profile > 2)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "av1C: got another marker, version or profile, expected marker 1, "
        "version 1, profile 0 to 2");
  info.bit_depth = twelve && high ? 12 : high ? 10 : 8;
  info.chroma_format = mono ? 0 : !x ? 3 : !y ? 2 : 1;
  Obu obu;
  if (find_sequence_header (data + HEAD_SIZE, size - HEAD_SIZE, &obu)) {
    GstAV1SequenceHeaderOBU sequence = { 0 };
    if (!read_sequence_header (&obu, &sequence, error))
      return FALSE;
    set_sequence (&info, &sequence);
  }
  print_name (&info, mono, 100 * x + 10 * y + (x && y ? position : 0));
  *ret_info = info;
  return TRUE;
}

GBytes *
mill_av1_build_config (const guint8 *unit, gsize size, GError **error)
{
  Obu obu;
  GstAV1SequenceHeaderOBU sequence = { 0 };
  if (!find_sequence_header (unit, size, &obu)) {
    bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "AV1 temporal unit: got no sequence header, expected one");
    return NULL;
  }
  if (!read_sequence_header (&obu, &sequence, error))
    return NULL;
  const GstAV1ColorConfig *colour = &sequence.color_config;
  const GstAV1OperatingPoint *point = &sequence.operating_points[0];
  const guint8 head[HEAD_SIZE] = { 0x81,
    (guint8) (sequence.seq_profile << 5 | (point->seq_level_idx & 31)),
    (guint8) (point->seq_tier << 7 | (colour->high_bitdepth ? 0x40 : 0) |
        (colour->twelve_bit ? 0x20 : 0) | (colour->mono_chrome ? 0x10 : 0) |
        (colour->subsampling_x ? 8 : 0) | (colour->subsampling_y ? 4 : 0) |
        (colour->chroma_sample_position & 3)),
    0 };
  GByteArray *config = g_byte_array_new ();
  g_byte_array_append (config, head, sizeof head);
  /* configOBUs are to have a size (binding §2.3.4); a last OBU may lack it. */
  if ((obu.data[0] & 2) != 0) {
    g_byte_array_append (config, obu.data, obu.size);
  } else if (obu.payload_size < 128) {
    const guint8 header[] = { GST_AV1_OBU_SEQUENCE_HEADER << 3 | 2,
      (guint8) obu.payload_size };
    g_byte_array_append (config, header, sizeof header);
    g_byte_array_append (config, obu.payload, obu.payload_size);
  }
  return g_byte_array_free_to_bytes (config);
}
