/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/opus.h"

#include <string.h>

#include "codec/codec-bits-private.h"

#define RATE 48000
#define MAGIC "OpusHead"
/* RFC 7845 §5.1: up to the mapping family. */
#define HEAD_SIZE 19
/* 120 ms, RFC 6716 §3.2.5 */
#define MAX_FRAME 5760
/* What a decoder wants before it is right: 80 ms, RFC 7845 §4.6. */
#define PREROLL 3840
#define USUAL_FRAME 960

gboolean
mill_opus_parse_config (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  /* ISO/IEC 23091-3, for the orders of channels of RFC 7845 §5.1.1.2. */
  static const guint8 configurations[] = { 0, 1, 2, 3, 0, 5, 6, 0, 12 };
  BitsReader reader;
  bits_init (&reader, data, size);
  guint version = bits_get (&reader, 8);
  guint channels = bits_get (&reader, 8);
  guint pre_skip = bits_get (&reader, 16);
  bits_skip (&reader, 32 + 16); /* input rate, gain */
  guint family = bits_get (&reader, 8);
  if (family != 0)
    bits_skip (&reader, 16 + 8 * channels);
  if (!bits_check (&reader, "dOps", error))
    return FALSE;
  if (version != 0 || channels == 0 || (family == 0 && channels > 2))
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "dOps: got another version or impossible channels, expected version 0 "
        "and channels, at most 2 without a mapping");
  *ret_info = (MillCodecInfo){
    .codec = MILL_CODEC_OPUS,
    .sample_entry = bits_fourcc ('O', 'p', 'u', 's'),
    .name = "Opus",
    .sample_rate = RATE,
    .output_sample_rate = RATE,
    .channels = channels,
    .frame_length = USUAL_FRAME,
    .channel_configuration = family <= 1 &&
            channels < G_N_ELEMENTS (configurations)
        ? configurations[channels]
        : 0,
    .roll_distance = -PREROLL / USUAL_FRAME,
    .pre_skip = pre_skip,
  };
  return TRUE;
}

static guint16
get_le16 (const guint8 *data)
{
  return data[0] | data[1] << 8;
}

GBytes *
mill_opus_build_config (const guint8 *head, gsize size, GError **error)
{
  if (size < HEAD_SIZE || memcmp (head, MAGIC, strlen (MAGIC)) != 0) {
    bits_refuse (error, MILL_CODEC_ERROR_TRUNCATED,
        "OpusHead: got something else, expected 'OpusHead' and its 11 bytes");
    return NULL;
  }
  guint channels = head[9];
  gsize mapping = head[18] != 0 ? 2 + channels : 0;
  /* Numbers are little-endian there and big-endian here. */
  guint16 pre_skip = get_le16 (head + 10);
  guint16 gain = get_le16 (head + 16);
  const guint8 record[] = { 0, channels, pre_skip >> 8, pre_skip & 0xff,
    head[15], head[14], head[13], head[12], gain >> 8, gain & 0xff, head[18] };
  if (size < HEAD_SIZE + mapping) {
    bits_refuse (error, MILL_CODEC_ERROR_TRUNCATED,
        "OpusHead: got an end inside of its channel mapping, expected all");
    return NULL;
  }
  GByteArray *config = g_byte_array_new ();
  g_byte_array_append (config, record, sizeof record);
  g_byte_array_append (config, head + HEAD_SIZE, mapping);
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (config);
  gsize config_size;
  const guint8 *data = g_bytes_get_data (bytes, &config_size);
  MillCodecInfo info;
  if (!mill_opus_parse_config (data, config_size, &info, error))
    return NULL;
  return g_steal_pointer (&bytes);
}

guint
mill_opus_get_frame_length (const guint8 *packet, gsize size)
{
  static const guint16 silk[] = { 480, 960, 1920, 2880 };
  static const guint16 celt[] = { 120, 240, 480, 960 };
  if (size == 0)
    return 0;
  guint configuration = packet[0] >> 3;
  guint frame = configuration < 12 ? silk[configuration & 3]
      : configuration < 16         ? silk[configuration & 1]
                                   : celt[configuration & 3];
  guint n = (packet[0] & 3) == 0 ? 1 : 2;
  if ((packet[0] & 3) == 3)
    n = size > 1 ? packet[1] & 0x3f : 0;
  return n * frame <= MAX_FRAME ? n * frame : 0;
}
