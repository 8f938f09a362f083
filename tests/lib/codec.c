/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a wrong CODECS or RESOLUTION in playlists, a player that
 * refuses the stream or plays it in wrong colours, sound that is out of step, or
 * a crash by a publisher's bytes. */
#include "codec/codec.h"

#include <string.h>

#include <gst/gst.h>

#include "codec/ac3.h"
#include "codec/av1.h"
#include "codec/flac.h"
#include "codec/mp3.h"
#include "codec/opus.h"
#include "codec/vp9.h"
#include "hex.h"

/* Configuration records as ffmpeg 5.1 writes them for its encoders; what they
 * say was read with ffprobe. */
#define HEVC_MAIN                                                        \
  "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff" \
  "01600000030090000003000003003c959409a10001002b4201010160000003009000" \
  "0003000003003ca00a080c1f3e595952930bc05a020000030002000003003210a200" \
  "0100064401c073c189"
#define HEVC_HLG                                                         \
  "0102200000009000000000007bf000fcfdfafa00000f03a00001001840010c01ffff" \
  "02200000030090000003000003007b959409a10001002e4201010220000003009000" \
  "0003000003007ba003c0801107cad965654a4c2f026a1224120800001f4800075300" \
  "40a2000100064401c073c189"
#define HEVC_422                                                         \
  "0104080000009d08000000005af000fcfefafa00000f03a00001001740010c01ffff" \
  "0408000003009d0800000300005a959409a1000100294201010408000003009d0800" \
  "000300005ab005a200904d965654a4c2f0468080000003008000000c84a200010006" \
  "4401c073c189"
#define HEVC_HIGH_TIER                                                   \
  "01216000000090000000000099f000fcfdf8f800000f03a00001001840010c01ffff" \
  "216000000300900000030000030099959409a10001002c4201012160000003009000" \
  "00030000030099a001e020021c5965654a4c2f0168080000030008000003019040a2" \
  "000100064401c073c189"
/* Without parameter sets: 14496-15 §8.3.3.1 allows that for hev1. The name is
 * Annex E's own example. */
#define HEVC_EMPTY "01 01 60000000 b00000000000 5d f000 fc fd f8 f8 0000 0f 00"
#define AV1_8 "81 00 0c 00 0a0b000000043cfeccfbf90040"
#define AV1_PQ "81 01 4c 00 0a0e0000000cc4ff6736be5424402410"
#define AV1_444 "81 20 00 00 0a0a200000043cfeccdaf902"
#define VP9_8 "01000000 00 0b 82 02 02 02 0000"
#define VP9_HLG "01000000 02 1f a2 09 12 09 0000"
#define OPUS_MONO "00 01 0138 0000bb80 0000 00"
#define OPUS_51 "00 06 0138 0000bb80 0000 01 04 02 000401020305"
#define FLAC_MONO                                                        \
  "00000000800000221200120000029b0004ff0bb800f000046500550b82b4d24e66f3" \
  "f42019dc4f978b68"
#define FLAC_71                                                          \
  "00000000800000222000200000469a00623517700f70000177004534e5ff9e872723" \
  "067a74a6e37dd776"
#define DAC3_51 "10 3d e0"
#define DAC3_STEREO "50 11 40"
#define DEC3_51 "0e00 200f00"
#define DEC3_71 "0040 200f0202"
#define MP3_48 "fffb54c4"
#define MP3_22 "fff340c4"

typedef struct
{
  const gchar *title;
  MillCodec codec;
  const gchar *record;
  MillCodecInfo info;
} Vector;

