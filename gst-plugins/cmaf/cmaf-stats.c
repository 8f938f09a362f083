/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What users see of a packager. Of a file they may see a copy: there the
 * packager's lock is held over writing to the disk, and whoever looks (the main
 * loop of a worker, for all its streams) must not stand still with that. */

#include "cmaf-packager-private.h"

/* After the end: what a player may still be reading. */
#define RETENTION_NS (60 * GST_SECOND)

static void
free_rendition (gpointer data)
{
  MillCmafRenditionStats *stats = data;
  g_free (stats->name);
  g_free (stats->codec);
  g_free (stats);
}

static const gchar *
describe (const MillCmafRendition *rendition)
{
  if (rendition->gone)
    return "gone";
  if (rendition->segments->len == 0)
    return "live";
  const MillCmafSegment *last = &g_array_index (rendition->segments,
      MillCmafSegment, rendition->segments->len - 1);
  return last->flags & MILL_CMAF_SEGMENT_GAP ? "late" : "live";
}

static guint64
count_published (const MillCmafPackager *self, guint rendition)
{
  for (guint i = 0; i < self->lanes->len; i++)
    if (mill_cmaf_packager_get_lane (self, i)->rendition == (gint) rendition)
      return mill_cmaf_packager_get_lane (self, i)->n_published;
  return 0;
}

static GPtrArray *
make_renditions_locked (MillCmafPackager *self)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  GPtrArray *renditions = g_ptr_array_new_with_free_func (free_rendition);
  for (guint i = 0; i < state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (state->renditions, i);
    MillCmafRenditionStats *stats = g_new0 (MillCmafRenditionStats, 1);
    *stats = (MillCmafRenditionStats){
      .name = g_strdup (rendition->name),
      .kind = rendition->format.kind,
      .codec = g_strdup (rendition->format.codec),
      .width = rendition->format.width,
      .height = rendition->format.height,
      .bitrate_bps =
          mill_cmaf_publisher_get_bitrate (self->publisher, i).average_bps,
      .state = describe (rendition),
      .segments = count_published (self, i),
    };
    g_ptr_array_add (renditions, stats);
  }
  return renditions;
}

static GstClockTime
get_retention_locked (MillCmafPackager *self)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  GstClockTime listed = 0;
  for (guint i = 0; i < state->cuts->len; i++) {
    const MillCmafCut *cut = &g_array_index (state->cuts, MillCmafCut, i);
    listed += (GstClockTime) (cut->end - cut->start);
  }
  return RETENTION_NS + MAX (listed, self->options.publisher.dvr_window);
}

void
mill_cmaf_stats_fill_locked (MillCmafPackager *self, MillCmafStats *stats)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  *stats = (MillCmafStats){
    .generation = state->generation,
    .segments = self->segments,
    .bytes = self->bytes,
    .gaps = self->gaps,
    .target_duration_s = state->target_duration_s,
    .retention = get_retention_locked (self),
    .shrunk = mill_cmaf_publisher_get_shrunk (self->publisher),
    .renditions = make_renditions_locked (self),
  };
}

void
mill_cmaf_stats_note_locked (MillCmafPackager *self)
{
  MillCmafNoted *noted = &self->noted;
  if (!mill_cmaf_packager_is_vod (self) || self->publisher == NULL)
    return;
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  gboolean is_same = noted->stats.renditions != NULL &&
      noted->stats.segments == self->segments &&
      noted->stats.generation == state->generation &&
      noted->stats.renditions->len == state->renditions->len;
  /* Nobody else writes them. */
  if (is_same && noted->stats.bytes == self->bytes &&
      noted->position == self->position)
    return;
  MillCmafStats stats = { 0 };
  if (!is_same)
    mill_cmaf_stats_fill_locked (self, &stats);
  g_mutex_lock (&noted->lock);
  if (!is_same) {
    MillCmafStats old = noted->stats;
    noted->stats = stats;
    stats = old;
  }
  noted->stats.bytes = self->bytes;
  noted->position = self->position;
  g_mutex_unlock (&noted->lock);
  mill_cmaf_packager_clear_stats (&stats);
}

void
mill_cmaf_stats_copy (MillCmafPackager *self, MillCmafStats *ret_stats)
{
  g_mutex_lock (&self->noted.lock);
  *ret_stats = self->noted.stats;
  g_ptr_array_ref (ret_stats->renditions);
  g_mutex_unlock (&self->noted.lock);
}

GstClockTimeDiff
mill_cmaf_stats_copy_position (MillCmafPackager *self)
{
  g_mutex_lock (&self->noted.lock);
  GstClockTimeDiff position = self->noted.position;
  g_mutex_unlock (&self->noted.lock);
  return position;
}
