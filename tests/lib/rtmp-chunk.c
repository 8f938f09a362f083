/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Chunks: a fault here means broken pictures, wrong time stamps or a publisher
 * cut off in the middle of a show. */
#include "rtmp-test.h"
#include "rtmp/rtmp-chunk-reader.h"
#include "rtmp/rtmp-chunk-writer.h"

#define MAX_MESSAGE 100000

static MillRtmpChunkReader *
new_reader (void)
{
  static const MillRtmpChunkLimits limits = {
    .max_chunk_bytes = 65536,
    .max_chunk_streams = 4,
  };
  MillRtmpChunkReader *reader = mill_rtmp_chunk_reader_new (&limits);
  mill_rtmp_chunk_reader_set_max_message (reader, MAX_MESSAGE);
  return reader;
}

/* "chunk stream/type/message stream@time:size+sum of bytes" */
static void
log_message (GString *log, const MillRtmpHeader *header, GstBuffer *payload)
{
  guint sum = 0;
  gsize size = 0;
  if (payload != NULL) {
    g_assert_cmpuint (gst_buffer_n_memory (payload), ==, 1);
    GstMapInfo map;
    gst_buffer_map (payload, &map, GST_MAP_READ);
    size = map.size;
    for (gsize i = 0; i < size; i++)
      sum = sum * 31 + map.data[i];
    gst_buffer_unmap (payload, &map);
    gst_buffer_unref (payload);
  }
  g_string_append_printf (log, "%u/%u/%u@%u:%" G_GSIZE_FORMAT "+%u ",
      header->chunk_stream, header->type, header->stream_id,
      header->timestamp_ms, size, sum % 1000);
}

static gboolean
feed (MillRtmpChunkReader *reader, const guint8 *data, gsize size, GString *log,
    GError **error)
{
  MillRtmpBytes bytes = { data, size };
  for (;;) {
    MillRtmpHeader header;
    GstBuffer *payload = NULL;
    MillRtmpChunkResult result =
        mill_rtmp_chunk_reader_feed (reader, &bytes, &header, &payload, error);
    if (result == MILL_RTMP_CHUNK_FAILED)
      return FALSE;
    if (result == MILL_RTMP_CHUNK_MORE)
      break;
    log_message (log, &header, payload);
  }
  g_assert_cmpuint (bytes.size, ==, 0);
  return TRUE;
}

/* @hex with "x200" as 200 bytes of 0x55 */
static GByteArray *
expand (const gchar *hex)
{
  GByteArray *bytes = g_byte_array_new ();
  g_auto (GStrv) words = g_strsplit (hex, " ", -1);
  for (guint i = 0; words[i] != NULL; i++) {
    if (words[i][0] == 'x') {
      guint size = (guint) atoi (words[i] + 1);
      guint old = bytes->len;
      g_byte_array_set_size (bytes, old + size);
      memset (bytes->data + old, 0x55, size);
    } else {
      g_autoptr (GByteArray) word = bytes_from_hex (words[i]);
      g_byte_array_append (bytes, word->data, word->len);
    }
  }
  return bytes;
}

typedef struct
{
  const gchar *clause; /* of RTMP 1.0 */
  const gchar *hex;
  const gchar *expected; /* as log_message(); the sum is not compared */
} Vector;

