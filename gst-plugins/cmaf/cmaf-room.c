/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Room for what is to come: when the disk, or what max-bytes allows, is running
 * out, what nobody lists any more goes before its time, and then the oldest
 * that is listed. It comes back by itself: a window without need slides as ever.
 */

#include "cmaf-publisher-private.h"

/* A live playlist keeps at least this many (RFC 8216bis 6.2.2). */
#define KEEP_TARGETS 3
/* Segments of all renditions that are to have room, and what goes with them:
 * playlists, state. */
#define MARGIN_ROWS 3
#define MARGIN_BYTES (64u << 10)
#define LATE_ROWS 8
/* Others write to the same disk: a share of it, but no more than that. */
#define SHARE 50
#define SHARE_MAX_BYTES (256u << 20)

static guint64
get_row_bytes (const MillCmafPublisher *self, guint k)
{
  guint64 bytes = 0;
  for (guint i = 0; i < self->state->renditions->len; i++)
    bytes += g_array_index (mill_cmaf_publisher_rendition (self, i)->segments,
        MillCmafSegment, k)
                 .bytes;
  return bytes;
}

/* Of late: a window may have hours. */
static guint64
get_largest_row (const MillCmafPublisher *self)
{
  guint n = self->state->cuts->len;
  guint64 largest = 0;
  for (guint k = n - MIN (n, LATE_ROWS); k < n; k++)
    largest = MAX (largest, get_row_bytes (self, k));
  return largest;
}

/* How much more is to go than is on its way out. */
static guint64
get_missing (const MillCmafPublisher *self)
{
  guint64 free_bytes;
  guint64 total;
  guint64 missing = 0;
  if (self->options.max_bytes > 0) {
    guint64 used = mill_cmaf_periods_get_bytes (self->periods) +
        self->trash_bytes;
    missing = used - MIN (used, self->options.max_bytes);
  }
  if (mill_store_get_room (self->store, &free_bytes, &total)) {
    guint64 margin = MAX (MARGIN_ROWS * get_largest_row (self) + MARGIN_BYTES,
        MIN (total / SHARE, SHARE_MAX_BYTES));
    if (free_bytes < margin)
      missing = MAX (missing, margin - free_bytes);
  }
  return missing;
}

gboolean
mill_cmaf_room_is_gone (const MillCmafPublisher *self)
{
  guint64 free_bytes;
  guint64 total;
  return mill_store_get_room (self->store, &free_bytes, &total) &&
      free_bytes < MARGIN_BYTES;
}

void
mill_cmaf_room_make (MillCmafPublisher *self)
{
  GstClockTimeDiff least = (GstClockTimeDiff) (KEEP_TARGETS *
      self->state->target_duration_s * GST_SECOND);
  guint64 missing = get_missing (self);
  if (missing == 0)
    return;
  missing = mill_cmaf_trash_hurry (self, missing);
  GstClockTimeDiff window = mill_cmaf_window_get_duration (self);
  while (missing > 0 && self->state->cuts->len > 1) {
    const MillCmafCut *first = mill_cmaf_publisher_cut (self, 0);
    GstClockTimeDiff duration = first->end - first->start;
    guint64 bytes = get_row_bytes (self, 0);
    if (window - duration < least)
      break;
    mill_cmaf_window_drop_first (self);
    self->n_shrunk++;
    window -= duration;
    missing -= MIN (missing, bytes);
  }
}

GError *
mill_cmaf_room_explain (MillCmafPublisher *self)
{
  guint64 dropped = self->n_shrunk - self->n_shrunk_told;
  GstClockTimeDiff window = mill_cmaf_window_get_duration (self);
  GstClockTimeDiff wanted = (GstClockTimeDiff) MAX (self->options.dvr_window,
      self->options.window_segments * self->options.segment_duration);
  /* It is over when the window is what it should be. */
  if (dropped == 0) {
    if (window >= wanted)
      self->shrink_told = FALSE;
    return NULL;
  }
  self->n_shrunk_told = self->n_shrunk;
  if (self->shrink_told)
    return NULL;
  self->shrink_told = TRUE;
  return g_error_new (MILL_STORE_ERROR, MILL_STORE_ERROR_FULL,
      "room in '%s': got too little for what is to come, expected a larger disk "
      "or max-bytes, or a shorter window; the oldest %" G_GUINT64_FORMAT
      " segments are dropped early, the playlists keep %.1f s instead of %.1f",
      mill_store_get_location (self->store), dropped, window / 1e9,
      wanted / 1e9);
}
