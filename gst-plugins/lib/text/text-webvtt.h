/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "text/text-cue.h"

G_BEGIN_DECLS

/*
 * WebVTT: The Web Video Text Tracks Format, W3C. Input is untrusted; what does
 * not fit is left out, as the standard's parser does. No state; any thread.
 */

/** Returns: whether @data has cue timings; else it is the text of one cue, for
 * which its container has the times */
gboolean mill_text_webvtt_has_timings (const gchar *data, gsize size);

/** Adds the cues of a file, or of a piece of one, to @cues. Times as they are
 * in it; X-TIMESTAMP-MAP is not looked at. */
void mill_text_webvtt_parse (const gchar *data, gsize size, GPtrArray *cues);

/** Cue text as it came: timestamps and unknown tags are left out.
 * Returns: (transfer full)(nullable): NULL when there are no words */
gchar *mill_text_webvtt_clean (const gchar *data, gsize size);

/**
 * MillTextSegment: a segment of a WebVTT rendition
 * @cues: (element-type MillTextCue): all that overlap it, times on the media's
 *   timeline
 * @start, @end: of the segment, ns on the media's timeline (tfdt). A cue without
 *   an end is cut at @end; what of it is before @start has been in the segments
 *   before.
 */
typedef struct
{
  const GPtrArray *cues;
  GstClockTimeDiff start;
  GstClockTimeDiff end;
} MillTextSegment;

/**
 * mill_text_webvtt_print:
 *
 * With X-TIMESTAMP-MAP (RFC 8216bis 3.1.4): LOCAL is the start of the segment,
 * MPEGTS the same in 90 kHz modulo 2^33, so that the map is right after each
 * wrap. Cue times are those of the media's timeline.
 *
 * Returns: (transfer full)
 */
GBytes *mill_text_webvtt_print (const MillTextSegment *segment);

G_END_DECLS
