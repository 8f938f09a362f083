/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What is read from the frames themselves. A user would notice: a player that
 * begins where nothing can be decoded, HDR in wrong colours, sound that is out
 * of step. */
#include "codec/codec.h"

#include <string.h>

#include <gst/gst.h>

#include "codec/av1.h"
#include "codec/hevc.h"
#include "codec/vp9.h"
#include "hex.h"

/* ---- where decoding can begin ---- */

static void
test_hevc_access (void)
{
  /* H.265 Table 7-1: 35 access unit delimiter, 39 prefix SEI, then the slice. */
  static const struct
  {
    const gchar *unit;
    MillHevcAccess access;
  } cases[] = {
    { "00000003 460150 00000003 2601af", MILL_HEVC_ACCESS_CLOSED }, /* IDR 19 */
    { "00000003 2801af", MILL_HEVC_ACCESS_CLOSED }, /* IDR_N_LP 20 */
    { "00000003 2001af", MILL_HEVC_ACCESS_CLOSED }, /* BLA_W_LP 16 */
    { "00000003 4e0105 00000003 2a01af", MILL_HEVC_ACCESS_OPEN }, /* CRA 21 */
    { "00000003 0201d0", MILL_HEVC_ACCESS_NONE }, /* TRAIL_R 1 */
    { "00000003 2c01d0", MILL_HEVC_ACCESS_NONE }, /* reserved 22 */
    { "00000003 0201d0 00000003 2601af", MILL_HEVC_ACCESS_NONE },
    { "00000009 2601af", MILL_HEVC_ACCESS_NONE }, /* damaged */
    { "00000000", MILL_HEVC_ACCESS_NONE },
    { "", MILL_HEVC_ACCESS_NONE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) unit = hex_to_bytes (cases[i].unit);
    gsize size;
    const guint8 *data = g_bytes_get_data (unit, &size);
    g_assert_cmpint (mill_hevc_get_access (data, size, 4), ==, cases[i].access);
  }
}

static void
test_av1_sync (void)
{
  /* Specification §5.9.2: show_existing_frame, frame_type, show_frame. */
  static const struct
  {
    const gchar *unit;
    gboolean sync;
    gsize delimiter;
  } cases[] = {
    { "1200 0a0b000000043cfeccfbf90040 3202 1000", TRUE, 2 },
    { "0a0b000000043cfeccfbf90040 3202 1000", TRUE, 0 },
    { "1200 0a0b000000043cfeccfbf90040 3202 0000", FALSE, 2 }, /* not shown */
    { "1200 3202 1000", FALSE, 2 }, /* no sequence header */
    { "1200 0a0b000000043cfeccfbf90040 3202 3000", FALSE, 2 }, /* inter */
    { "1200 1a02 8000", FALSE, 2 }, /* shows an existing frame */
    { "1200", FALSE, 0 }, /* nothing else: kept, a sample is not empty */
    { "0aff", FALSE, 0 }, /* a size past the end */
    { "", FALSE, 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) unit = hex_to_bytes (cases[i].unit);
    gsize size;
    const guint8 *data = g_bytes_get_data (unit, &size);
    g_assert_cmpint (mill_av1_is_sync (data, size), ==, cases[i].sync);
    g_assert_cmpuint (mill_av1_get_delimiter_size (data, size), ==,
        cases[i].delimiter);
  }
}

static void
test_vp9_key_frame (void)
{
  /* §6.2: marker 2, profile 0, show_existing_frame, frame_type. */
  static const guint8 key = 0x82;
  static const guint8 inter = 0x86;
  static const guint8 existing = 0x88;
  g_assert_true (mill_vp9_is_key_frame (&key, 1));
  g_assert_false (mill_vp9_is_key_frame (&inter, 1));
  g_assert_false (mill_vp9_is_key_frame (&existing, 1));
  g_assert_false (mill_vp9_is_key_frame (&key, 0));
}

/* ---- HDR in the stream ---- */

/* The values of x265's documentation: a display of P3 D65, 1000 cd/m². */
static void
assert_hdr (const MillCodecHdr *hdr)
{
  static const guint16 primaries[3][2] = { { 13250, 34500 }, { 7500, 3000 },
    { 34000, 16000 } };
  g_assert_true (hdr->has_mastering && hdr->has_light);
  g_assert_cmpmem (hdr->primaries, sizeof primaries, primaries,
      sizeof primaries);
  g_assert_cmpuint (hdr->white[0], ==, 15635);
  g_assert_cmpuint (hdr->white[1], ==, 16450);
  g_assert_cmpuint (hdr->max_luminance, ==, 10000000);
  g_assert_cmpuint (hdr->min_luminance, ==, 50);
  g_assert_cmpuint (hdr->max_cll, ==, 1000);
  g_assert_cmpuint (hdr->max_fall, ==, 400);
}

typedef void (*HdrFunc) (const guint8 *data, gsize size, MillCodecHdr *hdr);

