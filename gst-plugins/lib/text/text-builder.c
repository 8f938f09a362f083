/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-builder.h"

#include <string.h>

#include "text/text-cue.h"

/* Of a voice or a class, in bytes. */
#define ANNOTATION_MAX 64

void
mill_text_builder_clear (MillTextBuilder *self)
{
  if (self->out != NULL)
    g_string_free (self->out, TRUE);
  for (guint i = 0; i < self->depth; i++)
    g_free (self->open[i]);
  *self = (MillTextBuilder){ 0 };
}

/* ---- tags ---- */

static gsize
measure_name (const gchar *tag)
{
  return strcspn (tag, ". ");
}

static gboolean
is_same_tag (const gchar *a, const gchar *b)
{
  gsize length = measure_name (a);
  return length == measure_name (b) && strncmp (a, b, length) == 0;
}

static gboolean
is_known (const gchar *tag)
{
  static const gchar *const names[] = { "b", "i", "u", "c", "v", "lang", "ruby",
    "rt" };
  /* With the '>' after it a tag that ends in two dashes would be an arrow. */
  if (strlen (tag) > ANNOTATION_MAX || g_str_has_suffix (tag, "--"))
    return FALSE;
  /* Classes follow the name; "c" without one says nothing. */
  gsize length = measure_name (tag);
  if (strspn (tag + length, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") !=
      strlen (tag + length))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strlen (names[i]) == length && strncmp (tag, names[i], length) == 0)
      return length > 1 || tag[0] != 'c' || tag[1] == '.';
  return FALSE;
}

/* WebVTT 4.2.2: an annotation has neither line breaks nor '&', '<', '>'. */
static gchar *
clean_annotation (const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);
  for (const gchar *at = valid; *at != '\0'; at = g_utf8_next_char (at)) {
    gunichar letter = g_utf8_get_char (at);
    if (out->len >= ANNOTATION_MAX)
      break;
    if (letter < ' ' || letter == '&' || letter == '<' || letter == '>')
      letter = ' ';
    g_string_append_unichar (out, letter);
  }
  gchar *cleaned = g_strstrip (g_string_free (out, FALSE));
  while (g_str_has_suffix (cleaned, "--"))
    cleaned[strlen (cleaned) - 1] = '\0';
  return cleaned;
}

gboolean
mill_text_builder_open (MillTextBuilder *self, const gchar *tag,
    const gchar *annotation)
{
  if (!is_known (tag) || self->depth == MILL_TEXT_BUILDER_DEPTH)
    return FALSE;
  g_autofree gchar *rest = annotation != NULL ? clean_annotation (annotation)
                                              : NULL;
  self->open[self->depth++] = rest != NULL && *rest != '\0'
      ? g_strdup_printf ("%s %s", tag, rest)
      : g_strdup (tag);
  return TRUE;
}

static void
write_end (MillTextBuilder *self)
{
  const gchar *tag = self->open[--self->written];
  g_string_append_printf (self->out, "</%.*s>", (gint) measure_name (tag), tag);
}

/* Tags are written with the first word in them: one without words is not. */
static void
write_tags (MillTextBuilder *self)
{
  while (self->written < self->depth)
    g_string_append_printf (self->out, "<%s>", self->open[self->written++]);
}

static void
pop (MillTextBuilder *self)
{
  if (self->written == self->depth)
    write_end (self);
  g_free (self->open[--self->depth]);
}

static gint
find_open (const MillTextBuilder *self, const gchar *tag)
{
  for (guint i = self->depth; i > 0; i--)
    if (is_same_tag (self->open[i - 1], tag))
      return (gint) i - 1;
  return -1;
}

void
mill_text_builder_close (MillTextBuilder *self, const gchar *tag)
{
  gint at = find_open (self, tag);
  while (at >= 0 && self->depth > (guint) at)
    pop (self);
}

void
mill_text_builder_set (MillTextBuilder *self, const gchar *tag, gboolean on)
{
  gint at = find_open (self, tag);
  if (on && at < 0)
    mill_text_builder_open (self, tag, NULL);
  if (on || at < 0)
    return;
  /* What is open inside of it goes on after it. */
  gchar *inner[MILL_TEXT_BUILDER_DEPTH];
  guint n = 0;
  while (self->depth > (guint) at + 1) {
    inner[n++] = g_strdup (self->open[self->depth - 1]);
    pop (self);
  }
  pop (self);
  while (n > 0)
    self->open[self->depth++] = inner[--n];
}

/* ---- words ---- */

static void
write_gap (MillTextBuilder *self)
{
  gboolean begins = self->out->len == 0;
  if (self->line_breaks > 0 && !begins)
    g_string_append_c (self->out, '\n');
  else if (self->space && !begins)
    g_string_append_c (self->out, ' ');
  self->line_breaks = 0;
  self->space = FALSE;
}

static void
put_letter (MillTextBuilder *self, gunichar letter)
{
  if (self->out == NULL)
    self->out = g_string_new (NULL);
  /* Room for the ends of what is open. */
  if (self->out->len >= MILL_TEXT_CUE_TEXT_MAX)
    return;
  write_gap (self);
  write_tags (self);
  switch (letter) {
    case '&':
      g_string_append (self->out, "&amp;");
      break;
    case '<':
      g_string_append (self->out, "&lt;");
      break;
    case '>':
      g_string_append (self->out, "&gt;");
      break;
    default:
      g_string_append_unichar (self->out, letter);
  }
}

static void
put (MillTextBuilder *self, const gchar *text, gssize length,
    gboolean keeps_lines)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, length);
  for (const gchar *at = valid; *at != '\0'; at = g_utf8_next_char (at)) {
    gunichar letter = g_utf8_get_char (at);
    if (letter == '\n' && keeps_lines)
      self->line_breaks++;
    else if (letter == ' ' || letter == '\t' || letter == '\n' ||
        letter == '\r')
      self->space |= letter != '\r' || !keeps_lines;
    else if (g_unichar_iscntrl (letter) || letter == 0x2028 || letter == 0x2029)
      continue;
    else
      put_letter (self, letter);
  }
}

void
mill_text_builder_put (MillTextBuilder *self, const gchar *text, gssize length)
{
  put (self, text, length, TRUE);
}

void
mill_text_builder_put_collapsed (MillTextBuilder *self, const gchar *text,
    gssize length)
{
  put (self, text, length, FALSE);
}

gchar *
mill_text_builder_finish (MillTextBuilder *self)
{
  while (self->written > 0)
    write_end (self);
  gchar *text = self->out != NULL && self->out->len > 0
      ? g_strdup (self->out->str)
      : NULL;
  mill_text_builder_clear (self);
  return text;
}
