/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp/flv-tag.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  MillFlvVideoTag video;
  if (mill_flv_tag_parse_video (data, size, &video, NULL)) {
    g_assert_cmpuint (video.header_size, <=, size);
    g_free (mill_flv_tag_video_codec_name (&video));
  }
  MillFlvAudioTag audio;
  if (mill_flv_tag_parse_audio (data, size, &audio, NULL)) {
    g_assert_cmpuint (audio.header_size, <=, size);
    g_free (mill_flv_tag_audio_codec_name (&audio));
  }
  return 0;
}