static const Vector vectors[] = {
  { "5.3.1.2.1 type 0, message stream is little endian",
      "03 0003e8 000003 09 01000000 x3", "3/9/1@1000:3" },
  { "5.3.1.1 two bytes, 64", "00 00 000001 000001 08 00000000 x1",
      "64/8/0@1:1" },
  { "5.3.1.1 two bytes, 319", "00 ff 000001 000001 08 00000000 x1",
      "319/8/0@1:1" },
  { "5.3.1.1 three bytes, 64", "01 0000 000001 000001 08 00000000 x1",
      "64/8/0@1:1" },
  { "5.3.1.1 three bytes, 65599", "01 ffff 000001 000001 08 00000000 x1",
      "65599/8/0@1:1" },
  { "5.3.1.2.2 to .4 types 1, 2 and 3 inherit",
      "06 000064 000002 09 01000000 x2 46 000014 000003 08 x3 86 00001e x3 c6 x3",
      "6/9/1@100:2 6/8/1@120:3 6/8/1@150:3 6/8/1@180:3" },
  { "5.3.1.2.4 type 3 after type 0 repeats the time stamp as delta",
      "06 000064 000002 09 01000000 x2 c6 x2", "6/9/1@100:2 6/9/1@200:2" },
  { "5.3.2.2 a message of 307 bytes in chunks of 128",
      "04 0003e8 000133 09 01000000 x128 c4 x128 c4 x51", "4/9/1@1000:307" },
  { "5.3.1.3 extended time stamp", "04 ffffff 000001 09 01000000 01000000 x1",
      "4/9/1@16777216:1" },
  { "5.3.1.3 extended, the value itself",
      "04 ffffff 000001 09 01000000 00ffffff x1", "4/9/1@16777215:1" },
  { "5.3.1.3 extended, repeated in type 3",
      "04 ffffff 000082 09 01000000 01000000 x128 c4 01000000 x2",
      "4/9/1@16777216:130" },
  { "5.3.1.3 extended, left out in type 3",
      "04 ffffff 000088 09 01000000 01000000 x128 c4 x8",
      "4/9/1@16777216:136" },
  { "5.3.1.3 extended, left out before less than four bytes",
      "04 ffffff 000081 09 01000000 01000000 x128 c4 x1 "
      "03 000000 000001 08 00000000 x1",
      "4/9/1@16777216:129 3/8/0@0:1" },
  { "5.3.1.3 extended delta",
      "04 000001 000001 09 01000000 x1 84 ffffff 01000000 x1 c4 01000000 x1",
      "4/9/1@1:1 4/9/1@16777217:1 4/9/1@33554433:1" },
  { "time stamps wrap at 32 bits",
      "04 ffffff 000001 09 01000000 fffffff0 x1 84 000020 x1",
      "4/9/1@4294967280:1 4/9/1@16:1" },
  { "interleaved chunk streams",
      "06 000064 000082 09 01000000 x128 04 000065 000002 08 01000000 x2 c6 x2",
      "4/8/1@101:2 6/9/1@100:130" },
  { "5.4.1 Set Chunk Size",
      "02 000000 000004 01 00000000 000000ff 03 000000 0000ff 09 01000000 x255",
      "3/9/1@0:255" },
  { "5.4.1 Set Chunk Size within another message",
      "06 000064 000103 09 01000000 x128 02 000000 000004 01 00000000 00000fff "
      "c6 x131",
      "6/9/1@100:259" },
  { "5.4.2 Abort",
      "06 000064 000103 09 01000000 x128 02 000000 000004 02 00000000 00000006 "
      "46 000001 000001 09 x1",
      "6/9/1@101:1" },
  { "an empty message", "06 000064 000000 09 01000000 c6",
      "6/9/1@100:0 6/9/1@200:0" },
  { "librtmp begins with type 1", "46 000014 000003 09 x3", "6/9/0@20:3" },
};

/* The sums are left out: "a:b+sum " becomes "a:b ". */
static gchar *
without_sums (const gchar *log)
{
  g_autoptr (GRegex) sums = g_regex_new ("\\+[0-9]+", 0, 0, NULL);
  g_autofree gchar *text =
      g_regex_replace_literal (sums, log, -1, 0, "", 0, NULL);
  return g_strchomp (g_steal_pointer (&text));
}

