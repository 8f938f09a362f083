/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "playlist/hls-date-range.h"
#include "playlist/hls-presentation.h"

G_BEGIN_DECLS

/*
 * A media playlist as a plain structure that is printed. Nothing is copied:
 * every string and array belongs to the caller and need live for the call
 * only. Any thread.
 *
 * URIs are relative to the playlist. Characters that RFC 3986 does not allow
 * are percent-encoded, so that no name can start a line of its own.
 *
 * Source: RFC 8216bis (draft-pantos-hls-rfc8216bis-22).
 */

typedef enum
{
  MILL_HLS_LIVE, /* no EXT-X-PLAYLIST-TYPE, segments may be removed */
  MILL_HLS_EVENT, /* EXT-X-PLAYLIST-TYPE:EVENT, only grows */
  MILL_HLS_VOD, /* EXT-X-PLAYLIST-TYPE:VOD, never changes */
} MillHlsKind;

typedef enum
{
  MILL_HLS_SEGMENT_NONE = 0,
  /* EXT-X-DISCONTINUITY goes before the segment (and EXT-X-MAP again). */
  MILL_HLS_SEGMENT_DISCONTINUITY = 1 << 0,
  /* EXT-X-GAP: the segment's media is missing; its URI is still written. */
  MILL_HLS_SEGMENT_GAP = 1 << 1,
} MillHlsSegmentFlags;

/** MillHlsRange: a part of what a URI names; @length 0: all of it */
typedef struct
{
  guint64 offset;
  guint64 length;
} MillHlsRange;

/**
 * MillHlsSegment:
 * @uri: relative to the playlist
 * @init_uri: (nullable): CMAF header that the segment needs. EXT-X-MAP is
 *   written where it differs from the one before, and after a discontinuity.
 *   NULL keeps the one before (a gap has none of its own).
 * @duration: of the media in this rendition, in ns
 * @program_date_time_us: wall clock of its first sample, µs since 1970;
 *   negative: none is written. One playlist of a stream with it means all
 *   (clause 6.2.4).
 * @range: EXT-X-BYTERANGE, @init_range: that of its CMAF header
 * @cue: (nullable): for readers of the tags before EXT-X-DATERANGE
 */
typedef struct
{
  const gchar *uri;
  const gchar *init_uri;
  GstClockTime duration;
  gint64 program_date_time_us;
  MillHlsSegmentFlags flags;
  MillHlsRange range;
  MillHlsRange init_range;
  const MillHlsCue *cue;
} MillHlsSegment;

/**
 * MillHlsMedia:
 * @ended: EXT-X-ENDLIST closes the playlist (always so for VOD)
 * @independent_segments: every segment starts with an IDR (or is audio)
 * @target_duration_s: seconds; must stay what it was at first publication
 *   (clause 6.2.1). See mill_hls_media_round_duration().
 * @media_sequence: number of segments removed since the start, i.e. the
 *   number of the first one
 * @discontinuity_sequence: number of EXT-X-DISCONTINUITY tags removed with
 *   them
 * @i_frames_only: each segment is one picture, shown until the next one
 *   (clause 4.4.3.6)
 * @start: (nullable)
 * @date_ranges: not of any segment, so they stand before all of them, where a
 *   delta update (clause 6.2.5.1), which leaves segments out, has them too. They
 *   want segments with a program_date_time (clause 4.4.5.1).
 */
typedef struct
{
  MillHlsKind kind;
  gboolean ended;
  gboolean independent_segments;
  guint target_duration_s;
  guint64 media_sequence;
  guint64 discontinuity_sequence;
  gboolean i_frames_only;
  const MillHlsStart *start;
  const MillHlsSegment *segments;
  gsize n_segments;
  const MillHlsDateRange *date_ranges;
  gsize n_date_ranges;
} MillHlsMedia;

/**
 * mill_hls_media_round_duration:
 *
 * Returns: @duration in seconds rounded to nearest, at least 1: what an EXTINF
 * may reach under a TARGETDURATION (clause 4.4.3.1), hence the smallest
 * TARGETDURATION for segments of @duration.
 */
guint mill_hls_media_round_duration (GstClockTime duration);

/**
 * mill_hls_media_print:
 *
 * Returns: (transfer full): the playlist in UTF-8
 */
GBytes *mill_hls_media_print (const MillHlsMedia *media);

G_END_DECLS
