/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "playlist/hls-plain.h"

G_BEGIN_DECLS

/*
 * The low-latency version of a media playlist: the plain one, line by line,
 * with what is known beyond it. Nothing is copied; pure; any thread.
 *
 * Source: RFC 8216bis (draft-pantos-hls-rfc8216bis-22) 4.4.3.7, 4.4.3.8,
 * 4.4.4.9, 4.4.5.2 to 4.4.5.4, 6.2.2, 6.2.5, 6.2.6, B.1.
 */

/** One EXT-X-PART; its URI is {generation}-{number}.{index}.m4s. */
typedef struct
{
  guint64 duration_ns;
  gboolean independent;
  gboolean gap;
} MillHlsPart;

/**
 * MillHlsLiveSegment: a segment that parts are known of
 * @parts: so far; all, when @complete
 * @gap: EXT-X-GAP
 * @wall_us: wall clock of its first sample, µs since 1970
 * @duration_ns: what the plain playlist says, or will
 */
typedef struct
{
  guint64 generation;
  guint64 number;
  gboolean complete;
  gboolean gap;
  gboolean discontinuity;
  gint64 wall_us;
  guint64 duration_ns;
  const MillHlsPart *parts;
  gsize n_parts;
} MillHlsLiveSegment;

/** One EXT-X-RENDITION-REPORT. */
typedef struct
{
  const gchar *uri; /* relative to the playlist */
  guint64 last_msn;
  gint64 last_part; /* -1: it has no parts */
} MillHlsReport;

typedef enum
{
  MILL_HLS_SKIP_NONE,
  MILL_HLS_SKIP_SEGMENTS, /* _HLS_skip=YES */
  MILL_HLS_SKIP_DATE_RANGES, /* _HLS_skip=v2 */
} MillHlsSkip;

/**
 * MillHlsLowLatency:
 * @part_target_ns: of this rendition; 0: it has no parts
 * @hold_target_ns: the longest part target of all renditions: PART-HOLD-BACK is
 *   three of them, in every playlist the same (6.2.4)
 * @segments: by number, ascending; those that the plain playlist lists and
 *   those after them
 * @next_generation: of segments after the last one, when that is known to
 *   change; 0: the same
 * @next_number: first number of @next_generation
 * @reports: of all other media playlists of the multivariant playlist
 * @old_date_ranges: (nullable) (element-type utf8): a set of lines that came more
 *   than the Skip Boundary ago: a second one of the same ID tells its end
 * @removed_date_ranges: (nullable): IDs that went since, separated by tabs
 */
typedef struct
{
  guint64 part_target_ns;
  guint64 hold_target_ns;
  const MillHlsLiveSegment *segments;
  gsize n_segments;
  guint64 next_generation;
  guint64 next_number;
  const MillHlsReport *reports;
  gsize n_reports;
  MillHlsSkip skip;
  GHashTable *old_date_ranges;
  const gchar *removed_date_ranges;
} MillHlsLowLatency;

/** Returns: (transfer full): the playlist in UTF-8 */
GBytes *mill_hls_low_latency_print (const MillHlsPlain *plain,
    const MillHlsLowLatency *live);

/** Returns: the Skip Boundary (4.4.3.8), in s: six target durations */
guint mill_hls_low_latency_get_skip_boundary (const MillHlsPlain *plain);

G_END_DECLS
