/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

/* Bytes from hexadecimal digits; anything else between them is ignored, so
 * that vectors can be laid out and commented.
 * Returns: (transfer full) */
static inline GBytes *
hex_to_bytes (const gchar *hex)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gint high = -1;
  for (; *hex != '\0'; hex++) {
    gint digit = g_ascii_xdigit_value (*hex);
    if (digit < 0)
      continue;
    if (high < 0) {
      high = digit;
      continue;
    }
    guint8 byte = high << 4 | digit;
    g_byte_array_append (bytes, &byte, 1);
    high = -1;
  }
  g_assert_cmpint (high, <, 0);
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

/* The reverse, for messages and comparisons. Returns: (transfer full) */
static inline gchar *
hex_from_data (const guint8 *data, gsize size)
{
  GString *hex = g_string_new (NULL);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", data[i]);
  return g_string_free (hex, FALSE);
}
