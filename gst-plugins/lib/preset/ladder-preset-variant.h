/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "ladder-preset.h"

G_BEGIN_DECLS

/* What is told of a preset, by REST and on the command line: name (s), summary
 * (s), profile (s), audio_bitrate_bps (i), rungs (aa{sv}, lowest first: height
 * (i), bitrate_bps (i), max_frame_rate (md; nothing: as the source's)), x264enc
 * (a{ss}: its properties).
 * Returns: (transfer floating): of type a{sv} */
GVariant *mill_ladder_preset_variant_new (const gchar *name,
    const MillLadderPreset *preset);

G_END_DECLS
