/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * What nobody lists any more, and is removed when nobody can ask for it any
 * more either.
 */

#include "cmaf-publisher-private.h"

static void
free_trash (gpointer data)
{
  MillCmafTrash *trash = data;
  g_free (trash->name);
  g_free (trash);
}

void
mill_cmaf_trash_add (MillCmafPublisher *self, MillCmafTrash *trash)
{
  self->trash_bytes += trash->bytes;
  g_queue_push_tail (&self->trash, trash);
}

void
mill_cmaf_trash_add_name (MillCmafPublisher *self, gchar *name, gint64 due)
{
  MillCmafTrash *trash = g_new (MillCmafTrash, 1);
  *trash = (MillCmafTrash){ .name = name, .due_us = due };
  mill_cmaf_trash_add (self, trash);
}

void
mill_cmaf_trash_add_dropped (MillCmafPublisher *self, MillCmafTrash *trash)
{
  g_queue_push_tail (&self->dropped, trash);
}

static void
remove_segment (const MillCmafPublisher *self, const MillCmafTrash *trash,
    const MillCmafRendition *rendition, MillStoreJob *job)
{
  g_autofree gchar *segment = mill_cmaf_manifest_name_segment (rendition->name,
      self->options.container, trash->generation, trash->number);
  g_autofree gchar *text = mill_cmaf_manifest_name_text (rendition->name,
      trash->generation, trash->number);
  g_autofree gchar *init =
      mill_cmaf_manifest_name_init (rendition->name, trash->generation);
  mill_store_job_remove (job, segment);
  if (rendition->format.kind == MILL_CMAF_TEXT)
    mill_store_job_remove (job, text);
  if (trash->ends_generation)
    mill_store_job_remove (job, init);
}

static void
carry_out (const MillCmafPublisher *self, const MillCmafTrash *trash,
    MillStoreJob *job)
{
  if (trash->name != NULL)
    mill_store_job_remove (job, trash->name);
  else
    for (guint i = 0; i < self->state->renditions->len; i++)
      remove_segment (self, trash, mill_cmaf_publisher_rendition (self, i),
          job);
}

void
mill_cmaf_trash_postpone (MillCmafPublisher *self, gint64 us)
{
  for (GList *at = self->trash.head; at != NULL; at = at->next) {
    MillCmafTrash *trash = at->data;
    trash->due_us += us;
  }
}

void
mill_cmaf_trash_remove_due (MillCmafPublisher *self, MillStoreJob *job,
    gint64 now)
{
  for (;;) {
    MillCmafTrash *trash = g_queue_peek_head (&self->trash);
    if (trash == NULL || trash->due_us > now)
      return;
    carry_out (self, trash, job);
    self->trash_bytes -= trash->bytes;
    free_trash (g_queue_pop_head (&self->trash));
  }
}

void
mill_cmaf_trash_remove_dropped (MillCmafPublisher *self, MillStoreJob *job)
{
  MillCmafTrash *trash;
  while ((trash = g_queue_pop_head (&self->dropped)) != NULL) {
    carry_out (self, trash, job);
    free_trash (trash);
  }
}

guint64
mill_cmaf_trash_hurry (MillCmafPublisher *self, guint64 missing)
{
  gint64 now = mill_cmaf_publisher_now_us (self);
  for (GList *at = self->trash.head; at != NULL && missing > 0; at = at->next) {
    MillCmafTrash *trash = at->data;
    trash->due_us = MIN (trash->due_us, now);
    missing -= MIN (missing, trash->bytes);
  }
  return missing;
}

void
mill_cmaf_trash_clear (MillCmafPublisher *self)
{
  g_queue_clear_full (&self->trash, free_trash);
  g_queue_clear_full (&self->dropped, free_trash);
}
