/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Whatever is read stays the same when it is stamped anew, but for the stamp.
 * The CRC is made to fit, or nothing would ever get past it. */

#include <string.h>

#include "scte35/scte35.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
compare (const MillScte35 *a, const MillScte35 *b)
{
  g_assert_cmpint (a->command, ==, b->command);
  g_assert_cmpuint (a->raw_pts, ==, b->raw_pts);
  g_assert_cmpuint (a->n_events, ==, b->n_events);
  for (guint i = 0; i < a->n_events; i++) {
    g_assert_cmpuint (a->events[i].id, ==, b->events[i].id);
    g_assert_cmpint (a->events[i].role, ==, b->events[i].role);
    g_assert_cmpuint (a->events[i].duration, ==, b->events[i].duration);
    g_assert_cmpmem (a->events[i].upid, a->events[i].upid_size,
        b->events[i].upid, b->events[i].upid_size);
  }
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  MillScte35 section;
  g_autofree guint8 *copy = g_memdup2 (data, MAX (size, 1));
  gsize length = mill_scte35_get_size (copy, size);
  if (length >= 4 && length <= size) {
    guint32 crc = GUINT32_TO_BE (mill_scte35_writer_get_crc (copy, length - 4));
    memcpy (copy + length - 4, &crc, 4);
  }
  if (!mill_scte35_parse (copy, size, &section, NULL) || !section.has_pts)
    return 0;
  g_autoptr (GBytes) bytes = g_bytes_new (copy, size);
  g_autoptr (GBytes) moved = mill_scte35_writer_restamp (bytes, 4711);
  MillScte35 again;
  g_assert_true (mill_scte35_parse (g_bytes_get_data (moved, NULL),
      g_bytes_get_size (moved), &again, NULL));
  g_assert_cmpuint (again.pts, ==, 4711);
  compare (&section, &again);
  return 0;
}
