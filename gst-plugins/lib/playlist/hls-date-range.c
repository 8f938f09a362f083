/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-date-range.h"

#include "playlist/hls-text-private.h"

static void
append_seconds (GString *out, gint64 us)
{
  g_string_append_printf (out, "%" G_GINT64_FORMAT ".%03d", us / G_USEC_PER_SEC,
      (gint) (us % G_USEC_PER_SEC / 1000));
}

static void
append_duration (GString *out, const gchar *key, gint64 us)
{
  if (us < 0)
    return;
  g_string_append_printf (out, ",%s=", key);
  append_seconds (out, us);
}

/* 4.2: a hexadecimal-sequence */
static void
append_section (GString *out, const gchar *key, GBytes *section)
{
  if (section == NULL)
    return;
  gsize size;
  const guint8 *data = g_bytes_get_data (section, &size);
  g_string_append_printf (out, ",%s=0x", key);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf (out, "%02X", data[i]);
}

void
mill_hls_date_range_print (const MillHlsDateRange *range, GString *out)
{
  /* The first attribute has no comma before it. */
  g_autoptr (GString) id = g_string_new (NULL);
  mill_hls_text_append_quoted (id, "ID", range->id);
  g_string_append_printf (out, "#EXT-X-DATERANGE:%s,START-DATE=\"",
      id->str + 1);
  mill_hls_text_append_date (out, range->start_us);
  g_string_append_c (out, '"');
  append_duration (out, "DURATION", range->duration_us);
  append_duration (out, "PLANNED-DURATION", range->planned_duration_us);
  append_section (out, "SCTE35-CMD", range->scte35_cmd);
  append_section (out, "SCTE35-OUT", range->scte35_out);
  append_section (out, "SCTE35-IN", range->scte35_in);
  g_string_append_c (out, '\n');
}

void
mill_hls_date_range_print_cue (const MillHlsCue *cue, GString *out)
{
  if (cue->ends)
    g_string_append (out, "#EXT-X-CUE-IN\n");
  if (cue->begins) {
    g_string_append (out, "#EXT-X-CUE-OUT");
    if (cue->duration_us >= 0) {
      g_string_append_c (out, ':');
      append_seconds (out, cue->duration_us);
    }
    g_string_append_c (out, '\n');
  } else if (cue->goes_on) {
    g_string_append (out, "#EXT-X-CUE-OUT-CONT:ElapsedTime=");
    append_seconds (out, cue->elapsed_us);
    if (cue->duration_us >= 0) {
      g_string_append (out, ",Duration=");
      append_seconds (out, cue->duration_us);
    }
    g_string_append_c (out, '\n');
  }
}
