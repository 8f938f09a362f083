/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-presentation.h"

#include <string.h>

#include "playlist/hls-text-private.h"

gboolean
mill_hls_presentation_is_pathway (const gchar *id)
{
  return *id != '\0' &&
      strspn (id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == strlen (id);
}

void
mill_hls_presentation_append_start (GString *out, const MillHlsStart *start)
{
  /* Printed from integers, for the sake of locales with a decimal comma. */
  guint64 ms = (guint64) ABS (start->offset_ms);

  g_string_append_printf (out,
      "#EXT-X-START:TIME-OFFSET=%s%" G_GUINT64_FORMAT ".%03" G_GUINT64_FORMAT,
      start->offset_ms < 0 ? "-" : "", ms / 1000, ms % 1000);
  if (start->precise)
    g_string_append (out, ",PRECISE=YES");
  g_string_append_c (out, '\n');
}

/* An attribute list begins without the comma that attributes are joined by. */
static void
begin_list (GString *out, const gchar *tag, const gchar *key,
    const gchar *value)
{
  gsize at;

  g_string_append (out, tag);
  at = out->len;
  mill_hls_text_append_quoted (out, key, value);
  g_string_erase (out, (gssize) at, 1);
}

void
mill_hls_presentation_append_session_data (GString *out,
    const MillHlsSessionData *data)
{
  begin_list (out, "#EXT-X-SESSION-DATA:", "DATA-ID", data->id);
  if (data->value != NULL) {
    mill_hls_text_append_quoted (out, "VALUE", data->value);
  } else if (data->uri != NULL) {
    mill_hls_text_append_quoted_absolute_uri (out, "URI", data->uri);
    if (data->raw)
      g_string_append (out, ",FORMAT=RAW");
  }
  if (data->language != NULL && data->language[0] != '\0')
    mill_hls_text_append_quoted (out, "LANGUAGE", data->language);
  g_string_append_c (out, '\n');
}

void
mill_hls_presentation_append_steering (GString *out,
    const MillHlsSteering *steering)
{
  gsize at;

  g_string_append (out, "#EXT-X-CONTENT-STEERING:");
  at = out->len;
  mill_hls_text_append_quoted_absolute_uri (out, "SERVER-URI", steering->uri);
  g_string_erase (out, (gssize) at, 1);
  if (steering->pathway != NULL)
    mill_hls_text_append_quoted (out, "PATHWAY-ID", steering->pathway);
  g_string_append_c (out, '\n');
}
