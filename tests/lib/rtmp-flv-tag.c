/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* FLV tag headers: a fault here shows as pictures in the wrong order, or as an
 * unknown codec that is taken for a known one. */
#include "rtmp/flv-tag.h"

#include "rtmp-test.h"

typedef struct
{
  const gchar *clause;
  const gchar *hex; /* a header alone: nothing may follow */
  MillFlvVideoTag tag;
  const gchar *name;
} VideoVector;

static const VideoVector video_vectors[] = {
  { "E.4.3.1 AVC sequence header", "17 00 000000",
      { .codec = 7, .frame_type = 1, .packet_type = 0, .header_size = 5 },
      "H.264" },
  { "E.4.3.1 AVC key frame, 80 ms", "17 01 000050",
      { .codec = 7,
          .frame_type = 1,
          .packet_type = 1,
          .composition_time_ms = 80,
          .header_size = 5 },
      "H.264" },
  { "E.4.3.1 AVC inter frame, SI24 is signed", "27 01 ffffff",
      { .codec = 7,
          .frame_type = 2,
          .packet_type = 1,
          .composition_time_ms = -1,
          .header_size = 5 },
      "H.264" },
  { "E.4.3.1 the least SI24", "27 01 800000",
      { .codec = 7,
          .frame_type = 2,
          .packet_type = 1,
          .composition_time_ms = -8388608,
          .header_size = 5 },
      "H.264" },
  { "E.4.3.1 composition time counts only in frames", "17 00 000050",
      { .codec = 7, .frame_type = 1, .packet_type = 0, .header_size = 5 },
      "H.264" },
  { "E.4.3.1 AVC end of sequence", "17 02 000000",
      { .codec = 7, .frame_type = 1, .packet_type = 2, .header_size = 5 },
      "H.264" },
  { "E.4.3.2 a command frame has no AVC header", "57",
      { .codec = 7, .frame_type = 5, .packet_type = 1, .header_size = 1 },
      "H.264" },
  { "E.4.3.1 Sorenson H.263", "12",
      { .codec = 2, .frame_type = 1, .packet_type = 1, .header_size = 1 },
      "Sorenson H.263" },
  { "HEVC before Enhanced RTMP", "1c",
      { .codec = 12, .frame_type = 1, .packet_type = 1, .header_size = 1 },
      "HEVC as CodecID 12 (use Enhanced RTMP)" },
  { "a CodecID without a name", "1e",
      { .codec = 14, .frame_type = 1, .packet_type = 1, .header_size = 1 },
      "FLV video codec 14" },
  { "Enhanced RTMP HEVC sequence start", "90 68766331",
      { .extended = TRUE,
          .fourcc = 0x68766331,
          .frame_type = 1,
          .packet_type = 0,
          .header_size = 5 },
      "hvc1" },
  { "Enhanced RTMP HEVC coded frames", "a1 68766331 ffffd8",
      { .extended = TRUE,
          .fourcc = 0x68766331,
          .frame_type = 2,
          .packet_type = 1,
          .composition_time_ms = -40,
          .header_size = 8 },
      "hvc1" },
  { "Enhanced RTMP AV1 coded frames have no composition time", "91 61763031",
      { .extended = TRUE,
          .fourcc = 0x61763031,
          .frame_type = 1,
          .packet_type = 1,
          .header_size = 5 },
      "av01" },
  { "Enhanced RTMP FourCC that must not reach a terminal", "90 1b5b6162",
      { .extended = TRUE,
          .fourcc = 0x1b5b6162,
          .frame_type = 1,
          .packet_type = 0,
          .header_size = 5 },
      "?[ab" },
  { "Enhanced RTMP v2 multitrack: the first track", "96 01 68766331 03 000028",
      { .extended = TRUE,
          .fourcc = 0x68766331,
          .frame_type = 1,
          .packet_type = 1,
          .composition_time_ms = 40,
          .header_size = 10 },
      "hvc1" },
  { "Enhanced RTMP v2 command", "d1 00",
      { .extended = TRUE, .frame_type = 5, .packet_type = 1, .header_size = 2 },
      "an Enhanced RTMP codec" },
};

