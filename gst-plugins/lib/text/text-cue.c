/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-cue.h"

#include <string.h>

MillTextCue *
mill_text_cue_new (GstClockTimeDiff start, GstClockTimeDiff end, gchar *text)
{
  MillTextCue *self = g_new0 (MillTextCue, 1);
  self->start = start;
  self->end = end;
  self->text = text;
  return self;
}

void
mill_text_cue_free (MillTextCue *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->settings);
  g_free (self->text);
  g_free (self);
}

GPtrArray *
mill_text_cue_list_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) mill_text_cue_free);
}

/* WebVTT 4.1: any text without a line break or "-->". */
void
mill_text_cue_set_id (MillTextCue *self, const gchar *id)
{
  gsize length = strlen (id);
  g_clear_pointer (&self->id, g_free);
  if (length == 0 || length > MILL_TEXT_CUE_ID_MAX ||
      strpbrk (id, "\r\n") != NULL || strstr (id, "-->") != NULL ||
      !g_utf8_validate (id, -1, NULL))
    return;
  self->id = g_strdup (id);
}

/* WebVTT 3.5: a name that is known, a value without anything strange. */
static gboolean
is_setting (const gchar *text)
{
  static const gchar *const names[] = { "vertical:", "line:", "position:",
    "size:", "align:" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gsize length = strlen (names[i]);
    if (strncmp (text, names[i], length) != 0)
      continue;
    const gchar *value = text + length;
    return *value != '\0' &&
        strspn (value, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "%.,-") ==
        strlen (value);
  }
  return FALSE;
}

void
mill_text_cue_set_settings (MillTextCue *self, const gchar *text)
{
  g_autoptr (GString) kept = g_string_new (NULL);
  g_auto (GStrv) words = g_strsplit_set (text, " \t", 64);
  g_clear_pointer (&self->settings, g_free);
  for (guint i = 0; words[i] != NULL; i++) {
    gsize length = strlen (words[i]);
    if (!is_setting (words[i]) ||
        kept->len + length + 1 > MILL_TEXT_CUE_SETTINGS_MAX)
      continue;
    g_string_append_printf (kept, "%s%s", kept->len > 0 ? " " : "", words[i]);
  }
  if (kept->len > 0)
    self->settings = g_strdup (kept->str);
}
