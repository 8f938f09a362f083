/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Whatever is read is written as a line that reads as the same again. */

#include <string.h>

#include "store/live-index.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
copy_chunk (const MillLiveChunk *chunk, gpointer user_data)
{
  *(MillLiveChunk *) user_data = *chunk;
}

static const MillLiveReaderFuncs copy_funcs = { .chunk = copy_chunk };

static void
write_again (const MillLiveChunk *chunk, gpointer user_data)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new (1);
  g_autoptr (GBytes) line = mill_live_index_add (index, chunk);
  g_autoptr (GBytes) whole = mill_live_index_print (index);
  MillLiveChunk again = { 0 };
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (&copy_funcs, &again);

  g_assert_true (mill_live_index_reader_feed (reader,
      g_bytes_get_data (whole, NULL), g_bytes_get_size (whole), NULL));
  g_assert_cmpstr (again.rendition, ==, chunk->rendition);
  g_assert_cmpuint (again.number, ==, chunk->number);
  g_assert_cmpuint (again.offset, ==, chunk->offset);
  g_assert_cmpuint (again.length, ==, chunk->length);
  g_assert_cmpuint (again.flags, ==, chunk->flags);
  g_assert_cmpint (again.wall_us, ==, chunk->wall_us);
}

static void
list_again (guint64 generation, guint64 number, guint target_duration_s,
    gpointer user_data)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new (1);
  g_autoptr (GBytes) line =
      mill_live_index_list (index, generation, number, target_duration_s);

  g_assert_cmpuint (g_bytes_get_size (line), <, 320);
}

static void
declare_again (const gchar *name, guint64 part_target_ns, gpointer user_data)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new (1);
  g_autoptr (GBytes) line =
      mill_live_index_declare (index, name, part_target_ns);

  g_assert_cmpuint (g_bytes_get_size (line), <, 320);
}

static const MillLiveReaderFuncs again_funcs = {
  .chunk = write_again,
  .rendition = declare_again,
  .listed = list_again,
};

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (&again_funcs, NULL);
  gsize cut = size / 3;

  if (mill_live_index_reader_feed (reader, (const gchar *) data, cut, NULL))
    mill_live_index_reader_feed (reader, (const gchar *) data + cut, size - cut,
        NULL);
  return 0;
}
