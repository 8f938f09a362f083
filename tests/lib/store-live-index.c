/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* live.index. Were it wrong, the origin would list parts that are not there,
 * or lose the live edge after a compaction. */

#include <string.h>

#include "store/live-index.h"

static const MillLiveChunk chunks[] = {
  { "v360", 3, 17, 0, 0, 48211, 34000000000, 500000000,
      MILL_LIVE_CHUNK_INDEPENDENT | MILL_LIVE_CHUNK_DISCONTINUITY,
      1764000000123456 },
  { "v360", 3, 17, 1, 48211, 20000, 34500000000, 500000000,
      MILL_LIVE_CHUNK_NONE, 1764000000623456 },
  { "a128-2", 3, 17, 3, 1, 2, 3, 4, MILL_LIVE_CHUNK_LAST, 0 },
  { "a.b_C", 3, 18, 0, 0, 0, 35000000000, 2000000000,
      MILL_LIVE_CHUNK_LAST | MILL_LIVE_CHUNK_GAP, 5 },
  { "v", G_MAXUINT64, G_MAXUINT64, G_MAXUINT32, G_MAXINT64, G_MAXINT64,
      G_MAXUINT64, G_MAXUINT64, MILL_LIVE_CHUNK_INDEPENDENT, G_MAXINT64 },
};

#define TEXT                                                           \
  "millrace-live 2\n"                                                  \
  "v360 3 17 0 0 48211 34000000000 500000000 ID 1764000000123456\n"    \
  "v360 3 17 1 48211 20000 34500000000 500000000 - 1764000000623456\n" \
  "a128-2 3 17 3 1 2 3 4 L 0\n"                                        \
  "a.b_C 3 18 0 0 0 35000000000 2000000000 LG 5\n"                     \
  "v 18446744073709551615 18446744073709551615 4294967295 "            \
  "9223372036854775807 9223372036854775807 18446744073709551615 "      \
  "18446744073709551615 I 9223372036854775807\n"

static void
collect (const MillLiveChunk *chunk, gpointer user_data)
{
  g_array_append_vals (user_data, chunk, 1);
}

static const MillLiveReaderFuncs funcs = { .chunk = collect };

static GArray *
new_list (void)
{
  return g_array_new (FALSE, FALSE, sizeof (MillLiveChunk));
}

static void
assert_chunk (const MillLiveChunk *got, const MillLiveChunk *expected)
{
  g_assert_cmpstr (got->rendition, ==, expected->rendition);
  g_assert_cmpuint (got->generation, ==, expected->generation);
  g_assert_cmpuint (got->number, ==, expected->number);
  g_assert_cmpuint (got->part, ==, expected->part);
  g_assert_cmpuint (got->offset, ==, expected->offset);
  g_assert_cmpuint (got->length, ==, expected->length);
  g_assert_cmpuint (got->time_ns, ==, expected->time_ns);
  g_assert_cmpuint (got->duration_ns, ==, expected->duration_ns);
  g_assert_cmpuint (got->flags, ==, expected->flags);
  g_assert_cmpint (got->wall_us, ==, expected->wall_us);
}

static void
test_write (void)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new (0);
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GString) appended = g_string_new ("millrace-live 2\n");
  gsize size;
  const gchar *text;

  for (guint i = 0; i < G_N_ELEMENTS (chunks); i++) {
    g_autoptr (GBytes) line = mill_live_index_add (index, &chunks[i]);

    text = g_bytes_get_data (line, &size);
    g_string_append_len (appended, text, size);
  }
  g_assert_cmpstr (appended->str, ==, TEXT);
  whole = mill_live_index_print (index);
  text = g_bytes_get_data (whole, &size);
  g_assert_cmpmem (text, size, TEXT, strlen (TEXT));
}

