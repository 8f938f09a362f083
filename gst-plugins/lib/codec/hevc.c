/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/hevc.h"

#include <gst/base/gstbytereader.h>

#include "codec/codec-bits-private.h"

#define GST_USE_UNSTABLE_API
#include <gst/codecparsers/gsth265parser.h>

/* Bytes before the number of arrays, 14496-15 §8.3.3.1.2. */
#define HEAD_SIZE 22
/* The longest side that level 6.2 allows: sqrt (8 * MaxLumaPs), H.265 §A.4.1. */
#define MAX_SIDE 16888

/** The fixed part of the record. */
typedef struct
{
  guint8 profile_space;
  guint8 tier;
  guint8 profile;
  guint32 compatibility;
  guint8 constraints[6];
  guint8 level;
  guint8 chroma_format;
  guint8 bit_depth;
  guint8 nal_length_size;
} Head;

/* ---- NAL units ---- */

static guint
nal_type (const guint8 *nal)
{
  return nal[0] >> 1 & 0x3f;
}

/* Steps over one length-prefixed NAL unit that has its header of two bytes. */
static gboolean
next_nal (GstByteReader *reader, guint length_size, const guint8 **ret_nal,
    guint *ret_size)
{
  guint32 size = 0;
  for (guint i = 0; i < length_size; i++) {
    guint8 byte;
    if (!gst_byte_reader_get_uint8 (reader, &byte))
      return FALSE;
    size = size << 8 | byte;
  }
  if (size < 2 || !gst_byte_reader_get_data (reader, size, ret_nal))
    return FALSE;
  *ret_size = size;
  return TRUE;
}

MillHevcAccess
mill_hevc_get_access (const guint8 *data, gsize size, guint nal_length_size)
{
  g_return_val_if_fail (nal_length_size >= 1 && nal_length_size <= 4,
      MILL_HEVC_ACCESS_NONE);
  GstByteReader reader;
  gst_byte_reader_init (&reader, data, MIN (size, G_MAXUINT));
  const guint8 *nal;
  guint nal_size;
  while (next_nal (&reader, nal_length_size, &nal, &nal_size)) {
    guint type = nal_type (nal);
    if (type >= GST_H265_NAL_VPS)
      continue;
    if (type == GST_H265_NAL_SLICE_CRA_NUT)
      return MILL_HEVC_ACCESS_OPEN;
    return type >= GST_H265_NAL_SLICE_BLA_W_LP &&
            type <= GST_H265_NAL_SLICE_IDR_N_LP
        ? MILL_HEVC_ACCESS_CLOSED
        : MILL_HEVC_ACCESS_NONE;
  }
  return MILL_HEVC_ACCESS_NONE;
}

/* ---- SEI ---- */

/* payloadType, H.265 §D.2.1 */
#define SEI_MASTERING 137
#define SEI_LIGHT 144
/* More than both messages and what may be before them. */
#define MAX_SEI 1024

/* Without emulation prevention, §7.3.1.1: 00 00 03 -> 00 00.
 * Returns: bytes written, at most MAX_SEI */
static gsize
unescape (const guint8 *nal, gsize size, guint8 *ret_data)
{
  gsize n = 0;
  guint zeros = 0;
  for (gsize i = 0; i < size && n < MAX_SEI; i++) {
    gboolean skipped = zeros >= 2 && nal[i] == 3;
    zeros = nal[i] == 0 ? zeros + 1 : 0;
    if (!skipped)
      ret_data[n++] = nal[i];
  }
  return n;
}

/* A number that goes on while its bytes are 0xff, §7.3.5. */
static guint
read_sei_number (BitsReader *reader)
{
  guint value = 0;
  guint byte;
  do {
    byte = bits_get (reader, 8);
    value += byte;
  } while (byte == 0xff);
  return value;
}

static void
read_message (BitsReader message, guint type, MillCodecHdr *hdr)
{
  MillCodecHdr read = *hdr;
  if (type == SEI_MASTERING) {
    for (guint i = 0; i < G_N_ELEMENTS (read.primaries); i++) {
      read.primaries[i][0] = bits_get (&message, 16);
      read.primaries[i][1] = bits_get (&message, 16);
    }
    read.white[0] = bits_get (&message, 16);
    read.white[1] = bits_get (&message, 16);
    read.max_luminance = bits_get (&message, 32);
    read.min_luminance = bits_get (&message, 32);
    read.has_mastering = TRUE;
  } else {
    read.max_cll = bits_get (&message, 16);
    read.max_fall = bits_get (&message, 16);
    read.has_light = TRUE;
  }
  if (!message.truncated)
    *hdr = read;
}

