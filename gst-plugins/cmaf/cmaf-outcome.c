/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What became of writes. */

#include "cmaf-packager-private.h"
#include "cmaf-sheets.h"

/* A write has failed. Once per trouble, not per segment: it is over when all of
 * a segment's time goes well. */
void
mill_cmaf_outcome_degrade_locked (MillCmafPackager *self, const GError *error)
{
  mill_cmaf_publisher_note_failure (self->publisher);
  self->troubled = TRUE;
  gboolean fatal =
      g_error_matches (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST) ||
      mill_cmaf_packager_is_vod (self);
  if (fatal) {
    mill_cmaf_packager_fail_locked (self, error);
  } else if (!self->degraded) {
    self->degraded = TRUE;
    mill_cmaf_packager_say_locked (self, MILL_CMAF_WARNED, error);
  }
}

static void
on_chunk_written_locked (MillCmafPackager *self, guint rendition,
    guint64 number, const GError *error)
{
  for (guint i = 0; i < self->lanes->len; i++) {
    MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    if (lane->rendition != (gint) rendition)
      continue;
    MillCmafWritten *written = mill_cmaf_lane_find (lane, number);
    if (written == NULL)
      continue;
    written->pending--;
    if (error != NULL) {
      written->failed = TRUE;
      lane->init_generation = MILL_CMAF_NONE;
    }
  }
}

static void
note_well_locked (MillCmafPackager *self)
{
  if (!self->troubled)
    self->degraded = FALSE;
  self->troubled = FALSE;
}

void
mill_cmaf_outcome_note_locked (MillCmafPackager *self, MillCmafWrote what,
    guint rendition, guint64 number, const GError *error)
{
  if (what == MILL_CMAF_WROTE_CHUNK)
    on_chunk_written_locked (self, rendition, number, error);
  if (what == MILL_CMAF_WROTE_SHEET)
    mill_cmaf_sheets_settle (self->publisher, number, error == NULL);
  if (error != NULL)
    mill_cmaf_outcome_degrade_locked (self, error);
  else if (what == MILL_CMAF_WROTE_MANIFESTS)
    note_well_locked (self);
  if (what == MILL_CMAF_WROTE_END)
    mill_cmaf_packager_say_locked (self, MILL_CMAF_ENDED, NULL);
}