/* Cut anywhere, also in the middle of a line that is being written. */
static void
test_read (void)
{
  for (gsize cut = 0; cut <= strlen (TEXT); cut++) {
    g_autoptr (GArray) list = new_list ();
    g_autoptr (MillLiveReader) reader =
        mill_live_index_reader_new (&funcs, list);
    g_autoptr (GError) error = NULL;
    guint complete = 0;

    for (gsize i = 0; i < cut; i++)
      complete += TEXT[i] == '\n';
    g_assert_true (mill_live_index_reader_feed (reader, TEXT, cut, &error));
    g_assert_cmpuint (list->len, ==, complete > 0 ? complete - 1 : 0);
    g_assert_true (mill_live_index_reader_feed (reader, &TEXT[cut],
        strlen (TEXT) - cut, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (list->len, ==, G_N_ELEMENTS (chunks));
    for (guint i = 0; i < list->len; i++)
      assert_chunk (&g_array_index (list, MillLiveChunk, i), &chunks[i]);
  }
}

static void
test_read_bytes (void)
{
  g_autoptr (GArray) list = new_list ();
  g_autoptr (MillLiveReader) reader = mill_live_index_reader_new (&funcs, list);

  for (const gchar *at = TEXT; *at != '\0'; at++)
    g_assert_true (mill_live_index_reader_feed (reader, at, 1, NULL));
  g_assert_cmpuint (list->len, ==, G_N_ELEMENTS (chunks));
}

static void
assert_refused (const gchar *text, gsize length, gint code)
{
  g_autoptr (GArray) list = new_list ();
  g_autoptr (MillLiveReader) reader = mill_live_index_reader_new (&funcs, list);
  g_autoptr (GError) error = NULL;

  if (mill_live_index_reader_feed (reader, text, length, &error))
    g_error ("'%s' was read", text);
  g_assert_error (error, MILL_LIVE_INDEX_ERROR, code);
  g_assert_cmpuint (list->len, ==, 0);
  /* Broken once, broken for good. */
  g_assert_false (mill_live_index_reader_feed (reader, "v 1 1 0 0 1 1 1 - 1\n",
      20, NULL));
  g_assert_cmpuint (list->len, ==, 0);
}

static void
test_refused (void)
{
  static const gchar *const lines[] = {
    "",
    "v 1 1 0 0 1 1 1 - ",
    "v 1 1 0 0 1 1 1 -",
    "v 1 1 0 0 1 1 1 - 1 ",
    "v 1 1 0 0 1 1 1 - 1 1",
    "v  1 1 0 0 1 1 1 - 1",
    " 1 1 0 0 1 1 1 - 1",
    "../v 1 1 0 0 1 1 1 - 1",
    ".v 1 1 0 0 1 1 1 - 1",
    "v/a 1 1 0 0 1 1 1 - 1",
    "v -1 1 0 0 1 1 1 - 1",
    "v 1 +1 0 0 1 1 1 - 1",
    "v 1 1 4294967296 0 1 1 1 - 1",
    "v 18446744073709551616 1 0 0 1 1 1 - 1",
    "v 1 1 0 9223372036854775808 1 1 1 - 1",
    "v 1 1 0 0 1 1 1 X 1",
    "v 1 1 0 0 1 1 1 II 1",
    "v 1 1 0 0 1 1 1 LI 1",
    "v 1 1 0 0 1 1 1 G 1",
    "v 1 1 0 0 1 1 1 - 1\r",
    "v 1 1 0 0 0x1 1 1 - 1",
    "#stream",
    "#stream 1 2",
    "#stream -1",
    "#rendition v",
    "#rendition ../v 1",
    "#rendition v 1 1",
    "#next 1",
    "#next 1 -2",
    "#listed 1 2",
    "#listed 1 2 x",
    "#listed 1 2 4294967296",
  };
  static const gchar nul[] = "millrace-live 2\nv\0 1 1 0 0 1 1 1 - 1\n";
  g_autofree gchar *long_line = g_strnfill (321, 'x');
  g_autofree gchar *long_name = g_strnfill (65, 'x');
  g_autofree gchar *long_rendition = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree gchar *text =
        g_strconcat ("millrace-live 2\n", lines[i], "\n", NULL);

    assert_refused (text, strlen (text), MILL_LIVE_INDEX_ERROR_LINE);
  }
  long_rendition = g_strconcat ("millrace-live 2\n", long_name,
      " 1 1 0 0 1 1 1 - 1\n", NULL);
  assert_refused (long_rendition, strlen (long_rendition),
      MILL_LIVE_INDEX_ERROR_LINE);
  assert_refused (nul, sizeof (nul) - 1, MILL_LIVE_INDEX_ERROR_LINE);
  assert_refused ("millrace-live 3\n", 16, MILL_LIVE_INDEX_ERROR_VERSION);
  assert_refused ("\n", 1, MILL_LIVE_INDEX_ERROR_VERSION);
  /* No line is kept for ever in the hope of its end. */
  assert_refused (long_line, strlen (long_line), MILL_LIVE_INDEX_ERROR_VERSION);
}

/* ---- what is told beside chunks ---- */

static void
on_stream (guint64 part_target_ns, gpointer user_data)
{
  g_string_append_printf (user_data, "stream %" G_GUINT64_FORMAT ";",
      part_target_ns);
}

static void
on_rendition (const gchar *name, guint64 part_target_ns, gpointer user_data)
{
  g_string_append_printf (user_data, "rendition %s %" G_GUINT64_FORMAT ";",
      name, part_target_ns);
}

static void
on_chunk (const MillLiveChunk *chunk, gpointer user_data)
{
  g_string_append_printf (user_data, "%s %" G_GUINT64_FORMAT ".%u;",
      chunk->rendition, chunk->number, chunk->part);
}

static void
on_next (guint64 generation, guint64 number, gpointer user_data)
{
  g_string_append_printf (user_data,
      "next %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ";", generation, number);
}

static void
on_listed (guint64 generation, guint64 number, guint target_duration_s,
    gpointer user_data)
{
  g_string_append_printf (user_data,
      "listed %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " %u;", generation,
      number, target_duration_s);
}

static void
on_end (gpointer user_data)
{
  g_string_append (user_data, "end;");
}

static const MillLiveReaderFuncs all_funcs = { on_stream, on_rendition,
  on_chunk, on_next, on_listed, on_end };

static void
feed (MillLiveReader *reader, GBytes *text)
{
  gsize size;
  const gchar *data = g_bytes_get_data (text, &size);

  g_assert_true (mill_live_index_reader_feed (reader, data, size, NULL));
}

/* Whoever opens the file late, after a compaction, knows what one knows that
 * has read every line. */
static void
test_records (void)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new (500000000);
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (&all_funcs, heard);
  g_autoptr (MillLiveReader) late =
      mill_live_index_reader_new (&all_funcs, heard);
  g_autoptr (GBytes) start = mill_live_index_print (index);
  g_autoptr (GBytes) declared = mill_live_index_declare (index, "v360", 4);
  g_autoptr (GBytes) chunk = mill_live_index_add (index, &chunks[0]);
  g_autoptr (GBytes) next = mill_live_index_announce (index, 4, 18);
  g_autoptr (GBytes) first = mill_live_index_list (index, 3, 16, 2);
  g_autoptr (GBytes) second = mill_live_index_list (index, 3, 17, 2);
  g_autoptr (GBytes) end = mill_live_index_end (index);
  g_autoptr (GBytes) whole = mill_live_index_print (index);

  g_assert_null (mill_live_index_declare (index, "v360", 5));
  feed (reader, start);
  feed (reader, declared);
  feed (reader, chunk);
  feed (reader, next);
  feed (reader, first);
  feed (reader, second);
  feed (reader, end);
  g_assert_cmpstr (heard->str, ==,
      "stream 500000000;rendition v360 4;v360 17.0;next 4-18;"
      "listed 3-16 2;listed 3-17 2;end;");
  g_string_truncate (heard, 0);
  feed (late, whole);
  g_assert_cmpstr (heard->str, ==,
      "stream 500000000;rendition v360 4;v360 17.0;next 4-18;"
      "listed 3-17 2;end;");
}

/* The file of an older packager, and one of a younger that tells more. */
static void
test_versions (void)
{
  static const gchar *const texts[] = {
    "millrace-live 1\nv360 1 2 3 4 5 6 7 L 8\n",
    "millrace-live 2\n#news of the world\nv360 1 2 3 4 5 6 7 L 8\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GString) heard = g_string_new (NULL);
    g_autoptr (MillLiveReader) reader =
        mill_live_index_reader_new (&all_funcs, heard);

    g_assert_true (mill_live_index_reader_feed (reader, texts[i],
        strlen (texts[i]), NULL));
    g_assert_cmpstr (heard->str, ==, "v360 2.3;");
  }
}

/* Dates that were not told to anybody yet: of segments from one on. */
static void
test_shift (void)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new (0);
  g_autoptr (MillLiveIndex) expected = mill_live_index_new (0);

  for (guint i = 0; i < 4; i++) {
    MillLiveChunk chunk = chunks[i];

    g_bytes_unref (mill_live_index_add (index, &chunk));
    if (chunk.number >= 18)
      chunk.wall_us += 1000000;
    g_bytes_unref (mill_live_index_add (expected, &chunk));
  }
  g_assert_false (mill_live_index_shift (index, 19, -1));
  g_assert_true (mill_live_index_shift (index, 18, 1000000));
  g_autoptr (GBytes) got = mill_live_index_print (index);
  g_autoptr (GBytes) wanted = mill_live_index_print (expected);
  g_assert_true (g_bytes_equal (got, wanted));
  /* A date is never negative. */
  g_assert_true (mill_live_index_shift (index, 17, -G_MAXINT64));
  g_autoptr (GBytes) least = mill_live_index_print (index);
  g_assert_nonnull (g_strstr_len (g_bytes_get_data (least, NULL),
      (gssize) g_bytes_get_size (least), " - 0\na128-2"));
}

