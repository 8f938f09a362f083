/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "ts-packager-private.h"

/* A segment is listed without a lane that is this many behind. */
#define BEHIND_MAX 2
/* Of segments that wait for one of another lane. */
#define WAITING_MAX_BYTES (64u << 20)

/* @error: (transfer full): ends it all, when it is told of */
static void
fail_locked (MillTsPackager *self, GError *error)
{
  g_clear_error (&self->trouble);
  self->trouble = error;
  self->failed = TRUE;
}

/* Of a file nothing is left out, so that segments wait for those of the lane that
 * is last: but not for one that does not come, until the memory is full. */
static void
check_waiting_locked (MillTsPackager *self)
{
  gsize bytes = 0;
  const MillTsLane *missing = NULL;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillTsLane *lane = mill_ts_packager_get_lane (self, i);
    bytes += mill_ts_lane_get_waiting (lane);
    if (missing == NULL && mill_ts_lane_find (lane, self->next_publish) == NULL)
      missing = lane;
  }
  if (bytes <= WAITING_MAX_BYTES || missing == NULL)
    return;
  fail_locked (self,
      g_error_new (MILL_STORE_ERROR, MILL_STORE_ERROR_BUSY,
          "segment %" G_GUINT64_FORMAT
          " of '%s': got none while %" G_GSIZE_FORMAT
          " MiB of others wait for it, expected media or the end of '%s'",
          self->next_publish, missing->pad, bytes >> 20, missing->pad));
}

/* Returns: whether there is one */
static gboolean
find_rendition_locked (MillTsPackager *self, MillTsLane *lane)
{
  if (lane->rendition >= 0)
    return TRUE;
  g_autofree gchar *name = lane->kind == MILL_CMAF_VIDEO
      ? g_strdup_printf ("v%u", lane->format.height)
      : g_strdup ("audio");
  lane->rendition = mill_cmaf_publisher_add_rendition (self->publisher,
      lane->pad, NULL, name, &lane->format);
  if (lane->rendition < 0)
    fail_locked (self, mill_cmaf_publisher_refuse_rendition (self->publisher));
  return lane->rendition >= 0;
}

/* Returns: whether it is on the disk */
static gboolean
write_segment_locked (MillTsPackager *self, MillTsLane *lane,
    const MillCmafCut *cut, const MillTsClosed *closed)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  if (!find_rendition_locked (self, lane))
    return FALSE;
  MillCmafChunkWrite write = {
    .rendition = (guint) lane->rendition,
    .cut = cut,
    .header = closed->bytes,
    .memories = none,
    .begins = TRUE,
    .ends = TRUE,
    .sync = TRUE,
    .time = closed->begin,
    .duration = (GstClockTime) (closed->end - closed->begin),
    .wall_us = cut->wall_us,
  };
  g_autoptr (GError) error = NULL;
  g_clear_error (&self->trouble);
  if (!mill_cmaf_publisher_write_chunk (self->publisher, &write, &error)) {
    self->trouble = g_steal_pointer (&error);
    return FALSE;
  }
  return self->trouble == NULL;
}

static void
fill_gaps (const MillTsPackager *self, const MillCmafCut *cut, GArray *row)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  g_array_set_size (row, 0);
  for (guint i = 0; i < state->renditions->len; i++) {
    MillCmafSegment gap = {
      .time = mill_cmaf_timeline_to_ticks (cut->media_start,
          MILL_TS_LANE_TIMESCALE),
      .duration = (guint64) mill_cmaf_timeline_to_ticks (cut->end - cut->start,
          MILL_TS_LANE_TIMESCALE),
      .flags = MILL_CMAF_SEGMENT_GAP,
    };
    g_array_append_val (row, gap);
  }
}

static void
fill_segment (const MillCmafCut *cut, const MillTsClosed *closed,
    MillCmafSegment *segment)
{
  GstClockTimeDiff offset = closed->begin - cut->start;
  *segment = (MillCmafSegment){
    .time = mill_cmaf_timeline_to_ticks (MAX (cut->media_start + offset, 0),
        MILL_TS_LANE_TIMESCALE),
    .duration =
        (guint64) mill_cmaf_timeline_to_ticks (closed->end - closed->begin,
            MILL_TS_LANE_TIMESCALE),
    .bytes = g_bytes_get_size (closed->bytes),
  };
}