/* Cut in two at every place, and into single bytes: the same messages. */
static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_test_message ("%s", vectors[i].clause);
    g_autoptr (GByteArray) bytes = expand (vectors[i].hex);
    for (gsize cut = 0; cut <= bytes->len; cut++) {
      g_autoptr (MillRtmpChunkReader) reader = new_reader ();
      g_autoptr (GString) log = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      /* pieces of their own, so that sanitizers see a read beyond them */
      g_autofree guint8 *head = g_memdup2 (bytes->data, cut);
      g_autofree guint8 *rest = g_memdup2 (bytes->data + cut, bytes->len - cut);
      feed (reader, head, cut, log, &error);
      g_assert_no_error (error);
      feed (reader, rest, bytes->len - cut, log, &error);
      g_assert_no_error (error);
      g_assert_true (mill_rtmp_chunk_reader_is_idle (reader));
      g_autofree gchar *got = without_sums (log->str);
      g_assert_cmpstr (got, ==, vectors[i].expected);
    }
    g_autoptr (MillRtmpChunkReader) reader = new_reader ();
    g_autoptr (GString) log = g_string_new (NULL);
    for (gsize j = 0; j < bytes->len; j++)
      g_assert_true (feed (reader, bytes->data + j, 1, log, NULL));
    g_autofree gchar *got = without_sums (log->str);
    g_assert_cmpstr (got, ==, vectors[i].expected);
  }
}

static void
test_refused (void)
{
  static const struct
  {
    const gchar *what;
    const gchar *hex;
    MillRtmpError code;
  } cases[] = {
    { "type 2 first", "84 000001", MILL_RTMP_ERROR_PROTOCOL },
    { "type 3 first", "c4", MILL_RTMP_ERROR_PROTOCOL },
    { "a new message within one",
        "06 000064 000103 09 01000000 x128 06 000064 000103 09 01000000",
        MILL_RTMP_ERROR_PROTOCOL },
    { "chunk size 0", "02 000000 000004 01 00000000 00000000",
        MILL_RTMP_ERROR_PROTOCOL },
    { "chunk size with its top bit", "02 000000 000004 01 00000000 80000001",
        MILL_RTMP_ERROR_PROTOCOL },
    { "a short Set Chunk Size", "02 000000 000003 01 00000000 000001",
        MILL_RTMP_ERROR_PROTOCOL },
    { "an empty Abort", "02 000000 000000 02 00000000",
        MILL_RTMP_ERROR_PROTOCOL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].what);
    g_autoptr (GByteArray) bytes = expand (cases[i].hex);
    g_autoptr (MillRtmpChunkReader) reader = new_reader ();
    g_autoptr (GString) log = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_assert_false (feed (reader, bytes->data, bytes->len, log, &error));
    g_assert_error (error, MILL_RTMP_ERROR, (gint) cases[i].code);
  }
}

static void
test_limits (void)
{
  static const struct
  {
    const gchar *what;
    const gchar *hex;
    MillRtmpLimit limit;
  } cases[] = {
    { "chunk size over the limit", "02 000000 000004 01 00000000 00010001",
        MILL_RTMP_LIMIT_CHUNK_BYTES },
    { "a message over the limit", "06 000064 0186a1 09 01000000",
        MILL_RTMP_LIMIT_MESSAGE_BYTES },
    { "a fifth chunk stream",
        "03 000000 000000 09 00000000 04 000000 000000 09 00000000 "
        "05 000000 000000 09 00000000 06 000000 000000 09 00000000 "
        "07 000000 000000 09 00000000",
        MILL_RTMP_LIMIT_CHUNK_STREAMS },
    { "three half-read messages of nearly the limit",
        "03 000000 0186a0 09 00000000 x128 04 000000 0186a0 09 00000000 x128 "
        "05 000000 0186a0 09 00000000 x128",
        MILL_RTMP_LIMIT_MESSAGE_BYTES },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].what);
    g_autoptr (GByteArray) bytes = expand (cases[i].hex);
    g_autoptr (MillRtmpChunkReader) reader = new_reader ();
    g_autoptr (GString) log = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_assert_false (feed (reader, bytes->data, bytes->len, log, &error));
    g_assert_error (error, MILL_RTMP_LIMIT_ERROR, (gint) cases[i].limit);
  }
}

