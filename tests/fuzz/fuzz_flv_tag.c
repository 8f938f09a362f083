/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp/flv-color-info.h"
#include "rtmp/flv-ex.h"
#include "rtmp/flv-tag.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Tracks lie inside the message, one behind the other. */
static void
read_tracks (MillFlvKind kind, const guint8 *data, gsize size)
{
  MillFlvExReader reader;
  MillFlvExTrack track;
  MillFlvColorInfo info;
  gsize end = 0;
  if (size == 0 || !mill_flv_ex_is_extended (kind, data) ||
      !mill_flv_ex_open (&reader, kind, data, size, NULL))
    return;
  g_assert_cmpuint (reader.nano_offset, <, 1000000);
  while (mill_flv_ex_next (&reader, &track, NULL)) {
    g_assert_cmpuint (track.offset, >=, end);
    g_assert_cmpuint (track.offset + track.size, <=, size);
    end = track.offset + track.size;
    if (kind == MILL_FLV_KIND_VIDEO &&
        reader.packet_type == MILL_FLV_EX_VIDEO_METADATA)
      mill_flv_color_info_parse (data + track.offset, track.size, &info, NULL);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  read_tracks (MILL_FLV_KIND_VIDEO, data, size);
  read_tracks (MILL_FLV_KIND_AUDIO, data, size);
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