static void
test_video (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (video_vectors); i++) {
    const VideoVector *vector = &video_vectors[i];
    g_test_message ("%s", vector->clause);
    g_autoptr (GByteArray) bytes = bytes_from_hex (vector->hex);
    MillFlvVideoTag tag;
    g_assert_true (mill_flv_tag_parse_video (bytes->data, bytes->len, &tag,
        NULL));
    g_assert_cmpint (tag.extended, ==, vector->tag.extended);
    g_assert_cmpint (tag.codec, ==, vector->tag.codec);
    g_assert_cmphex (tag.fourcc, ==, vector->tag.fourcc);
    g_assert_cmpint (tag.frame_type, ==, vector->tag.frame_type);
    g_assert_cmpint (tag.packet_type, ==, vector->tag.packet_type);
    g_assert_cmpint (tag.composition_time_ms, ==,
        vector->tag.composition_time_ms);
    g_assert_cmpuint (tag.header_size, ==, vector->tag.header_size);
    g_assert_cmpuint (tag.header_size, ==, bytes->len);
    g_autofree gchar *name = mill_flv_tag_video_codec_name (&tag);
    g_assert_cmpstr (name, ==, vector->name);
  }
}

typedef struct
{
  const gchar *clause;
  const gchar *hex;
  MillFlvAudioTag tag;
  const gchar *name;
} AudioVector;

static const AudioVector audio_vectors[] = {
  { "E.4.2.1 AAC sequence header", "af 00",
      { .format = 10, .packet_type = 0, .header_size = 2 }, "AAC" },
  { "E.4.2.1 AAC frame", "af 01",
      { .format = 10, .packet_type = 1, .header_size = 2 }, "AAC" },
  { "E.4.2.1 MP3", "2f", { .format = 2, .packet_type = 1, .header_size = 1 },
      "MP3" },
  { "E.4.2.1 Speex", "b2", { .format = 11, .packet_type = 1, .header_size = 1 },
      "Speex" },
  { "E.4.2.1 a format without a name", "d0",
      { .format = 13, .packet_type = 1, .header_size = 1 },
      "FLV audio format 13" },
  { "Enhanced RTMP v2 Opus", "90 4f707573",
      { .format = 9, .fourcc = 0x4f707573, .packet_type = 0, .header_size = 5 },
      "Opus" },
};

static void
test_audio (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (audio_vectors); i++) {
    const AudioVector *vector = &audio_vectors[i];
    g_test_message ("%s", vector->clause);
    g_autoptr (GByteArray) bytes = bytes_from_hex (vector->hex);
    MillFlvAudioTag tag;
    g_assert_true (mill_flv_tag_parse_audio (bytes->data, bytes->len, &tag,
        NULL));
    g_assert_cmpint (tag.format, ==, vector->tag.format);
    g_assert_cmphex (tag.fourcc, ==, vector->tag.fourcc);
    g_assert_cmpint (tag.packet_type, ==, vector->tag.packet_type);
    g_assert_cmpuint (tag.header_size, ==, vector->tag.header_size);
    g_assert_cmpuint (tag.header_size, ==, bytes->len);
    g_autofree gchar *name = mill_flv_tag_audio_codec_name (&tag);
    g_assert_cmpstr (name, ==, vector->name);
  }
}

/* Every header that is cut short is refused, with sizes in the text. */
static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (video_vectors); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_hex (video_vectors[i].hex);
    for (gsize size = 0; size < bytes->len; size++) {
      g_autofree guint8 *copy = g_memdup2 (bytes->data, size);
      MillFlvVideoTag tag;
      g_autoptr (GError) error = NULL;
      g_assert_false (mill_flv_tag_parse_video (copy, size, &tag, &error));
      g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
    }
  }
  for (guint i = 0; i < G_N_ELEMENTS (audio_vectors); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_hex (audio_vectors[i].hex);
    for (gsize size = 0; size < bytes->len; size++) {
      g_autofree guint8 *copy = g_memdup2 (bytes->data, size);
      MillFlvAudioTag tag;
      g_autoptr (GError) error = NULL;
      g_assert_false (mill_flv_tag_parse_audio (copy, size, &tag, &error));
      g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/flv-tag/video", test_video);
  g_test_add_func ("/rtmp/flv-tag/audio", test_audio);
  g_test_add_func ("/rtmp/flv-tag/truncated", test_truncated);
  return g_test_run ();
}