typedef struct
{
  MillRtmpHeader header;
  gsize size;
} Sent;

static Sent
choose_message (GRand *rand, const Sent *last)
{
  static const guint32 steps_ms[] = { 0, 23, 33, 33, 33, 0x1000000,
    0xfffffff0 };
  gboolean again = g_rand_boolean (rand);
  return (Sent){
    .header = {
      .chunk_stream = again ? last->header.chunk_stream
                            : (guint[]){ 4, 6, 300, 64000 }[g_rand_int_range (
                                  rand, 0, 4)],
      .type = g_rand_boolean (rand) ? MILL_RTMP_MESSAGE_AUDIO
                                    : MILL_RTMP_MESSAGE_VIDEO,
      .stream_id = g_rand_int_range (rand, 0, 8) == 0 ? 2 : 1,
      .timestamp_ms = last->header.timestamp_ms +
                      steps_ms[g_rand_int_range (
                          rand, 0, G_N_ELEMENTS (steps_ms))],
    },
    .size = again ? last->size : (gsize) g_rand_int_range (rand, 0, 3000),
  };
}

/* What the writer writes, the reader reads: every type of header, extended
 * time stamps, changing chunk sizes, cut anywhere. */
static void
test_round_trip (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20);
  for (guint round = 0; round < 40; round++) {
    g_autoptr (MillRtmpChunkWriter) writer = mill_rtmp_chunk_writer_new ();
    g_autoptr (GByteArray) out = g_byte_array_new ();
    g_autoptr (GString) expected = g_string_new (NULL);
    guint8 data[3000];
    Sent sent = { { .chunk_stream = 4 }, 10 };
    for (guint i = 0; i < 50; i++) {
      sent = choose_message (rand, &sent);
      for (gsize j = 0; j < sent.size; j++)
        data[j] = (guint8) g_rand_int (rand);
      if (g_rand_int_range (rand, 0, 8) == 0)
        mill_rtmp_chunk_writer_set_chunk_size (writer, out,
            (guint) g_rand_int_range (rand, 1, 5000));
      mill_rtmp_chunk_writer_write (writer, out, &sent.header, data, sent.size);
      GstBuffer *copy =
          sent.size == 0 ? NULL : gst_buffer_new_memdup (data, sent.size);
      log_message (expected, &sent.header, copy);
    }
    static const MillRtmpChunkLimits limits = { 65536, 8 };
    g_autoptr (MillRtmpChunkReader) reader =
        mill_rtmp_chunk_reader_new (&limits);
    mill_rtmp_chunk_reader_set_max_message (reader, MAX_MESSAGE);
    g_autoptr (GString) log = g_string_new (NULL);
    for (gsize done = 0; done < out->len;) {
      gsize size = split_random (rand, out->len - done);
      g_autoptr (GError) error = NULL;
      feed (reader, out->data + done, size, log, &error);
      g_assert_no_error (error);
      done += size;
    }
    g_assert_cmpstr (log->str, ==, expected->str);
  }
}

/* The shortest header: 12 bytes once, then 8, 4 and 1. */
static void
test_header_sizes (void)
{
  static const struct
  {
    guint32 timestamp_ms;
    gsize size;
    guint header;
  } steps[] = {
    { 0, 10, 12 }, /* type 0 */
    { 40, 10, 4 }, /* type 2: first delta */
    { 80, 10, 1 }, /* type 3 */
    { 120, 20, 8 }, /* type 1: another length */
    { 160, 20, 1 }, /* type 3 */
    { 100, 20, 12 }, /* type 0: backwards */
  };
  g_autoptr (MillRtmpChunkWriter) writer = mill_rtmp_chunk_writer_new ();
  g_autoptr (GByteArray) out = g_byte_array_new ();
  guint8 data[20] = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    MillRtmpHeader header = {
      .chunk_stream = 6,
      .type = MILL_RTMP_MESSAGE_VIDEO,
      .stream_id = 1,
      .timestamp_ms = steps[i].timestamp_ms,
    };
    guint before = out->len;
    mill_rtmp_chunk_writer_write (writer, out, &header, data, steps[i].size);
    g_assert_cmpuint (out->len - before, ==, steps[i].header + steps[i].size);
  }
}