static const Vector vectors[] = {
  { "Main", MILL_CODEC_HEVC, HEVC_MAIN,
      { .name = "hvc1.1.6.L60.90",
          .width = 320,
          .height = 180,
          .fps_n = 25,
          .bit_depth = 8 } },
  { "Main 10, HLG, 59.94 Hz", MILL_CODEC_HEVC, HEVC_HLG,
      { .name = "hvc1.2.4.L123.90",
          .width = 1920,
          .height = 1080,
          .fps_n = 60000,
          .bit_depth = 10,
          .colour = { TRUE, 9, 18, 9, FALSE } } },
  { "range extensions: 4:2:2, two constraint bytes", MILL_CODEC_HEVC, HEVC_422,
      { .name = "hvc1.4.10.L90.9D.8",
          .width = 720,
          .height = 576,
          .fps_n = 25,
          .bit_depth = 10 } },
  { "high tier", MILL_CODEC_HEVC, HEVC_HIGH_TIER,
      { .name = "hvc1.1.6.H153.90",
          .width = 3840,
          .height = 2160,
          .fps_n = 50,
          .bit_depth = 8 } },
  { "no parameter sets", MILL_CODEC_HEVC, HEVC_EMPTY,
      { .name = "hvc1.1.6.L93.B0", .bit_depth = 8 } },
  { "colour unknown: the optional fields go", MILL_CODEC_AV1, AV1_8,
      { .name = "av01.0.00M.08",
          .width = 320,
          .height = 180,
          .bit_depth = 8 } },
  { "10 bit, PQ", MILL_CODEC_AV1, AV1_PQ,
      { .name = "av01.0.01M.10.0.110.09.16.09.0",
          .width = 640,
          .height = 360,
          .bit_depth = 10,
          .colour = { TRUE, 9, 16, 9, FALSE } } },
  { "profile 1: 4:4:4", MILL_CODEC_AV1, AV1_444,
      { .name = "av01.1.00M.08.0.000.02.02.02.0",
          .width = 320,
          .height = 180,
          .bit_depth = 8 } },
  { "profile 0", MILL_CODEC_VP9, VP9_8,
      { .name = "vp09.00.11.08.01.02.02.02.00", .bit_depth = 8 } },
  { "profile 2, HLG", MILL_CODEC_VP9, VP9_HLG,
      { .name = "vp09.02.31.10.01.09.18.09.00",
          .bit_depth = 10,
          .colour = { TRUE, 9, 18, 9, FALSE } } },
  { "mono", MILL_CODEC_OPUS, OPUS_MONO,
      { .name = "Opus",
          .sample_rate = 48000,
          .channels = 1,
          .frame_length = 960,
          .channel_configuration = 1 } },
  { "5.1", MILL_CODEC_OPUS, OPUS_51,
      { .name = "Opus",
          .sample_rate = 48000,
          .channels = 6,
          .frame_length = 960,
          .channel_configuration = 6 } },
  { "mono, 16 bit", MILL_CODEC_FLAC, FLAC_MONO,
      { .name = "fLaC",
          .sample_rate = 48000,
          .channels = 1,
          .frame_length = 4608,
          .channel_configuration = 1 } },
  { "7.1, 24 bit, 96 kHz", MILL_CODEC_FLAC, FLAC_71,
      { .name = "fLaC",
          .sample_rate = 96000,
          .channels = 8,
          .frame_length = 8192,
          .channel_configuration = 12 } },
  { "5.1", MILL_CODEC_AC3, DAC3_51,
      { .name = "ac-3",
          .sample_rate = 48000,
          .channels = 6,
          .frame_length = 1536,
          .channel_configuration = 6,
          .dolby_channels = 0xf801 } },
  { "stereo at 44.1 kHz", MILL_CODEC_AC3, DAC3_STEREO,
      { .name = "ac-3",
          .sample_rate = 44100,
          .channels = 2,
          .frame_length = 1536,
          .channel_configuration = 2,
          .dolby_channels = 0xa000 } },
  { "5.1", MILL_CODEC_EAC3, DEC3_51,
      { .name = "ec-3",
          .sample_rate = 48000,
          .channels = 6,
          .frame_length = 1536,
          .channel_configuration = 6,
          .dolby_channels = 0xf801 } },
  { "7.1: a dependent substream has the rear", MILL_CODEC_EAC3, DEC3_71,
      { .name = "ec-3",
          .sample_rate = 48000,
          .channels = 8,
          .frame_length = 1536,
          .channel_configuration = 12,
          .dolby_channels = 0xfa01 } },
  { "MPEG-1, mono", MILL_CODEC_MP3, MP3_48,
      { .name = "mp4a.6B",
          .sample_rate = 48000,
          .channels = 1,
          .frame_length = 1152,
          .channel_configuration = 1 } },
  { "MPEG-2, mono", MILL_CODEC_MP3, MP3_22,
      { .name = "mp4a.69",
          .sample_rate = 22050,
          .channels = 1,
          .frame_length = 576,
          .channel_configuration = 1 } },
};

