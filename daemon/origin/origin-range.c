/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-range.h"

#include <string.h>

static gboolean
parse_digits (const gchar *text, gsize length, guint64 *ret_value)
{
  g_autofree gchar *digits = g_strndup (text, length);

  if (g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64, ret_value, NULL))
    return TRUE;
  /* More digits than fit are beyond every file all the same. */
  if (length == 0 || strspn (digits, "0123456789") != length)
    return FALSE;
  *ret_value = G_MAXUINT64;
  return TRUE;
}

/* "-n": the last n bytes. */
static MillOriginRange
parse_suffix (const gchar *text, guint64 total, guint64 *ret_offset,
    guint64 *ret_length)
{
  guint64 n;

  if (!parse_digits (text, strlen (text), &n))
    return MILL_ORIGIN_RANGE_WHOLE;
  if (n == 0 || total == 0)
    return MILL_ORIGIN_RANGE_UNSATISFIABLE;
  *ret_length = MIN (n, total);
  *ret_offset = total - *ret_length;
  return MILL_ORIGIN_RANGE_PART;
}

MillOriginRange
mill_origin_range_parse (const gchar *header, guint64 total,
    guint64 *ret_offset, guint64 *ret_length)
{
  g_autofree gchar *range = NULL;
  const gchar *dash;
  guint64 first;
  guint64 last = G_MAXUINT64;

  /* 14.1: range units are case-insensitive. */
  if (header == NULL || g_ascii_strncasecmp (header, "bytes=", 6) != 0)
    return MILL_ORIGIN_RANGE_WHOLE;
  range = g_strstrip (g_strdup (header + 6));
  dash = strchr (range, '-');
  if (dash == NULL || strchr (range, ',') != NULL)
    return MILL_ORIGIN_RANGE_WHOLE;
  if (dash == range)
    return parse_suffix (dash + 1, total, ret_offset, ret_length);
  if (!parse_digits (range, dash - range, &first) ||
      (dash[1] != '\0' && !parse_digits (dash + 1, strlen (dash + 1), &last)))
    return MILL_ORIGIN_RANGE_WHOLE;
  /* 14.1.1: last before first makes it invalid, hence ignored. */
  if (last < first)
    return MILL_ORIGIN_RANGE_WHOLE;
  if (first >= total)
    return MILL_ORIGIN_RANGE_UNSATISFIABLE;
  *ret_offset = first;
  *ret_length = MIN (last, total - 1) - first + 1;
  return MILL_ORIGIN_RANGE_PART;
}

gboolean
mill_origin_range_matches (const gchar *header, const gchar *etag)
{
  g_auto (GStrv) tags = NULL;

  if (header == NULL)
    return FALSE;
  tags = g_strsplit (header, ",", 64);
  for (gsize i = 0; tags[i] != NULL; i++) {
    const gchar *tag = g_strstrip (tags[i]);

    if (g_str_has_prefix (tag, "W/"))
      tag += 2;
    if (g_str_equal (tag, etag) || g_str_equal (tag, "*"))
      return TRUE;
  }
  return FALSE;
}

/* RFC 9110 12.4.2: ";q=0", with up to three more digits of it. @text: what is
 * behind a name, up to @end. */
static gboolean
is_refused (const gchar *text, const gchar *end)
{
  while (text < end && (*text == ' ' || *text == '\t' || *text == ';'))
    text++;
  if (end - text < 3 || g_ascii_tolower (text[0]) != 'q' || text[1] != '=' ||
      text[2] != '0')
    return FALSE;
  for (text += 3; text < end; text++) {
    if (*text >= '1' && *text <= '9')
      return FALSE;
  }
  return TRUE;
}

gboolean
mill_origin_range_accepts_gzip (const gchar *header)
{
  gboolean any = FALSE;

  while (header != NULL && *header != '\0') {
    const gchar *name = header + strspn (header, " \t,");
    const gchar *end = name + strcspn (name, ",");
    gsize length = strcspn (name, " \t;,");

    header = end;
    /* "*, gzip;q=0": what is named counts. */
    if (length == 4 && g_ascii_strncasecmp (name, "gzip", 4) == 0)
      return !is_refused (name + length, end);
    if (length == 1 && *name == '*')
      any = !is_refused (name + length, end);
  }
  return any;
}
