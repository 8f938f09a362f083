/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Extended audio and video messages: a fault here shows as the pictures of one
 * track in another, as sound of the wrong language, or as a stream that stops
 * at its first HDR message. */
#include "rtmp/flv-color-info.h"
#include "rtmp/flv-ex-writer.h"
#include "rtmp/flv-ex.h"

#include "rtmp-test.h"

#define MAX_TRACKS 3

typedef struct
{
  const gchar *clause;
  MillFlvKind kind;
  const gchar *hex;
  MillFlvExReader reader; /* the fields that a caller reads */
  guint n_tracks;
  MillFlvExTrack tracks[MAX_TRACKS];
  gboolean cut_is_another; /* cut in its last body it is as good */
} Vector;

#define VIDEO MILL_FLV_KIND_VIDEO
#define AUDIO MILL_FLV_KIND_AUDIO
#define ALONE .multitrack = MILL_FLV_EX_NO_MULTITRACK

/* Clauses are headings of Enhanced RTMP v2, "v1" those of v1. */
static const Vector vectors[] = {
  { "v1 HEVC sequence start", VIDEO, "90 68766331 0102",
      { .frame_type = 1, .packet_type = 0, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 5, 2 } }, TRUE },
  { "v1 HEVC coded frames, SI24 is signed", VIDEO, "a1 68766331 ffffd8 aabb",
      { .frame_type = 2, .packet_type = 1, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, -40, 8, 2 } }, TRUE },
  { "ExVideoTagBody, the most SI24", VIDEO, "91 61766331 7fffff aa",
      { .frame_type = 1, .packet_type = 1, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_AVC, 8388607, 8, 1 } }, TRUE },
  { "v1 HEVC coded frames X have none", VIDEO, "93 68766331 aabb",
      { .frame_type = 1, .packet_type = 3, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 5, 2 } }, TRUE },
  { "v1 AV1 coded frames have none", VIDEO, "91 61763031 aabbcc",
      { .frame_type = 1, .packet_type = 1, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_AV1, 0, 5, 3 } }, TRUE },
  { "v1 VP9 coded frames have none", VIDEO, "a1 76703039 aabbcc",
      { .frame_type = 2, .packet_type = 1, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_VP9, 0, 5, 3 } }, TRUE },
  { "v1 end of sequence", VIDEO, "92 68766331",
      { .frame_type = 1, .packet_type = 2, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 5, 0 } } },
  { "v1 metadata", VIDEO, "94 61763031 05",
      { .frame_type = 1, .packet_type = 4, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_AV1, 0, 5, 1 } }, TRUE },
  { "ExVideoTagHeader, metadata ignores the frame type", VIDEO,
      "d4 61763031 05", { .frame_type = 5, .packet_type = 4, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_AV1, 0, 5, 1 } }, TRUE },
  { "v1 MPEG-2 TS sequence start", VIDEO, "95 61763031 80",
      { .frame_type = 1, .packet_type = 5, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_AV1, 0, 5, 1 } }, TRUE },
  { "ExVideoTagHeader, a command has no body", VIDEO, "d1 00",
      { .frame_type = 5, .packet_type = 1, ALONE, .is_command = TRUE }, 0 },
  { "ExVideoTagHeader, a reserved packet type", VIDEO, "98 68766331",
      { .frame_type = 1, .packet_type = 8, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 5, 0 } } },
  { "ExVideoTagHeader, ModEx, 999,999 ns", VIDEO, "97 02 0f423f 03 68766331 aa",
      { .frame_type = 1, .packet_type = 3, ALONE, .nano_offset = 999999 }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 10, 1 } }, TRUE },
  { "ExVideoTagHeader, ModEx, more than a millisecond is not one", VIDEO,
      "97 02 0f4240 03 68766331 aa",
      { .frame_type = 1, .packet_type = 3, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 10, 1 } }, TRUE },
  { "ExVideoTagHeader, ModEx, longer data: its first three bytes", VIDEO,
      "97 03 000001ff 03 68766331 aa",
      { .frame_type = 1, .packet_type = 3, ALONE, .nano_offset = 1 }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 11, 1 } }, TRUE },
  { "ExVideoTagHeader, ModEx of an unknown type, then another", VIDEO,
      "97 00 aa 17 02 000005 03 68766331",
      { .frame_type = 1, .packet_type = 3, ALONE, .nano_offset = 5 }, 1,
      { { 0, MILL_FLV_FOURCC_HEVC, 0, 13, 0 } } },
  { "ExVideoTagHeader, ModEx before multitrack", VIDEO,
      "97 02 000007 06 01 68766331 02 000000 aa",
      { .frame_type = 1,
          .packet_type = 1,
          .multitrack = MILL_FLV_EX_ONE_TRACK,
          .nano_offset = 7 },
      1, { { 2, MILL_FLV_FOURCC_HEVC, 0, 15, 1 } }, TRUE },
  { "ExVideoTagBody, one track", VIDEO, "a6 01 61766331 05 000028 aabb",
      { .frame_type = 2,
          .packet_type = 1,
          .multitrack = MILL_FLV_EX_ONE_TRACK },
      1, { { 5, MILL_FLV_FOURCC_AVC, 40, 10, 2 } }, TRUE },
  { "ExVideoTagBody, many tracks of one codec", VIDEO,
      "96 11 68766331 00 000004 000001 aa 07 000005 ffffff bbcc",
      { .frame_type = 1,
          .packet_type = 1,
          .multitrack = MILL_FLV_EX_MANY_TRACKS },
      2,
      { { 0, MILL_FLV_FOURCC_HEVC, 1, 13, 1 },
          { 7, MILL_FLV_FOURCC_HEVC, -1, 21, 2 } } },
  { "ExVideoTagBody, many tracks of many codecs", VIDEO,
      "96 21 61763031 00 000001 aa 61766331 01 000003 000000 "
      "76703039 ff 000000",
      { .frame_type = 1,
          .packet_type = 1,
          .multitrack = MILL_FLV_EX_MANY_TRACKS_MANY_CODECS },
      3,
      { { 0, MILL_FLV_FOURCC_AV1, 0, 10, 1 },
          { 1, MILL_FLV_FOURCC_AVC, 0, 22, 0 },
          { 255, MILL_FLV_FOURCC_VP9, 0, 30, 0 } } },
  { "ExAudioTagHeader, Opus sequence start", AUDIO, "90 4f707573 4f70",
      { .packet_type = 0, ALONE }, 1, { { 0, MILL_FLV_FOURCC_OPUS, 0, 5, 2 } },
      TRUE },
  { "ExAudioTagHeader, multichannel config", AUDIO,
      "94 4f707573 01 06 0000003f", { .packet_type = 4, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_OPUS, 0, 5, 6 } }, TRUE },
  { "ExAudioTagHeader, end of sequence", AUDIO, "92 664c6143",
      { .packet_type = 2, ALONE }, 1,
      { { 0, MILL_FLV_FOURCC_FLAC, 0, 5, 0 } } },
  { "ExAudioTagHeader, ModEx", AUDIO, "97 02 000009 01 61632d33 0b77",
      { .packet_type = 1, ALONE, .nano_offset = 9 }, 1,
      { { 0, MILL_FLV_FOURCC_AC3, 0, 10, 2 } }, TRUE },
  { "ExAudioTagBody, one track", AUDIO, "95 00 6d703461 01 1190",
      { .packet_type = 0, .multitrack = MILL_FLV_EX_ONE_TRACK }, 1,
      { { 1, MILL_FLV_FOURCC_AAC, 0, 7, 2 } }, TRUE },
  { "ExAudioTagBody, many tracks of many codecs", AUDIO,
      "95 21 2e6d7033 00 000001 ff 65632d33 01 000002 0b77",
      { .packet_type = 1, .multitrack = MILL_FLV_EX_MANY_TRACKS_MANY_CODECS },
      2,
      { { 0, MILL_FLV_FOURCC_MP3, 0, 10, 1 },
          { 1, MILL_FLV_FOURCC_EAC3, 0, 19, 2 } } },
};

