/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "playlist/hls-media.h"

G_BEGIN_DECLS

/*
 * The pieces that a media playlist is printed from, for those that print it in
 * another order: hls-listing.c keeps them.
 */

/** The tags before the first segment. @has_init: some segment has a map */
void mill_hls_media_append_head (GString *out, const MillHlsMedia *media,
    gboolean has_init);

/** EXT-X-MAP of @segment, which has an init_uri. */
void mill_hls_media_append_map (GString *out, const MillHlsSegment *segment);

/** The lines of @segment. @with_map: EXT-X-MAP is among them */
void mill_hls_media_append_segment (GString *out, const MillHlsSegment *segment,
    gboolean with_map);

G_END_DECLS