static void
read_sei (const guint8 *nal, gsize size, MillCodecHdr *hdr)
{
  guint8 data[MAX_SEI];
  gsize length = unescape (nal + 2, size - 2, data);
  BitsReader reader;
  bits_init (&reader, data, length);
  /* What remains in the end is rbsp_trailing_bits(). */
  while (gst_bit_reader_get_remaining (&reader.bits) > 16) {
    guint type = read_sei_number (&reader);
    guint payload_size = read_sei_number (&reader);
    if ((type == SEI_MASTERING && !hdr->has_mastering) ||
        (type == SEI_LIGHT && !hdr->has_light))
      read_message (reader, type, hdr);
    if (payload_size > MAX_SEI)
      return;
    bits_skip (&reader, 8 * payload_size);
    if (reader.truncated)
      return;
  }
}

void
mill_hevc_find_hdr (const guint8 *data, gsize size, guint nal_length_size,
    MillCodecHdr *hdr)
{
  g_return_if_fail (nal_length_size >= 1 && nal_length_size <= 4);
  GstByteReader reader;
  gst_byte_reader_init (&reader, data, MIN (size, G_MAXUINT));
  const guint8 *nal;
  guint nal_size;
  while (next_nal (&reader, nal_length_size, &nal, &nal_size)) {
    if (nal_type (nal) < GST_H265_NAL_VPS)
      return;
    if (nal_type (nal) == GST_H265_NAL_PREFIX_SEI)
      read_sei (nal, nal_size, hdr);
  }
}

/* ---- SPS ---- */

/* A tick is a picture, §E.3.1 (vui_num_units_in_tick). */
static void
set_frame_rate (MillCodecInfo *info, const GstH265VUIParams *vui)
{
  if (!vui->timing_info_present_flag || vui->num_units_in_tick == 0 ||
      vui->time_scale == 0)
    return;
  guint64 divisor = gst_util_greatest_common_divisor_int64 (vui->time_scale,
      vui->num_units_in_tick);
  guint64 n = vui->time_scale / divisor;
  guint64 d = vui->num_units_in_tick / divisor;
  if (n > G_MAXINT32 || d > G_MAXINT32)
    return;
  info->fps_n = n;
  info->fps_d = d;
}

static void
set_vui (MillCodecInfo *info, const GstH265VUIParams *vui)
{
  /* A ratio with a zero is unspecified, §E.3.1 (sar_width). */
  if (vui->aspect_ratio_info_present_flag && vui->par_n > 0 && vui->par_d > 0) {
    info->par_n = vui->par_n;
    info->par_d = vui->par_d;
  }
  if (vui->video_signal_type_present_flag) {
    info->colour.full_range = vui->video_full_range_flag;
    if (vui->colour_description_present_flag) {
      info->colour.known = TRUE;
      info->colour.primaries = vui->colour_primaries;
      info->colour.transfer = vui->transfer_characteristics;
      info->colour.matrix = vui->matrix_coefficients;
    }
  }
  info->interlaced = vui->field_seq_flag;
  set_frame_rate (info, vui);
}

static gboolean
read_sps (const GstH265SPS *sps, MillCodecInfo *info, GError **error)
{
  gint width = sps->conformance_window_flag ? sps->crop_rect_width : sps->width;
  gint height = sps->conformance_window_flag ? sps->crop_rect_height
                                             : sps->height;
  if (width <= 0 || height <= 0 || sps->width > MAX_SIDE ||
      sps->height > MAX_SIDE) {
    g_set_error (error, MILL_CODEC_ERROR, MILL_CODEC_ERROR_INVALID,
        "hvcC: SPS picture size: got %dx%d cropped to %dx%d, expected at most "
        "%d on a side",
        sps->width, sps->height, width, height, MAX_SIDE);
    return FALSE;
  }
  info->width = (guint) width;
  info->height = (guint) height;
  if (sps->vui_parameters_present_flag)
    set_vui (info, &sps->vui_params);
  return TRUE;
}

static gboolean
parse_sps (const guint8 *nal, guint size, MillCodecInfo *info, GError **error)
{
  GstH265NalUnit unit = {
    .type = GST_H265_NAL_SPS,
    .layer_id = (nal[0] & 1) << 5 | nal[1] >> 3,
    .temporal_id_plus1 = nal[1] & 7,
    .size = size,
    .valid = TRUE,
    .data = (guint8 *) nal, /* the parser only reads it */
    .header_bytes = 2,
  };
  GstH265Parser *parser = gst_h265_parser_new ();
  g_autofree GstH265SPS *sps = g_new0 (GstH265SPS, 1);
  gboolean ok = gst_h265_parser_parse_sps (parser, &unit, sps, TRUE) ==
      GST_H265_PARSER_OK;
  gst_h265_parser_free (parser);
  if (!ok) {
    g_set_error (error, MILL_CODEC_ERROR, MILL_CODEC_ERROR_INVALID,
        "hvcC: got an SPS of %u bytes that breaks H.265 §7.3.2.2, expected a "
        "sequence parameter set",
        size);
    return FALSE;
  }
  return read_sps (sps, info, error);
}

/* ---- hvcC ---- */