static void
check_reader (const MillFlvExReader *got, const MillFlvExReader *want)
{
  g_assert_cmpuint (got->frame_type, ==, want->frame_type);
  g_assert_cmpuint (got->packet_type, ==, want->packet_type);
  g_assert_cmpuint (got->multitrack, ==, want->multitrack);
  g_assert_cmpuint (got->nano_offset, ==, want->nano_offset);
  g_assert_cmpint (got->is_command, ==, want->is_command);
}

static void
check_track (const MillFlvExTrack *got, const MillFlvExTrack *want)
{
  g_assert_cmpuint (got->id, ==, want->id);
  g_assert_cmphex (got->fourcc, ==, want->fourcc);
  g_assert_cmpint (got->composition_time_ms, ==, want->composition_time_ms);
  g_assert_cmpuint (got->offset, ==, want->offset);
  g_assert_cmpuint (got->size, ==, want->size);
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *vector = &vectors[i];
    g_test_message ("%s", vector->clause);
    g_autoptr (GByteArray) bytes = bytes_from_hex (vector->hex);
    g_autoptr (GError) error = NULL;
    MillFlvExReader reader;
    MillFlvExTrack track;
    g_assert_true (mill_flv_ex_is_extended (vector->kind, bytes->data));
    g_assert_true (mill_flv_ex_open (&reader, vector->kind, bytes->data,
        bytes->len, &error));
    check_reader (&reader, &vector->reader);
    for (guint t = 0; t < vector->n_tracks; t++) {
      g_assert_true (mill_flv_ex_next (&reader, &track, &error));
      check_track (&track, &vector->tracks[t]);
    }
    g_assert_false (mill_flv_ex_next (&reader, &track, &error));
    g_assert_no_error (error);
  }
}

