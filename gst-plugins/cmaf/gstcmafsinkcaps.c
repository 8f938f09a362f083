/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkcaps.h"

#include "codec/aac.h"
#include "codec/avc.h"

#define VIDEO_TIMESCALE 90000 /* divides 24, 25, 30, 50, 60, 30000/1001 */

static gboolean
describe_video (const GstStructure *caps, MillCmafLaneFormat *format,
    guint *ret_nal_length_size, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (format->codec_data, &size);
  MillAvcInfo avc;
  if (!mill_avc_parse_config (data, size, &avc, error))
    return FALSE;
  MillCmafFormat *out = &format->format;
  out->kind = MILL_CMAF_VIDEO;
  out->timescale = VIDEO_TIMESCALE;
  out->width = avc.width;
  out->height = avc.height;
  out->par_n = avc.par_n;
  out->par_d = avc.par_d;
  gint fps_n;
  gint fps_d;
  if (gst_structure_get_fraction (caps, "framerate", &fps_n, &fps_d) &&
      fps_n > 0 && fps_d > 0) {
    out->fps_n = (guint) fps_n;
    out->fps_d = (guint) fps_d;
  } else {
    out->fps_n = avc.fps_n;
    out->fps_d = avc.fps_d;
  }
  out->codec = mill_avc_get_codec_string (&avc);
  *ret_nal_length_size = avc.nal_length_size;
  return TRUE;
}

static gboolean
describe_audio (MillCmafLaneFormat *format, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (format->codec_data, &size);
  MillAacInfo aac;
  if (!mill_aac_parse_config (data, size, &aac, error))
    return FALSE;
  MillCmafFormat *out = &format->format;
  out->kind = MILL_CMAF_AUDIO;
  out->timescale = aac.sample_rate;
  out->sample_rate = aac.output_sample_rate;
  out->channels = aac.ps ? 2 : aac.channels;
  out->codec = mill_aac_get_codec_string (&aac);
  format->frame_length = aac.frame_length;
  return TRUE;
}

static GBytes *
get_codec_data (const GstStructure *caps)
{
  const GValue *value = gst_structure_get_value (caps, "codec_data");
  GstBuffer *buffer = value ? gst_value_get_buffer (value) : NULL;
  if (buffer == NULL || gst_buffer_get_size (buffer) == 0)
    return NULL;
  gsize size = gst_buffer_get_size (buffer);
  guint8 *data = g_malloc (size);
  gst_buffer_extract (buffer, 0, data, size);
  return g_bytes_new_take (data, size);
}

/* Alignment may be missing: FLV has no other than whole access units. */
static gboolean
is_supported (MillCmafKind kind, const GstStructure *caps)
{
  const gchar *stream_format = gst_structure_get_string (caps, "stream-format");
  if (kind == MILL_CMAF_VIDEO) {
    const gchar *alignment = gst_structure_get_string (caps, "alignment");
    return gst_structure_has_name (caps, "video/x-h264") &&
        g_strcmp0 (stream_format, "avc") == 0 &&
        (alignment == NULL || g_str_equal (alignment, "au"));
  }
  gint version = 0;
  gst_structure_get_int (caps, "mpegversion", &version);
  return gst_structure_has_name (caps, "audio/mpeg") &&
      (version == 4 || version == 2) &&
      (stream_format == NULL || g_str_equal (stream_format, "raw"));
}

void
gst_cmaf_sink_caps_clear_format (MillCmafLaneFormat *format)
{
  mill_cmaf_state_clear_format (&format->format);
  g_clear_pointer (&format->codec_data, g_bytes_unref);
}

gboolean
gst_cmaf_sink_caps_describe (MillCmafKind kind, const GstCaps *caps,
    MillCmafLaneFormat *ret_format, guint *ret_nal_length_size, GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (!is_supported (kind, structure)) {
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        "not supported");
    return FALSE;
  }
  MillCmafLaneFormat format = { .codec_data = get_codec_data (structure) };
  if (format.codec_data == NULL) {
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        "codec_data is missing");
    return FALSE;
  }
  guint nal_length_size = 0;
  gboolean described = kind == MILL_CMAF_VIDEO
      ? describe_video (structure, &format, &nal_length_size, error)
      : describe_audio (&format, error);
  if (!described) {
    gst_cmaf_sink_caps_clear_format (&format);
    return FALSE;
  }
  *ret_format = format;
  *ret_nal_length_size = nal_length_size;
  return TRUE;
}
