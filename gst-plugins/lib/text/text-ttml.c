/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-ttml.h"

#include <string.h>

#include "text/text-builder.h"
#include "text/text-ttml-time.h"

G_DEFINE_QUARK (mill_text_ttml_error, mill_text_ttml_error)

#define DEPTH_MAX 64
#define STYLES_MAX 1024

/* Some 70 years: later than any media, and the sum of one and what an attribute
 * can say does not overflow. */
#define TIME_MAX (G_GINT64_CONSTANT (1) << 61)

typedef enum
{
  STYLE_NONE = 0,
  STYLE_BOLD = 1 << 0,
  STYLE_ITALIC = 1 << 1,
  STYLE_UNDERLINE = 1 << 2,
} Style;

static const gchar *const style_tags[] = { "b", "i", "u" };

/**
 * Element:
 * @begin, @end: on the document's timeline; @end may be NONE
 * @times: it has times of its own
 * @makes_cue: what is in it is a cue
 * @is_silent: what is in it is not shown
 * @opened: tags of @style that it opened
 */
typedef struct
{
  GstClockTimeDiff begin;
  GstClockTimeDiff end;
  gboolean times;
  gboolean makes_cue;
  gboolean is_silent;
  Style opened;
  MillTextBuilder builder;
  gchar *id;
} Element;

typedef struct
{
  MillTextTtmlRates rates;
  GHashTable *styles; /* id -> Style */
  Element stack[DEPTH_MAX];
  guint depth;
  gboolean has_root;
  GPtrArray *cues;
} Document;

static void
free_document (Document *self)
{
  while (self->depth > 0) {
    Element *element = &self->stack[--self->depth];
    mill_text_builder_clear (&element->builder);
    g_free (element->id);
  }
  g_hash_table_unref (self->styles);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Document, free_document)

/* The prefix is the author's choice, and no two names here differ by it. */
static const gchar *
get_local_name (const gchar *name)
{
  const gchar *colon = strchr (name, ':');
  return colon != NULL ? colon + 1 : name;
}

/* ---- styles ---- */

static Style
apply_style (const Document *self, Style style, const gchar *name,
    const gchar *value)
{
  Style flag = STYLE_NONE;
  gboolean on = FALSE;
  if (g_str_equal (name, "fontWeight")) {
    flag = STYLE_BOLD;
    on = g_str_equal (value, "bold");
  } else if (g_str_equal (name, "fontStyle")) {
    flag = STYLE_ITALIC;
    on = g_str_equal (value, "italic") || g_str_equal (value, "oblique");
  } else if (g_str_equal (name, "textDecoration")) {
    flag = STYLE_UNDERLINE;
    on = strstr (value, "underline") != NULL && value[0] == 'u';
  } else if (g_str_equal (name, "style")) {
    g_auto (GStrv) ids = g_strsplit (value, " ", 32);
    for (guint i = 0; ids[i] != NULL; i++)
      style |= GPOINTER_TO_UINT (g_hash_table_lookup (self->styles, ids[i]));
    return style;
  }
  return on ? style | flag : style & ~flag;
}

static Style
read_style (const Document *self, const gchar **names, const gchar **values)
{
  Style style = STYLE_NONE;
  /* An element's own properties count more than those it refers to. */
  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_equal (names[i], "style"))
      style = apply_style (self, style, names[i], values[i]);
  for (guint i = 0; names[i] != NULL; i++)
    if (!g_str_equal (names[i], "style"))
      style = apply_style (self, style, get_local_name (names[i]), values[i]);
  return style;
}

static void
define_style (Document *self, const gchar **names, const gchar **values)
{
  Style style = read_style (self, names, values);
  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_equal (names[i], "xml:id") &&
        g_hash_table_size (self->styles) < STYLES_MAX)
      g_hash_table_insert (self->styles, g_strdup (values[i]),
          GUINT_TO_POINTER (style));
}

/* ---- elements ---- */

