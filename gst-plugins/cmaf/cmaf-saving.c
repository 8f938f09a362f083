/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The state in its file: what a successor goes on from. Rows are appended to it, a
 * segment each; as a whole it is written when more than that has changed.
 */

#include "cmaf-publisher-private.h"

/* The state is not written anew for fewer bytes than that. */
#define STATE_LEAST_BYTES (64u << 10)

/* A file is packaged anew as a whole: of its lists, which may be longer than what
 * is read, nobody would know anything but its duration. */
static GBytes *
save_state (const MillCmafPublisher *self)
{
  if (self->options.mode != MILL_CMAF_VOD)
    return mill_cmaf_state_save (self->state);
  g_autoptr (MillSlidingList) cuts =
      mill_sliding_list_new (sizeof (MillCmafCut));
  g_autoptr (GPtrArray) renditions = g_ptr_array_new ();
  MillCmafState brief = {
    .generation = self->state->generation,
    .next_number = self->state->next_number,
    .ended = self->state->ended,
    .target_duration_s = self->state->target_duration_s,
    .cuts = cuts,
    .renditions = renditions,
  };
  return mill_cmaf_state_save (&brief);
}

/* Appended to until that is as much as the file itself, so that a segment costs
 * the same with a window of any length. */
void
mill_cmaf_saving_put (MillCmafPublisher *self, MillStoreJob *job)
{
  gsize rows = self->rows->len;
  self->state_stale |= !mill_store_lease_can_append (self->lease) ||
      self->state_appended + rows > MAX (self->state_bytes, STATE_LEAST_BYTES);
  if (self->state_stale) {
    g_autoptr (GBytes) content = save_state (self);
    mill_store_job_write_lease (job, self->lease, content);
    self->state_bytes = g_bytes_get_size (content);
    self->state_appended = 0;
  } else if (rows > 0) {
    g_autoptr (GBytes) content = g_bytes_new (self->rows->data, rows);
    mill_store_job_append_lease (job, self->lease, content);
    self->state_appended += rows;
  }
  self->state_stale = FALSE;
  g_byte_array_set_size (self->rows, 0);
}

void
mill_cmaf_saving_note_row (MillCmafPublisher *self)
{
  g_autoptr (GBytes) row = mill_cmaf_state_save_last (self->state);
  g_byte_array_append (self->rows, g_bytes_get_data (row, NULL),
      (guint) g_bytes_get_size (row));
}

/* A job with the state in it: one that is refused has not written it. */
void
mill_cmaf_saving_submit (MillCmafPublisher *self, MillStoreJob *job)
{
  if (!mill_store_writer_submit (self->writer, job, NULL))
    self->state_stale = TRUE;
}
