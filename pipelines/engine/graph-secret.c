/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* The values of secret parameters, where GStreamer would show them. */
#include "graph-private.h"

#include <string.h>

#include "plan-private.h"

/* A shorter one stands in any text. */
#define SECRET_MIN 4
/* Of a long value the end is not shown: so much of the beginning of a secret
 * tells that it is one. */
#define SECRET_HEAD 8
#define CUT "\xe2\x80\xa6"

/* How many bytes are left of the value that goes on at @text: up to the quote
 * behind it, or where its line ends. It was escaped twice: what is escaped in
 * it begins with two backslashes, and what is behind it with one. */
static gsize
measure_value (const gchar *text)
{
  const gchar *at = text;

  while (*at && *at != '"' && *at != '\n' &&
      (*at != '\\' || g_str_has_prefix (at, "\\\\"))) {
    if (*at != '\\')
      at++;
    else
      at += at[2] == '\\' && at[3] ? 4 : at[2] ? 3 : 2;
  }
  return at - text;
}

/* What is left of a secret that begins where the value is cut. */
static void
mask_cut (GString *dot, const gchar *head)
{
  const gchar *cut = dot->str;

  while ((cut = strstr (cut, CUT))) {
    gsize at = cut - dot->str;
    gsize length = MIN (strlen (head), at);

    while (length > 0 && strncmp (cut - length, head, length) != 0)
      length--;
    if (length > 0) {
      g_string_erase (dot, at - length, length);
      g_string_insert (dot, at - length, MILL_SECRET_MASK);
      at += strlen (MILL_SECRET_MASK) - length;
    }
    cut = dot->str + at + strlen (CUT);
  }
}

/* Puts the mask where @secret begins and drops the rest of the value. */
static void
mask_secret (GString *dot, const gchar *secret)
{
  g_autofree gchar *once = g_strescape (secret, NULL);
  g_autofree gchar *twice = g_strescape (once, NULL);
  g_autofree gchar *head = g_strndup (twice, SECRET_HEAD);
  gsize from = 0;
  const gchar *found;

  while ((found = strstr (dot->str + from, head))) {
    gsize at = found - dot->str;

    g_string_erase (dot, at, measure_value (found));
    g_string_insert (dot, at, MILL_SECRET_MASK);
    from = at + strlen (MILL_SECRET_MASK);
  }
  mask_cut (dot, head);
}

gchar *
mill_graph_secret_mask_picture (const MillPlan *plan, const gchar *dot)
{
  GString *shown = g_string_new (dot);

  for (GStrv secret = plan->secrets; *secret; secret++)
    mask_secret (shown, *secret);
  return g_string_free (shown, FALSE);
}

gchar *
mill_graph_secret_mask_text (const MillPlan *plan, const gchar *text)
{
  GString *shown = g_string_new (text);

  for (GStrv secret = plan->secrets; *secret; secret++)
    if (strlen (*secret) >= SECRET_MIN)
      g_string_replace (shown, *secret, MILL_SECRET_MASK, 0);
  return g_string_free (shown, FALSE);
}
