/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Thumbnails and poster in the stream's directory. */

#include "cmaf-sheets.h"

#include "cmaf-publisher-private.h"

/* What is written that is no sheet. */
#define NO_SHEET G_MAXUINT64

static void
put_webvtt (MillCmafPublisher *self, MillStoreJob *job)
{
  g_autoptr (GBytes) content =
      mill_cmaf_thumbnails_print_webvtt (self->state->thumbnails);
  mill_store_job_put (job, MILL_CMAF_THUMBNAILS_NAME ".vtt", content);
}

gboolean
mill_cmaf_sheets_write (MillCmafPublisher *self, const MillCmafSheet *sheet,
    GBytes *content)
{
  MillCmafSheet own = *sheet;
  own.generation = self->state->generation;
  own.bytes = g_bytes_get_size (content);
  own.pending = mill_store_is_remote (self->store);
  if (self->state->thumbnails == NULL)
    self->state->thumbnails = mill_cmaf_thumbnails_new ();
  if (!mill_cmaf_thumbnails_add (self->state->thumbnails, &own))
    return FALSE;
  MillStoreJob *job =
      mill_cmaf_job_new (self, MILL_CMAF_WROTE_SHEET, 0, own.start_ms);
  g_autofree gchar *name = mill_cmaf_thumbnails_name_sheet (&own);
  mill_store_job_put (job, name, content);
  if (!own.pending)
    put_webvtt (self, job);
  self->state_stale = TRUE;
  if (mill_store_writer_submit (self->writer, job, NULL))
    return TRUE;
  mill_cmaf_thumbnails_remove (self->state->thumbnails, own.generation,
      own.start_ms);
  return FALSE;
}

/* A server has confirmed the sheet: now it can be named. */
static void
name_sheet (MillCmafPublisher *self, guint64 start_ms)
{
  if (!mill_cmaf_thumbnails_confirm (self->state->thumbnails, start_ms))
    return;
  MillStoreJob *job =
      mill_cmaf_job_new (self, MILL_CMAF_WROTE_SHEET, 0, NO_SHEET);
  put_webvtt (self, job);
  mill_store_writer_submit (self->writer, job, NULL);
}

void
mill_cmaf_sheets_settle (MillCmafPublisher *self, guint64 start_ms,
    gboolean is_there)
{
  if (self->state->thumbnails == NULL || start_ms == NO_SHEET)
    return;
  self->state_stale = TRUE;
  if (is_there)
    name_sheet (self, start_ms);
  else
    mill_cmaf_thumbnails_remove (self->state->thumbnails,
        self->state->generation, start_ms);
}

gboolean
mill_cmaf_sheets_is_pending (const MillCmafPublisher *self)
{
  return self->state->thumbnails != NULL &&
      mill_cmaf_thumbnails_is_pending (self->state->thumbnails);
}

void
mill_cmaf_sheets_write_poster (MillCmafPublisher *self, GBytes *content)
{
  MillStoreJob *job =
      mill_cmaf_job_new (self, MILL_CMAF_WROTE_SHEET, 0, NO_SHEET);
  mill_store_job_put (job, MILL_CMAF_POSTER_NAME, content);
  mill_store_writer_submit (self->writer, job, NULL);
}

void
mill_cmaf_sheets_retire (MillCmafPublisher *self, gint64 due)
{
  MillCmafThumbnails *thumbnails = self->state->thumbnails;
  if (thumbnails == NULL || self->state->cuts->len == 0)
    return;
  const MillCmafCut *first = mill_cmaf_publisher_cut (self, 0);
  guint64 start_ms = (guint64) first->media_start / GST_MSECOND;
  while (thumbnails->sheets->len > 0) {
    const MillCmafSheet *sheet =
        &g_array_index (thumbnails->sheets, MillCmafSheet, 0);
    if (sheet->generation > first->generation ||
        (sheet->generation == first->generation &&
            mill_cmaf_thumbnails_get_end (sheet) > start_ms))
      return;
    mill_cmaf_trash_add_name (self, mill_cmaf_thumbnails_name_sheet (sheet),
        due);
    g_array_remove_index (thumbnails->sheets, 0);
    self->state_stale = TRUE;
  }
}
