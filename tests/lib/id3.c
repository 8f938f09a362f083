/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Timed metadata. Were tags taken that are none, players would hand nonsense to
 * their applications. */

#include "codec/id3.h"

#include <string.h>

/* ID3 2.4.0: 3.1 (header), 4 (frame header), 4.2.6 (TXXX), 6.2 (sizes). */
static void
test_written (void)
{
  static const guint8 expected[] = { 'I', 'D', '3', 4, 0, 0, 0, 0, 0, 17, 'T',
    'X', 'X', 'X', 0, 0, 0, 7, 0, 0, 3, 'k', 0, 'v', 0xc3, 0xb6, 'w' };
  g_autoptr (GBytes) tag = mill_id3_new_text ("k", "v\xc3\xb6w");
  gsize size;
  const guint8 *data = g_bytes_get_data (tag, &size);
  g_assert_cmpmem (data, size, expected, sizeof expected);
  g_assert_true (mill_id3_is_tag (data, size));
}

/* A size of more than 127 does not look like one byte. */
static void
test_sizes (void)
{
  for (guint length = 1; length < 3000; length += 97) {
    g_autofree gchar *value = g_strnfill (length, 'x');
    g_autoptr (GBytes) tag = mill_id3_new_text ("", value);
    gsize size;
    const guint8 *data = g_bytes_get_data (tag, &size);
    g_assert_cmpuint (size, ==, 10 + 10 + 1 + 1 + length);
    g_assert_true (mill_id3_is_tag (data, size));
    for (gsize n = 0; n < size; n += 1 + n / 20)
      g_assert_false (mill_id3_is_tag (data, n));
  }
}

static void
test_refused (void)
{
  g_autoptr (GBytes) tag = mill_id3_new_text ("k", "v");
  gsize size;
  const guint8 *data = g_bytes_get_data (tag, &size);
  g_autofree guint8 *longer = g_malloc0 (size + 10);
  memcpy (longer, data, size);
  g_assert_false (mill_id3_is_tag (longer, size + 1));
  /* 3.1: a footer of ten bytes is not counted. */
  longer[5] = 0x10;
  g_assert_true (mill_id3_is_tag (longer, size + 10));
  g_assert_false (mill_id3_is_tag (longer, size));
  longer[5] = 0;
  for (guint i = 0; i < 10; i++) {
    g_autofree guint8 *broken = g_memdup2 (data, size);
    broken[i] = 0xff;
    /* Flags (5) may be any, but for the footer; a version is never 0xff. */
    g_assert_false (mill_id3_is_tag (broken, size));
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/id3/written", test_written);
  g_test_add_func ("/id3/sizes", test_sizes);
  g_test_add_func ("/id3/refused", test_refused);
  return g_test_run ();
}
