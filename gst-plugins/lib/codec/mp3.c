/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/mp3.h"

#include "codec/codec-bits-private.h"

#define HEADER_SIZE 4
#define MPEG_1 3

guint8
mill_mp3_get_object_type (const MillCodecInfo *info)
{
  return info->frame_length == 1152 ? 0x6b : 0x69;
}

gboolean
mill_mp3_parse_config (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  /* By ID, with that of MPEG-2.5 (0): an extension that everybody has. */
  static const guint rates[][3] = { { 11025, 12000, 8000 }, { 0, 0, 0 },
    { 22050, 24000, 16000 }, { 44100, 48000, 32000 } };
  BitsReader reader;
  bits_init (&reader, data, MIN (size, HEADER_SIZE));
  guint sync = bits_get (&reader, 11);
  guint version = bits_get (&reader, 2);
  guint layer = 4 - bits_get (&reader, 2);
  bits_skip (&reader, 1);
  guint bitrate = bits_get (&reader, 4);
  guint rate = bits_get (&reader, 2);
  bits_skip (&reader, 2);
  guint mode = bits_get (&reader, 2);
  bits_skip (&reader, 6);
  if (!bits_check (&reader, "MPEG audio header", error))
    return FALSE;
  if (sync != 0x7ff || version == 1 || layer == 4 || bitrate == 15 || rate == 3)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "MPEG audio header: got a reserved value, expected a frame");
  if (layer != 3) {
    g_set_error (error, MILL_CODEC_ERROR, MILL_CODEC_ERROR_UNSUPPORTED,
        "MPEG audio: got layer %u, expected 3 (MP3)", layer);
    return FALSE;
  }
  MillCodecInfo info = {
    .codec = MILL_CODEC_MP3,
    .sample_entry = bits_fourcc ('m', 'p', '4', 'a'),
    .sample_rate = rates[version][rate],
    .output_sample_rate = rates[version][rate],
    .channels = mode == 3 ? 1 : 2,
    .frame_length = version == MPEG_1 ? 1152 : 576,
    .channel_configuration = mode == 3 ? 1 : 2,
  };
  g_snprintf (info.name, sizeof info.name, "mp4a.%02X",
      mill_mp3_get_object_type (&info));
  *ret_info = info;
  return TRUE;
}

GBytes *
mill_mp3_build_config (const guint8 *frame, gsize size, GError **error)
{
  MillCodecInfo info;
  if (!mill_mp3_parse_config (frame, size, &info, error))
    return NULL;
  return g_bytes_new (frame, HEADER_SIZE);
}
