/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "duration.h"

#include <string.h>

/* A hundred years of any unit. */
#define MAX_NUMBER (100 * 366 * 24 * 3600LL)

gboolean
mill_duration_parse (const gchar *text, gint64 *ret_seconds)
{
  static const gchar units[] = "smhd";
  static const gint64 seconds[] = { 1, 60, 3600, 24 * 3600 };
  gsize length = strspn (text, G_CSET_DIGITS);
  const gchar *unit = text[length] ? strchr (units, text[length]) : NULL;
  g_autofree gchar *digits = g_strndup (text, length);
  guint64 number;

  if (!unit || text[length + 1] ||
      !g_ascii_string_to_unsigned (digits, 10, 1, MAX_NUMBER, &number, NULL) ||
      (gint64) number > MAX_NUMBER / seconds[unit - units])
    return FALSE;
  *ret_seconds = (gint64) number * seconds[unit - units];
  return TRUE;
}
