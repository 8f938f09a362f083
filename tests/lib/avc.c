/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a wrong CODECS or RESOLUTION in playlists, a player
 * that refuses the stream, segments that do not begin at a keyframe, or a
 * crash by a publisher's bytes. */
#include "codec/avc.h"

#include <gst/gst.h>

#include "hex.h"

/* avcC records as x264 makes them; what they say was read with ffprobe. */
#define BASELINE                                                        \
  "01 42c00b ff e1 0017 6742c00bda0b13b011000003000100000300320f142aa0" \
  "01 0004 68ce0fc8"
#define CROPPED_1080                                                          \
  "01 640028 ff e1 001d 67640028acd940780227e5c05a808080a000007d20001d4c01e3" \
  "0632c0 01 0004 68ef8fcb fdf8f800"
#define ANAMORPHIC                                                            \
  "01 64001e ff e1 001d 6764001eacd940b424d82350506054000003000400000300c87c" \
  "50a658 01 0004 68fe8fcb fdf8f800"
#define HIGH_422_10                                                           \
  "01 7a0015 ff e1 001b 677a0015b6cd941419f8dc05b2000003000200000300c81e2c5b" \
  "2c 01 0004 68ef8fcb fefafa00"

typedef struct
{
  const gchar *name;
  const gchar *config;
  const gchar *codec;
  MillAvcInfo info;
} Vector;

static const Vector vectors[] = {
  { "baseline 4:2:0, no colour", BASELINE, "avc1.42C00B",
      { .width = 176,
          .height = 144,
          .par_n = 1,
          .par_d = 1,
          .fps_n = 25,
          .fps_d = 1,
          .chroma_format = 1,
          .bit_depth_luma = 8,
          .bit_depth_chroma = 8 } },
  { "1088 lines cropped to 1080, BT.709, 29.97", CROPPED_1080, "avc1.640028",
      { .width = 1920,
          .height = 1080,
          .par_n = 1,
          .par_d = 1,
          .fps_n = 30000,
          .fps_d = 1001,
          .chroma_format = 1,
          .bit_depth_luma = 8,
          .bit_depth_chroma = 8,
          .has_colour = TRUE,
          .colour_primaries = 1,
          .transfer_characteristics = 1,
          .matrix_coefficients = 1 } },
  { "interlaced, pixel aspect ratio 16:11, BT.470BG", ANAMORPHIC, "avc1.64001E",
      { .width = 720,
          .height = 576,
          .par_n = 16,
          .par_d = 11,
          .fps_n = 25,
          .fps_d = 1,
          .chroma_format = 1,
          .bit_depth_luma = 8,
          .bit_depth_chroma = 8,
          .interlaced = TRUE,
          .has_colour = TRUE,
          .colour_primaries = 5,
          .transfer_characteristics = 6,
          .matrix_coefficients = 5 } },
  { "4:2:2, 10 bit, full range without a colour description", HIGH_422_10,
      "avc1.7A0015",
      { .width = 320,
          .height = 180,
          .par_n = 1,
          .par_d = 1,
          .fps_n = 50,
          .fps_d = 1,
          .chroma_format = 2,
          .bit_depth_luma = 10,
          .bit_depth_chroma = 10,
          .full_range = TRUE } },
};

static void
assert_same_info (const MillAvcInfo *got, const MillAvcInfo *expected)
{
#define SAME(field) g_assert_cmpuint (got->field, ==, expected->field)
  SAME (width);
  SAME (height);
  SAME (par_n);
  SAME (par_d);
  SAME (fps_n);
  SAME (fps_d);
  SAME (chroma_format);
  SAME (bit_depth_luma);
  SAME (bit_depth_chroma);
  SAME (interlaced);
  SAME (has_colour);
  SAME (colour_primaries);
  SAME (transfer_characteristics);
  SAME (matrix_coefficients);
  SAME (full_range);
#undef SAME
}

static gboolean
parse (const gchar *hex, MillAvcInfo *ret_info, GError **error)
{
  g_autoptr (GBytes) config = hex_to_bytes (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (config, &size);
  return mill_avc_parse_config (data, size, ret_info, error);
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    MillAvcInfo info;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", vectors[i].name);
    g_assert_true (parse (vectors[i].config, &info, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (info.nal_length_size, ==, 4);
    assert_same_info (&info, &vectors[i].info);
    g_autofree gchar *codec = mill_avc_get_codec_string (&info);
    g_assert_cmpstr (codec, ==, vectors[i].codec);
  }
}

/* Parsed and put together again, a record is the same, byte for byte. */
static void
test_round_trip (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) config = hex_to_bytes (vectors[i].config);
    gsize size;
    const guint8 *data = g_bytes_get_data (config, &size);
    g_autoptr (GPtrArray) sets =
        mill_avc_get_config_parameter_sets (data, size, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (sets->len, ==, 2);
    g_autoptr (GBytes) again = mill_avc_build_config (sets, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (g_bytes_get_data (again, NULL), g_bytes_get_size (again),
        data, size);
  }
}

/* Only what follows the PPS, and is not read, may be missing. */
static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GBytes) config = hex_to_bytes (vectors[i].config);
    gsize size;
    const guint8 *data = g_bytes_get_data (config, &size);
    gsize extension = data[1] == 66 ? 0 : 4;
    for (gsize length = 0; length < size; length++) {
      g_autofree guint8 *copy = g_memdup2 (data, length);
      g_autoptr (GError) error = NULL;
      MillAvcInfo info = { .width = 12345 };
      if (mill_avc_parse_config (copy, length, &info, &error)) {
        g_assert_cmpuint (length, >=, size - extension);
        continue;
      }
      g_assert_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_TRUNCATED);
      g_assert_cmpuint (info.width, ==, 12345);
    }
  }
}