static void
assert_same (const MillCodecInfo *got, const MillCodecInfo *expected)
{
#define SAME(field) g_assert_cmpuint (got->field, ==, expected->field)
  g_assert_cmpstr (got->name, ==, expected->name);
  SAME (width);
  SAME (height);
  SAME (fps_n);
  SAME (bit_depth);
  SAME (colour.known);
  if (expected->colour.known) {
    SAME (colour.primaries);
    SAME (colour.transfer);
    SAME (colour.matrix);
    SAME (colour.full_range);
  }
  SAME (sample_rate);
  SAME (channels);
  SAME (frame_length);
  SAME (channel_configuration);
  SAME (dolby_channels);
#undef SAME
}

static void
test_records (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    MillCodecInfo info;
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) record = hex_to_bytes (vectors[i].record);
    gsize size;
    const guint8 *data = g_bytes_get_data (record, &size);
    g_test_message ("%s: %s", mill_codec_get_title (vectors[i].codec),
        vectors[i].title);
    g_assert_true (mill_codec_parse_config (vectors[i].codec, data, size, &info,
        &error));
    g_assert_no_error (error);
    g_assert_cmpint (info.codec, ==, vectors[i].codec);
    assert_same (&info, &vectors[i].info);
    g_assert_true (mill_codec_equals (&info, &info));
  }
}

/* Each beginning of a record is refused or is a record of its own, and nothing
 * past its end is read (which ASan sees). */
static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GBytes) record = hex_to_bytes (vectors[i].record);
    gsize size;
    const guint8 *data = g_bytes_get_data (record, &size);
    for (gsize length = 0; length < size; length++) {
      g_autofree guint8 *copy = g_memdup2 (data, length);
      MillCodecInfo info = { .width = 7 };
      g_autoptr (GError) error = NULL;
      if (mill_codec_parse_config (vectors[i].codec, copy, length, &info,
              &error)) {
        g_assert_no_error (error);
        continue;
      }
      g_assert_nonnull (error);
      g_assert_true (error->domain == MILL_CODEC_ERROR);
      g_assert_cmpuint (info.width, ==, 7);
    }
  }
}

/* ---- records from what streams have ---- */

typedef GBytes *(*BuildFunc) (const guint8 *data, gsize size, GError **error);

static GBytes *
build_ac3 (const guint8 *data, gsize size, GError **error)
{
  MillCodec codec;
  return mill_ac3_build_config (data, size, &codec, error);
}

static GBytes *
build_vp9 (const guint8 *data, gsize size, GError **error)
{
  MillCodecInfo info;
  return mill_vp9_parse_key_frame (data, size, &info, error)
      ? mill_vp9_build_config (&info)
      : NULL;
}

/* First bytes of frames and heads of streams, with the record that ffmpeg's
 * muxer makes of them. The sizes are those of the whole frames. */
