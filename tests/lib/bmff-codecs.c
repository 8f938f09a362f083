/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* CMAF headers of every codec, read back. Were they wrong, players would refuse
 * a stream, show it lying on its side, or in the wrong colours. */
#include <gst/gst.h>

#include "bmff/bmff-chunk.h"
#include "bmff/bmff-init.h"
#include "bmff/bmff-reader.h"
#include "hex.h"

/* As in codec.c, where they are told apart. */
static const struct
{
  MillCodec codec;
  const gchar *entry;
  const gchar *brand; /* ISO/IEC 23000-19 and the bindings; "" for none */
  const gchar *record;
} tracks[] = {
  { MILL_CODEC_HEVC, "hvc1", "clg1",
      "0102200000009000000000007bf000fcfdfafa00000f03a00001001840010c01ffff0220"
      "0000030090000003000003007b959409a10001002e420101022000000300900000030000"
      "03007ba003c0801107cad965654a4c2f026a1224120800001f480007530040a200010006"
      "4401c073c189" },
  { MILL_CODEC_AV1, "av01", "av01",
      "81014c000a0e0000000cc4ff6736be5424402410" },
  { MILL_CODEC_VP9, "vp09", "", "01000000021fa20912090000" },
  { MILL_CODEC_AAC, "mp4a", "caac", "1190" },
  { MILL_CODEC_OPUS, "Opus", "", "000601380000bb800000010402000401020305" },
  { MILL_CODEC_FLAC, "fLaC", "",
      "00000000800000222000200000469a00623517700f70000177004534e5ff9e872723067a"
      "74a6e37dd776" },
  { MILL_CODEC_AC3, "ac-3", "ceac", "103de0" },
  { MILL_CODEC_EAC3, "ec-3", "ceac", "0e00200f00" },
  { MILL_CODEC_MP3, "mp4a", "", "fffb54c4" },
};

static guint32
fourcc (const gchar *letters)
{
  return MILL_BMFF_FOURCC (letters[0], letters[1], letters[2], letters[3]);
}

static GBytes *
parse (guint i, MillCodecInfo *info)
{
  GBytes *record = hex_to_bytes (tracks[i].record);
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  g_assert_true (mill_codec_parse_config (tracks[i].codec, data, size, info,
      NULL));
  if (mill_codec_is_video (info->codec) && info->width == 0) {
    info->width = 640;
    info->height = 360;
  }
  return record;
}

static void
assert_brand (const MillBmffWriter *w, const gchar *brand)
{
  MillBmffBox box;
  gboolean found = *brand == '\0';
  g_assert_true (mill_bmff_reader_find (w->data, w->size, fourcc ("ftyp"), &box,
      NULL));
  /* major, version, cmf2, cmfc, iso6 and, at most, one of the codec's */
  g_assert_cmpuint (box.payload_size, ==, *brand == '\0' ? 20 : 24);
  for (gsize at = 8; at + 4 <= box.payload_size; at += 4)
    found |= memcmp (box.payload + at, brand, 4) == 0;
  g_assert_true (found);
}

static void
test_headers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (tracks); i++) {
    MillCodecInfo info;
    g_autoptr (GBytes) record = parse (i, &info);
    MillBmffTrack track = {
      .track_id = 1,
      .timescale = 48000,
      .codec = &info,
      .codec_data = record,
    };
    g_auto (MillBmffWriter) w = { 0 };
    g_autoptr (GError) error = NULL;
    g_assert_true (mill_bmff_init_write (&w, &track, &error));
    g_assert_no_error (error);
    assert_brand (&w, tracks[i].brand);
    g_autoptr (MillBmffInit) init =
        mill_bmff_reader_parse_init (w.data, w.size, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (init->codec, ==, fourcc (tracks[i].entry));
    g_assert_cmpuint (init->width, ==, info.width);
    g_assert_cmpuint (init->height, ==, info.height);
    g_assert_cmpuint (init->channels, ==, info.channels);
    g_assert_cmpint (init->roll_distance, ==, info.roll_distance);
    g_assert_cmpint (init->colour.known, ==, info.colour.known);
    g_assert_cmpuint (init->colour.transfer, ==, info.colour.transfer);
    if (tracks[i].codec == MILL_CODEC_MP3) {
      /* MP4RA: MPEG-1 layer 3, which needs no configuration */
      g_assert_cmpuint (init->object_type, ==, 0x6b);
      g_assert_cmpuint (g_bytes_get_size (init->codec_data), ==, 0);
    } else {
      g_assert_true (g_bytes_equal (init->codec_data, record));
    }
  }
}

/* FLAC at 96 kHz: the field holds 65,535 at most, so half of it. */
static void
test_high_rate (void)
{
  MillCodecInfo info;
  g_autoptr (GBytes) record = parse (5, &info);
  MillBmffTrack track = { .track_id = 1,
    .timescale = 96000,
    .codec = &info,
    .codec_data = record };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_init_write (&w, &track, NULL));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (w.data, w.size, NULL);
  g_assert_cmpuint (init->timescale, ==, 96000);
  g_assert_cmpuint (init->sample_rate, ==, 48000);
}

