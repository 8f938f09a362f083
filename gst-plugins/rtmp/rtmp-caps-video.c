/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <gst/pbutils/pbutils.h>
#include <gst/video/video.h>

#include "codec/av1.h"
#include "codec/avc.h"
#include "codec/hevc.h"
#include "rtmp-caps-private.h"
#include "rtmp/rtmp-metadata.h"

#define MAX_SIZE 16384 /* pixels to a side, that a publisher may announce */

/* VP codec ISO media file format binding, VPCodecConfigurationRecord */
#define VPCC_SIZE 8
#define FULL_BOX_HEADER 4

/* ---- what all have ---- */

static void
set_chroma_and_depth (GstCaps *caps, guint chroma_format, guint bit_depth_luma,
    guint bit_depth_chroma)
{
  static const gchar *const formats[] = { "4:0:0", "4:2:0", "4:2:2", "4:4:4" };

  if (chroma_format < G_N_ELEMENTS (formats))
    gst_caps_set_simple (caps, "chroma-format", G_TYPE_STRING,
        formats[chroma_format], NULL);
  gst_caps_set_simple (caps, "bit-depth-luma", G_TYPE_UINT, bit_depth_luma,
      "bit-depth-chroma", G_TYPE_UINT, bit_depth_chroma, NULL);
}

/* Code points of ISO/IEC 23091-2. */
typedef struct
{
  guint primaries;
  guint transfer;
  guint matrix;
  gboolean full_range;
} Colour;

static void
set_colorimetry (GstCaps *caps, const Colour *colour)
{
  GstVideoColorimetry colorimetry = {
    .range = colour->full_range ? GST_VIDEO_COLOR_RANGE_0_255
                                : GST_VIDEO_COLOR_RANGE_16_235,
    .matrix = gst_video_color_matrix_from_iso (colour->matrix),
    .transfer = gst_video_transfer_function_from_iso (colour->transfer),
    .primaries = gst_video_color_primaries_from_iso (colour->primaries),
  };
  g_autofree gchar *text = gst_video_colorimetry_to_string (&colorimetry);

  if (text)
    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, text, NULL);
}

/* CTA-861.3, in cd/m². */
static void
set_light_level (GstCaps *caps, const MillFlvColorInfo *color)
{
  GstVideoContentLightLevel level = {
    .max_content_light_level = (guint16) color->max_cll,
    .max_frame_average_light_level = (guint16) color->max_fall,
  };

  gst_video_content_light_level_add_to_caps (&level, caps);
}

/* SMPTE ST 2086: coordinates in units of 0.00002, luminance of 0.0001 cd/m²;
 * GStreamer has red, green, blue in this order. */
static void
set_mastering (GstCaps *caps, const MillFlvColorInfo *color)
{
  const MillFlvChromaticity points[] = { color->red, color->green,
    color->blue };
  GstVideoMasteringDisplayInfo info = {
    .white_point = { (guint16) (color->white.x * 50000 + 0.5),
        (guint16) (color->white.y * 50000 + 0.5) },
    .max_display_mastering_luminance =
        (guint32) (color->max_luminance * 10000 + 0.5),
    .min_display_mastering_luminance =
        (guint32) (color->min_luminance * 10000 + 0.5),
  };

  for (guint i = 0; i < G_N_ELEMENTS (points); i++) {
    info.display_primaries[i].x = (guint16) (points[i].x * 50000 + 0.5);
    info.display_primaries[i].y = (guint16) (points[i].y * 50000 + 0.5);
  }
  gst_video_mastering_display_info_add_to_caps (&info, caps);
}

/* What colorInfo tells counts more than what the codec's configuration does;
 * the range is not in it. */
static void
set_color_info (GstCaps *caps, const MillFlvColorInfo *color,
    gboolean full_range)
{
  if (color->has_config) {
    Colour colour = { color->primaries, color->transfer, color->matrix,
      full_range };
    set_colorimetry (caps, &colour);
  }
  if (color->has_light_level)
    set_light_level (caps, color);
  if (color->has_mastering)
    set_mastering (caps, color);
}

static gdouble
get_announced (const MillRtmpCapsSource *source, const gchar *name)
{
  gdouble number = 0;

  mill_rtmp_metadata_get_number (source->metadata, MILL_FLV_KIND_VIDEO,
      source->track_id, name, &number);
  return number;
}

/* From a frame per minute to a thousand per second; a publisher may claim
 * anything, and a frame's duration is made of it. */
