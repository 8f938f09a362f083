/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Who is told what became of what is written. */

#include "cmaf-publisher-private.h"

/** Who hears of a job. */
typedef struct
{
  MillCmafPublisherDone done;
  gpointer user_data;
  GDestroyNotify unref;
  MillCmafWrote what;
  guint rendition;
  guint64 number;
} Note;

static void
on_done (const GError *error, gpointer data)
{
  Note *note = data;
  note->done (note->what, note->rendition, note->number, error,
      note->user_data);
}

static void
on_trouble (const GError *error, gpointer data)
{
  Note *note = data;
  note->done (MILL_CMAF_WROTE_TROUBLE, note->rendition, note->number, error,
      note->user_data);
}

static void
free_note (gpointer data)
{
  Note *note = data;
  if (note->unref)
    note->unref (note->user_data);
  g_free (note);
}

MillStoreJob *
mill_cmaf_job_new (MillCmafPublisher *self, MillCmafWrote what, guint rendition,
    guint64 number)
{
  Note *note = g_new (Note, 1);
  *note = (Note){
    .done = self->done,
    .user_data = self->keeper_ref ? self->keeper_ref (self->user_data)
                                  : self->user_data,
    .unref = self->keeper_unref,
    .what = what,
    .rendition = rendition,
    .number = number,
  };
  MillStoreJob *job = mill_store_job_new ();
  self->untouched = FALSE;
  mill_store_job_on_done (job, on_done, note, free_note);
  mill_store_job_on_trouble (job, on_trouble);
  mill_store_job_require_lease (job, self->lease);
  return job;
}
