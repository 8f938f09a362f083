/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The first byte chooses the codec; the rest is a record, the head of a stream
 * and a frame of it in turn. What can be parsed can be put into a CMAF header
 * and is found there again. */
#include "bmff/bmff-init.h"
#include "bmff/bmff-reader.h"
#include "codec/ac3.h"
#include "codec/av1.h"
#include "codec/flac.h"
#include "codec/hevc.h"
#include "codec/mp3.h"
#include "codec/opus.h"
#include "codec/vp9.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
write_header (const MillCodecInfo *info, GBytes *record)
{
  MillBmffTrack track = {
    .track_id = 1,
    .timescale = 90000,
    .codec = info,
    .codec_data = record,
  };
  g_auto (MillBmffWriter) w = { 0 };
  /* A picture's size may be elsewhere. */
  if (!mill_bmff_init_write (&w, &track, NULL))
    return;
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (w.data, w.size, NULL);
  g_assert (init != NULL && init->codec == info->sample_entry);
  g_assert (info->codec == MILL_CODEC_MP3 || info->codec == MILL_CODEC_OPUS ||
      g_bytes_equal (init->codec_data, record));
}

static void
parse (MillCodec codec, GBytes *record)
{
  MillCodecInfo info;
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  if (!mill_codec_parse_config (codec, data, size, &info, NULL))
    return;
  g_assert (info.codec == codec && info.sample_entry != 0);
  g_assert (info.name[0] != '\0');
  if (mill_codec_is_video (codec))
    g_assert (info.par_n > 0 && info.par_d > 0);
  else
    g_assert (info.frame_length > 0 && info.channels > 0);
  write_header (&info, record);
}

/* A record that was made is one that can be read. */
static void
check_built (MillCodec codec, GBytes *record)
{
  MillCodecInfo info;
  gsize size;
  if (record == NULL)
    return;
  const guint8 *data = g_bytes_get_data (record, &size);
  gboolean parsed = mill_codec_parse_config (codec, data, size, &info, NULL);
  g_assert (parsed);
  parse (codec, record);
  g_bytes_unref (record);
}

static void
build (MillCodec codec, const guint8 *data, gsize size)
{
  MillCodecInfo info;
  MillCodec found;
  MillCodecHdr hdr = { 0 };
  GBytes *record;
  switch (codec) {
    case MILL_CODEC_AV1:
      check_built (codec, mill_av1_build_config (data, size, NULL));
      g_assert (mill_av1_get_delimiter_size (data, size) <= size);
      mill_av1_is_sync (data, size);
      mill_av1_find_hdr (data, size, &hdr);
      break;
    case MILL_CODEC_VP9:
      if (mill_vp9_parse_key_frame (data, size, &info, NULL))
        check_built (codec, mill_vp9_build_config (&info));
      break;
    case MILL_CODEC_OPUS:
      check_built (codec, mill_opus_build_config (data, size, NULL));
      break;
    case MILL_CODEC_FLAC:
      check_built (codec, mill_flac_build_config (data, size, NULL));
      break;
    case MILL_CODEC_AC3:
    case MILL_CODEC_EAC3:
      record = mill_ac3_build_config (data, size, &found, NULL);
      if (record != NULL)
        check_built (found, record);
      break;
    case MILL_CODEC_MP3:
      check_built (codec, mill_mp3_build_config (data, size, NULL));
      break;
    default:
      for (guint length = 1; length <= 4; length++) {
        mill_hevc_get_access (data, size, length);
        mill_hevc_find_hdr (data, size, length, &hdr);
      }
  }
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size == 0)
    return 0;
  MillCodec codec = data[0] % (MILL_CODEC_MP3 + 1);
  g_autoptr (GBytes) record = g_bytes_new (data + 1, size - 1);
  MillCodecInfo info = { .codec = codec, .frame_length = 1 };
  parse (codec, record);
  build (codec, data + 1, size - 1);
  g_assert (mill_codec_get_frame_length (&info, data + 1, size - 1) > 0);
  return 0;
}
