/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Numbers and dates of playlists. Were these wrong, a player would join a live
 * stream in the wrong place, or not at all. */

#include "playlist/text-numbers.h"

static void
test_numbers (void)
{
  g_autoptr (GString) out = g_string_new (NULL);

  mill_text_numbers_append (out, 0, 1);
  g_string_append_c (out, ' ');
  mill_text_numbers_append (out, 7, 3);
  g_string_append_c (out, ' ');
  mill_text_numbers_append (out, 12345, 3);
  g_string_append_c (out, ' ');
  mill_text_numbers_append (out, G_MAXUINT64, 6);
  g_assert_cmpstr (out->str, ==, "0 007 12345 18446744073709551615");
}

/* Against the calendar of GLib, around leap days, both ends and 1970. */
static void
test_dates (void)
{
  static const gint64 days[] = { -135141, -135140, -1, 0, 58, 59, 60, 364, 365,
    789, 10957, 11016, 11017, 20417, 47540, 2932896 };
  static const gint64 times_us[] = { 0, 1, 999, 1000, 3599999999, 86399999999 };

  for (guint i = 0; i < G_N_ELEMENTS (days); i++)
    for (guint k = 0; k < G_N_ELEMENTS (times_us); k++) {
      gint64 seconds = days[i] * 86400 + times_us[k] / G_USEC_PER_SEC;
      gint64 fraction = times_us[k] % G_USEC_PER_SEC;
      g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (seconds);
      g_autofree gchar *text = g_date_time_format (date, "%Y-%m-%dT%H:%M:%S");
      g_autofree gchar *expected = g_strdup_printf ("%s.%06dZ,%s.%03dZ", text,
          (gint) fraction, text, (gint) (fraction / 1000));
      g_autoptr (GString) out = g_string_new (NULL);
      gint64 time_us = seconds * G_USEC_PER_SEC + fraction;
      g_assert_true (mill_text_numbers_append_date (out, time_us, 6));
      g_string_append_c (out, ',');
      g_assert_true (mill_text_numbers_append_date (out, time_us, 3));
      g_assert_cmpstr (out->str, ==, expected);
    }
}

/* GLib leaves the zeros out, ISO 8601 does not. */
static void
test_first_date (void)
{
  g_autoptr (GString) out = g_string_new (NULL);

  g_assert_true (mill_text_numbers_append_date (out, -62135596800000000, 1));
  g_assert_cmpstr (out->str, ==, "0001-01-01T00:00:00.0Z");
}

static void
test_no_dates (void)
{
  static const gint64 times_us[] = { G_MININT64, -62135596800000001,
    253402300800000000, G_MAXINT64 };
  g_autoptr (GString) out = g_string_new ("x");

  for (guint i = 0; i < G_N_ELEMENTS (times_us); i++)
    g_assert_false (mill_text_numbers_append_date (out, times_us[i], 3));
  g_assert_cmpstr (out->str, ==, "x");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text-numbers/numbers", test_numbers);
  g_test_add_func ("/text-numbers/dates", test_dates);
  g_test_add_func ("/text-numbers/first-date", test_first_date);
  g_test_add_func ("/text-numbers/no-dates", test_no_dates);
  return g_test_run ();
}
