/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-chunk.h"
#include "text/text-webvtt.h"

G_BEGIN_DECLS

/**
 * mill_bmff_text_put_webvtt:
 * @timescale: of @samples
 * @samples: (element-type MillBmffSample): added to, one for each stretch of
 *   time in which the same cues are on, empty ones too: they follow each other
 *   from the start of @segment to its end
 *
 * Appends the payloads of those samples: vttc for each cue, or vtte. A cue that
 * is in several samples has the same vsid in all.
 *
 * Source: ISO/IEC 14496-30 §6.4 and §6.5
 */
void mill_bmff_text_put_webvtt (MillBmffWriter *writer,
    const MillTextSegment *segment, guint timescale, GArray *samples);

G_END_DECLS
