/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/text-numbers.h"

#define DAY_S (24 * 60 * 60)
/* As of GDate, whose first day is that of the year 1. */
#define JULIAN_1970 719163
#define JULIAN_10000 3652060
/* Of the largest number. */
#define DIGITS_MAX 20

void
mill_text_numbers_append (GString *out, guint64 value, guint digits)
{
  gchar text[DIGITS_MAX];
  gsize at = sizeof text;

  do {
    text[--at] = (gchar) ('0' + value % 10);
    value /= 10;
  } while (at > 0 && (value > 0 || sizeof text - at < digits));
  g_string_append_len (out, text + at, (gssize) (sizeof text - at));
}

/* @before: what is in front of it */
static void
append_field (GString *out, gchar before, guint64 value, guint digits)
{
  g_string_append_c (out, before);
  mill_text_numbers_append (out, value, digits);
}

/* Towards the past, also before 1970. */
static gint64
divide (gint64 value, gint64 by)
{
  return value / by - (value % by < 0);
}

gboolean
mill_text_numbers_append_date (GString *out, gint64 time_us, guint digits)
{
  gint64 seconds = divide (time_us, G_USEC_PER_SEC);
  gint64 fraction = time_us - seconds * G_USEC_PER_SEC;
  gint64 day = divide (seconds, DAY_S);
  gint64 second = seconds - day * DAY_S;
  GDate date;

  if (day <= -JULIAN_1970 || day >= JULIAN_10000 - JULIAN_1970)
    return FALSE;
  g_date_clear (&date, 1);
  g_date_set_julian (&date, (guint32) (day + JULIAN_1970));
  mill_text_numbers_append (out, g_date_get_year (&date), 4);
  append_field (out, '-', g_date_get_month (&date), 2);
  append_field (out, '-', g_date_get_day (&date), 2);
  append_field (out, 'T', (guint64) (second / 3600), 2);
  append_field (out, ':', (guint64) (second / 60 % 60), 2);
  append_field (out, ':', (guint64) (second % 60), 2);
  for (guint i = digits; i < 6; i++)
    fraction /= 10;
  append_field (out, '.', (guint64) fraction, digits);
  g_string_append_c (out, 'Z');
  return TRUE;
}
