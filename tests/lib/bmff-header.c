/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* CMAF headers. A user would notice: players that refuse a stream. */
#include "bmff/bmff-init.h"
#include "bmff/bmff-reader.h"
#include "bmff-test.h"

#define AVCC                                                                  \
  "01 64001e ff e1 001d 6764001eacd940b424d82350506054000003000400000300c87c" \
  "50a658 01 0004 68fe8fcb fdf8f800"

static MillBmffTrack
video_track (MillCodecInfo *codec, GBytes **codec_data)
{
  *codec_data = hex_to_bytes (AVCC);
  gsize size;
  const guint8 *data = g_bytes_get_data (*codec_data, &size);
  g_assert_true (mill_codec_parse_config (MILL_CODEC_AVC, data, size, codec,
      NULL));
  return (MillBmffTrack){
    .track_id = 1,
    .timescale = 90000,
    .codec = codec,
    .codec_data = *codec_data,
    .max_bitrate_bps = 5000000,
    .average_bitrate_bps = 4000000,
  };
}

static MillBmffTrack
audio_track (MillCodecInfo *codec, GBytes **codec_data)
{
  *codec_data = hex_to_bytes ("1190");
  gsize size;
  const guint8 *data = g_bytes_get_data (*codec_data, &size);
  g_assert_true (mill_codec_parse_config (MILL_CODEC_AAC, data, size, codec,
      NULL));
  return (MillBmffTrack){
    .track_id = 7,
    .timescale = 48000,
    .language = "deu",
    .codec = codec,
    .codec_data = *codec_data,
    .media_time = 1024,
  };
}

/* Every byte of an audio header; the clauses are of 14496-12. */
static void
test_audio_header_bytes (void)
{
  MillCodecInfo codec;
  g_autoptr (GBytes) codec_data = NULL;
  MillBmffTrack track = audio_track (&codec, &codec_data);
  g_auto (MillBmffWriter) w = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_bmff_init_write (&w, &track, &error));
  g_assert_no_error (error);
  assert_bytes (&w,
      /* ftyp §4.3: cmf2, compatible cmf2 cmfc iso6 caac */
      "00000020 66747970 636d6632 00000000 636d6632 636d6663 69736f36 63616163"
      "00000255 6d6f6f76"
      /* mvhd §8.2.2: timescale, duration 0, rate, volume, matrix, next id */
      "0000006c 6d766864 00000000 00000000 00000000 0000bb80 00000000"
      "00010000 0100 0000 00000000 00000000"
      "00010000 00000000 00000000 00000000 00010000 00000000"
      "00000000 00000000 40000000"
      "00000000 00000000 00000000 00000000 00000000 00000000 00000008"
      "000001b9 7472616b"
      /* tkhd §8.3.2: flags 7, id, duration 0, volume 1 */
      "0000005c 746b6864 00000007 00000000 00000000 00000007 00000000 00000000"
      "00000000 00000000 0000 0000 0100 0000"
      "00010000 00000000 00000000 00000000 00010000 00000000"
      "00000000 00000000 40000000 00000000 00000000"
      /* edts §8.6.5, elst §8.6.6: one edit, duration 0, media time 1024 */
      "00000024 65647473 0000001c 656c7374 00000000 00000001"
      "00000000 00000400 00010000"
      "00000131 6d646961"
      /* mdhd §8.4.2: timescale, duration 0, "deu" in 5 bits each */
      "00000020 6d646864 00000000 00000000 00000000 0000bb80 00000000 10b5 0000"
      /* hdlr §8.4.3 */
      "00000026 68646c72 00000000 00000000 736f756e 00000000 00000000 00000000"
      "417564696f00"
      "000000e3 6d696e66"
      /* smhd §12.2.2 */
      "00000010 736d6864 00000000 0000 0000"
      /* dinf §8.7.1, dref and url §8.7.2: in this file */
      "00000024 64696e66 0000001c 64726566 00000000 00000001"
      "0000000c 75726c20 00000001"
      "000000a7 7374626c"
      /* stsd §8.5.2: one mp4a §12.2.3: 2 channels of 16 bits, 48000.0 */
      "0000005b 73747364 00000000 00000001"
      "0000004b 6d703461 000000000000 0001 00000000 00000000 0002 0010"
      "00000000 bb800000"
      /* esds, 14496-14 §5.6; descriptors, 14496-1 §7.2.6.5 */
      "00000027 65736473 00000000"
      "03 19 0000 00 04 11 40 15 000000 00000000 00000000 05 02 1190 06 01 02"
      /* the empty tables, §8.6.1.2, §8.7.4, §8.7.3, §8.7.5 */
      "00000010 73747473 00000000 00000000"
      "00000010 73747363 00000000 00000000"
      "00000014 7374737a 00000000 00000000 00000000"
      "00000010 7374636f 00000000 00000000"
      /* mvex §8.8.1, trex §8.8.3: no defaults, they are in each traf */
      "00000028 6d766578 00000020 74726578 00000000 00000007 00000001"
      "00000000 00000000 00000000");
}

