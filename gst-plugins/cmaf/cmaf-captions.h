/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-manifest.h"

G_BEGIN_DECLS

/*
 * Closed captions inside of video, as manifests tell them. They are kept as text,
 * the same that users write: "CC1=en,CC3=es,SERVICE1=en", a language may be
 * missing ("CC1"); "none": there are none. Pure logic; any thread.
 */

#define MILL_CMAF_CAPTIONS_NONE "none"

/** Returns: whether @text is what is said above */
gboolean mill_cmaf_captions_is_valid (const gchar *text);

/** @channels, @services: see MillCea. Returns: (transfer full)(nullable) */
gchar *mill_cmaf_captions_describe (guint8 channels, guint64 services);

/** Adds an EXT-X-MEDIA for each to @renditions (element-type MillHlsRendition),
 * and what the @variants (element-type MillHlsVariant) say of them. */
void mill_cmaf_captions_add (const MillCmafManifest *manifest,
    GStringChunk *strings, GArray *renditions, GArray *variants);

/** What an AdaptationSet of video says (SCTE 214-1): "CC1=eng;CC3=spa" and
 * "1=lang:eng". Returns: (transfer full)(nullable): NULL for none of the kind */
gchar *mill_cmaf_captions_print_608 (const gchar *captions);
gchar *mill_cmaf_captions_print_708 (const gchar *captions);

G_END_DECLS