static gboolean
is_frame_rate (gint fps_n, gint fps_d)
{
  return fps_n > 0 && fps_d > 0 && (gint64) fps_n <= 1000 * (gint64) fps_d &&
      (gint64) fps_d <= 60 * (gint64) fps_n;
}

/* The configuration's frame rate, else the one that the publisher announced. */
static void
set_frame_rate (GstCaps *caps, const MillRtmpCapsSource *source, gint fps_n,
    gint fps_d, GstClockTime *ret_frame_duration)
{
  gdouble announced = get_announced (source, "framerate");

  if (!is_frame_rate (fps_n, fps_d) && announced > 0 && announced <= 1000)
    gst_util_double_to_fraction (announced, &fps_n, &fps_d);
  if (!is_frame_rate (fps_n, fps_d))
    return;
  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, fps_n, fps_d,
      NULL);
  *ret_frame_duration = gst_util_uint64_scale_int (GST_SECOND, fps_d, fps_n);
}

/* Of codecs whose configuration does not tell it. */
static void
set_announced_size (GstCaps *caps, const MillRtmpCapsSource *source)
{
  gdouble width = get_announced (source, "width");
  gdouble height = get_announced (source, "height");

  if (width >= 1 && width <= MAX_SIZE && height >= 1 && height <= MAX_SIZE)
    gst_caps_set_simple (caps, "width", G_TYPE_INT, (gint) width, "height",
        G_TYPE_INT, (gint) height, NULL);
}

/* ---- codecs ---- */

GstCaps *
mill_rtmp_caps_video_from_avc (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (source->config, &size);
  MillAvcInfo info;

  if (!mill_avc_parse_config (bytes, size, &info, error))
    return NULL;

  GstCaps *caps = gst_caps_new_simple ("video/x-h264", "stream-format",
      G_TYPE_STRING, "avc", "alignment", G_TYPE_STRING, "au", "parsed",
      G_TYPE_BOOLEAN, TRUE, "width", G_TYPE_INT, (gint) info.width, "height",
      G_TYPE_INT, (gint) info.height, "pixel-aspect-ratio", GST_TYPE_FRACTION,
      (gint) info.par_n, (gint) info.par_d, NULL);
  mill_rtmp_caps_set_codec_data (caps, source->config);
  set_chroma_and_depth (caps, info.chroma_format, info.bit_depth_luma,
      info.bit_depth_chroma);
  if (info.has_colour) {
    Colour colour = { info.colour_primaries, info.transfer_characteristics,
      info.matrix_coefficients, info.full_range };
    set_colorimetry (caps, &colour);
  }
  set_color_info (caps, &source->color, info.full_range);
  gst_codec_utils_h264_caps_set_level_and_profile (caps,
      (guint8[]){ info.profile, info.constraints, info.level }, 3);
  if (!info.interlaced)
    gst_caps_set_simple (caps, "interlace-mode", G_TYPE_STRING, "progressive",
        NULL);
  set_frame_rate (caps, source, info.fps_n, info.fps_d, ret_frame_duration);
  return caps;
}

/* What lib/codec knows of a record, and what only the publisher does. */
static void
describe (GstCaps *caps, const MillRtmpCapsSource *source,
    const MillCodecInfo *info, GstClockTime *ret_frame_duration)
{
  mill_rtmp_caps_set_codec_data (caps, source->config);
  if (info->width > 0 && info->height > 0)
    gst_caps_set_simple (caps, "width", G_TYPE_INT, (gint) info->width,
        "height", G_TYPE_INT, (gint) info->height, NULL);
  else
    set_announced_size (caps, source);
  if (info->par_n > 0 && info->par_d > 0)
    gst_caps_set_simple (caps, "pixel-aspect-ratio", GST_TYPE_FRACTION,
        (gint) info->par_n, (gint) info->par_d, NULL);
  set_chroma_and_depth (caps, info->chroma_format, info->bit_depth,
      info->bit_depth);
  if (info->colour.known) {
    Colour colour = { info->colour.primaries, info->colour.transfer,
      info->colour.matrix, info->colour.full_range };
    set_colorimetry (caps, &colour);
  }
  set_color_info (caps, &source->color, info->colour.full_range);
  set_frame_rate (caps, source, (gint) info->fps_n, (gint) info->fps_d,
      ret_frame_duration);
}