/* SMPTE ST 2086 and CTA-861.3 values of the example in HEVC's Annex D. */
static void
test_hdr (void)
{
  MillCodecInfo info;
  const MillCodecHdr hdr = {
    .has_mastering = TRUE,
    .primaries = { { 13250, 34500 }, { 7500, 3000 }, { 34000, 16000 } },
    .white = { 15635, 16450 },
    .max_luminance = 10000000,
    .min_luminance = 50,
    .has_light = TRUE,
    .max_cll = 1000,
    .max_fall = 400,
  };
  g_autoptr (GBytes) record = parse (0, &info);
  MillBmffTrack track = {
    .track_id = 1,
    .timescale = 90000,
    .codec = &info,
    .codec_data = record,
    .hdr = &hdr,
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_init_write (&w, &track, NULL));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (w.data, w.size, NULL);
  g_assert_true (init->hdr.has_mastering && init->hdr.has_light);
  g_assert_cmpmem (init->hdr.primaries, sizeof hdr.primaries, hdr.primaries,
      sizeof hdr.primaries);
  g_assert_cmpuint (init->hdr.white[1], ==, 16450);
  g_assert_cmpuint (init->hdr.max_luminance, ==, 10000000);
  g_assert_cmpuint (init->hdr.min_luminance, ==, 50);
  g_assert_cmpuint (init->hdr.max_cll, ==, 1000);
  g_assert_cmpuint (init->hdr.max_fall, ==, 400);
}

/* 14496-12 §6.2.2: (x y) of the picture becomes (ax + cy, bx + dy). */
static void
test_orientations (void)
{
  static const gint8 expected[][4] = { { 1, 0, 0, 1 }, { 0, 1, -1, 0 },
    { -1, 0, 0, -1 }, { 0, -1, 1, 0 }, { -1, 0, 0, 1 }, { 0, -1, -1, 0 },
    { 1, 0, 0, -1 }, { 0, 1, 1, 0 } };
  MillCodecInfo info;
  g_autoptr (GBytes) record = parse (0, &info);
  MillBmffTrack track = {
    .track_id = 1,
    .timescale = 90000,
    .codec = &info,
    .codec_data = record,
  };
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_auto (MillBmffWriter) w = { 0 };
    track.orientation = i;
    g_assert_true (mill_bmff_init_write (&w, &track, NULL));
    g_autoptr (MillBmffInit) init =
        mill_bmff_reader_parse_init (w.data, w.size, NULL);
    for (guint k = 0; k < 4; k++)
      g_assert_cmpint (init->matrix[k], ==, expected[i][k] * 0x10000);
    g_assert_cmpint (mill_bmff_init_is_turned (i), ==, expected[i][0] == 0);
  }
  track.orientation = G_N_ELEMENTS (expected);
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_false (mill_bmff_init_write (&w, &track, NULL));
}

/* An Opus packet is right after 80 ms of others (RFC 7845 §4.6): the header has
 * the distance in frames of 20 ms, each chunk says that it is meant. */
static void
test_roll (void)
{
  MillCodecInfo info;
  g_autoptr (GBytes) record = parse (4, &info);
  g_assert_cmpint (info.roll_distance, ==, -4);
  const MillBmffSample samples[] = { { 100, 960, 0, MILL_BMFF_SAMPLE_SYNC },
    { 90, 960, 0, MILL_BMFF_SAMPLE_SYNC } };
  const MillBmffChunk chunk = {
    .flags = MILL_BMFF_CHUNK_ROLL,
    .track_id = 1,
    .samples = samples,
    .n_samples = G_N_ELEMENTS (samples),
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_chunk_write (&w, &chunk, NULL));
  g_assert_cmpuint (w.size, ==, mill_bmff_chunk_get_header_size (&chunk));
  MillBmffBox box;
  g_assert_true (mill_bmff_reader_find (w.data, w.size - 8, fourcc ("moof"),
      &box, NULL));
  g_assert_true (mill_bmff_reader_find (box.payload, box.payload_size,
      fourcc ("traf"), &box, NULL));
  g_assert_true (mill_bmff_reader_find (box.payload, box.payload_size,
      fourcc ("sbgp"), &box, NULL));
  g_autofree gchar *payload = hex_from_data (box.payload, box.payload_size);
  /* version and flags, 'roll', one run: two samples of description 1 */
  g_assert_cmpstr (payload, ==, "00000000726f6c6c000000010000000200000001");
}

/* What the container did not tell of an Opus stream is what its edit skips. */
static void
test_pre_skip (void)
{
  MillCodecInfo info = { .codec = MILL_CODEC_OPUS,
    .sample_entry = fourcc ("Opus"),
    .channels = 1,
    .output_sample_rate = 48000 };
  g_autoptr (GBytes) record = hex_to_bytes ("00 01 0000 0000bb80 0000 00");
  MillBmffTrack track = {
    .track_id = 1,
    .timescale = 48000,
    .codec = &info,
    .codec_data = record,
    .media_time = 312,
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_init_write (&w, &track, NULL));
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (w.data, w.size, NULL);
  const guint8 *data = g_bytes_get_data (init->codec_data, NULL);
  g_assert_cmpuint (data[2] << 8 | data[3], ==, 312);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bmff-codecs/headers", test_headers);
  g_test_add_func ("/bmff-codecs/high-rate", test_high_rate);
  g_test_add_func ("/bmff-codecs/hdr", test_hdr);
  g_test_add_func ("/bmff-codecs/orientations", test_orientations);
  g_test_add_func ("/bmff-codecs/roll", test_roll);
  g_test_add_func ("/bmff-codecs/pre-skip", test_pre_skip);
  return g_test_run ();
}