static const struct
{
  const gchar *title;
  BuildFunc build;
  const gchar *source;
  gsize size;
  const gchar *record;
} sources[] = {
  { "AC-3 5.1", build_ac3, "0b77b50b1e40ebf8403eff99ff0841fc", 1792, DAC3_51 },
  { "AC-3 at 44.1 kHz", build_ac3, "0b77c2ea544043e106f575f0c0c21818", 834,
      DAC3_STEREO },
  { "E-AC-3 5.1", build_ac3, "0b77037f3f87c00020f82000020040", 1792, DEC3_51 },
  { "E-AC-3 mono at 32 kHz", build_ac3, "0b77011fb287c00021066078e77d", 576,
      "0300 a00200" },
  { "E-AC-3 7.1, TS 102 366 F.6", build_ac3,
      "0b7700073f87c0000000000000000000 0b7740073487d0200000000000000000", 32,
      DEC3_71 },
  { "AV1 8 bit", mill_av1_build_config, "12000a0b000000043cfeccfbf900403200",
      17, AV1_8 },
  { "AV1 PQ", mill_av1_build_config, "0a0e0000000cc4ff6736be54244024103200", 18,
      AV1_PQ },
  { "AV1 4:4:4", mill_av1_build_config, "0a0a200000043cfeccdaf9023200", 14,
      AV1_444 },
  { "VP9 4:2:0", build_vp9, "824983420013f00b360638241c184a00", 16, VP9_8 },
  { "OpusHead, RFC 7845 5.1", mill_opus_build_config,
      "4f707573486561640101380180bb0000000000", 19, OPUS_MONO },
  { "OpusHead 5.1", mill_opus_build_config,
      "4f707573486561640106380180bb00000000010402000401020305", 27, OPUS_51 },
  { "fLaC", mill_flac_build_config,
      "664c6143 00000022 12001200 00029b 0004ff 0bb800f0 00046500"
      "550b82b4d24e66f3f42019dc4f978b68 84000004 00000000",
      50, FLAC_MONO },
  { "FLAC in Ogg", mill_flac_build_config,
      "7f464c4143 0100 0001 664c6143 80000022 12001200 00029b 0004ff 0bb800f0"
      "00046500 550b82b4d24e66f3f42019dc4f978b68",
      51, FLAC_MONO },
  { "MP3", mill_mp3_build_config, "fffb54c40009705326", 192, MP3_48 },
};

/* The source, with zeros for the rest of its frame. */
static guint8 *
make_source (guint i)
{
  g_autoptr (GBytes) head = hex_to_bytes (sources[i].source);
  gsize size;
  const guint8 *data = g_bytes_get_data (head, &size);
  guint8 *whole = g_malloc0 (MAX (sources[i].size, size));
  memcpy (whole, data, size);
  return whole;
}

static void
test_builders (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++) {
    g_autofree guint8 *source = make_source (i);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) record =
        sources[i].build (source, sources[i].size, &error);
    g_test_message ("%s", sources[i].title);
    g_assert_no_error (error);
    g_autoptr (GBytes) expected = hex_to_bytes (sources[i].record);
    gsize size;
    const guint8 *data = g_bytes_get_data (record, &size);
    g_autofree gchar *got = hex_from_data (data, size);
    data = g_bytes_get_data (expected, &size);
    g_autofree gchar *wanted = hex_from_data (data, size);
    g_assert_cmpstr (got, ==, wanted);
  }
}

static void
test_builders_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++) {
    g_autofree guint8 *source = make_source (i);
    for (gsize length = 0; length < MIN (sources[i].size, 64); length++) {
      g_autofree guint8 *copy = g_memdup2 (source, length);
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) record = sources[i].build (copy, length, &error);
      g_assert_true ((record == NULL) == (error != NULL));
    }
  }
}