/* Whether all of it can be read. */
static gboolean
read_all (MillFlvKind kind, const guint8 *data, gsize size, GError **error)
{
  MillFlvExReader reader;
  MillFlvExTrack track;
  g_autoptr (GError) local = NULL;
  gboolean ok = mill_flv_ex_open (&reader, kind, data, size, &local);
  while (ok && mill_flv_ex_next (&reader, &track, &local))
    g_assert_cmpuint (track.offset + track.size, <=, size);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Where many tracks end is only known from the message's end. */
static gboolean
ends_track (const Vector *vector, gsize size)
{
  for (guint t = 0; t < vector->n_tracks; t++)
    if (vector->tracks[t].offset + vector->tracks[t].size == size)
      return TRUE;
  return FALSE;
}

static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *vector = &vectors[i];
    g_test_message ("%s", vector->clause);
    g_autoptr (GByteArray) bytes = bytes_from_hex (vector->hex);
    gsize headers = bytes->len;
    if (vector->cut_is_another)
      headers = vector->tracks[vector->n_tracks - 1].offset;
    for (gsize size = 0; size < headers; size++) {
      g_autofree guint8 *copy = g_memdup2 (bytes->data, size);
      g_autoptr (GError) error = NULL;
      if (ends_track (vector, size)) {
        g_assert_true (read_all (vector->kind, copy, size, &error));
        continue;
      }
      g_assert_false (read_all (vector->kind, copy, size, &error));
      g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
    }
  }
}

/* A ModEx of 257 bytes and one of 65,536: the size needs 16 bits. */
static void
test_long_mod_ex (void)
{
  static const guint sizes[] = { 256, 257, 65536 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_hex ("97 ff");
    guint8 size[2] = { (guint8) ((sizes[i] - 1) >> 8),
      (guint8) (sizes[i] - 1) };
    g_byte_array_append (bytes, size, 2);
    guint start = bytes->len;
    g_byte_array_set_size (bytes, start + sizes[i]);
    memset (bytes->data + start, 0, sizes[i]);
    bytes->data[start + 2] = 77;
    g_byte_array_append (bytes, (const guint8 *) "\x03hvc1\xaa", 6);
    MillFlvExReader reader;
    MillFlvExTrack track;
    g_assert_true (mill_flv_ex_open (&reader, VIDEO, bytes->data, bytes->len,
        NULL));
    g_assert_cmpuint (reader.nano_offset, ==, 77);
    g_assert_true (mill_flv_ex_next (&reader, &track, NULL));
    g_assert_cmpuint (track.size, ==, 1);
  }
}

