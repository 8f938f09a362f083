/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Makes WebVTT cue text (WebVTT 4.2.2) from words and tags of whatever format:
 * escapes, keeps tags balanced, drops blank lines, control characters and what
 * is beyond MILL_TEXT_CUE_TEXT_MAX. Input is untrusted.
 *
 *     g_auto (MillTextBuilder) b = { 0 };
 *     mill_text_builder_open (&b, "i", NULL);
 *     mill_text_builder_put (&b, "a < b", -1);
 *     text = mill_text_builder_finish (&b);     // <i>a &lt; b</i>
 */

#define MILL_TEXT_BUILDER_DEPTH 12

typedef struct
{
  GString *out; /* NULL before the first word */
  gchar *open[MILL_TEXT_BUILDER_DEPTH]; /* as they were written */
  guint depth; /* tags that are open for the source */
  guint written; /* of those, how many are written */
  guint line_breaks; /* seen since the last word */
  gboolean space; /* between this word and the last */
} MillTextBuilder;

void mill_text_builder_clear (MillTextBuilder *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillTextBuilder, mill_text_builder_clear)

/** Adds words; '\n' breaks the line, blank lines are left out. @text: UTF-8,
 * what is not valid is replaced; @length: -1: up to NUL */
void mill_text_builder_put (MillTextBuilder *self, const gchar *text,
    gssize length);

/** The same where white space of any kind is one space (XML). */
void mill_text_builder_put_collapsed (MillTextBuilder *self, const gchar *text,
    gssize length);

/** Opens <@tag annotation>. Returns: whether it is a tag that cue text has: b, i,
 * u, c (with classes), v, lang, ruby, rt */
gboolean mill_text_builder_open (MillTextBuilder *self, const gchar *tag,
    const gchar *annotation);

/** Closes the innermost @tag and what is open inside of it. */
void mill_text_builder_close (MillTextBuilder *self, const gchar *tag);

/** Switches b, i or u on or off, wherever it is. */
void mill_text_builder_set (MillTextBuilder *self, const gchar *tag,
    gboolean on);

/** Returns: (transfer full)(nullable): the text, NULL when there are no words.
 * The builder is empty then. */
gchar *mill_text_builder_finish (MillTextBuilder *self);

G_END_DECLS
