/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "diagnostics.h"

#include <string.h>

/* A hostile text may hold as many mistakes as letters: nobody reads more. */
#define MAX_DIAGNOSTICS 200

/* Longer words are not worth a guess, and bound the edit distance's table. */
#define MAX_WORD 64

struct _MillDiagnostics
{
  GPtrArray *all;
  guint n_errors;
  guint n_left_out;
  gboolean sorted;
};

static void
diagnostic_free (MillDiagnostic *diagnostic)
{
  g_free ((gchar *) diagnostic->place.file);
  g_free ((gchar *) diagnostic->place.param);
  g_free (diagnostic->message);
  g_free (diagnostic);
}

static gint
compare_places (gconstpointer a, gconstpointer b)
{
  const MillDiagnostic *left = *(const MillDiagnostic *const *) a;
  const MillDiagnostic *right = *(const MillDiagnostic *const *) b;
  gint order = g_strcmp0 (left->place.file, right->place.file);

  if (order != 0)
    return order;
  if (left->place.line != right->place.line)
    return left->place.line < right->place.line ? -1 : 1;
  if (left->place.column != right->place.column)
    return left->place.column < right->place.column ? -1 : 1;
  return g_strcmp0 (left->message, right->message);
}

MillDiagnostics *
mill_diagnostics_new (void)
{
  MillDiagnostics *self = g_new0 (MillDiagnostics, 1);

  self->all = g_ptr_array_new_with_free_func ((GDestroyNotify) diagnostic_free);
  return self;
}

void
mill_diagnostics_free (MillDiagnostics *diagnostics)
{
  g_ptr_array_unref (diagnostics->all);
  g_free (diagnostics);
}

void
mill_diagnostics_add (MillDiagnostics *diagnostics, MillSeverity severity,
    const MillPlace *place, const gchar *format, ...)
{
  MillDiagnostic *diagnostic;
  va_list arguments;

  if (severity == MILL_SEVERITY_ERROR)
    diagnostics->n_errors++;
  if (diagnostics->all->len >= MAX_DIAGNOSTICS) {
    diagnostics->n_left_out++;
    return;
  }
  diagnostic = g_new0 (MillDiagnostic, 1);
  diagnostic->severity = severity;
  if (place) {
    diagnostic->place = *place;
    diagnostic->place.file = g_strdup (place->file);
    diagnostic->place.param = g_strdup (place->param);
  }
  va_start (arguments, format);
  diagnostic->message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_ptr_array_add (diagnostics->all, diagnostic);
  diagnostics->sorted = FALSE;
}

guint
mill_diagnostics_get_n_errors (const MillDiagnostics *diagnostics)
{
  return diagnostics->n_errors;
}

/* The same mistake may be met twice, for example a bad parameter that is used
 * in two values: one line is enough. */
static void
drop_duplicates (GPtrArray *all)
{
  for (guint i = 1; i < all->len;) {
    gpointer *pair = all->pdata + i - 1;

    if (compare_places (&pair[0], &pair[1]) == 0)
      g_ptr_array_remove_index (all, i);
    else
      i++;
  }
}

GPtrArray *
mill_diagnostics_get_all (MillDiagnostics *diagnostics)
{
  if (!diagnostics->sorted) {
    g_ptr_array_sort (diagnostics->all, compare_places);
    drop_duplicates (diagnostics->all);
    diagnostics->sorted = TRUE;
  }
  return diagnostics->all;
}

gchar *
mill_diagnostics_to_string (MillDiagnostics *diagnostics)
{
  GPtrArray *all = mill_diagnostics_get_all (diagnostics);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < all->len; i++) {
    const MillDiagnostic *diagnostic = g_ptr_array_index (all, i);
    const MillPlace *place = &diagnostic->place;

    if (place->file)
      g_string_append_printf (text, "%s:", place->file);
    if (place->line > 0)
      g_string_append_printf (text, "%u:%u:", place->line, place->column);
    g_string_append_printf (text, "%s%s: %s\n",
        place->file || place->line > 0 ? " " : "",
        diagnostic->severity == MILL_SEVERITY_ERROR ? "error" : "warning",
        diagnostic->message);
  }
  if (diagnostics->n_left_out > 0)
    g_string_append_printf (text, "%u more mistakes are not shown\n",
        diagnostics->n_left_out);
  return g_string_free (text, FALSE);
}

/* Damerau-Levenshtein distance (optimal string alignment), letters compared
 * without case. */
static guint
edit_distance (const gchar *a, gsize n_a, const gchar *b, gsize n_b)
{
  guint rows[3][MAX_WORD + 1];
  guint *before = rows[0];
  guint *last = rows[1];
  guint *now = rows[2];

  for (gsize j = 0; j <= n_b; j++)
    last[j] = j;
  for (gsize i = 1; i <= n_a; i++) {
    guint *spare = before;

    now[0] = i;
    for (gsize j = 1; j <= n_b; j++) {
      guint cost = g_ascii_tolower (a[i - 1]) != g_ascii_tolower (b[j - 1]);

      now[j] = MIN (MIN (last[j] + 1, now[j - 1] + 1), last[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = MIN (now[j], before[j - 2] + 1);
    }
    before = last;
    last = now;
    now = spare;
  }
  return last[n_b];
}

const gchar *
mill_diagnostics_nearest (const gchar *word, const gchar *const *candidates)
{
  const gchar *nearest = NULL;
  gsize length = strlen (word);
  guint best;

  if (length == 0 || length > MAX_WORD)
    return NULL;
  /* One slip in three letters still looks like the same word. */
  best = MAX (1, length / 3) + 1;
  for (guint i = 0; candidates && candidates[i]; i++) {
    gsize size = strlen (candidates[i]);
    guint distance;

    if (size > MAX_WORD || size + best < length || length + best < size)
      continue;
    distance = edit_distance (word, length, candidates[i], size);
    if (distance < best && distance < size) {
      best = distance;
      nearest = candidates[i];
    }
  }
  return nearest;
}
