/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-ass.h"

#include <string.h>

#include "text/text-builder.h"

/* Fields before the text of an event in Matroska. */
#define FIELDS 8
#define EVENT_MAX (64 * 1024)

/* \b1, \b700: on; \b, \b0: off. */
static gboolean
is_on (const gchar *digits, gsize length)
{
  guint value = 0;
  for (gsize i = 0; i < length && g_ascii_isdigit (digits[i]) && value < 1000;
       i++)
    value = value * 10 + (guint) (digits[i] - '0');
  return value == 1 || value >= 600;
}

/* Whether @tag is @name and then a number or nothing: "b1", but not "bord2". */
static gboolean
is_tag (const gchar *tag, gsize length, gchar name)
{
  if (length == 0 || tag[0] != name)
    return FALSE;
  for (gsize i = 1; i < length; i++)
    if (!g_ascii_isdigit (tag[i]) && tag[i] != ' ')
      return FALSE;
  return TRUE;
}

/* {\i1\pos(1,2)}: what is between braces. */
static void
read_overrides (MillTextBuilder *builder, const gchar *at, gsize size,
    gboolean *drawing)
{
  for (gsize i = 0; i < size;) {
    if (at[i++] != '\\')
      continue;
    gsize length = 0;
    while (i + length < size && at[i + length] != '\\')
      length++;
    const gchar *tag = at + i;
    gboolean on = length > 1 && is_on (tag + 1, length - 1);
    if (is_tag (tag, length, 'b'))
      mill_text_builder_set (builder, "b", on);
    else if (is_tag (tag, length, 'i'))
      mill_text_builder_set (builder, "i", on);
    else if (is_tag (tag, length, 'u'))
      mill_text_builder_set (builder, "u", on);
    else if (is_tag (tag, length, 'p'))
      *drawing = length > 1 && tag[1] != '0';
    else if (length > 0 && tag[0] == 'r') {
      mill_text_builder_set (builder, "b", FALSE);
      mill_text_builder_set (builder, "i", FALSE);
      mill_text_builder_set (builder, "u", FALSE);
    }
    i += length;
  }
}

/* Returns: how many bytes a backslash and its letter are; 0: it is just one */
static gsize
read_escape (MillTextBuilder *builder, const gchar *at, gsize left)
{
  if (left < 2)
    return 0;
  switch (at[1]) {
    case 'N':
      mill_text_builder_put (builder, "\n", 1);
      return 2;
    case 'n': /* a break only in wrapping mode 2; a space in the others */
      mill_text_builder_put (builder, " ", 1);
      return 2;
    case 'h':
      mill_text_builder_put (builder, "\302\240", 2);
      return 2;
    default:
      return 0;
  }
}

static const gchar *
find_text (const gchar *data, gsize size)
{
  const gchar *end = data + size;
  for (guint i = 0; i < FIELDS; i++) {
    const gchar *comma = memchr (data, ',', (gsize) (end - data));
    if (comma == NULL)
      return NULL;
    data = comma + 1;
  }
  return data;
}

gchar *
mill_text_ass_clean (const gchar *data, gsize size)
{
  g_auto (MillTextBuilder) builder = { 0 };
  gboolean drawing = FALSE;
  size = strnlen (data, MIN (size, EVENT_MAX));
  const gchar *at = find_text (data, size);
  const gchar *end = data + size;
  while (at != NULL && at < end) {
    gsize left = (gsize) (end - at);
    const gchar *close = *at == '{' ? memchr (at, '}', left) : NULL;
    if (close != NULL) {
      read_overrides (&builder, at + 1, (gsize) (close - at) - 1, &drawing);
      at = close + 1;
      continue;
    }
    gsize used = *at == '\\' ? read_escape (&builder, at, left) : 0;
    if (used == 0) {
      used = 1;
      while (used < left && at[used] != '{' && at[used] != '\\')
        used++;
      if (!drawing)
        mill_text_builder_put (&builder, at, (gssize) used);
    }
    at += used;
  }
  return mill_text_builder_finish (&builder);
}
