/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-manifest-private.h"
#include "playlist/hls-media.h"

static gint64
wall_of (const MillCmafManifest *manifest, const MillCmafRendition *rendition,
    guint i)
{
  /* A file has no wall clock. */
  if (manifest->mode == MILL_CMAF_VOD)
    return -1;
  const MillCmafCut *cut = mill_cmaf_manifest_cut_at (manifest->state, i);
  if (mill_cmaf_manifest_is_gap (rendition, i))
    return cut->wall_us;
  GstClockTimeDiff start =
      mill_cmaf_timeline_to_ns (mill_cmaf_manifest_segment_at (rendition, i)
                                    ->time,
          rendition->format.timescale);
  return cut->wall_us + (start - cut->media_start) / GST_USECOND;
}

GBytes *
mill_cmaf_manifest_hls_print (const MillCmafManifest *manifest, guint i)
{
  static const MillHlsKind kinds[] = { MILL_HLS_LIVE, MILL_HLS_EVENT,
    MILL_HLS_VOD };
  const MillCmafState *state = manifest->state;
  const MillCmafRendition *rendition = g_ptr_array_index (state->renditions, i);
  g_autoptr (GStringChunk) strings = g_string_chunk_new (1024);
  guint n = state->cuts->len;
  /* A rendition of a file may end before the others: that is no gap. */
  while (manifest->mode == MILL_CMAF_VOD && n > 0 &&
      mill_cmaf_manifest_is_gap (rendition, n - 1))
    n--;
  g_autofree MillHlsSegment *segments = g_new0 (MillHlsSegment, n);
  guint64 init_generation = MILL_CMAF_NONE;
  const gchar *init = NULL;
  gchar name[64];
  for (guint k = 0; k < n; k++) {
    const MillCmafCut *cut = mill_cmaf_manifest_cut_at (state, k);
    gboolean gap = mill_cmaf_manifest_is_gap (rendition, k);
    if (!gap && cut->generation != init_generation) {
      init_generation = cut->generation;
      g_snprintf (name, sizeof name, "init-%" G_GUINT64_FORMAT ".mp4",
          init_generation);
      init = g_string_chunk_insert (strings, name);
    }
    g_snprintf (name, sizeof name,
        "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4s", cut->generation,
        cut->number);
    segments[k] = (MillHlsSegment){
      .uri = g_string_chunk_insert (strings, name),
      .init_uri = gap ? NULL : init,
      .duration = (GstClockTime) mill_cmaf_timeline_to_ns (
          (gint64) mill_cmaf_manifest_segment_at (rendition, k)->duration,
          rendition->format.timescale),
      .program_date_time_us = wall_of (manifest, rendition, k),
      .flags = (gap ? MILL_HLS_SEGMENT_GAP : 0) |
          (cut->flags & MILL_CMAF_CUT_DISCONTINUITY
                  ? MILL_HLS_SEGMENT_DISCONTINUITY
                  : 0),
    };
  }
  MillHlsMedia media = {
    .kind = kinds[manifest->mode],
    .ended = state->ended,
    .independent_segments = mill_cmaf_manifest_is_independent (manifest),
    .target_duration_s = state->target_duration_s,
    .media_sequence = n > 0 ? mill_cmaf_manifest_cut_at (state, 0)->number
                            : state->next_number,
    .discontinuity_sequence = state->discontinuity_sequence,
    .segments = segments,
    .n_segments = n,
  };
  return mill_hls_media_print (&media);
}