static void
test_video_header_round_trip (void)
{
  MillCodecInfo codec;
  g_autoptr (GBytes) codec_data = NULL;
  MillBmffTrack track = video_track (&codec, &codec_data);
  g_auto (MillBmffWriter) w = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_bmff_init_write (&w, &track, &error));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (w.data, w.size, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (init->track_id, ==, 1);
  g_assert_cmpuint (init->timescale, ==, 90000);
  g_assert_cmpstr (init->language, ==, "und");
  g_assert_cmpuint (init->handler, ==, MILL_BMFF_FOURCC ('v', 'i', 'd', 'e'));
  g_assert_cmpuint (init->codec, ==, MILL_BMFF_FOURCC ('a', 'v', 'c', '1'));
  g_assert_true (g_bytes_equal (init->codec_data, codec_data));
  g_assert_cmpuint (init->width, ==, 720);
  g_assert_cmpuint (init->height, ==, 576);
  g_assert_cmpuint (init->par_n, ==, 16);
  g_assert_cmpuint (init->par_d, ==, 11);
  g_assert_cmpuint (init->max_bitrate_bps, ==, 5000000);
  g_assert_cmpuint (init->average_bitrate_bps, ==, 4000000);
  g_assert_cmpint (init->media_time, ==, 0);

  /* colr nclx: 5, 6, 5, not full range; 14496-12 §12.1.5 */
  g_autoptr (GBytes) colr =
      hex_to_bytes ("00000013 636f6c72 6e636c78 0005 0006 0005 00");
  g_assert_nonnull (memmem (w.data, w.size, g_bytes_get_data (colr, NULL),
      g_bytes_get_size (colr)));
  /* tkhd: 720 samples of 16:11 are 1047.27 wide, 16.16 */
  g_autoptr (GBytes) size = hex_to_bytes ("0417 45d1 0240 0000");
  g_assert_nonnull (memmem (w.data, w.size, g_bytes_get_data (size, NULL),
      g_bytes_get_size (size)));
}

static void
test_audio_header_round_trip (void)
{
  MillCodecInfo codec;
  g_autoptr (GBytes) codec_data = NULL;
  MillBmffTrack track = audio_track (&codec, &codec_data);
  g_auto (MillBmffWriter) w = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_bmff_init_write (&w, &track, &error));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (w.data, w.size, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (init->track_id, ==, 7);
  g_assert_cmpstr (init->language, ==, "deu");
  g_assert_cmpuint (init->codec, ==, MILL_BMFF_FOURCC ('m', 'p', '4', 'a'));
  g_assert_true (g_bytes_equal (init->codec_data, codec_data));
  g_assert_cmpuint (init->sample_rate, ==, 48000);
  g_assert_cmpuint (init->channels, ==, 2);
  g_assert_cmpint (init->media_time, ==, 1024);
}

static void
test_header_truncated (void)
{
  MillCodecInfo codec;
  g_autoptr (GBytes) codec_data = NULL;
  MillBmffTrack track = audio_track (&codec, &codec_data);
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_init_write (&w, &track, NULL));
  for (gsize length = 0; length < w.size; length++) {
    g_autofree guint8 *copy = g_memdup2 (w.data, length);
    g_autoptr (GError) error = NULL;
    g_assert_null (mill_bmff_reader_parse_init (copy, length, &error));
    g_assert_nonnull (error);
    g_assert_true (error->domain == MILL_BMFF_ERROR);
  }
}

static void
test_header_refused (void)
{
  MillCodecInfo codec;
  g_autoptr (GBytes) codec_data = NULL;
  const MillBmffTrack good = audio_track (&codec, &codec_data);
  MillBmffTrack bad[6];
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    bad[i] = good;
  bad[0].track_id = 0;
  bad[1].timescale = 0;
  bad[2].codec = NULL;
  bad[3].codec_data = NULL;
  bad[4].language = "de";
  bad[5].media_time = 0x80000000u;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_auto (MillBmffWriter) w = { 0 };
    g_autoptr (GError) error = NULL;
    g_assert_false (mill_bmff_init_write (&w, &bad[i], &error));
    g_assert_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_INVALID);
    g_assert_cmpuint (w.size, ==, 0);
  }
}

/* A config of 200 bytes needs descriptor sizes of two bytes, 14496-1 §8.3.3. */
static void
test_long_descriptor (void)
{
  MillCodecInfo codec;
  g_autoptr (GBytes) codec_data = NULL;
  MillBmffTrack track = audio_track (&codec, &codec_data);
  guint8 config[200] = { 0x11, 0x90 };
  g_autoptr (GBytes) big = g_bytes_new (config, sizeof config);
  track.codec_data = big;
  g_auto (MillBmffWriter) w = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_bmff_init_write (&w, &track, NULL));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (w.data, w.size, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (init->codec_data, big));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bmff/header/audio-bytes", test_audio_header_bytes);
  g_test_add_func ("/bmff/header/video-round-trip",
      test_video_header_round_trip);
  g_test_add_func ("/bmff/header/audio-round-trip",
      test_audio_header_round_trip);
  g_test_add_func ("/bmff/header/truncated-at-every-byte",
      test_header_truncated);
  g_test_add_func ("/bmff/header/refused", test_header_refused);
  g_test_add_func ("/bmff/header/long-descriptor", test_long_descriptor);
  return g_test_run ();
}
