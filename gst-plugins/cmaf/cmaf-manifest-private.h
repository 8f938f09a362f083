/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-manifest.h"

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

/** Returns: whether one of the cuts [@from, @to) begins a segment that cannot
 * be decoded without another */
gboolean mill_cmaf_manifest_has_dependent_cut (const MillCmafManifest *manifest,
    guint from, guint to);

G_END_DECLS