/* VP9's level is not in the stream: Annex A's table tells it. */
static void
test_vp9_level (void)
{
  static const guint cases[][4] = { { 256, 144, 15, 10 }, { 320, 180, 25, 11 },
    { 1280, 720, 30, 31 }, { 1280, 720, 60, 40 }, { 1920, 1080, 60, 41 },
    { 3840, 2160, 60, 51 }, { 7680, 4320, 120, 62 } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillCodecInfo info = {
      .bit_depth = 8,
      .chroma_format = 1,
      .width = cases[i][0],
      .height = cases[i][1],
      .fps_n = cases[i][2],
      .fps_d = 1,
    };
    g_autoptr (GBytes) record = mill_vp9_build_config (&info);
    g_assert_cmpuint (info.level, ==, cases[i][3]);
  }
}

/* ---- what is refused ---- */

static void
test_refused (void)
{
  static const struct
  {
    MillCodec codec;
    const gchar *record;
    MillCodecError code;
  } cases[] = {
    { MILL_CODEC_HEVC,
        "02 01 60000000 900000000000 3c f000 fc fd f8 f8 0000 0f 00",
        MILL_CODEC_ERROR_INVALID }, /* version */
    { MILL_CODEC_HEVC,
        "01 01 60000000 900000000000 3c f000 fc fd f8 f8 0000 0e 00",
        MILL_CODEC_ERROR_INVALID }, /* NAL lengths of 3 bytes */
    { MILL_CODEC_HEVC,
        "01 01 60000000 900000000000 3c f000 fc fd f8 f8 0000 0f 01"
        "a1 0001 0004 4201ffff",
        MILL_CODEC_ERROR_INVALID }, /* an SPS that ends early */
    { MILL_CODEC_AV1, "01 00 0c 00", MILL_CODEC_ERROR_INVALID }, /* marker */
    { MILL_CODEC_AV1, "81 e0 0c 00", MILL_CODEC_ERROR_INVALID }, /* profile 7 */
    { MILL_CODEC_VP9, "00000000 00 0b 82 02 02 02 0000",
        MILL_CODEC_ERROR_UNSUPPORTED }, /* version 0 */
    { MILL_CODEC_VP9, "01000000 00 0b 92 02 02 02 0000",
        MILL_CODEC_ERROR_INVALID }, /* 9 bits */
    { MILL_CODEC_OPUS, "01 01 0138 0000bb80 0000 00",
        MILL_CODEC_ERROR_INVALID }, /* version */
    { MILL_CODEC_OPUS, "00 03 0138 0000bb80 0000 00",
        MILL_CODEC_ERROR_INVALID }, /* 3 channels without a mapping */
    { MILL_CODEC_AC3, "d0 11 40", MILL_CODEC_ERROR_INVALID }, /* fscod 3 */
    { MILL_CODEC_MP3, "fffd54c4", MILL_CODEC_ERROR_UNSUPPORTED }, /* layer 2 */
    { MILL_CODEC_MP3, "fffbf4c4", MILL_CODEC_ERROR_INVALID }, /* bit rate 15 */
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillCodecInfo info;
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) record = hex_to_bytes (cases[i].record);
    gsize size;
    const guint8 *data = g_bytes_get_data (record, &size);
    g_assert_false (mill_codec_parse_config (cases[i].codec, data, size, &info,
        &error));
    g_assert_error (error, MILL_CODEC_ERROR, cases[i].code);
  }
}

static void
test_sample_entry (void)
{
  MillCodecInfo info = { .name = "hvc1.1.6.L93.B0" };
  mill_codec_set_sample_entry (&info, 0x68657631);
  g_assert_cmpstr (info.name, ==, "hev1.1.6.L93.B0");
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/codec/records", test_records);
  g_test_add_func ("/codec/truncated", test_truncated);
  g_test_add_func ("/codec/builders", test_builders);
  g_test_add_func ("/codec/builders-truncated", test_builders_truncated);
  g_test_add_func ("/codec/vp9-level", test_vp9_level);
  g_test_add_func ("/codec/refused", test_refused);
  g_test_add_func ("/codec/sample-entry", test_sample_entry);
  return g_test_run ();
}
