/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/avc.h"

#include <string.h>

#include <gst/base/gstbytereader.h>

#define GST_USE_UNSTABLE_API
#include <gst/codecparsers/gsth264parser.h>

/* The longest side that level 6.2 allows: sqrt (8 * MaxFS) macroblocks,
 * H.264 §A.3.1 f and g, Table A-1. */
#define MAX_SIDE (1055 * 16)

/* In one access unit; a stream that repeats its sets has two or three. */
#define MAX_IN_BAND_SETS 64

G_DEFINE_QUARK (mill_avc_error, mill_avc_error)

/* ---- NAL units ---- */

static guint
nal_type (const guint8 *nal)
{
  return nal[0] & 0x1f;
}

static gboolean
is_parameter_set (guint type)
{
  return type == GST_H264_NAL_SPS || type == GST_H264_NAL_PPS;
}

/* Steps over one length-prefixed NAL unit that is not empty. */
static gboolean
next_nal (GstByteReader *reader, guint length_size, const guint8 **ret_nal,
    gsize *ret_size)
{
  guint32 size = 0;
  for (guint i = 0; i < length_size; i++) {
    guint8 byte;
    if (!gst_byte_reader_get_uint8 (reader, &byte))
      return FALSE;
    size = size << 8 | byte;
  }
  if (size == 0 || !gst_byte_reader_get_data (reader, size, ret_nal))
    return FALSE;
  *ret_size = size;
  return TRUE;
}

gboolean
mill_avc_has_idr (const guint8 *data, gsize size, guint nal_length_size)
{
  g_return_val_if_fail (nal_length_size >= 1 && nal_length_size <= 4, FALSE);
  if (size > G_MAXUINT)
    return FALSE;

  GstByteReader reader;
  gst_byte_reader_init (&reader, data, size);
  const guint8 *nal;
  gsize nal_size;
  while (next_nal (&reader, nal_length_size, &nal, &nal_size)) {
    guint type = nal_type (nal);
    if (type >= GST_H264_NAL_SLICE && type <= GST_H264_NAL_SLICE_IDR)
      return type == GST_H264_NAL_SLICE_IDR;
  }
  return FALSE;
}

GPtrArray *
mill_avc_list_parameter_sets (const guint8 *data, gsize size,
    guint nal_length_size)
{
  g_return_val_if_fail (nal_length_size >= 1 && nal_length_size <= 4, NULL);
  if (size > G_MAXUINT)
    return NULL;

  GPtrArray *sets = NULL;
  GstByteReader reader;
  gst_byte_reader_init (&reader, data, size);
  const guint8 *nal;
  gsize nal_size;
  while (next_nal (&reader, nal_length_size, &nal, &nal_size)) {
    if (!is_parameter_set (nal_type (nal)))
      continue;
    if (sets == NULL)
      sets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
    if (sets->len == MAX_IN_BAND_SETS)
      break;
    g_ptr_array_add (sets, g_bytes_new (nal, nal_size));
  }
  return sets;
}

/* ---- SPS ---- */

/* A tick is a field: two make a frame, H.264 §E.2.1 (num_units_in_tick). */
static void
set_frame_rate (MillAvcInfo *info, const GstH264VUIParams *vui)
{
  if (!vui->timing_info_present_flag || vui->num_units_in_tick == 0 ||
      vui->time_scale == 0)
    return;
  guint64 n = vui->time_scale;
  guint64 d = 2 * (guint64) vui->num_units_in_tick;
  guint64 divisor = gst_util_greatest_common_divisor_int64 (n, d);
  n /= divisor;
  d /= divisor;
  if (n > G_MAXINT32 || d > G_MAXINT32)
    return;
  info->fps_n = n;
  info->fps_d = d;
}

static void
set_vui (MillAvcInfo *info, const GstH264VUIParams *vui)
{
  /* A ratio with a zero is unspecified, §E.2.1 (sar_width). */
  if (vui->aspect_ratio_info_present_flag && vui->par_n > 0 && vui->par_d > 0) {
    info->par_n = vui->par_n;
    info->par_d = vui->par_d;
  }
  if (vui->video_signal_type_present_flag) {
    info->full_range = vui->video_full_range_flag;
    if (vui->colour_description_present_flag) {
      info->has_colour = TRUE;
      info->colour_primaries = vui->colour_primaries;
      info->transfer_characteristics = vui->transfer_characteristics;
      info->matrix_coefficients = vui->matrix_coefficients;
    }
  }
  set_frame_rate (info, vui);
}

