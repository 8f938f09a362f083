/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Chunks and segments. A user would notice: players that play a stream out of
 * step, or a packager that cannot go on after a crash. */
#include "bmff/bmff-chunk.h"
#include "bmff/bmff-segment.h"
#include "bmff-test.h"

/* ---- chunk: golden bytes ---- */

/* One sample that agrees with itself needs no table. */
static void
test_chunk_of_one (void)
{
  const MillBmffSample sample = { 5, 3000, 0, MILL_BMFF_SAMPLE_SYNC };
  const MillBmffChunk chunk = {
    .flags = MILL_BMFF_CHUNK_SEGMENT_START,
    .track_id = 1,
    .sequence_number = 7,
    .decode_time = 0x123456789,
    .samples = &sample,
    .n_samples = 1,
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_bmff_chunk_write (&w, &chunk, &error));
  g_assert_no_error (error);
  assert_bytes (&w,
      /* styp, 23000-19 §7.3.3: major msdh, minor 0, compatible */
      "00000020 73747970 6d736468 00000000 6d736468 636d6673 636d6666 636d666c"
      /* moof, 14496-12 §8.8.4 */
      "00000064 6d6f6f66"
      /* mfhd §8.8.5 */
      "00000010 6d666864 00000000 00000007"
      /* traf §8.8.6 */
      "0000004c 74726166"
      /* tfhd §8.8.7: default-base-is-moof, duration, size, flags */
      "0000001c 74666864 00020038 00000001 00000bb8 00000005 02000000"
      /* tfdt §8.8.12 version 1 */
      "00000014 74666474 01000000 00000001 23456789"
      /* trun §8.8.8 version 1: data offset = moof + header of mdat */
      "00000014 7472756e 01000001 00000001 0000006c"
      /* mdat §8.1.1 */
      "0000000d 6d646174");
  g_assert_cmpuint (w.size, ==, mill_bmff_chunk_get_header_size (&chunk));
}

/* IDR first: its flags are said once. Sizes and composition offsets differ. */
static void
test_chunk_of_gop (void)
{
  const MillBmffSample samples[] = {
    { 100, 512, 0, MILL_BMFF_SAMPLE_SYNC },
    { 20, 512, 1024, MILL_BMFF_SAMPLE_DELTA },
    { 10, 512, -512, MILL_BMFF_SAMPLE_DELTA },
  };
  const MillBmffChunk chunk = {
    .flags = MILL_BMFF_CHUNK_SEGMENT_START | MILL_BMFF_CHUNK_LAST_SEGMENT,
    .track_id = 2,
    .sequence_number = 1,
    .ntp_time = 0x0102030405060708,
    .decode_time = 512,
    .samples = samples,
    .n_samples = G_N_ELEMENTS (samples),
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_chunk_write (&w, &chunk, NULL));
  assert_bytes (&w,
      /* styp with lmsg */
      "00000024 73747970 6d736468 00000000 6d736468 636d6673 636d6666 636d666c"
      "6c6d7367"
      /* prft §8.16.5 version 1, flags 8: track, NTP time, media time */
      "00000020 70726674 01000008 00000002 01020304 05060708"
      "00000000 00000200"
      "0000007c 6d6f6f66"
      "00000010 6d666864 00000000 00000001"
      "00000064 74726166"
      /* tfhd: default duration and flags (those of the rest) */
      "00000018 74666864 00020028 00000002 00000200 01010000"
      "00000014 74666474 01000000 00000000 00000200"
      /* trun: data offset, first sample flags, size, composition offset */
      "00000030 7472756e 01000a05 00000003 00000084 02000000"
      "00000064 00000000 00000014 00000400 0000000a fffffe00"
      "0000008a 6d646174");
}

