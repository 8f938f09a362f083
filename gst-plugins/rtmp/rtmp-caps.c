/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-caps.h"

#include <gst/pbutils/pbutils.h>
#include <gst/video/video.h>

#include "codec/aac.h"
#include "codec/avc.h"

static void
set_codec_data (GstCaps *caps, GBytes *data)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_wrapped_bytes (data);

  gst_caps_set_simple (caps, "codec_data", GST_TYPE_BUFFER, buffer, NULL);
}

static void
set_chroma_and_depth (GstCaps *caps, const MillAvcInfo *info)
{
  static const gchar *const formats[] = { "4:0:0", "4:2:0", "4:2:2", "4:4:4" };

  if (info->chroma_format < G_N_ELEMENTS (formats))
    gst_caps_set_simple (caps, "chroma-format", G_TYPE_STRING,
        formats[info->chroma_format], NULL);
  gst_caps_set_simple (caps, "bit-depth-luma", G_TYPE_UINT,
      (guint) info->bit_depth_luma, "bit-depth-chroma", G_TYPE_UINT,
      (guint) info->bit_depth_chroma, NULL);
}

static void
set_colorimetry (GstCaps *caps, const MillAvcInfo *info)
{
  GstVideoColorimetry colorimetry = {
    .range = info->full_range ? GST_VIDEO_COLOR_RANGE_0_255
                              : GST_VIDEO_COLOR_RANGE_16_235,
    .matrix = gst_video_color_matrix_from_iso (info->matrix_coefficients),
    .transfer =
        gst_video_transfer_function_from_iso (info->transfer_characteristics),
    .primaries = gst_video_color_primaries_from_iso (info->colour_primaries),
  };

  if (!info->has_colour)
    return;
  g_autofree gchar *text = gst_video_colorimetry_to_string (&colorimetry);
  if (text)
    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, text, NULL);
}

/* The VUI's frame rate, else the one that the publisher announced. */
static void
get_frame_rate (const MillAvcInfo *info, const GstStructure *metadata,
    gint *ret_n, gint *ret_d)
{
  gdouble announced = 0;

  *ret_n = info->fps_n;
  *ret_d = info->fps_d;
  if (info->fps_n > 0)
    return;
  if (metadata)
    gst_structure_get_double (metadata, "framerate", &announced);
  if (announced > 0 && announced <= 1000)
    gst_util_double_to_fraction (announced, ret_n, ret_d);
}

GstCaps *
mill_rtmp_caps_from_avc (GBytes *data, const GstStructure *metadata,
    GstClockTime *ret_frame_duration, GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (data, &size);
  MillAvcInfo info;
  gint fps_n;
  gint fps_d;

  if (!mill_avc_parse_config (bytes, size, &info, error))
    return NULL;

  GstCaps *caps = gst_caps_new_simple ("video/x-h264", "stream-format",
      G_TYPE_STRING, "avc", "alignment", G_TYPE_STRING, "au", "parsed",
      G_TYPE_BOOLEAN, TRUE, "width", G_TYPE_INT, (gint) info.width, "height",
      G_TYPE_INT, (gint) info.height, "pixel-aspect-ratio", GST_TYPE_FRACTION,
      (gint) info.par_n, (gint) info.par_d, NULL);
  set_codec_data (caps, data);
  set_chroma_and_depth (caps, &info);
  set_colorimetry (caps, &info);
  gst_codec_utils_h264_caps_set_level_and_profile (caps,
      (guint8[]){ info.profile, info.constraints, info.level }, 3);
  if (!info.interlaced)
    gst_caps_set_simple (caps, "interlace-mode", G_TYPE_STRING, "progressive",
        NULL);

  get_frame_rate (&info, metadata, &fps_n, &fps_d);
  *ret_frame_duration = GST_CLOCK_TIME_NONE;
  if (fps_n > 0 && fps_d > 0) {
    gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, fps_n, fps_d,
        NULL);
    *ret_frame_duration = gst_util_uint64_scale_int (GST_SECOND, fps_d, fps_n);
  }
  return caps;
}

GstCaps *
mill_rtmp_caps_from_aac (GBytes *data, GstClockTime *ret_frame_duration,
    GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (data, &size);
  MillAacInfo info;

  if (!mill_aac_parse_config (bytes, size, &info, error))
    return NULL;

  /* What comes out of a decoder, as aacparse has it: ISO/IEC 14496-3 §1.6.5.
   * Parametric stereo makes two channels of one. */
  GstCaps *caps = gst_caps_new_simple ("audio/mpeg", "mpegversion", G_TYPE_INT,
      4, "stream-format", G_TYPE_STRING, "raw", "framed", G_TYPE_BOOLEAN, TRUE,
      "rate", G_TYPE_INT, (gint) info.output_sample_rate, "channels",
      G_TYPE_INT, info.ps ? 2 : (gint) info.channels, NULL);
  set_codec_data (caps, data);
  gst_codec_utils_aac_caps_set_level_and_profile (caps, bytes, size);
  *ret_frame_duration = gst_util_uint64_scale_int (GST_SECOND,
      info.frame_length, info.sample_rate);
  return caps;
}