static gboolean
read_head (const guint8 *data, gsize size, Head *head, GError **error)
{
  BitsReader reader;
  bits_init (&reader, data, MIN (size, HEAD_SIZE));
  guint version = bits_get (&reader, 8);
  head->profile_space = bits_get (&reader, 2);
  head->tier = bits_get (&reader, 1);
  head->profile = bits_get (&reader, 5);
  head->compatibility = bits_get (&reader, 32);
  for (guint i = 0; i < G_N_ELEMENTS (head->constraints); i++)
    head->constraints[i] = bits_get (&reader, 8);
  head->level = bits_get (&reader, 8);
  bits_skip (&reader, 16 + 8); /* segmentation, parallelism */
  head->chroma_format = bits_get (&reader, 8) & 3;
  guint luma = 8 + (bits_get (&reader, 8) & 7);
  guint chroma = 8 + (bits_get (&reader, 8) & 7);
  head->bit_depth = MAX (luma, chroma);
  bits_skip (&reader, 16); /* avgFrameRate */
  head->nal_length_size = (bits_get (&reader, 8) & 3) + 1;
  if (!bits_check (&reader, "hvcC", error))
    return FALSE;
  /* Some writers leave the version at 0, as drafts had it. */
  if (version > 1)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "hvcC: got another version, expected 1");
  if (head->nal_length_size == 3)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "hvcC: got NAL lengths of 3 bytes, expected 1, 2 or 4");
  return TRUE;
}

/* Finds the first SPS. @ret_sps: NULL when there is none */
static gboolean
find_sps (const guint8 *data, gsize size, const guint8 **ret_sps,
    guint *ret_size, GError **error)
{
  GstByteReader reader;
  guint8 n_arrays = 0;
  gst_byte_reader_init (&reader, data + HEAD_SIZE,
      MIN (size, G_MAXUINT) - HEAD_SIZE);
  gboolean ok = gst_byte_reader_get_uint8 (&reader, &n_arrays);
  *ret_sps = NULL;
  for (guint i = 0; ok && i < n_arrays; i++) {
    guint8 type = 0;
    guint8 high = 0;
    guint8 low = 0;
    /* Byte by byte: GStreamer's macros load through a pointer of the wider
     * type, which is undefined for an odd address. */
    ok = gst_byte_reader_get_uint8 (&reader, &type) &&
        gst_byte_reader_get_uint8 (&reader, &high) &&
        gst_byte_reader_get_uint8 (&reader, &low);
    for (guint k = 0; ok && k < (high << 8 | low); k++) {
      const guint8 *nal;
      guint nal_size;
      ok = next_nal (&reader, 2, &nal, &nal_size);
      if (ok && (type & 0x3f) == GST_H265_NAL_SPS && *ret_sps == NULL) {
        *ret_sps = nal;
        *ret_size = nal_size;
      }
    }
  }
  if (ok)
    return TRUE;
  return bits_refuse (error, MILL_CODEC_ERROR_TRUNCATED,
      "hvcC: got an end inside of its parameter sets, expected all of them");
}

/* 14496-15 Annex E.3: profile, compatibility in reverse order of bits, tier
 * and level, constraint bytes up to the last that is not 0. */
static void
print_name (const Head *head, MillCodecInfo *info)
{
  static const gchar *const spaces[] = { "", "A", "B", "C" };
  guint32 reversed = 0;
  for (guint i = 0; i < 32; i++)
    reversed |= (head->compatibility >> i & 1) << (31 - i);
  gint at = g_snprintf (info->name, sizeof info->name, "hvc1.%s%u.%X.%c%u",
      spaces[head->profile_space], head->profile, reversed,
      head->tier ? 'H' : 'L', head->level);
  guint n = G_N_ELEMENTS (head->constraints);
  while (n > 0 && head->constraints[n - 1] == 0)
    n--;
  for (guint i = 0; i < n; i++)
    at += g_snprintf (info->name + at, sizeof info->name - at, ".%X",
        head->constraints[i]);
}

gboolean
mill_hevc_parse_config (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  Head head;
  const guint8 *sps;
  guint sps_size = 0;
  if (!read_head (data, size, &head, error) ||
      !find_sps (data, size, &sps, &sps_size, error))
    return FALSE;
  MillCodecInfo info = {
    .codec = MILL_CODEC_HEVC,
    .sample_entry = bits_fourcc ('h', 'v', 'c', '1'),
    .par_n = 1,
    .par_d = 1,
    .fps_d = 1,
    .profile = head.profile,
    .tier = head.tier,
    .level = head.level,
    .chroma_format = head.chroma_format,
    .bit_depth = head.bit_depth,
    .nal_length_size = head.nal_length_size,
  };
  print_name (&head, &info);
  if (sps != NULL && !parse_sps (sps, sps_size, &info, error))
    return FALSE;
  *ret_info = info;
  return TRUE;
}