static void
test_forbidden (void)
{
  static const struct
  {
    MillFlvKind kind;
    const gchar *hex;
  } messages[] = {
    { VIDEO, "96 06 68766331 00" }, /* multitrack in multitrack */
    { AUDIO, "95 05 6d703461 00" },
    { VIDEO, "96 07 68766331 00" }, /* ModEx in multitrack */
    { VIDEO, "96 31 68766331 00" }, /* AvMultitrackType 3 is reserved */
    { VIDEO, "96 11 68766331 00 000005 000001" }, /* longer than there is */
    { VIDEO, "96 11 68766331 00 000002 0000" }, /* no composition time */
  };
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_hex (messages[i].hex);
    g_autoptr (GError) error = NULL;
    g_assert_false (read_all (messages[i].kind, bytes->data, bytes->len,
        &error));
    g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
  }
}

/* ---- what is written is read ---- */

static void
round_trip (GRand *rand)
{
  static const MillFlvExMultitrack modes[] = { MILL_FLV_EX_NO_MULTITRACK,
    MILL_FLV_EX_ONE_TRACK, MILL_FLV_EX_MANY_TRACKS,
    MILL_FLV_EX_MANY_TRACKS_MANY_CODECS };
  static const guint8 payload[64];
  guint n_codecs;
  const MillFlvFourcc *codecs = mill_flv_fourcc_list (&n_codecs);
  MillFlvExHeader header = {
    .kind = g_rand_boolean (rand) ? VIDEO : AUDIO,
    .packet_type = g_rand_int_range (rand, 0, 3),
    .multitrack = modes[g_rand_int_range (rand, 0, 4)],
    .nano_offset = g_rand_boolean (rand) ? g_rand_int_range (rand, 1, 1000000)
                                         : 0,
  };
  if (header.kind == VIDEO)
    header.frame_type = g_rand_int_range (rand, 1, 3);
  guint n_bodies = header.multitrack == MILL_FLV_EX_MANY_TRACKS ||
          header.multitrack == MILL_FLV_EX_MANY_TRACKS_MANY_CODECS
      ? (guint) g_rand_int_range (rand, 1, 5)
      : 1;
  MillFlvExBody bodies[4];
  for (guint i = 0; i < n_bodies; i++)
    bodies[i] = (MillFlvExBody){
      .id = header.multitrack == MILL_FLV_EX_NO_MULTITRACK
          ? 0
          : (guint) g_rand_int_range (rand, 0, 256),
      .fourcc = header.multitrack == MILL_FLV_EX_MANY_TRACKS_MANY_CODECS ||
              i == 0
          ? codecs[g_rand_int_range (rand, 0, (gint32) n_codecs)].fourcc
          : bodies[0].fourcc,
      .composition_time_ms = g_rand_int_range (rand, -8388608, 8388608),
      .data = payload,
      .size = (gsize) g_rand_int_range (rand, 0, sizeof payload),
    };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  mill_flv_ex_writer_write (out, &header, bodies, n_bodies);

  MillFlvExReader reader;
  MillFlvExTrack track;
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_flv_ex_open (&reader, header.kind, out->data, out->len,
      &error));
  g_assert_cmpuint (reader.packet_type, ==, header.packet_type);
  g_assert_cmpuint (reader.multitrack, ==, header.multitrack);
  g_assert_cmpuint (reader.nano_offset, ==, header.nano_offset);
  for (guint i = 0; i < n_bodies; i++) {
    g_assert_true (mill_flv_ex_next (&reader, &track, &error));
    gboolean has_time = header.kind == VIDEO && header.packet_type == 1 &&
        (track.fourcc == MILL_FLV_FOURCC_AVC ||
            track.fourcc == MILL_FLV_FOURCC_HEVC);
    g_assert_cmpuint (track.id, ==, bodies[i].id);
    g_assert_cmphex (track.fourcc, ==, bodies[i].fourcc);
    g_assert_cmpuint (track.size, ==, bodies[i].size);
    g_assert_cmpint (track.composition_time_ms, ==,
        has_time ? bodies[i].composition_time_ms : 0);
  }
  g_assert_false (mill_flv_ex_next (&reader, &track, &error));
  g_assert_no_error (error);
}

