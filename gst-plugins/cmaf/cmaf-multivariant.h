/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-manifest.h"

G_BEGIN_DECLS

/** The multivariant playlist of @manifest. Each video is a variant of each group
 * of audio. Audio of one group in several codecs makes several groups, so that
 * no variant asks for a decoder that a player may not have.
 *
 * Pure logic; any thread. Returns: (transfer full) */
GBytes *mill_cmaf_multivariant_print (const MillCmafManifest *manifest);

G_END_DECLS
