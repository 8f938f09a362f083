/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-caps.h"

#include "rtmp-caps-private.h"
#include "rtmp/rtmp-session.h"

static const struct
{
  guint32 fourcc;
  MillRtmpCapsMake make;
} makers[] = {
  { MILL_FLV_FOURCC_AVC, mill_rtmp_caps_video_from_avc },
  { MILL_FLV_FOURCC_AAC, mill_rtmp_caps_audio_from_aac },
  { MILL_FLV_FOURCC_HEVC, mill_rtmp_caps_video_from_hevc },
  { MILL_FLV_FOURCC_AV1, mill_rtmp_caps_video_from_av1 },
  { MILL_FLV_FOURCC_VP9, mill_rtmp_caps_video_from_vpx },
  { MILL_FLV_FOURCC_VP8, mill_rtmp_caps_video_from_vpx },
  { MILL_FLV_FOURCC_OPUS, mill_rtmp_caps_audio_from_opus },
  { MILL_FLV_FOURCC_FLAC, mill_rtmp_caps_audio_from_flac },
  { MILL_FLV_FOURCC_AC3, mill_rtmp_caps_in_band_make },
  { MILL_FLV_FOURCC_EAC3, mill_rtmp_caps_in_band_make },
  { MILL_FLV_FOURCC_MP3, mill_rtmp_caps_in_band_make },
};

void
mill_rtmp_caps_set_codec_data (GstCaps *caps, GBytes *data)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_wrapped_bytes (data);

  gst_caps_set_simple (caps, "codec_data", GST_TYPE_BUFFER, buffer, NULL);
}

GstCaps *
mill_rtmp_caps_fail (GError **error, const gchar *what, GBytes *config,
    const gchar *expected)
{
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
      "%s: got %" G_GSIZE_FORMAT " bytes, expected %s", what,
      g_bytes_get_size (config), expected);
  return NULL;
}

GstCaps *
mill_rtmp_caps_make (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (makers); i++) {
    GstClockTime duration = GST_CLOCK_TIME_NONE;

    if (makers[i].fourcc != source->fourcc)
      continue;
    GstCaps *caps = makers[i].make (source, &duration, error);
    if (caps)
      *ret_frame_duration = duration;
    return caps;
  }
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
      "codec %08x: got a configuration, expected one of a known codec",
      source->fourcc);
  return NULL;
}
