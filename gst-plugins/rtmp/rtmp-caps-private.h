/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-caps.h"

G_BEGIN_DECLS

/* What the files of rtmp-caps share. */

typedef GstCaps *(*MillRtmpCapsMake) (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);

/* rtmp-caps.c: @data: (transfer none) */
void mill_rtmp_caps_set_codec_data (GstCaps *caps, GBytes *data);
/* rtmp-caps.c: Returns NULL, to be returned. */
GstCaps *mill_rtmp_caps_fail (GError **error, const gchar *what, GBytes *config,
    const gchar *expected);

/* rtmp-caps-video.c */
GstCaps *mill_rtmp_caps_video_from_avc (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);
GstCaps *mill_rtmp_caps_video_from_hevc (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);
GstCaps *mill_rtmp_caps_video_from_av1 (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);
/* VP8 and VP9 */
GstCaps *mill_rtmp_caps_video_from_vpx (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);

/* rtmp-caps-audio.c */
GstCaps *mill_rtmp_caps_audio_from_aac (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);
GstCaps *mill_rtmp_caps_audio_from_opus (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);
GstCaps *mill_rtmp_caps_audio_from_flac (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);

/* rtmp-caps-in-band.c: MP3, AC-3 and E-AC-3 */
GstCaps *mill_rtmp_caps_in_band_make (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);

G_END_DECLS