/* The record has the general profile_tier_level from its second byte on. */
GstCaps *
mill_rtmp_caps_video_from_hevc (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (source->config, &size);
  MillCodecInfo info;

  if (!mill_hevc_parse_config (bytes, size, &info, error))
    return NULL;
  GstCaps *caps = gst_caps_new_simple ("video/x-h265", "stream-format",
      G_TYPE_STRING, "hvc1", "alignment", G_TYPE_STRING, "au", "parsed",
      G_TYPE_BOOLEAN, TRUE, NULL);
  describe (caps, source, &info, ret_frame_duration);
  gst_codec_utils_h265_caps_set_level_tier_and_profile (caps, bytes + 1, 12);
  return caps;
}

GstCaps *
mill_rtmp_caps_video_from_av1 (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  static const gchar *const profiles[] = { "main", "high", "professional" };
  gsize size;
  const guint8 *bytes = g_bytes_get_data (source->config, &size);
  MillCodecInfo info;

  if (!mill_av1_parse_config (bytes, size, &info, error))
    return NULL;
  GstCaps *caps = gst_caps_new_simple ("video/x-av1", "stream-format",
      G_TYPE_STRING, "obu-stream", "alignment", G_TYPE_STRING, "tu", "parsed",
      G_TYPE_BOOLEAN, TRUE, NULL);
  describe (caps, source, &info, ret_frame_duration);
  if (info.profile < G_N_ELEMENTS (profiles))
    gst_caps_set_simple (caps, "profile", G_TYPE_STRING, profiles[info.profile],
        NULL);
  return caps;
}

static const guint8 vpcc_full_box[FULL_BOX_HEADER] = { 1, 0, 0, 0 };

/* Some send the whole box, whose version and flags come first; no record begins
 * like that, with a bit depth of 0. */
static GBytes *
get_vpx_record (GBytes *config)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (config, &size);

  if (size < VPCC_SIZE + FULL_BOX_HEADER ||
      memcmp (bytes, vpcc_full_box, FULL_BOX_HEADER) != 0)
    return g_bytes_ref (config);
  return g_bytes_new_from_bytes (config, FULL_BOX_HEADER,
      size - FULL_BOX_HEADER);
}

/* The payload of the box, as lib/codec takes it. */
static void
set_vpx_codec_data (GstCaps *caps, const guint8 *record)
{
  guint8 data[FULL_BOX_HEADER + VPCC_SIZE];

  memcpy (data, vpcc_full_box, FULL_BOX_HEADER);
  memcpy (data + FULL_BOX_HEADER, record, VPCC_SIZE);
  g_autoptr (GBytes) payload = g_bytes_new (data, sizeof data);
  mill_rtmp_caps_set_codec_data (caps, payload);
}

GstCaps *
mill_rtmp_caps_video_from_vpx (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  g_autoptr (GBytes) record = get_vpx_record (source->config);
  gboolean is_vp9 = source->fourcc == MILL_FLV_FOURCC_VP9;
  gsize size;
  const guint8 *bytes = g_bytes_get_data (record, &size);

  if (size < VPCC_SIZE || bytes[0] > 3)
    return mill_rtmp_caps_fail (error, "VP codec configuration", record,
        "a VPCodecConfigurationRecord");
  GstCaps *caps =
      gst_caps_new_empty_simple (is_vp9 ? "video/x-vp9" : "video/x-vp8");
  gst_caps_set_simple (caps, "profile", G_TYPE_STRING,
      (const gchar *[]){ "0", "1", "2", "3" }[bytes[0]], NULL);
  if (is_vp9) {
    /* 4:2:0 in two ways, then 4:2:2 and 4:4:4 */
    guint chroma = MAX ((bytes[2] >> 1) & 7, 1);
    guint depth = bytes[2] >> 4;
    gst_caps_set_simple (caps, "alignment", G_TYPE_STRING, "super-frame",
        "parsed", G_TYPE_BOOLEAN, TRUE, NULL);
    set_vpx_codec_data (caps, bytes);
    if (depth == 8 || depth == 10 || depth == 12)
      set_chroma_and_depth (caps, chroma, depth, depth);
    if (bytes[3] != 2 || bytes[4] != 2 || bytes[5] != 2) {
      Colour colour = { bytes[3], bytes[4], bytes[5], bytes[2] & 1 };
      set_colorimetry (caps, &colour);
    }
  }
  set_announced_size (caps, source);
  set_color_info (caps, &source->color, bytes[2] & 1);
  set_frame_rate (caps, source, 0, 1, ret_frame_duration);
  return caps;
}
