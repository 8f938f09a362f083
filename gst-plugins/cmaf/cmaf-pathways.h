/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-presentation.h"
#include "playlist/hls-multivariant.h"

G_BEGIN_DECLS

/**
 * mill_cmaf_pathways_spread:
 * @renditions: (element-type MillHlsRendition)
 * @variants: (element-type MillHlsVariant)
 *
 * Makes of what a multivariant playlist lists the same for each pathway: other
 * URIs, and groups of its own, because a group belongs to the URIs in it.
 */
void mill_cmaf_pathways_spread (const MillCmafPresentation *presentation,
    GStringChunk *strings, GArray *renditions, GArray *variants);

G_END_DECLS