static gboolean
set_dimensions (MillAvcInfo *info, const GstH264SPS *sps, GError **error)
{
  gint width = sps->frame_cropping_flag ? sps->crop_rect_width : sps->width;
  gint height = sps->frame_cropping_flag ? sps->crop_rect_height : sps->height;
  if (width <= 0 || height <= 0 || sps->width <= 0 || sps->height <= 0) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
        "SPS picture size: got %dx%d cropped to %dx%d, expected a picture",
        sps->width, sps->height, width, height);
    return FALSE;
  }
  if (sps->width > MAX_SIDE || sps->height > MAX_SIDE) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_UNSUPPORTED,
        "SPS picture size: got %dx%d, expected at most %d on a side",
        sps->width, sps->height, MAX_SIDE);
    return FALSE;
  }
  info->width = width;
  info->height = height;
  return TRUE;
}

static gboolean
fill_info (MillAvcInfo *info, const guint8 *nal, const GstH264SPS *sps,
    GError **error)
{
  info->profile = nal[1];
  info->constraints = nal[2];
  info->level = nal[3];
  info->par_n = 1;
  info->par_d = 1;
  info->fps_d = 1;
  info->chroma_format = sps->chroma_format_idc;
  info->bit_depth_luma = 8 + sps->bit_depth_luma_minus8;
  info->bit_depth_chroma = 8 + sps->bit_depth_chroma_minus8;
  info->interlaced = !sps->frame_mbs_only_flag;
  if (sps->vui_parameters_present_flag)
    set_vui (info, &sps->vui_parameters);
  return set_dimensions (info, sps, error);
}

gboolean
mill_avc_parse_sps (const guint8 *nal, gsize size, MillAvcInfo *ret_info,
    GError **error)
{
  /* Header, profile, constraints, level: what is read without the parser. */
  if (size < 4) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_TRUNCATED,
        "SPS: got %" G_GSIZE_FORMAT " bytes, expected at least 4", size);
    return FALSE;
  }
  if (nal_type (nal) != GST_H264_NAL_SPS || size > G_MAXUINT16) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
        "SPS: got a NAL unit of type %u and %" G_GSIZE_FORMAT
        " bytes, expected type %d and at most %d bytes",
        nal_type (nal), size, GST_H264_NAL_SPS, G_MAXUINT16);
    return FALSE;
  }

  GstH264NalUnit unit = {
    .ref_idc = (nal[0] >> 5) & 3,
    .type = GST_H264_NAL_SPS,
    .size = size,
    .valid = TRUE,
    .data = (guint8 *) nal, /* the parser only reads it */
    .header_bytes = 1,
  };
  GstH264SPS sps = { 0 };
  if (gst_h264_parse_sps (&unit, &sps) != GST_H264_PARSER_OK) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
        "SPS: got %" G_GSIZE_FORMAT
        " bytes that break H.264 §7.3.2.1, expected a sequence parameter set",
        size);
    return FALSE;
  }
  MillAvcInfo info = { 0 };
  gboolean ok = fill_info (&info, nal, &sps, error);
  gst_h264_sps_clear (&sps);
  if (ok)
    *ret_info = info;
  return ok;
}

gchar *
mill_avc_get_codec_string (const MillAvcInfo *info)
{
  return g_strdup_printf ("avc1.%02X%02X%02X", info->profile, info->constraints,
      info->level);
}

/* ---- avcC, ISO/IEC 14496-15 §5.3.3.1.2 ---- */

static gboolean
fail_truncated (const gchar *what, gsize size, GError **error)
{
  g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_TRUNCATED,
      "avcC: got %" G_GSIZE_FORMAT " bytes that end in %s, expected all of it",
      size, what);
  return FALSE;
}

static gboolean
read_sets (GstByteReader *reader, guint count, guint type, GPtrArray *sets,
    GError **error)
{
  if (count == 0) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
        "avcC: got no %s, expected at least one (avc1 keeps them out of band)",
        type == GST_H264_NAL_SPS ? "SPS" : "PPS");
    return FALSE;
  }
  for (guint i = 0; i < count; i++) {
    const guint8 *nal;
    gsize size;
    if (!next_nal (reader, 2, &nal, &size))
      return fail_truncated ("its parameter sets", reader->size, error);
    if (nal_type (nal) != type) {
      g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
          "avcC: got a NAL unit of type %u among its parameter sets, "
          "expected type %u",
          nal_type (nal), type);
      return FALSE;
    }
    g_ptr_array_add (sets, g_bytes_new (nal, size));
  }
  return TRUE;
}

