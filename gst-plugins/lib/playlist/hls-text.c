/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-text-private.h"

#include <string.h>

#include "playlist/text-numbers.h"

static gboolean
is_scheme_like (const gchar *uri)
{
  const gchar *slash = strchr (uri, '/');
  const gchar *colon = strchr (uri, ':');

  return colon != NULL && (slash == NULL || colon < slash);
}

void
mill_hls_text_append_uri (GString *out, const gchar *uri)
{
  /* RFC 3986 4.2: a first segment with a colon would be read as a scheme. */
  if (is_scheme_like (uri))
    g_string_append (out, "./");
  mill_hls_text_append_absolute_uri (out, uri);
}

void
mill_hls_text_append_absolute_uri (GString *out, const gchar *uri)
{
  /* A '#' at the start of a line is a comment, but it is never allowed raw. */
  for (const gchar *at = uri; *at != '\0'; at++) {
    guchar byte = (guchar) *at;
    gboolean escaped = byte == '%' && g_ascii_isxdigit (at[1]) &&
        g_ascii_isxdigit (at[2]);

    if (escaped || g_ascii_isalnum (byte) ||
        strchr ("-._~!$&'()*+,;=:@/?", byte) != NULL)
      g_string_append_c (out, (gchar) byte);
    else
      g_string_append_printf (out, "%%%02X", byte);
  }
}

void
mill_hls_text_append_quoted (GString *out, const gchar *key, const gchar *value)
{
  g_autofree gchar *valid = g_utf8_make_valid (value, -1);

  g_string_append_printf (out, ",%s=\"", key);
  for (const gchar *at = valid; *at != '\0'; at = g_utf8_next_char (at)) {
    gunichar c = g_utf8_get_char (at);

    /* U+2028 and U+2029 are line breaks to some readers of lines. */
    if (c == '"')
      g_string_append_c (out, '\'');
    else if (g_unichar_iscntrl (c) || c == 0x2028 || c == 0x2029)
      g_string_append_c (out, ' ');
    else
      g_string_append_unichar (out, c);
  }
  g_string_append_c (out, '"');
}

void
mill_hls_text_append_quoted_uri (GString *out, const gchar *key,
    const gchar *uri)
{
  g_string_append_printf (out, ",%s=\"", key);
  mill_hls_text_append_uri (out, uri);
  g_string_append_c (out, '"');
}

void
mill_hls_text_append_quoted_absolute_uri (GString *out, const gchar *key,
    const gchar *uri)
{
  g_string_append_printf (out, ",%s=\"", key);
  mill_hls_text_append_absolute_uri (out, uri);
  g_string_append_c (out, '"');
}

gboolean
mill_hls_text_append_date (GString *out, gint64 time_us)
{
  return mill_text_numbers_append_date (out, time_us, 3);
}

void
mill_hls_text_append_date_time (GString *out, gint64 time_us)
{
  gsize before = out->len;

  g_string_append (out, "#EXT-X-PROGRAM-DATE-TIME:");
  if (mill_hls_text_append_date (out, time_us))
    g_string_append_c (out, '\n');
  else
    g_string_truncate (out, before);
}

void
mill_hls_text_append_seconds (GString *out, guint64 duration_ns)
{
  guint64 us = duration_ns / 1000 + (duration_ns % 1000 >= 500);

  mill_text_numbers_append (out, us / G_USEC_PER_SEC, 1);
  g_string_append_c (out, '.');
  mill_text_numbers_append (out, us % G_USEC_PER_SEC, 6);
}