static void
find_in_hevc (const guint8 *data, gsize size, MillCodecHdr *hdr)
{
  mill_hevc_find_hdr (data, size, 4, hdr);
}

static const struct
{
  HdrFunc find;
  const gchar *unit;
} hdr_units[] = {
  /* H.265 §7.3.5: a message of type 5 first, then 137 (24 bytes, one 03 of
   * emulation prevention in it), then 144 (4 bytes), each SEI before the IDR */
  { find_in_hevc,
      "00000028 4e01 0502aabb 8918 33c2 86c4 1d4c 0bb8 84d0 3e80 3d13 4042"
      "00989680 000003 0032 9004 03e8 0190 80"
      "00000003 2601af" },
  /* AV1 §5.8.3, §5.8.4: 16, 24.8 and 18.14 bits after the decimal point; red
   * first; then light level; then the sequence header */
  { mill_av1_find_hdr,
      "2a19 02 ae14 51ec 43d7 b0a4 2666 0f5c 500d 5439 0003e800 00000052"
      "2a05 01 03e8 0190 0a0b000000043cfeccfbf90040" },
};

static void
test_hdr (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (hdr_units); i++) {
    g_autoptr (GBytes) unit = hex_to_bytes (hdr_units[i].unit);
    gsize size;
    const guint8 *data = g_bytes_get_data (unit, &size);
    MillCodecHdr hdr = { 0 };
    hdr_units[i].find (data, size, &hdr);
    assert_hdr (&hdr);
    /* What is known already stays. */
    hdr.max_luminance = 10000000;
    hdr.max_cll = 7;
    hdr_units[i].find (data, size, &hdr);
    g_assert_cmpuint (hdr.max_cll, ==, 7);
    for (gsize length = 0; length < size; length++) {
      g_autofree guint8 *copy = g_memdup2 (data, length);
      MillCodecHdr part = { 0 };
      hdr_units[i].find (copy, length, &part);
      if (part.has_mastering)
        g_assert_cmpuint (part.max_luminance, ==, 10000000);
    }
  }
}

/* ---- how long a frame lasts ---- */

static void
test_frame_lengths (void)
{
  static const struct
  {
    MillCodec codec;
    const gchar *frame;
    guint length;
  } cases[] = {
    /* RFC 6716 §3.1, table 2 */
    { MILL_CODEC_OPUS, "08", 960 }, /* SILK 20 ms, one frame */
    { MILL_CODEC_OPUS, "18", 2880 }, /* SILK 60 ms */
    { MILL_CODEC_OPUS, "e0", 120 }, /* CELT 2.5 ms */
    { MILL_CODEC_OPUS, "f9", 1920 }, /* CELT 20 ms, two frames */
    { MILL_CODEC_OPUS, "fb03", 2880 }, /* CELT 20 ms, code 3, three frames */
    { MILL_CODEC_OPUS, "fb3f", 7 }, /* 1.26 s: none, so the track's */
    { MILL_CODEC_OPUS, "", 7 },
    /* RFC 9639 §9.1.1 */
    { MILL_CODEC_FLAC, "fff85a0800814e", 4608 }, /* 576 * 2^3 */
    { MILL_CODEC_FLAC, "fff8da080081", 8192 }, /* 256 * 2^5 */
    { MILL_CODEC_FLAC, "fff81a0800", 192 },
    { MILL_CODEC_FLAC, "fff8 6a 08 05 7f", 128 }, /* 8 bits after the number */
    { MILL_CODEC_FLAC, "fff8 7a 08 c281 017f", 384 }, /* 16 bits, 2 of number */
    { MILL_CODEC_FLAC, "fff8 7a 08 c281 01", 7 }, /* cut */
    { MILL_CODEC_FLAC, "fff8 0a 08 05", 7 }, /* reserved */
    /* TS 102 366 E.1.3.1.4: numblkscod 0 is one block */
    { MILL_CODEC_EAC3, "0b7700070487c0000000000000000000", 256 },
    { MILL_CODEC_EAC3,
        "0b7700073f87c0000000000000000000 0b7740073487d0200000000000000000",
        1536 },
    { MILL_CODEC_AC3, "", 7 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillCodecInfo info = { .codec = cases[i].codec, .frame_length = 7 };
    g_autoptr (GBytes) frame = hex_to_bytes (cases[i].frame);
    gsize size;
    const guint8 *data = g_bytes_get_data (frame, &size);
    g_assert_cmpuint (mill_codec_get_frame_length (&info, data, size), ==,
        cases[i].length);
  }
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/codec/hevc-access", test_hevc_access);
  g_test_add_func ("/codec/av1-sync", test_av1_sync);
  g_test_add_func ("/codec/vp9-key-frame", test_vp9_key_frame);
  g_test_add_func ("/codec/hdr", test_hdr);
  g_test_add_func ("/codec/frame-lengths", test_frame_lengths);
  return g_test_run ();
}
