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

static void
write_again (const MillLiveChunk *chunk, gpointer user_data)
{
  g_autoptr (MillLiveIndex) index = mill_live_index_new ();
  g_autoptr (GBytes) line = mill_live_index_add (index, chunk);
  g_autoptr (GBytes) whole = mill_live_index_print (index);
  MillLiveChunk again = { 0 };
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (copy_chunk, &again);

  g_assert_true (mill_live_index_reader_feed (reader,
      g_bytes_get_data (whole, NULL), g_bytes_get_size (whole), NULL));
  g_assert_cmpstr (again.rendition, ==, chunk->rendition);
  g_assert_cmpuint (again.number, ==, chunk->number);
  g_assert_cmpuint (again.offset, ==, chunk->offset);
  g_assert_cmpuint (again.length, ==, chunk->length);
  g_assert_cmpuint (again.flags, ==, chunk->flags);
  g_assert_cmpint (again.wall_us, ==, chunk->wall_us);
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (write_again, NULL);
  gsize cut = size / 3;

  if (mill_live_index_reader_feed (reader, (const gchar *) data, cut, NULL))
    mill_live_index_reader_feed (reader, (const gchar *) data + cut, size - cut,
        NULL);
  return 0;
}