/* begin, end and dur of an element in a parallel container (TTML2 12.1). */
static void
read_times (const Document *self, Element *element, const gchar **names,
    const gchar **values)
{
  GstClockTimeDiff origin = element->begin;
  GstClockTimeDiff limit = element->end;
  GstClockTimeDiff begin = 0;
  GstClockTimeDiff end = GST_CLOCK_STIME_NONE;
  GstClockTimeDiff duration = GST_CLOCK_STIME_NONE;
  for (guint i = 0; names[i] != NULL; i++) {
    GstClockTimeDiff *to = g_str_equal (names[i], "begin") ? &begin
        : g_str_equal (names[i], "end")                    ? &end
        : g_str_equal (names[i], "dur")                    ? &duration
                                                           : NULL;
    if (to != NULL && mill_text_ttml_time_parse (&self->rates, values[i], to))
      element->times = TRUE;
  }
  element->begin = MIN (origin + begin, TIME_MAX);
  if (GST_CLOCK_STIME_IS_VALID (end))
    end = MIN (origin + end, TIME_MAX);
  if (GST_CLOCK_STIME_IS_VALID (duration) &&
      (!GST_CLOCK_STIME_IS_VALID (end) || element->begin + duration < end))
    end = MIN (element->begin + duration, TIME_MAX);
  if (!GST_CLOCK_STIME_IS_VALID (end) ||
      (GST_CLOCK_STIME_IS_VALID (limit) && limit < end))
    end = limit;
  element->end = end;
}

/* The innermost element around that words are collected for. */
static Element *
find_cue (Document *self)
{
  for (guint i = self->depth; i > 0; i--) {
    if (self->stack[i - 1].is_silent)
      return NULL;
    if (self->stack[i - 1].makes_cue)
      return &self->stack[i - 1];
  }
  return NULL;
}

static void
open_styles (Document *self, Element *element, Style style)
{
  Element *cue = element->makes_cue ? element : find_cue (self);
  for (guint i = 0; cue != NULL && i < G_N_ELEMENTS (style_tags); i++)
    if ((style & 1u << i) &&
        mill_text_builder_open (&cue->builder, style_tags[i], NULL))
      element->opened |= 1u << i;
}

static gboolean
is_silent (const gchar *name)
{
  static const gchar *const names[] = { "head", "metadata", "title", "desc",
    "copyright", "agent", "set", "rt", "rtc", "rp" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (name, names[i]))
      return TRUE;
  return FALSE;
}

static void
on_start (GMarkupParseContext *context, const gchar *qualified,
    const gchar **names, const gchar **values, gpointer data, GError **error)
{
  Document *self = data;
  const gchar *name = get_local_name (qualified);
  if (self->depth == DEPTH_MAX) {
    g_set_error (error, MILL_TEXT_TTML_ERROR, MILL_TEXT_TTML_ERROR_TOO_BIG,
        "elements in another: got more than %d", DEPTH_MAX);
    return;
  }
  self->has_root = TRUE;
  Element element = { .begin = 0, .end = GST_CLOCK_STIME_NONE };
  if (self->depth > 0) {
    element.begin = self->stack[self->depth - 1].begin;
    element.end = self->stack[self->depth - 1].end;
  }
  for (guint i = 0; g_str_equal (name, "tt") && names[i] != NULL; i++)
    mill_text_ttml_time_set (&self->rates, get_local_name (names[i]),
        values[i]);
  if (g_str_equal (name, "style"))
    define_style (self, names, values);
  element.is_silent = is_silent (name);
  if (!g_str_equal (name, "tt"))
    read_times (self, &element, names, values);
  /* A span with times of its own comes and goes by itself. */
  element.makes_cue = g_str_equal (name, "p") ||
      (g_str_equal (name, "span") && element.times);
  for (guint i = 0; element.makes_cue && names[i] != NULL; i++)
    if (g_str_equal (names[i], "xml:id") && element.id == NULL)
      element.id = g_strdup (values[i]);
  Element *cue = find_cue (self);
  if (g_str_equal (name, "br") && cue != NULL)
    mill_text_builder_put (&cue->builder, "\n", 1);
  open_styles (self, &element, read_style (self, names, values));
  self->stack[self->depth++] = element;
}