/* A stream that runs for days has a file that stays small. */
static void
test_compaction (void)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new (0);
  g_autoptr (GBytes) whole = mill_live_index_print (index);
  g_autoptr (GArray) list = new_list ();
  g_autoptr (MillLiveReader) reader = mill_live_index_reader_new (&funcs, list);
  MillLiveChunk chunk = chunks[0];
  gsize file_size = g_bytes_get_size (whole);
  guint n_compactions = 0;

  for (guint i = 0; i < 5000; i++) {
    g_autoptr (GBytes) line = NULL;

    chunk.number = i;
    line = mill_live_index_add (index, &chunk);
    file_size += g_bytes_get_size (line);
    if (i >= 6)
      mill_live_index_expire (index, chunk.generation, i - 6);
    if (mill_live_index_wants_compaction (index)) {
      g_clear_pointer (&whole, g_bytes_unref);
      whole = mill_live_index_print (index);
      file_size = g_bytes_get_size (whole);
      n_compactions++;
    }
    g_assert_cmpuint (file_size, <, 70 * 1000);
  }
  g_assert_cmpuint (n_compactions, >, 2);
  g_assert_cmpuint (n_compactions, <, 10);

  g_clear_pointer (&whole, g_bytes_unref);
  whole = mill_live_index_print (index);
  g_assert_true (mill_live_index_reader_feed (reader,
      g_bytes_get_data (whole, NULL), g_bytes_get_size (whole), NULL));
  g_assert_cmpuint (list->len, ==, 7);
  g_assert_cmpuint (g_array_index (list, MillLiveChunk, 0).number, ==, 4993);
  /* A new generation begins: everything of the old one goes. */
  mill_live_index_expire (index, chunk.generation + 1, 0);
  g_clear_pointer (&whole, g_bytes_unref);
  whole = mill_live_index_print (index);
  g_assert_cmpuint (g_bytes_get_size (whole), ==, strlen ("millrace-live 2\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/live-index/write", test_write);
  g_test_add_func ("/live-index/read", test_read);
  g_test_add_func ("/live-index/read-bytes", test_read_bytes);
  g_test_add_func ("/live-index/refused", test_refused);
  g_test_add_func ("/live-index/records", test_records);
  g_test_add_func ("/live-index/versions", test_versions);
  g_test_add_func ("/live-index/shift", test_shift);
  g_test_add_func ("/live-index/compaction", test_compaction);
  return g_test_run ();
}
