/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <stdarg.h>

#include "playlist/mpd-private.h"

static gboolean fail (GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const gchar *format, ...)
{
  va_list args;

  if (error != NULL) {
    va_start (args, format);
    *error = g_error_new_valist (MILL_MPD_ERROR, MILL_MPD_ERROR_INVALID, format,
        args);
    va_end (args);
  }
  return FALSE;
}

static gboolean
check_segments (const MillMpdRepresentation *rep, GError **error)
{
  for (gsize i = 1; i < rep->n_segments; i++) {
    const MillMpdSegment *last = &rep->segments[i - 1];
    const MillMpdSegment *next = &rep->segments[i];

    if (next->number != last->number + 1)
      return fail (error,
          "segment of representation '%s': got number %" G_GUINT64_FORMAT
          ", expected %" G_GUINT64_FORMAT " (a gap needs a new Period)",
          rep->id, next->number, last->number + 1);
    if (next->time < last->time + last->duration)
      return fail (error,
          "segment %" G_GUINT64_FORMAT
          " of representation '%s': got time %" G_GUINT64_FORMAT
          ", expected %" G_GUINT64_FORMAT " or later",
          next->number, rep->id, next->time, last->time + last->duration);
  }
  return TRUE;
}

static gboolean
check_timeline (const MillMpdRepresentation *rep, GError **error)
{
  if (mill_mpd_timeline_is_consecutive (rep->timeline))
    return TRUE;
  return fail (error,
      "segments of representation '%s': got a hole in their numbers, expected "
      "none (a gap needs a new Period)",
      rep->id);
}

static gboolean
check_representation (const MillMpdRepresentation *rep, GError **error)
{
  if (rep->timescale == 0)
    return fail (error,
        "timescale of representation '%s': got 0, expected ticks per second",
        rep->id);
  if (rep->timeline != NULL)
    return check_timeline (rep, error);
  for (gsize i = 0; i < rep->n_segments; i++) {
    if (rep->segments[i].duration == 0)
      return fail (error,
          "duration of segment %" G_GUINT64_FORMAT
          " of representation '%s': got 0, expected more",
          rep->segments[i].number, rep->id);
  }
  return check_segments (rep, error);
}

static gboolean
check_period (const MillMpdPeriod *period, GError **error)
{
  if (!GST_CLOCK_TIME_IS_VALID (period->start))
    return fail (error, "start of Period '%s': got none, expected a time",
        period->id);
  for (gsize i = 0; i < period->n_representations; i++) {
    if (!check_representation (&period->representations[i], error))
      return FALSE;
  }
  return TRUE;
}

gboolean
mill_mpd_check (const MillMpd *mpd, GError **error)
{
  if (mpd->kind == MILL_MPD_STATIC && !GST_CLOCK_TIME_IS_VALID (mpd->duration))
    return fail (error,
        "duration of the static MPD: got none, expected a time");
  for (gsize i = 0; i < mpd->n_periods; i++) {
    if (!check_period (&mpd->periods[i], error))
      return FALSE;
    if (i > 0 && mpd->periods[i].start < mpd->periods[i - 1].start)
      return fail (error,
          "start of Period '%s': got a time before that of Period '%s'",
          mpd->periods[i].id, mpd->periods[i - 1].id);
  }
  return TRUE;
}