/* A second sync sample: flags for each, never with first-sample-flags. */
static void
test_chunk_mixed_flags (void)
{
  const MillBmffSample samples[] = {
    { 8, 1, 0, MILL_BMFF_SAMPLE_DELTA },
    { 8, 1, 0, MILL_BMFF_SAMPLE_DELTA },
    { 8, 2, 0, MILL_BMFF_SAMPLE_SYNC },
  };
  const MillBmffChunk chunk = {
    .track_id = 1,
    .samples = samples,
    .n_samples = G_N_ELEMENTS (samples),
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_chunk_write (&w, &chunk, NULL));
  assert_bytes (&w,
      "00000074 6d6f6f66"
      "00000010 6d666864 00000000 00000000"
      "0000005c 74726166"
      "00000014 74666864 00020010 00000001 00000008"
      "00000014 74666474 01000000 00000000 00000000"
      "0000002c 7472756e 01000501 00000003 0000007c"
      "00000001 01010000 00000001 01010000 00000002 02000000"
      "00000020 6d646174");
}

/* What tfhd would say of all is said of each. */
static void
test_chunk_explicit (void)
{
  const MillBmffSample samples[] = {
    { 8, 90000, 0, MILL_BMFF_SAMPLE_SYNC },
    { 8, 90000, 0, MILL_BMFF_SAMPLE_SYNC },
  };
  const MillBmffChunk chunk = {
    .flags = MILL_BMFF_CHUNK_EXPLICIT,
    .track_id = 1,
    .samples = samples,
    .n_samples = G_N_ELEMENTS (samples),
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_chunk_write (&w, &chunk, NULL));
  assert_bytes (&w,
      "0000006c 6d6f6f66"
      "00000010 6d666864 00000000 00000000"
      "00000054 74726166"
      /* tfhd: default flags alone */
      "00000014 74666864 00020020 00000001 02000000"
      "00000014 74666474 01000000 00000000 00000000"
      /* trun: data offset, durations, sizes */
      "00000024 7472756e 01000301 00000002 00000074"
      "00015f90 00000008 00015f90 00000008"
      "00000018 6d646174");
  g_assert_cmpuint (w.size, ==, mill_bmff_chunk_get_header_size (&chunk));
}

/* 23009-1 5.10.3.3: version 1, where the order of the fields is another one than
 * in version 0; before moof, of which the offset of the payload is counted. */
static void
test_chunk_events (void)
{
  static const guint8 message[] = { 0xfc, 0x30 };
  g_autoptr (GBytes) bytes = g_bytes_new_static (message, sizeof message);
  const MillBmffEvent events[] = {
    { "a:b", "", 90000, 0x1ffffffff, MILL_BMFF_EVENT_NO_DURATION, 7, bytes },
    { "c", "1", 48000, 5, 6, 8, bytes },
  };
  const MillBmffSample sample = { 5, 3000, 0, MILL_BMFF_SAMPLE_SYNC };
  MillBmffChunk chunk = {
    .track_id = 1,
    .sequence_number = 7,
    .ntp_time = 1,
    .samples = &sample,
    .n_samples = 1,
  };
  g_auto (MillBmffWriter) without = { 0 };
  g_auto (MillBmffWriter) with = { 0 };
  g_assert_true (mill_bmff_chunk_write (&without, &chunk, NULL));
  chunk.events = events;
  chunk.n_events = G_N_ELEMENTS (events);
  g_assert_true (mill_bmff_chunk_write (&with, &chunk, NULL));
  g_assert_cmpuint (with.size, ==, mill_bmff_chunk_get_header_size (&chunk));
  const guint8 expected[] = "\x00\x00\x00\x27"
                            "emsg\x01\x00\x00\x00"
                            "\x00\x01\x5f\x90"
                            "\x00\x00\x00\x01\xff\xff\xff\xff"
                            "\xff\xff\xff\xff"
                            "\x00\x00\x00\x07"
                            "a:b\0"
                            "\0"
                            "\xfc\x30"
                            "\x00\x00\x00\x26"
                            "emsg\x01\x00\x00\x00"
                            "\x00\x00\xbb\x80"
                            "\x00\x00\x00\x00\x00\x00\x00\x05"
                            "\x00\x00\x00\x06"
                            "\x00\x00\x00\x08"
                            "c\0"
                            "1\0"
                            "\xfc\x30";
  gsize prft = 32;
  gsize size = sizeof expected - 1;
  g_assert_cmpmem (with.data, prft, without.data, prft);
  g_assert_cmpmem (with.data + prft, size, expected, size);
  g_assert_cmpmem (with.data + prft + size, with.size - prft - size,
      without.data + prft, without.size - prft);
}

