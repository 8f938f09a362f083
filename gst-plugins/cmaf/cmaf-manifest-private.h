/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-manifest.h"
#include "playlist/hls-media.h"
#include "playlist/mpd.h"

G_BEGIN_DECLS

/* What the playlists and the MPD ask of a state alike. */

static inline const MillCmafCut *
mill_cmaf_manifest_cut_at (const MillCmafState *state, guint i)
{
  return &g_array_index (state->cuts, MillCmafCut, i);
}

static inline const MillCmafSegment *
mill_cmaf_manifest_segment_at (const MillCmafRendition *rendition, guint i)
{
  return &g_array_index (rendition->segments, MillCmafSegment, i);
}

static inline gboolean
mill_cmaf_manifest_is_gap (const MillCmafRendition *rendition, guint i)
{
  return (mill_cmaf_manifest_segment_at (rendition, i)->flags &
             MILL_CMAF_SEGMENT_GAP) != 0;
}

/** Returns: (nullable): the file that has the segments of @generation */
static inline const MillCmafFile *
mill_cmaf_manifest_find_file (const MillCmafRendition *rendition,
    guint64 generation)
{
  for (guint i = 0; rendition->files != NULL && i < rendition->files->len; i++)
    if (g_array_index (rendition->files, MillCmafFile, i).generation ==
        generation)
      return &g_array_index (rendition->files, MillCmafFile, i);
  return NULL;
}

/** Returns: whether one of the cuts [@from, @to) begins a segment that cannot
 * be decoded without another */
gboolean mill_cmaf_manifest_has_dependent_cut (const MillCmafManifest *manifest,
    guint from, guint to);

/* ---- cmaf-manifest-marker.c ---- */

/* Returns: (transfer full) (element-type MillHlsDateRange): strings are in
 * @strings */
GArray *mill_cmaf_manifest_marker_list_ranges (const MillCmafManifest *manifest,
    GStringChunk *strings);

/* Returns: whether the segment of @cut has tags of the kind before date ranges */
gboolean mill_cmaf_manifest_marker_find_cue (const MillCmafManifest *manifest,
    const MillCmafCut *cut, MillHlsCue *ret_cue);

/* Returns: (transfer full) (element-type MillMpdEvent): of the Period that has
 * the cuts from @from up to @to */
GArray *mill_cmaf_manifest_marker_list_events (const MillCmafManifest *manifest,
    guint from, guint to);

/* Returns: (nullable) (array zero-terminated=1): what event messages there are
 * in rendition @i */
const gchar *const *
mill_cmaf_manifest_marker_get_schemes (const MillCmafManifest *manifest,
    guint i);

/* ---- cmaf-manifest-sheets.c ---- */

/* Returns: whether there are sheets of thumbnails for cuts [@from, @to); then
 * @ret has them (its segments transfer full) */
gboolean mill_cmaf_manifest_sheets_describe (const MillCmafManifest *manifest,
    guint from, guint to, GStringChunk *strings, MillMpdRepresentation *ret);

G_END_DECLS
