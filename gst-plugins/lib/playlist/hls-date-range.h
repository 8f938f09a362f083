/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * MillHlsDateRange: EXT-X-DATERANGE (RFC 8216bis 4.4.5.1)
 * @id: unique in the playlist, but for the tag that tells the end of another
 *   one: what both say has to be the same
 * @start_us: wall clock, µs since 1970
 * @duration_us, @planned_duration_us: negative: not known
 * @scte35_out, @scte35_in, @scte35_cmd: (nullable): splice information
 *   sections (4.4.5.1.1)
 */
typedef struct
{
  const gchar *id;
  gint64 start_us;
  gint64 duration_us;
  gint64 planned_duration_us;
  GBytes *scte35_out;
  GBytes *scte35_in;
  GBytes *scte35_cmd;
} MillHlsDateRange;

/**
 * MillHlsCue: the tags that came before EXT-X-DATERANGE, which no specification
 * has: EXT-X-CUE-OUT, EXT-X-CUE-OUT-CONT, EXT-X-CUE-IN
 * @begins: a break begins with the segment
 * @ends: one has ended before it
 * @goes_on: it is in a break that has begun @elapsed_us before
 * @duration_us: of the break; negative: not known
 */
typedef struct
{
  gboolean begins;
  gboolean ends;
  gboolean goes_on;
  gint64 duration_us;
  gint64 elapsed_us;
} MillHlsCue;

/** Appends the line. Any thread. */
void mill_hls_date_range_print (const MillHlsDateRange *range, GString *out);

/** Appends the lines of @cue. */
void mill_hls_date_range_print_cue (const MillHlsCue *cue, GString *out);

G_END_DECLS
