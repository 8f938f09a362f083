/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/live-query.h"

#include <string.h>

typedef enum
{
  NO_DIRECTIVE,
  DIRECTIVE_MSN = 1 << 0,
  DIRECTIVE_PART = 1 << 1,
  DIRECTIVE_SKIP = 1 << 2,
} Directive;

#define TWICE "got it twice, expected it once"

static const struct
{
  const gchar *name;
  Directive directive;
  const gchar *twice;
} directives[] = {
  { "_HLS_msn", DIRECTIVE_MSN, "_HLS_msn: " TWICE },
  { "_HLS_part", DIRECTIVE_PART, "_HLS_part: " TWICE },
  { "_HLS_skip", DIRECTIVE_SKIP, "_HLS_skip: " TWICE },
};

static Directive
find_directive (const gchar *name, const gchar **ret_twice)
{
  for (guint i = 0; i < G_N_ELEMENTS (directives); i++) {
    if (strcmp (directives[i].name, name) == 0) {
      *ret_twice = directives[i].twice;
      return directives[i].directive;
    }
  }
  return NO_DIRECTIVE;
}

/* 4.2: decimal-integer, digits alone. */
static gboolean
parse_integer (const gchar *text, guint64 max, guint64 *ret_value)
{
  return g_ascii_isdigit (text[0]) &&
      g_ascii_string_to_unsigned (text, 10, 0, max, ret_value, NULL);
}

static gboolean
take (MillLiveQuery *query, Directive directive, const gchar *value)
{
  guint64 part;

  switch (directive) {
    case DIRECTIVE_MSN:
      query->has_msn = TRUE;
      query->wrong =
          "_HLS_msn: expected a decimal-integer below 2^63, the Media "
          "Sequence Number of a segment (RFC 8216bis 6.2.5.2)";
      return parse_integer (value, G_MAXINT64, &query->msn);
    case DIRECTIVE_PART:
      query->has_part = TRUE;
      query->wrong =
          "_HLS_part: expected a decimal-integer below 2^32 - 1, the "
          "Part Index in the segment _HLS_msn (RFC 8216bis 6.2.5.2)";
      if (!parse_integer (value, G_MAXUINT32 - 1, &part))
        return FALSE;
      query->part = (guint32) part;
      return TRUE;
    case DIRECTIVE_SKIP:
      if (strcmp (value, "YES") == 0)
        query->skip = MILL_HLS_SKIP_SEGMENTS;
      else if (strcmp (value, "v2") == 0)
        query->skip = MILL_HLS_SKIP_DATE_RANGES;
      return TRUE;
    default:
      return TRUE;
  }
}

/* @text: name=value, or a name alone. */
static gboolean
take_parameter (MillLiveQuery *query, const gchar *text, gsize length,
    guint *seen)
{
  const gchar *equals = memchr (text, '=', length);
  gsize name_length = equals != NULL ? (gsize) (equals - text) : length;
  const gchar *rest = equals != NULL ? equals + 1 : text + length;
  g_autofree gchar *name =
      g_uri_unescape_segment (text, text + name_length, NULL);
  g_autofree gchar *value = NULL;
  const gchar *twice = NULL;
  Directive directive = name != NULL ? find_directive (name, &twice)
                                     : NO_DIRECTIVE;

  if (directive == NO_DIRECTIVE)
    return TRUE;
  /* Which of two would count? A cache and this origin might disagree. */
  query->wrong = twice;
  if (*seen & directive)
    return FALSE;
  *seen |= directive;
  value = g_uri_unescape_segment (rest, text + length, NULL);
  /* No escape that means a letter: no number either. */
  return take (query, directive, value != NULL ? value : "");
}

gboolean
mill_live_query_parse (const gchar *raw, MillLiveQuery *ret_query)
{
  MillLiveQuery query = { .skip = MILL_HLS_SKIP_NONE };
  guint seen = 0;

  *ret_query = query;
  while (raw != NULL && *raw != '\0') {
    gsize length = strcspn (raw, "&");

    if (!take_parameter (&query, raw, length, &seen)) {
      ret_query->wrong = query.wrong;
      return FALSE;
    }
    raw += length;
    raw += *raw == '&';
  }
  if (query.has_part && !query.has_msn) {
    ret_query->wrong =
        "_HLS_part: got it alone, expected _HLS_msn with it (RFC "
        "8216bis 6.2.5.2)";
    return FALSE;
  }
  query.wrong = NULL;
  *ret_query = query;
  return TRUE;
}