static void
test_chunk_refused (void)
{
  const MillBmffSample huge[] = {
    { G_MAXUINT32, 1, 0, MILL_BMFF_SAMPLE_SYNC },
    { 1, 1, 0, MILL_BMFF_SAMPLE_DELTA },
  };
  MillBmffChunk chunk = { .track_id = 1, .samples = huge };
  g_auto (MillBmffWriter) w = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_false (mill_bmff_chunk_write (&w, &chunk, &error));
  g_assert_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpuint (mill_bmff_chunk_get_header_size (&chunk), ==, 0);

  chunk.n_samples = G_N_ELEMENTS (huge);
  g_assert_false (mill_bmff_chunk_write (&w, &chunk, &error));
  g_assert_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_TOO_BIG);
  g_assert_cmpuint (mill_bmff_chunk_get_header_size (&chunk), ==, 0);
  g_assert_cmpuint (w.size, ==, 0);
}

/* The writer's memory is exactly the header: one allocation made it. A writer
 * that is used again allocates nothing. */
static void
test_chunk_allocates_once (void)
{
  MillBmffSample samples[250];
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    samples[i] = (MillBmffSample){ i, i, i, MILL_BMFF_SAMPLE_DELTA + i };
  const MillBmffChunk chunk = {
    .flags = MILL_BMFF_CHUNK_SEGMENT_START,
    .track_id = 1,
    .ntp_time = 1,
    .samples = samples,
    .n_samples = G_N_ELEMENTS (samples),
  };
  g_auto (MillBmffWriter) w = { 0 };
  g_assert_true (mill_bmff_chunk_write (&w, &chunk, NULL));
  g_assert_cmpuint (w.size, ==, w.capacity);
  const guint8 *memory = w.data;
  mill_bmff_writer_reset (&w);
  g_assert_true (mill_bmff_chunk_write (&w, &chunk, NULL));
  g_assert_true (w.data == memory);
}

/* ---- segments ---- */

#define N_CHUNKS 4
#define N_SAMPLES 6

/* A segment of N_CHUNKS chunks; payload byte = number of the sample. */
static void
write_segment (MillBmffWriter *w, gsize *ret_ends)
{
  guint64 decode_time = G_GUINT64_CONSTANT (1) << 40;
  for (guint c = 0; c < N_CHUNKS; c++) {
    MillBmffSample samples[N_SAMPLES];
    for (guint i = 0; i < N_SAMPLES; i++)
      samples[i] = (MillBmffSample){
        .size = 1 + 3 * i + c,
        .duration = c == 2 ? 1000 + i : 1500,
        .composition_offset = c == 1 ? 0 : 3000 - 1500 * (gint) i,
        .flags = i == 0 && c == 0 ? MILL_BMFF_SAMPLE_SYNC
                                  : MILL_BMFF_SAMPLE_DELTA,
      };
    const MillBmffChunk chunk = {
      .flags = c == 0 ? MILL_BMFF_CHUNK_SEGMENT_START : MILL_BMFF_CHUNK_NONE,
      .track_id = 1,
      .sequence_number = 10 + c,
      .decode_time = decode_time,
      .ntp_time = c == 0 ? 1 : 0,
      .samples = samples,
      .n_samples = N_SAMPLES,
    };
    g_assert_true (mill_bmff_chunk_write (w, &chunk, NULL));
    for (guint i = 0; i < N_SAMPLES; i++) {
      for (guint b = 0; b < samples[i].size; b++)
        mill_bmff_writer_put_u8 (w, c * N_SAMPLES + i);
      decode_time += samples[i].duration;
    }
    ret_ends[c] = w->size;
  }
}

