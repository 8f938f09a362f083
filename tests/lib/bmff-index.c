/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The index of a file. Were it wrong, players would seek into the middle of a
 * box, and stop. */
#include "bmff/bmff-index.h"

#include <string.h>

/* ISO/IEC 14496-12 8.16.3 */
static void
test_bytes (void)
{
  static const MillBmffReference references[] = {
    { 0x12345, 180000, 1 },
    { 0x7fffffff, 0xffffffff, 3 },
    { 1, 2, 0 },
  };
  static const guint8 expected[] = { 0, 0, 0, 76, 's', 'i', 'd', 'x', 1, 0, 0,
    0, 0, 0, 0, 1, 0, 1, 0x5f, 0x90, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
    0, 9, 0, 0, 0, 3, 0, 1, 0x23, 0x45, 0, 2, 0xbf, 0x20, 0x90, 0, 0, 0, 0x7f,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xb0, 0, 0, 0, 0, 0, 0, 1, 0, 0,
    0, 2, 0, 0, 0, 0 };
  const MillBmffIndex index = {
    .track_id = 1,
    .timescale = 90000,
    .earliest_time = G_GUINT64_CONSTANT (0x100000002),
    .distance = 9,
    .references = references,
    .n_references = G_N_ELEMENTS (references),
  };
  g_auto (MillBmffWriter) writer = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_bmff_index_write (&writer, &index, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (writer.data, writer.size, expected, sizeof expected);
  g_assert_cmpuint (mill_bmff_index_get_size (3), ==, sizeof expected);
}

static void
test_refused (void)
{
  static const struct
  {
    MillBmffReference reference;
    guint n;
    MillBmffError code;
  } cases[] = {
    { { 1, 1, 0 }, 0, MILL_BMFF_ERROR_INVALID },
    { { 1, 1, 0 }, 65536, MILL_BMFF_ERROR_INVALID },
    { { G_GUINT64_CONSTANT (0x80000000), 1, 0 }, 1, MILL_BMFF_ERROR_TOO_BIG },
    { { 1, G_GUINT64_CONSTANT (0x100000000), 0 }, 1, MILL_BMFF_ERROR_TOO_BIG },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (MillBmffWriter) writer = { 0 };
    g_autoptr (GError) error = NULL;
    MillBmffIndex index = {
      .references = &cases[i].reference,
      .n_references = cases[i].n,
    };
    g_assert_false (mill_bmff_index_write (&writer, &index, &error));
    g_assert_error (error, MILL_BMFF_ERROR, (gint) cases[i].code);
    g_assert_cmpuint (writer.size, ==, 0);
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bmff/index/bytes", test_bytes);
  g_test_add_func ("/bmff/index/refused", test_refused);
  return g_test_run ();
}
