/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "amf0.h"

G_BEGIN_DECLS

/*
 * Cue points of encoders: onAdCue of Adobe's, onCuePoint of Elemental's live
 * encoders, which have a splice information section in base64 among their
 * members. Which one differs from encoder to encoder; what it is does not, so it
 * is looked for by that.
 */

/** Returns: whether a data message of this name is a cue point */
gboolean mill_rtmp_cue_is_name (const MillAmf0Value *name);

/** @object: of the message, or its members' members
 * Returns: (transfer full)(nullable): the first section that there is */
GBytes *mill_rtmp_cue_find_section (const MillAmf0Value *object);

G_END_DECLS