/* @ret_sets: (transfer full): all SPS, then all PPS */
static gboolean
read_config (const guint8 *data, gsize size, GPtrArray **ret_sets,
    guint8 *ret_length_size, GError **error)
{
  GstByteReader reader;
  guint8 version;
  guint8 length_size;
  guint8 count;
  gst_byte_reader_init (&reader, data, MIN (size, G_MAXUINT));
  if (!gst_byte_reader_get_uint8 (&reader, &version))
    return fail_truncated ("its head", size, error);
  if (version != 1) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
        "avcC: got version %u, expected 1", version);
    return FALSE;
  }
  if (!gst_byte_reader_skip (&reader, 3) ||
      !gst_byte_reader_get_uint8 (&reader, &length_size) ||
      !gst_byte_reader_get_uint8 (&reader, &count))
    return fail_truncated ("its head", size, error);
  length_size = (length_size & 3) + 1;
  if (length_size == 3) {
    g_set_error_literal (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
        "avcC: got NAL lengths of 3 bytes, expected 1, 2 or 4");
    return FALSE;
  }

  g_autoptr (GPtrArray) sets =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  if (!read_sets (&reader, count & 0x1f, GST_H264_NAL_SPS, sets, error))
    return FALSE;
  if (!gst_byte_reader_get_uint8 (&reader, &count))
    return fail_truncated ("the number of PPS", size, error);
  if (!read_sets (&reader, count, GST_H264_NAL_PPS, sets, error))
    return FALSE;
  *ret_sets = g_steal_pointer (&sets);
  *ret_length_size = length_size;
  return TRUE;
}

gboolean
mill_avc_parse_config (const guint8 *data, gsize size, MillAvcInfo *ret_info,
    GError **error)
{
  g_autoptr (GPtrArray) sets = NULL;
  guint8 length_size;
  if (!read_config (data, size, &sets, &length_size, error))
    return FALSE;

  gsize sps_size;
  const guint8 *sps = g_bytes_get_data (g_ptr_array_index (sets, 0), &sps_size);
  MillAvcInfo info;
  if (!mill_avc_parse_sps (sps, sps_size, &info, error)) {
    g_prefix_error (error, "avcC: ");
    return FALSE;
  }
  info.nal_length_size = length_size;
  *ret_info = info;
  return TRUE;
}

GPtrArray *
mill_avc_get_config_parameter_sets (const guint8 *data, gsize size,
    GError **error)
{
  GPtrArray *sets = NULL;
  guint8 length_size;
  return read_config (data, size, &sets, &length_size, error) ? sets : NULL;
}

/* Sorts the sets by kind and refuses what an avcC cannot hold. */
static gboolean
sort_sets (GPtrArray *sets, GPtrArray *sps, GPtrArray *pps, GError **error)
{
  for (guint i = 0; i < sets->len; i++) {
    GBytes *set = g_ptr_array_index (sets, i);
    gsize size;
    const guint8 *nal = g_bytes_get_data (set, &size);
    guint type = size > 0 ? nal_type (nal) : 0;
    if (!is_parameter_set (type) || size > G_MAXUINT16) {
      g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
          "parameter set %u: got a NAL unit of type %u and %" G_GSIZE_FORMAT
          " bytes, expected an SPS or PPS of at most %d",
          i, type, size, G_MAXUINT16);
      return FALSE;
    }
    g_ptr_array_add (type == GST_H264_NAL_SPS ? sps : pps, set);
  }
  if (sps->len < 1 || sps->len > 31 || pps->len < 1 || pps->len > 255) {
    g_set_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID,
        "parameter sets: got %u SPS and %u PPS, expected 1 to 31 and 1 to 255",
        sps->len, pps->len);
    return FALSE;
  }
  return TRUE;
}

static void
append_sets (GByteArray *config, guint8 count, GPtrArray *sets)
{
  g_byte_array_append (config, &count, 1);
  for (guint i = 0; i < sets->len; i++) {
    gsize size;
    const guint8 *nal = g_bytes_get_data (g_ptr_array_index (sets, i), &size);
    const guint8 length[] = { size >> 8, size & 0xff };
    g_byte_array_append (config, length, sizeof length);
    g_byte_array_append (config, nal, size);
  }
}

GBytes *
mill_avc_build_config (GPtrArray *parameter_sets, GError **error)
{
  g_autoptr (GPtrArray) sps = g_ptr_array_new ();
  g_autoptr (GPtrArray) pps = g_ptr_array_new ();
  if (!sort_sets (parameter_sets, sps, pps, error))
    return NULL;
  gsize size;
  const guint8 *first = g_bytes_get_data (g_ptr_array_index (sps, 0), &size);
  MillAvcInfo info;
  if (!mill_avc_parse_sps (first, size, &info, error))
    return NULL;

  GByteArray *config = g_byte_array_new ();
  /* Reserved bits are ones; lengths take 4 bytes. */
  const guint8 head[] = { 1, info.profile, info.constraints, info.level,
    0xfc | 3 };
  g_byte_array_append (config, head, sizeof head);
  append_sets (config, 0xe0 | sps->len, sps);
  append_sets (config, pps->len, pps);
  /* Baseline, Main and Extended have no extension. */
  if (info.profile != 66 && info.profile != 77 && info.profile != 88) {
    const guint8 extension[] = { 0xfc | info.chroma_format,
      0xf8 | (info.bit_depth_luma - 8), 0xf8 | (info.bit_depth_chroma - 8), 0 };
    g_byte_array_append (config, extension, sizeof extension);
  }
  return g_byte_array_free_to_bytes (config);
}
