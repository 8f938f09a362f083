/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstpadnumbers.h"

#include <string.h>

gchar *
gst_pad_numbers_name (guint *next, const gchar *prefix, const gchar *wanted)
{
  guint64 number;
  if (wanted == NULL || !g_str_has_prefix (wanted, prefix) ||
      !g_ascii_string_to_unsigned (wanted + strlen (prefix), 10, 0,
          G_MAXUINT - 1, &number, NULL))
    number = *next;
  *next = MAX (*next, (guint) number + 1);
  return g_strdup_printf ("%s%u", prefix, (guint) number);
}