static void
test_refused (void)
{
  static const struct
  {
    const gchar *why;
    const gchar *config;
    MillAvcError code;
  } cases[] = {
    { "configurationVersion is 1", "02 42c00b ff e1 0001 67 01 0001 68",
        MILL_AVC_ERROR_INVALID },
    { "lengths of 3 bytes are reserved", "01 42c00b fe e1 0001 67 01 0001 68",
        MILL_AVC_ERROR_INVALID },
    { "no SPS", "01 42c00b ff e0 01 0004 68ce0fc8", MILL_AVC_ERROR_INVALID },
    { "no PPS",
        "01 42c00b ff e1 0017 6742c00bda0b13b011000003000100000300320f142aa0"
        "00",
        MILL_AVC_ERROR_INVALID },
    { "an IDR slice where the SPS belongs",
        "01 42c00b ff e1 0004 65888400 01 0004 68ce0fc8",
        MILL_AVC_ERROR_INVALID },
    { "an empty SPS", "01 42c00b ff e1 0000 01 0004 68ce0fc8",
        MILL_AVC_ERROR_TRUNCATED },
    { "an SPS of which only the head is there",
        "01 42c00b ff e1 0004 6742c00b 01 0004 68ce0fc8",
        MILL_AVC_ERROR_INVALID },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillAvcInfo info;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", cases[i].why);
    g_assert_false (parse (cases[i].config, &info, &error));
    g_assert_error (error, MILL_AVC_ERROR, (gint) cases[i].code);
  }
}

/* ---- access units ---- */

static void
test_has_idr (void)
{
  static const struct
  {
    const gchar *why;
    const gchar *unit;
    guint length_size;
    gboolean idr;
  } cases[] = {
    { "IDR after AUD, SPS, PPS and SEI",
        "00000002 0910 00000004 6742c00b 00000004 68ce0fc8 00000002 0605"
        "00000003 658884",
        4, TRUE },
    { "P slice", "00000003 419a24", 4, FALSE },
    { "I slice that is no IDR", "00000003 618884", 4, FALSE },
    { "P slice before an IDR slice: damaged, and no IDR",
        "00000003 419a24 00000003 658884", 4, FALSE },
    { "lengths of one byte", "02 0910 03 658884", 1, TRUE },
    { "lengths of two bytes", "0002 0910 0003 658884", 2, TRUE },
    { "a length past the end", "00000009 658884", 4, FALSE },
    { "the largest length", "ffffffff 658884", 4, FALSE },
    { "an empty NAL unit", "00000000 00000003 658884", 4, FALSE },
    { "start codes where lengths belong", "00000001 658884", 4, TRUE },
    { "nothing", "", 4, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) unit = hex_to_bytes (cases[i].unit);
    gsize size;
    const guint8 *data = g_bytes_get_data (unit, &size);
    g_test_message ("%s", cases[i].why);
    g_assert_cmpint (mill_avc_has_idr (data, size, cases[i].length_size), ==,
        cases[i].idr);
  }
}

static void
test_in_band_sets (void)
{
  g_autoptr (GBytes) unit = hex_to_bytes ("00000002 0910 00000004 6742c00b"
                                          "00000004 68ce0fc8 00000003 658884"
                                          "00000009 67");
  gsize size;
  const guint8 *data = g_bytes_get_data (unit, &size);
  g_autoptr (GPtrArray) sets = mill_avc_list_parameter_sets (data, size, 4);
  g_assert_cmpuint (sets->len, ==, 2);
  g_autoptr (GBytes) sps = hex_to_bytes ("6742c00b");
  g_autoptr (GBytes) pps = hex_to_bytes ("68ce0fc8");
  g_assert_true (g_bytes_equal (g_ptr_array_index (sets, 0), sps));
  g_assert_true (g_bytes_equal (g_ptr_array_index (sets, 1), pps));

  g_autoptr (GBytes) plain = hex_to_bytes ("00000003 419a24");
  data = g_bytes_get_data (plain, &size);
  g_assert_null (mill_avc_list_parameter_sets (data, size, 4));
}

static void
test_build_refused (void)
{
  g_autoptr (GPtrArray) sets =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GError) error = NULL;
  g_ptr_array_add (sets, hex_to_bytes ("68ce0fc8"));
  g_assert_null (mill_avc_build_config (sets, &error));
  g_assert_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID);
  g_clear_error (&error);

  g_ptr_array_add (sets, hex_to_bytes ("658884"));
  g_assert_null (mill_avc_build_config (sets, &error));
  g_assert_error (error, MILL_AVC_ERROR, MILL_AVC_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  /* The parser logs; no plugin is needed. */
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/avc/vectors", test_vectors);
  g_test_add_func ("/avc/round-trip", test_round_trip);
  g_test_add_func ("/avc/truncated-at-every-byte", test_truncated);
  g_test_add_func ("/avc/refused", test_refused);
  g_test_add_func ("/avc/has-idr", test_has_idr);
  g_test_add_func ("/avc/in-band-parameter-sets", test_in_band_sets);
  g_test_add_func ("/avc/build-refused", test_build_refused);
  return g_test_run ();
}