static void
test_round_trip (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);
  for (guint i = 0; i < 2000; i++)
    round_trip (rand);
}

/* ---- colours ---- */

static const MillFlvColorInfo hdr10 = {
  .has_config = TRUE,
  .bit_depth = 10,
  .primaries = 9,
  .transfer = 16,
  .matrix = 9,
  .has_light_level = TRUE,
  .max_cll = 1000,
  .max_fall = 400,
  .has_mastering = TRUE,
  .red = { 0.68, 0.32 },
  .green = { 0.265, 0.69 },
  .blue = { 0.15, 0.06 },
  .white = { 0.3127, 0.329 },
  .max_luminance = 1000,
  .min_luminance = 0.0001,
};

static void
test_color_round_trip (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  MillFlvColorInfo info;
  mill_flv_color_info_write (out, &hdr10);
  g_assert_true (mill_flv_color_info_parse (out->data, out->len, &info, NULL));
  g_assert_true (mill_flv_color_info_equal (&info, &hdr10));
  for (gsize size = 0; size < out->len; size++) {
    g_autofree guint8 *copy = g_memdup2 (out->data, size);
    g_autoptr (GError) error = NULL;
    if (mill_flv_color_info_parse (copy, size, &info, &error))
      /* the name alone: undefined, a reset */
      g_assert_false (info.has_config || info.has_mastering);
    else
      g_assert_true (size == 0 || error != NULL);
  }
}

/* "Metadata Frame": both forms of the reset, and values out of range. */
static void
test_color_bounds (void)
{
  static const MillFlvColorInfo nothing;
  static const gchar *const resets[] = {
    "02 0009 636f6c6f72496e666f 06", /* undefined */
    "02 0009 636f6c6f72496e666f 03 000009", /* {} */
    "02 0001 78 05 02 0009 636f6c6f72496e666f 06", /* another pair before */
  };
  MillFlvColorInfo info;
  for (guint i = 0; i < G_N_ELEMENTS (resets); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_hex (resets[i]);
    info = hdr10;
    g_assert_true (mill_flv_color_info_parse (bytes->data, bytes->len, &info,
        NULL));
    g_assert_true (mill_flv_color_info_equal (&info, &nothing));
  }

  MillFlvColorInfo wrong = hdr10;
  wrong.primaries = 300;
  wrong.red.x = 0.9;
  wrong.max_cll = -1;
  g_autoptr (GByteArray) out = g_byte_array_new ();
  mill_flv_color_info_write (out, &wrong);
  g_assert_true (mill_flv_color_info_parse (out->data, out->len, &info, NULL));
  g_assert_cmpuint (info.primaries, ==, 2);
  g_assert_cmpuint (info.transfer, ==, 16);
  g_assert_false (info.has_mastering);
  g_assert_false (info.has_light_level);

  g_autoptr (GByteArray) other = bytes_from_hex ("02 0001 78 05");
  g_autoptr (GError) error = NULL;
  g_assert_false (mill_flv_color_info_parse (other->data, other->len, &info,
      &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/flv-ex/vectors", test_vectors);
  g_test_add_func ("/rtmp/flv-ex/truncated", test_truncated);
  g_test_add_func ("/rtmp/flv-ex/long-mod-ex", test_long_mod_ex);
  g_test_add_func ("/rtmp/flv-ex/forbidden", test_forbidden);
  g_test_add_func ("/rtmp/flv-ex/round-trip", test_round_trip);
  g_test_add_func ("/rtmp/flv-ex/color/round-trip", test_color_round_trip);
  g_test_add_func ("/rtmp/flv-ex/color/bounds", test_color_bounds);
  return g_test_run ();
}
