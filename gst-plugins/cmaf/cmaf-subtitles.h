/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-manifest.h"

G_BEGIN_DECLS

/** Adds an EXT-X-MEDIA for each text of @manifest to @renditions
 * (element-type MillHlsRendition), and the group of it to @variants
 * (element-type MillHlsVariant); where there are several groups, each variant
 * is there with each.
 *
 * Pure logic; any thread. @strings: keeps what the structures point to */
void mill_cmaf_subtitles_add (const MillCmafManifest *manifest,
    GStringChunk *strings, GArray *renditions, GArray *variants);

G_END_DECLS