static void
test_segment_round_trip (void)
{
  g_auto (MillBmffWriter) w = { 0 };
  gsize ends[N_CHUNKS];
  write_segment (&w, ends);
  g_autoptr (MillBmffSegment) segment =
      mill_bmff_segment_parse (w.data, w.size, NULL);
  g_assert_no_error (segment->rest_error);
  g_assert_cmpuint (segment->complete_size, ==, w.size);
  g_assert_cmpuint (segment->chunks->len, ==, N_CHUNKS);
  g_assert_cmpuint (segment->samples->len, ==, N_CHUNKS * N_SAMPLES);
  guint64 decode_time = G_GUINT64_CONSTANT (1) << 40;
  for (guint c = 0; c < N_CHUNKS; c++) {
    const MillBmffSegmentChunk *chunk =
        &g_array_index (segment->chunks, MillBmffSegmentChunk, c);
    g_assert_cmpuint (chunk->offset, ==, c > 0 ? ends[c - 1] : 0);
    g_assert_cmpuint (chunk->offset + chunk->size, ==, ends[c]);
    g_assert_cmpuint (chunk->sequence_number, ==, 10 + c);
    g_assert_cmpuint (chunk->decode_time, ==, decode_time);
    g_assert_cmpint (chunk->independent, ==, c == 0);
    for (guint i = 0; i < N_SAMPLES; i++) {
      guint index = chunk->first_sample + i;
      const MillBmffSegmentSample *sample =
          &g_array_index (segment->samples, MillBmffSegmentSample, index);
      g_assert_cmpuint (sample->decode_time, ==, decode_time);
      g_assert_cmpuint (sample->size, ==, 1 + 3 * i + c);
      g_assert_cmpint (sample->composition_offset, ==,
          c == 1 ? 0 : 3000 - 1500 * (gint) i);
      g_assert_cmpuint (w.data[sample->offset], ==, c * N_SAMPLES + i);
      g_assert_cmpuint (w.data[sample->offset + sample->size - 1], ==,
          c * N_SAMPLES + i);
      decode_time += sample->duration;
    }
  }
}

/* What a packager finds after a crash: whole chunks are kept, the rest is
 * told apart, whatever byte the file ends at. */
static void
test_segment_truncated (void)
{
  g_auto (MillBmffWriter) w = { 0 };
  gsize ends[N_CHUNKS];
  write_segment (&w, ends);
  guint complete = 0;
  for (gsize length = 0; length <= w.size; length++) {
    g_autofree guint8 *copy = g_memdup2 (w.data, length);
    g_autoptr (MillBmffSegment) segment =
        mill_bmff_segment_parse (copy, length, NULL);
    if (complete < N_CHUNKS && length == ends[complete])
      complete++;
    gsize kept = complete > 0 ? ends[complete - 1] : 0;
    g_assert_cmpuint (segment->chunks->len, ==, complete);
    g_assert_cmpuint (segment->samples->len, ==, complete * N_SAMPLES);
    g_assert_cmpuint (segment->complete_size, ==, kept);
    if (length == kept)
      g_assert_no_error (segment->rest_error);
    else
      g_assert_error (segment->rest_error, MILL_BMFF_ERROR,
          MILL_BMFF_ERROR_TRUNCATED);
  }
}

/* A file that the kernel extended with zeros when the power went. */
static void
test_segment_zero_tail (void)
{
  g_auto (MillBmffWriter) w = { 0 };
  gsize ends[N_CHUNKS];
  write_segment (&w, ends);
  gsize whole = w.size;
  mill_bmff_writer_put_zeros (&w, 4096);
  g_autoptr (MillBmffSegment) segment =
      mill_bmff_segment_parse (w.data, w.size, NULL);
  g_assert_cmpuint (segment->chunks->len, ==, N_CHUNKS);
  g_assert_cmpuint (segment->complete_size, ==, whole);
  g_assert_error (segment->rest_error, MILL_BMFF_ERROR,
      MILL_BMFF_ERROR_INVALID);
}

