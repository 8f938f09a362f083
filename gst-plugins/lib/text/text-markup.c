/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-markup.h"

#include <string.h>

#include "text/text-builder.h"

/* Of one buffer of text; what is longer has no end on a screen. */
#define MARKUP_MAX (64 * 1024)

gchar *
mill_text_markup_from_plain (const gchar *data, gsize size)
{
  g_auto (MillTextBuilder) builder = { 0 };
  /* Some sources count the NUL at the end. */
  mill_text_builder_put (&builder, data,
      (gssize) strnlen (data, MIN (size, MARKUP_MAX)));
  return mill_text_builder_finish (&builder);
}

/* ---- markup ---- */

#define DEPTH_MAX 32

/** What each open element has opened in the cue text. */
typedef struct
{
  MillTextBuilder builder;
  gchar tags[DEPTH_MAX][4]; /* one letter each: "bi" */
  guint depth;
} Reading;

static void
open_tag (Reading *reading, gchar *tags, const gchar *tag)
{
  if (strchr (tags, tag[0]) == NULL &&
      mill_text_builder_open (&reading->builder, tag, NULL))
    tags[strlen (tags)] = tag[0];
}

/* <span style="italic" weight="bold" underline="single">, under the names that
 * Pango has for them. */
static void
read_attribute (Reading *reading, gchar *tags, const gchar *name,
    const gchar *value)
{
  if (g_str_equal (name, "style") || g_str_equal (name, "font_style")) {
    if (g_str_equal (value, "italic") || g_str_equal (value, "oblique"))
      open_tag (reading, tags, "i");
  } else if (g_str_equal (name, "weight") ||
      g_str_equal (name, "font_weight")) {
    if (g_str_has_suffix (value, "bold") || g_str_equal (value, "heavy") ||
        g_ascii_strtoull (value, NULL, 10) >= 600)
      open_tag (reading, tags, "b");
  } else if (g_str_equal (name, "underline")) {
    if (!g_str_equal (value, "none"))
      open_tag (reading, tags, "u");
  }
}

static void
on_start (GMarkupParseContext *context, const gchar *element,
    const gchar **names, const gchar **values, gpointer data, GError **error)
{
  Reading *reading = data;
  if (reading->depth == DEPTH_MAX) {
    g_set_error_literal (error, G_MARKUP_ERROR, G_MARKUP_ERROR_PARSE,
        "elements: got too many in another, expected at most 32");
    return;
  }
  gchar *tags = reading->tags[reading->depth++];
  memset (tags, 0, sizeof reading->tags[0]);
  if (g_str_equal (element, "b") || g_str_equal (element, "i") ||
      g_str_equal (element, "u"))
    open_tag (reading, tags, element);
  for (guint i = 0; g_str_equal (element, "span") && names[i] != NULL; i++)
    read_attribute (reading, tags, names[i], values[i]);
}

static void
on_end (GMarkupParseContext *context, const gchar *element, gpointer data,
    GError **error)
{
  Reading *reading = data;
  const gchar *tags = reading->tags[--reading->depth];
  for (gsize i = strlen (tags); i > 0; i--) {
    const gchar tag[] = { tags[i - 1], '\0' };
    mill_text_builder_close (&reading->builder, tag);
  }
}

static void
on_text (GMarkupParseContext *context, const gchar *text, gsize length,
    gpointer data, GError **error)
{
  mill_text_builder_put (&((Reading *) data)->builder, text, (gssize) length);
}

gchar *
mill_text_markup_from_pango (const gchar *data, gsize size)
{
  static const GMarkupParser parser = {
    .start_element = on_start,
    .end_element = on_end,
    .text = on_text,
  };
  g_autofree Reading *reading = g_new0 (Reading, 1);
  g_autoptr (GMarkupParseContext) context =
      g_markup_parse_context_new (&parser, 0, reading, NULL);
  gssize length = (gssize) strnlen (data, MIN (size, MARKUP_MAX));
  gboolean valid =
      g_markup_parse_context_parse (context, "<markup>", -1, NULL) &&
      g_markup_parse_context_parse (context, data, length, NULL) &&
      g_markup_parse_context_parse (context, "</markup>", -1, NULL) &&
      g_markup_parse_context_end_parse (context, NULL);
  gchar *text = valid ? mill_text_builder_finish (&reading->builder) : NULL;
  mill_text_builder_clear (&reading->builder);
  return valid ? text : mill_text_markup_from_plain (data, size);
}