/* A frame that is longer than what memory is given for at once. */
static void
test_long_message (void)
{
  static const MillRtmpChunkLimits limits = { 0xffffff, 4 };
  g_autoptr (MillRtmpChunkReader) reader = mill_rtmp_chunk_reader_new (&limits);
  mill_rtmp_chunk_reader_set_max_message (reader, 0xffffff);
  g_autoptr (GByteArray) bytes = expand (
      "02 000000 000004 01 00000000 00ffffff 06 000064 7fffff 09 01000000 x1000");
  g_autoptr (GString) log = g_string_new (NULL);
  g_assert_true (feed (reader, bytes->data, bytes->len, log, NULL));
  g_autofree guint8 *data = g_malloc0 (0x7fffff);
  /* the rest in pieces: the payload is whole, in one memory of its size */
  for (gsize left = 0x7fffff - 1000; left > 0;) {
    gsize size = MIN (left, 100001);
    g_assert_true (feed (reader, data, size, log, NULL));
    left -= size;
  }
  g_autofree gchar *got = without_sums (log->str);
  g_assert_cmpstr (got, ==, "6/9/1@100:8388607");
}

#define N_KEPT 200

static gsize
size_of_kept (guint i)
{
  return 1 + i * 997 % 40000;
}

/* Of frames that are kept while others come, and after the publisher has gone:
 * each holds what was sent, also when a neighbour is written to. */
static void
test_kept_payloads (void)
{
  MillRtmpChunkReader *reader = new_reader ();
  GstBuffer *kept[N_KEPT];
  for (guint i = 0; i < N_KEPT; i++) {
    g_autoptr (MillRtmpChunkWriter) writer = mill_rtmp_chunk_writer_new ();
    g_autoptr (GByteArray) out = g_byte_array_new ();
    g_autofree guint8 *data = g_malloc (size_of_kept (i));
    MillRtmpHeader header = { .chunk_stream = 4,
      .type = MILL_RTMP_MESSAGE_VIDEO };
    memset (data, (gint) i, size_of_kept (i));
    mill_rtmp_chunk_writer_write (writer, out, &header, data, size_of_kept (i));
    MillRtmpBytes bytes = { out->data, out->len };
    g_assert_cmpint (mill_rtmp_chunk_reader_feed (reader, &bytes, &header,
                         &kept[i], NULL),
        ==, MILL_RTMP_CHUNK_MESSAGE);
  }
  mill_rtmp_chunk_reader_free (reader);
  for (guint i = 0; i < N_KEPT; i += 2)
    gst_buffer_memset (kept[i], 0, 0xff, G_MAXSIZE);
  for (guint i = 0; i < N_KEPT; i++) {
    GstMapInfo map;
    g_assert_true (gst_buffer_map (kept[i], &map, GST_MAP_READ));
    g_assert_cmpuint (map.size, ==, size_of_kept (i));
    for (gsize j = 0; j < map.size; j++)
      g_assert_cmpuint (map.data[j], ==, i % 2 == 0 ? 0xff : i);
    gst_buffer_unmap (kept[i], &map);
    gst_buffer_unref (kept[i]);
  }
}

int
main (int argc, char **argv)
{
  init_gstreamer ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/chunk/vectors", test_vectors);
  g_test_add_func ("/rtmp/chunk/refused", test_refused);
  g_test_add_func ("/rtmp/chunk/limits", test_limits);
  g_test_add_func ("/rtmp/chunk/round-trip", test_round_trip);
  g_test_add_func ("/rtmp/chunk/header-sizes", test_header_sizes);
  g_test_add_func ("/rtmp/chunk/long-message", test_long_message);
  g_test_add_func ("/rtmp/chunk/kept-payloads", test_kept_payloads);
  return g_test_run ();
}