/* Whether segment @number may still come from @lane. */
static gboolean
is_expected (const MillTsPackager *self, const MillTsLane *lane, guint64 number)
{
  if (lane->ended || lane->reached > number)
    return FALSE;
  for (guint i = 0; i < self->lanes->len; i++)
    if (self->options.mode != MILL_CMAF_VOD &&
        mill_ts_packager_get_lane (self, i)->reached > number + BEHIND_MAX)
      return FALSE;
  return TRUE;
}

static gboolean
is_ready_locked (const MillTsPackager *self, guint64 number)
{
  gboolean found = FALSE;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillTsLane *lane = mill_ts_packager_get_lane (self, i);
    if (mill_ts_lane_find (lane, number) != NULL)
      found = TRUE;
    else if (is_expected (self, lane, number))
      return FALSE;
  }
  return found;
}

/* Listed: @filled segments of @bytes, and @gaps. */
static void
note_segments_locked (MillTsPackager *self, guint filled, guint gaps,
    gsize bytes)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  g_mutex_lock (&self->stats_lock);
  self->stats.generation = state->generation;
  self->stats.target_duration_s = state->target_duration_s;
  self->stats.segments += filled;
  self->stats.gaps += gaps;
  self->stats.bytes += bytes;
  g_mutex_unlock (&self->stats_lock);
}

void
mill_ts_publication_begin_locked (MillTsPackager *self)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  self->next_publish = state->next_number;
  note_segments_locked (self, 0, 0, 0);
}

static void
publish_one_locked (MillTsPackager *self, const MillCmafCut *cut)
{
  g_autofree gboolean *written = g_new0 (gboolean, self->lanes->len);
  for (guint i = 0; i < self->lanes->len; i++) {
    MillTsLane *lane = mill_ts_packager_get_lane (self, i);
    const MillTsClosed *closed = mill_ts_lane_find (lane, cut->number);
    written[i] = closed != NULL && lane->described &&
        write_segment_locked (self, lane, cut, closed);
  }
  g_autoptr (GArray) row = g_array_new (FALSE, TRUE, sizeof (MillCmafSegment));
  fill_gaps (self, cut, row);
  guint filled = 0;
  gsize bytes = 0;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillTsLane *lane = mill_ts_packager_get_lane (self, i);
    if (!written[i])
      continue;
    const MillTsClosed *closed = mill_ts_lane_find (lane, cut->number);
    fill_segment (cut, closed,
        &g_array_index (row, MillCmafSegment, (guint) lane->rendition));
    bytes += g_bytes_get_size (closed->bytes);
    filled++;
  }
  if (filled > 0)
    self->degraded = FALSE;
  mill_cmaf_publisher_add (self->publisher, cut,
      (const MillCmafSegment *) row->data);
  note_segments_locked (self, filled, row->len - filled, bytes);
  mill_cmaf_publisher_write_manifests (self->publisher,
      self->options.mode != MILL_CMAF_VOD);
}

void
mill_ts_publication_run_locked (MillTsPackager *self)
{
  const MillCmafCut *cut;
  while ((cut = mill_cmaf_timeline_find (self->timeline, self->next_publish)) !=
          NULL &&
      GST_CLOCK_STIME_IS_VALID (cut->end) &&
      is_ready_locked (self, cut->number) && !self->failed) {
    GError *full = mill_cmaf_publisher_refuse_segment (self->publisher);
    if (full != NULL) {
      fail_locked (self, full);
      return;
    }
    publish_one_locked (self, cut);
    self->next_publish++;
    for (guint i = 0; i < self->lanes->len; i++)
      mill_ts_lane_retire (mill_ts_packager_get_lane (self, i),
          self->next_publish);
    /* One that is kept tells where the open segment begins. */
    mill_cmaf_timeline_retire (self->timeline, self->next_publish);
  }
  check_waiting_locked (self);
}
