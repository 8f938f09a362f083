/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-ttml-time.h"

#include <string.h>

/* Longer than any media, shorter than what overflows. */
#define HOURS_MAX 1000000
#define RATE_MAX 1000000000

void
mill_text_ttml_time_init (MillTextTtmlRates *rates)
{
  *rates = (MillTextTtmlRates){ 30, 1, 1, 0 };
}

static gboolean
read_count (const gchar *text, guint64 max, const gchar **ret_end,
    guint64 *ret_value)
{
  if (!g_ascii_isdigit (*text))
    return FALSE;
  *ret_value = g_ascii_strtoull (text, (gchar **) ret_end, 10);
  return *ret_value <= max;
}

void
mill_text_ttml_time_set (MillTextTtmlRates *rates, const gchar *name,
    const gchar *value)
{
  const gchar *end;
  guint64 first;
  guint64 second;
  if (!read_count (value, RATE_MAX, &end, &first) || first == 0)
    return;
  if (g_str_equal (name, "frameRate")) {
    rates->frame_rate = (guint) first;
  } else if (g_str_equal (name, "tickRate")) {
    rates->tick_rate = (guint) first;
  } else if (g_str_equal (name, "frameRateMultiplier")) {
    /* "1000 1001"; TTML1's early drafts had a colon. */
    while (*end == ' ' || *end == ':')
      end++;
    if (read_count (end, RATE_MAX, &end, &second) && second > 0) {
      rates->multiplier_n = (guint) first;
      rates->multiplier_d = (guint) second;
    }
  }
}

static GstClockTimeDiff
from_frames (const MillTextTtmlRates *rates, gdouble frames)
{
  return (GstClockTimeDiff) (frames * GST_SECOND * rates->multiplier_d /
      ((gdouble) rates->frame_rate * rates->multiplier_n));
}

/* Without a rate a tick is a frame's part, and a second where there is none. */
static GstClockTimeDiff
from_ticks (const MillTextTtmlRates *rates, gdouble ticks)
{
  guint rate = rates->tick_rate > 0 ? rates->tick_rate : 1;
  return (GstClockTimeDiff) (ticks * GST_SECOND / rate);
}

/* Digits, a dot, digits; no sign, no exponent. */
static gboolean
read_decimal (const gchar *text, const gchar **ret_end, gdouble *ret_value)
{
  gsize length = strspn (text, G_CSET_DIGITS ".");
  gchar digits[32];
  if (length == 0 || length >= sizeof digits || !g_ascii_isdigit (*text))
    return FALSE;
  memcpy (digits, text, length);
  digits[length] = '\0';
  gchar *end;
  *ret_value = g_ascii_strtod (digits, &end);
  *ret_end = text + length;
  return *end == '\0' && *ret_value <= 1e12;
}

static gboolean
read_offset (const MillTextTtmlRates *rates, const gchar *text,
    GstClockTimeDiff *ret_time)
{
  static const struct
  {
    const gchar *metric;
    gdouble seconds;
  } metrics[] = { { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "ms", 0.001 } };
  const gchar *metric;
  gdouble value;
  if (!read_decimal (text, &metric, &value))
    return FALSE;
  gdouble seconds = -1;
  for (guint i = 0; i < G_N_ELEMENTS (metrics); i++)
    if (g_str_equal (metric, metrics[i].metric))
      seconds = value * metrics[i].seconds;
  if (g_str_equal (metric, "f"))
    seconds = from_frames (rates, MIN (value, 1e9)) / 1e9;
  else if (g_str_equal (metric, "t"))
    seconds = rates->tick_rate > 0 ? value / rates->tick_rate
                                   : from_ticks (rates, MIN (value, 1e9)) / 1e9;
  if (seconds < 0 || seconds > HOURS_MAX * 3600.0)
    return FALSE;
  *ret_time = (GstClockTimeDiff) (seconds * GST_SECOND + 0.5);
  return TRUE;
}

gboolean
mill_text_ttml_time_parse (const MillTextTtmlRates *rates, const gchar *text,
    GstClockTimeDiff *ret_time)
{
  const gchar *at = text + strspn (text, " \t\r\n");
  g_autofree gchar *expression = g_strchomp (g_strdup (at));
  const gchar *end;
  guint64 hours;
  guint64 minutes;
  gdouble seconds;
  if (strchr (expression, ':') == NULL)
    return read_offset (rates, expression, ret_time);
  if (!read_count (expression, HOURS_MAX, &end, &hours) || *end++ != ':' ||
      !read_count (end, 59, &end, &minutes) || *end++ != ':' ||
      !read_decimal (end, &end, &seconds) || seconds >= 61)
    return FALSE;
  *ret_time = (GstClockTimeDiff) ((hours * 60 + minutes) * 60 * GST_SECOND) +
      (GstClockTimeDiff) (seconds * GST_SECOND + 0.5);
  if (*end == '\0')
    return TRUE;
  gdouble frames;
  if (*end++ != ':' || !read_decimal (end, &end, &frames) || *end != '\0')
    return FALSE;
  *ret_time += from_frames (rates, MIN (frames, 1e6));
  return TRUE;
}