static void
test_segment_refused (void)
{
  static const struct
  {
    const gchar *why;
    const gchar *data;
    MillBmffError code;
  } cases[] = {
    { "mdat without moof", "00000008 6d646174", MILL_BMFF_ERROR_INVALID },
    { "a box smaller than its header", "00000007 6d6f6f66",
        MILL_BMFF_ERROR_INVALID },
    { "moof without traf",
        "00000018 6d6f6f66 00000010 6d666864 00000000"
        "00000001",
        MILL_BMFF_ERROR_UNSUPPORTED },
    { "a million samples for free: default size 0",
        "00000060 6d6f6f66 00000010 6d666864 00000000 00000001"
        "00000048 74726166 00000018 74666864 00020030 00000001 00000000"
        "02000000"
        "00000014 74666474 01000000 00000000 00000000"
        "00000014 7472756e 01000001 000f4240 00000068 00000008 6d646174",
        MILL_BMFF_ERROR_TRUNCATED },
    { "a payload before mdat",
        "00000064 6d6f6f66 00000010 6d666864 00000000 00000007"
        "0000004c 74726166"
        "0000001c 74666864 00020038 00000001 00000bb8 00000005 02000000"
        "00000014 74666474 01000000 00000001 23456789"
        "00000014 7472756e 01000001 00000001 00000068"
        "0000000d 6d646174 0102030405",
        MILL_BMFF_ERROR_INVALID },
    { "decode times beyond 64 bits",
        "00000064 6d6f6f66 00000010 6d666864 00000000 00000007"
        "0000004c 74726166"
        "0000001c 74666864 00020038 00000001 00000bb8 00000005 02000000"
        "00000014 74666474 01000000 ffffffff ffffffff"
        "00000014 7472756e 01000001 00000001 0000006c"
        "0000000d 6d646174 0102030405",
        MILL_BMFF_ERROR_INVALID },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = hex_to_bytes (cases[i].data);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    g_autoptr (MillBmffSegment) segment =
        mill_bmff_segment_parse (data, size, NULL);
    g_test_message ("%s", cases[i].why);
    g_assert_cmpuint (segment->chunks->len, ==, 0);
    g_assert_cmpuint (segment->samples->len, ==, 0);
    g_assert_error (segment->rest_error, MILL_BMFF_ERROR, (gint) cases[i].code);
  }
}

/* 64-bit sizes and sizes to the end of the file, 14496-12 §4.2. */
static void
test_box_sizes (void)
{
  g_autoptr (GBytes) bytes = hex_to_bytes (
      "00000001 66726565 00000000 00000012 abcd 00000000 6d646174 010203");
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  MillBmffReader reader;
  MillBmffBox box;
  mill_bmff_reader_init (&reader, data, size);
  g_assert_cmpint (mill_bmff_reader_next (&reader, &box, NULL), ==,
      MILL_BMFF_NEXT_BOX);
  g_assert_cmpuint (box.payload_size, ==, 2);
  g_assert_cmpuint (box.size, ==, 18);
  g_assert_cmpint (mill_bmff_reader_next (&reader, &box, NULL), ==,
      MILL_BMFF_NEXT_BOX);
  g_assert_cmpuint (box.payload_size, ==, 3);
  g_assert_cmpint (mill_bmff_reader_next (&reader, &box, NULL), ==,
      MILL_BMFF_NEXT_END);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bmff/chunk/one-sample", test_chunk_of_one);
  g_test_add_func ("/bmff/chunk/gop", test_chunk_of_gop);
  g_test_add_func ("/bmff/chunk/mixed-flags", test_chunk_mixed_flags);
  g_test_add_func ("/bmff/chunk/explicit", test_chunk_explicit);
  g_test_add_func ("/bmff/chunk/events", test_chunk_events);
  g_test_add_func ("/bmff/chunk/refused", test_chunk_refused);
  g_test_add_func ("/bmff/chunk/allocates-once", test_chunk_allocates_once);
  g_test_add_func ("/bmff/segment/round-trip", test_segment_round_trip);
  g_test_add_func ("/bmff/segment/truncated-at-every-byte",
      test_segment_truncated);
  g_test_add_func ("/bmff/segment/zero-tail", test_segment_zero_tail);
  g_test_add_func ("/bmff/segment/refused", test_segment_refused);
  g_test_add_func ("/bmff/box-sizes", test_box_sizes);
  return g_test_run ();
}
