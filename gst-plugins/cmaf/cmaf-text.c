/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "cmaf-text.h"

struct _MillCmafText
{
  GPtrArray *cues; /* MillTextCue, by their start */
  guint n_open; /* of them: their end is not known */
  GstClockTimeDiff over; /* what ends until then is published without it */
};

MillCmafText *
mill_cmaf_text_new (void)
{
  MillCmafText *self = g_new0 (MillCmafText, 1);
  self->cues = mill_text_cue_list_new ();
  self->over = G_MININT64;
  return self;
}

void
mill_cmaf_text_free (MillCmafText *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->cues);
  g_free (self);
}

static gboolean
is_open (const MillTextCue *cue)
{
  return !GST_CLOCK_STIME_IS_VALID (cue->end);
}

void
mill_cmaf_text_clear (MillCmafText *self, GstClockTimeDiff time)
{
  for (guint i = self->cues->len; i > 0 && self->n_open > 0; i--) {
    MillTextCue *cue = g_ptr_array_index (self->cues, i - 1);
    if (!is_open (cue))
      continue;
    self->n_open--;
    cue->end = MAX (time, cue->start);
    if (cue->end == cue->start)
      g_ptr_array_remove_index (self->cues, i - 1);
  }
}

gboolean
mill_cmaf_text_push (MillCmafText *self, MillTextCue *cue)
{
  mill_cmaf_text_clear (self, cue->start);
  if (self->cues->len >= MILL_CMAF_TEXT_QUEUE_MAX ||
      (!is_open (cue) && cue->end <= MAX (self->over, cue->start))) {
    mill_text_cue_free (cue);
    return FALSE;
  }
  guint at = self->cues->len;
  while (at > 0 &&
      ((const MillTextCue *) g_ptr_array_index (self->cues, at - 1))->start >
          cue->start)
    at--;
  g_ptr_array_insert (self->cues, (gint) at, cue);
  self->n_open += is_open (cue);
  return TRUE;
}

static MillTextCue *
copy_cue (const MillTextCue *cue, GstClockTimeDiff base)
{
  GstClockTimeDiff end = is_open (cue) ? GST_CLOCK_STIME_NONE : cue->end - base;
  MillTextCue *copy =
      mill_text_cue_new (cue->start - base, end, g_strdup (cue->text));
  copy->id = g_strdup (cue->id);
  copy->settings = g_strdup (cue->settings);
  return copy;
}

GPtrArray *
mill_cmaf_text_collect (const MillCmafText *self, const MillCmafCut *cut,
    GstClockTimeDiff base)
{
  GPtrArray *found = mill_text_cue_list_new ();
  for (guint i = 0; i < self->cues->len; i++) {
    const MillTextCue *cue = g_ptr_array_index (self->cues, i);
    if (cue->start >= cut->end || found->len == MILL_CMAF_TEXT_SEGMENT_MAX)
      break;
    if (is_open (cue) || cue->end > cut->start)
      g_ptr_array_add (found, copy_cue (cue, base));
  }
  return found;
}

void
mill_cmaf_text_retire (MillCmafText *self, GstClockTimeDiff time)
{
  guint n = 0;
  self->over = MAX (self->over, time);
  while (n < self->cues->len &&
      ((const MillTextCue *) g_ptr_array_index (self->cues, n))->start < time)
    n++;
  for (guint i = n; i > 0; i--) {
    const MillTextCue *cue = g_ptr_array_index (self->cues, i - 1);
    if (!is_open (cue) && cue->end <= time)
      g_ptr_array_remove_index (self->cues, i - 1);
  }
}
