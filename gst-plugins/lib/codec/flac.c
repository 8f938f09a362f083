/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/flac.h"

#include <string.h>

#include "codec/codec-bits-private.h"

#define STREAMINFO_SIZE 34
#define OGG_MAGIC "\177FLAC"
#define OGG_HEAD 9
#define MAGIC "fLaC"

gboolean
mill_flac_parse_config (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  /* RFC 9639 §9.1.3, table 17, as ISO/IEC 23091-3 has it. */
  static const guint8 configurations[] = { 0, 1, 2, 3, 0, 5, 6, 11, 12 };
  BitsReader reader;
  bits_init (&reader, data, size);
  guint version = bits_get (&reader, 8);
  bits_skip (&reader, 24 + 1);
  guint type = bits_get (&reader, 7);
  guint length = bits_get (&reader, 24);
  bits_skip (&reader, 16); /* least block */
  guint longest = bits_get (&reader, 16);
  bits_skip (&reader, 24 + 24); /* least and largest frame in bytes */
  guint rate = bits_get (&reader, 20);
  guint channels = bits_get (&reader, 3) + 1;
  guint bits = bits_get (&reader, 5) + 1;
  bits_skip (&reader, 4 + 32);
  for (guint i = 0; i < 4; i++)
    bits_skip (&reader, 32); /* MD5 */
  if (!bits_check (&reader, "dfLa", error))
    return FALSE;
  if (version != 0 || type != 0 || length != STREAMINFO_SIZE)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "dfLa: got another version or first block, expected STREAMINFO of 34 "
        "bytes");
  if (rate == 0 || longest < 16 || bits < 4)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "dfLa: got an impossible sample rate, block or sample size, expected "
        "what RFC 9639 8.2 allows");
  *ret_info = (MillCodecInfo){
    .codec = MILL_CODEC_FLAC,
    .sample_entry = bits_fourcc ('f', 'L', 'a', 'C'),
    .name = "fLaC",
    .sample_rate = rate,
    .output_sample_rate = rate,
    .channels = channels,
    .frame_length = longest,
    .bits_per_sample = bits,
    .channel_configuration = configurations[channels],
  };
  return TRUE;
}

GBytes *
mill_flac_build_config (const guint8 *head, gsize size, GError **error)
{
  if (size >= OGG_HEAD && memcmp (head, OGG_MAGIC, strlen (OGG_MAGIC)) == 0) {
    head += OGG_HEAD;
    size -= OGG_HEAD;
  }
  if (size >= strlen (MAGIC) && memcmp (head, MAGIC, strlen (MAGIC)) == 0) {
    head += strlen (MAGIC);
    size -= strlen (MAGIC);
  }
  if (size < 4 + STREAMINFO_SIZE) {
    bits_refuse (error, MILL_CODEC_ERROR_TRUNCATED,
        "FLAC: got fewer bytes, expected a STREAMINFO block of 38");
    return NULL;
  }
  guint8 record[4 + 4 + STREAMINFO_SIZE] = { 0 };
  memcpy (record + 4, head, 4 + STREAMINFO_SIZE);
  record[4] |= 0x80; /* the last block that is kept */
  MillCodecInfo info;
  if (!mill_flac_parse_config (record, sizeof record, &info, error))
    return NULL;
  return g_bytes_new (record, sizeof record);
}

/* Bytes of the coded number after the fixed part of a frame header, §9.1.5; 0
 * for none. */
static guint
count_coded_number (guint8 first)
{
  guint n = 0;
  while (n < 8 && (first & (0x80 >> n)) != 0)
    n++;
  if (n == 0)
    return 1;
  return n == 1 || n == 8 ? 0 : n;
}

guint
mill_flac_get_frame_length (const guint8 *frame, gsize size)
{
  /* 14 bits of sync code, one that is 0; §9.1.1 has the block sizes. */
  if (size < 5 || frame[0] != 0xff || (frame[1] & 0xfe) != 0xf8)
    return 0;
  guint code = frame[2] >> 4;
  if (code == 1)
    return 192;
  if (code >= 2 && code <= 5)
    return 576u << (code - 2);
  if (code >= 8)
    return 256u << (code - 8);
  guint number = count_coded_number (frame[4]);
  gsize at = 4 + number;
  if (code == 0 || number == 0 || at + (code == 6 ? 1 : 2) > size)
    return 0;
  return code == 6 ? frame[at] + 1u : (frame[at] << 8 | frame[at + 1]) + 1u;
}
