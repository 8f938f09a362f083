/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: sound at the wrong speed, a wrong CODECS, segments of
 * audio that drift from the video, or a crash by a publisher's bytes. */
#include "codec/aac.h"

#include "hex.h"

typedef struct
{
  const gchar *name;
  const gchar *config;
  const gchar *codec;
  MillAacInfo info;
} Vector;

/* ISO/IEC 14496-3 §1.6.2.1; the bits are spelled out where they are not
 * obvious. */
static const Vector vectors[] = {
  { "LC 48 kHz stereo", "1190", "mp4a.40.2",
      { 2, 48000, 2, 1024, MILL_AAC_SBR_NONE, FALSE, 48000 } },
  { "LC 44.1 kHz mono", "1208", "mp4a.40.2",
      { 2, 44100, 1, 1024, MILL_AAC_SBR_NONE, FALSE, 44100 } },
  { "LC 48 kHz 5.1", "11b0", "mp4a.40.2",
      { 2, 48000, 6, 1024, MILL_AAC_SBR_NONE, FALSE, 48000 } },
  { "LC 48 kHz 7.1, configuration 7", "11b8", "mp4a.40.2",
      { 2, 48000, 8, 1024, MILL_AAC_SBR_NONE, FALSE, 48000 } },
  { "LC with frames of 960 (frameLengthFlag)", "1194", "mp4a.40.2",
      { 2, 48000, 2, 960, MILL_AAC_SBR_NONE, FALSE, 48000 } },
  /* 00010 1111 + 24 bits 0x00ac44 + 0010 + 000 */
  { "LC 44.1 kHz as an explicit rate", "1780562210", "mp4a.40.2",
      { 2, 44100, 2, 1024, MILL_AAC_SBR_NONE, FALSE, 44100 } },
  /* 11190 then 0x2b7 00101 0: sbrPresentFlag 0, as ffmpeg writes */
  { "LC that says there is no SBR", "119056e500", "mp4a.40.2",
      { 2, 48000, 2, 1024, MILL_AAC_SBR_NONE, FALSE, 48000 } },
  /* 00010 0110 0010 000, 01010110111 00101 1 0011 + 0 fill */
  { "HE by sync extension, 24 to 48 kHz", "131056e598", "mp4a.40.5",
      { 2, 24000, 2, 1024, MILL_AAC_SBR_BACKWARD, FALSE, 48000 } },
  /* 00010 0110 0001 000, 01010110111 00101 1 0011, 10101001000 1 */
  { "HEv2 by sync extension", "130856e59d4880", "mp4a.40.29",
      { 2, 24000, 1, 1024, MILL_AAC_SBR_BACKWARD, TRUE, 48000 } },
  /* 00101 0110 0010 0011 00010 000 */
  { "HE by object type 5", "2b118800", "mp4a.40.5",
      { 2, 24000, 2, 1024, MILL_AAC_SBR_HIERARCHICAL, FALSE, 48000 } },
  /* 11101 0110 0001 0011 00010 000 */
  { "HEv2 by object type 29", "eb098800", "mp4a.40.29",
      { 2, 24000, 1, 1024, MILL_AAC_SBR_HIERARCHICAL, TRUE, 48000 } },
  /* 10111 0011 0010 0 0 0 00: ER AAC LD, frames of 512, epConfig 0 */
  { "low delay", "b99000", "mp4a.40.23",
      { 23, 48000, 2, 512, MILL_AAC_SBR_NONE, FALSE, 48000 } },
  /* 00010 0011 0000 000, then a program config: tag 0, profile 1, rate 3,
   * 1 front, 0 side, 0 back, 1 lfe, no data, no coupling, no mixdowns, one
   * pair, one lfe, byte align, comment of 1 byte:
   * 0000 01 0011 0001 0000 0000 01 000 0000 000 | 1 0000 0000 | pad | 01 58 */
  { "stereo and LFE by a program config element", "118004c4010020 000158",
      "mp4a.40.2", { 2, 48000, 3, 1024, MILL_AAC_SBR_NONE, FALSE, 48000 } },
};

static gboolean
parse (const gchar *hex, MillAacInfo *ret_info, GError **error)
{
  g_autoptr (GBytes) config = hex_to_bytes (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (config, &size);
  return mill_aac_parse_config (data, size, ret_info, error);
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const MillAacInfo *expected = &vectors[i].info;
    MillAacInfo info;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", vectors[i].name);
    g_assert_true (parse (vectors[i].config, &info, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (info.object_type, ==, expected->object_type);
    g_assert_cmpuint (info.sample_rate, ==, expected->sample_rate);
    g_assert_cmpuint (info.channels, ==, expected->channels);
    g_assert_cmpuint (info.frame_length, ==, expected->frame_length);
    g_assert_cmpuint (info.sbr, ==, expected->sbr);
    g_assert_cmpint (info.ps, ==, expected->ps);
    g_assert_cmpuint (info.output_sample_rate, ==,
        expected->output_sample_rate);
    g_autofree gchar *codec = mill_aac_get_codec_string (&info);
    g_assert_cmpstr (codec, ==, vectors[i].codec);
  }
}

/* Cut short, a config is refused, or is one that lacks an optional end. */
static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GBytes) config = hex_to_bytes (vectors[i].config);
    gsize size;
    const guint8 *data = g_bytes_get_data (config, &size);
    for (gsize length = 0; length < size; length++) {
      g_autofree guint8 *copy = g_memdup2 (data, length);
      g_autoptr (GError) error = NULL;
      MillAacInfo info = { .sample_rate = 12345 };
      if (mill_aac_parse_config (copy, length, &info, &error)) {
        g_assert_cmpuint (length, >=, 2);
        g_assert_cmpuint (info.sample_rate, ==, vectors[i].info.sample_rate);
        continue;
      }
      g_assert_error (error, MILL_AAC_ERROR, MILL_AAC_ERROR_TRUNCATED);
      g_assert_cmpuint (info.sample_rate, ==, 12345);
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
    MillAacError code;
  } cases[] = {
    { "rate index 13 is reserved", "1690", MILL_AAC_ERROR_INVALID },
    { "an explicit rate of 0 Hz", "1780000010", MILL_AAC_ERROR_INVALID },
    { "channel configuration 8 is reserved", "11c0", MILL_AAC_ERROR_INVALID },
    { "a program config element without channels", "118004c000000000",
        MILL_AAC_ERROR_INVALID },
    { "object type 0", "0190", MILL_AAC_ERROR_UNSUPPORTED },
    { "TwinVQ (7)", "3990", MILL_AAC_ERROR_UNSUPPORTED },
    { "MP3 (34, escaped)", "f84640", MILL_AAC_ERROR_UNSUPPORTED },
    { "USAC (42, escaped)", "f94640", MILL_AAC_ERROR_UNSUPPORTED },
    { "SBR over SBR", "2b119400", MILL_AAC_ERROR_UNSUPPORTED },
    { "nothing", "", MILL_AAC_ERROR_TRUNCATED },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillAacInfo info;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", cases[i].why);
    g_assert_false (parse (cases[i].config, &info, &error));
    g_assert_error (error, MILL_AAC_ERROR, (gint) cases[i].code);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/aac/vectors", test_vectors);
  g_test_add_func ("/aac/truncated-at-every-byte", test_truncated);
  g_test_add_func ("/aac/refused", test_refused);
  return g_test_run ();
}