static void
emit (Document *self, Element *element)
{
  gchar *text = mill_text_builder_finish (&element->builder);
  gboolean shown = GST_CLOCK_STIME_IS_VALID (element->end)
      ? element->end > element->begin
      : TRUE;
  if (text == NULL || !shown || self->cues->len >= MILL_TEXT_CUES_MAX) {
    g_free (text);
    return;
  }
  MillTextCue *cue = mill_text_cue_new (element->begin, element->end, text);
  if (element->id != NULL)
    mill_text_cue_set_id (cue, element->id);
  g_ptr_array_add (self->cues, cue);
}

static void
on_end (GMarkupParseContext *context, const gchar *qualified, gpointer data,
    GError **error)
{
  Document *self = data;
  Element *element = &self->stack[self->depth - 1];
  Element *cue = find_cue (self);
  for (guint i = G_N_ELEMENTS (style_tags); cue != NULL && i > 0; i--)
    if (element->opened & 1u << (i - 1))
      mill_text_builder_close (&cue->builder, style_tags[i - 1]);
  self->depth--;
  if (element->makes_cue && !element->is_silent)
    emit (self, element);
  mill_text_builder_clear (&element->builder);
  g_clear_pointer (&element->id, g_free);
}

static void
on_text (GMarkupParseContext *context, const gchar *text, gsize length,
    gpointer data, GError **error)
{
  Element *cue = find_cue (data);
  if (cue != NULL)
    mill_text_builder_put_collapsed (&cue->builder, text, (gssize) length);
}

/* ---- reading ---- */

static gchar *
to_utf8 (const gchar *data, gsize size, gsize *ret_size)
{
  guint8 first = size > 1 ? (guint8) data[0] : 0;
  guint8 second = size > 1 ? (guint8) data[1] : 0;
  if ((first == 0xff && second == 0xfe) || (first == 0xfe && second == 0xff))
    return g_convert (data, (gssize) size, "UTF-8", "UTF-16", NULL, ret_size,
        NULL);
  gsize mark = size >= 3 && memcmp (data, "\357\273\277", 3) == 0 ? 3 : 0;
  *ret_size = size - mark;
  return g_memdup2 (data + mark, size - mark);
}

gboolean
mill_text_ttml_parse (const gchar *data, gsize size, GPtrArray *cues,
    GError **error)
{
  static const GMarkupParser parser = {
    .start_element = on_start,
    .end_element = on_end,
    .text = on_text,
  };
  if (size > MILL_TEXT_TTML_MAX) {
    g_set_error (error, MILL_TEXT_TTML_ERROR, MILL_TEXT_TTML_ERROR_TOO_BIG,
        "TTML document: got %" G_GSIZE_FORMAT " bytes, expected at most %d",
        size, MILL_TEXT_TTML_MAX);
    return FALSE;
  }
  gsize length = 0;
  g_autofree gchar *text = to_utf8 (data, size, &length);
  g_autoptr (Document) self = g_new0 (Document, 1);
  self->styles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->cues = cues;
  mill_text_ttml_time_init (&self->rates);
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser,
      G_MARKUP_TREAT_CDATA_AS_TEXT, self, NULL);
  g_autoptr (GError) local = NULL;
  if (text != NULL &&
      g_markup_parse_context_parse (context, text, (gssize) length, &local) &&
      g_markup_parse_context_end_parse (context, &local) && self->has_root)
    return TRUE;
  g_set_error (error, MILL_TEXT_TTML_ERROR, MILL_TEXT_TTML_ERROR_INVALID,
      "TTML document: got %s, expected XML",
      local != NULL ? local->message : "no document that can be read");
  return FALSE;
}
