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
  "millrace-live 1\n"                                                  \
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
  g_autoptr (MillLiveIndex) index = mill_live_index_new ();
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GString) appended = g_string_new ("millrace-live 1\n");
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
        mill_live_index_reader_new (collect, list);
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
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (collect, list);

  for (const gchar *at = TEXT; *at != '\0'; at++)
    g_assert_true (mill_live_index_reader_feed (reader, at, 1, NULL));
  g_assert_cmpuint (list->len, ==, G_N_ELEMENTS (chunks));
}

static void
assert_refused (const gchar *text, gsize length, gint code)
{
  g_autoptr (GArray) list = new_list ();
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (collect, list);
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
  };
  static const gchar nul[] = "millrace-live 1\nv\0 1 1 0 0 1 1 1 - 1\n";
  g_autofree gchar *long_line = g_strnfill (321, 'x');
  g_autofree gchar *long_name = g_strnfill (65, 'x');
  g_autofree gchar *long_rendition = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree gchar *text =
        g_strconcat ("millrace-live 1\n", lines[i], "\n", NULL);

    assert_refused (text, strlen (text), MILL_LIVE_INDEX_ERROR_LINE);
  }
  long_rendition = g_strconcat ("millrace-live 1\n", long_name,
      " 1 1 0 0 1 1 1 - 1\n", NULL);
  assert_refused (long_rendition, strlen (long_rendition),
      MILL_LIVE_INDEX_ERROR_LINE);
  assert_refused (nul, sizeof (nul) - 1, MILL_LIVE_INDEX_ERROR_LINE);
  assert_refused ("millrace-live 2\n", 16, MILL_LIVE_INDEX_ERROR_VERSION);
  assert_refused ("\n", 1, MILL_LIVE_INDEX_ERROR_VERSION);
  /* No line is kept for ever in the hope of its end. */
  assert_refused (long_line, strlen (long_line), MILL_LIVE_INDEX_ERROR_VERSION);
}

/* A stream that runs for days has a file that stays small. */
static void
test_compaction (void)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new ();
  g_autoptr (GBytes) whole = mill_live_index_print (index);
  g_autoptr (GArray) list = new_list ();
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (collect, list);
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
  g_assert_cmpuint (g_bytes_get_size (whole), ==, strlen ("millrace-live 1\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  g_test_add_func ("/live-index/write", test_write);
  g_test_add_func ("/live-index/read", test_read);
  g_test_add_func ("/live-index/read-bytes", test_read_bytes);
  g_test_add_func ("/live-index/refused", test_refused);
  g_test_add_func ("/live-index/compaction", test_compaction);
  return g_test_run ();
}
