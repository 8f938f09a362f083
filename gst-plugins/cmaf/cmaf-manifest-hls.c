/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-manifest-private.h"

static gint64
wall_of (const MillCmafManifest *manifest, const MillCmafRendition *rendition,
    guint i)
{
  /* A file has no wall clock, but date ranges need one (RFC 8216bis 4.4.5.1). */
  if (!manifest->dated && manifest->state->markers == NULL)
    return -1;
  const MillCmafCut *cut = mill_cmaf_manifest_cut_at (manifest->state, i);
  if (mill_cmaf_manifest_is_gap (rendition, i))
    return cut->wall_us;
  GstClockTimeDiff start =
      mill_cmaf_timeline_to_ns (mill_cmaf_manifest_segment_at (rendition, i)
                                    ->time,
          rendition->format.timescale);
  return cut->wall_us + (start - cut->media_start) / GST_USECOND;
}

static MillHlsSegmentFlags
flags_of (const MillCmafCut *cut, gboolean gap)
{
  return (gap ? MILL_HLS_SEGMENT_GAP : MILL_HLS_SEGMENT_NONE) |
      (cut->flags & MILL_CMAF_CUT_DISCONTINUITY ? MILL_HLS_SEGMENT_DISCONTINUITY
                                                : MILL_HLS_SEGMENT_NONE);
}

void
mill_cmaf_manifest_hls_list (const MillCmafManifest *manifest, guint i, guint k,
    MillCmafPlaylist which, MillHlsListing *listing)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  const MillCmafCut *cut = mill_cmaf_manifest_cut_at (manifest->state, k);
  const MillCmafSegment *segment = mill_cmaf_manifest_segment_at (rendition, k);
  gboolean i_frames = which == MILL_CMAF_PLAYLIST_I_FRAMES;
  /* What has no picture to begin with is missing in a list of those. */
  gboolean gap = mill_cmaf_manifest_is_gap (rendition, k) ||
      (i_frames && segment->i_frame_bytes == 0);
  gboolean is_text = rendition->format.kind == MILL_CMAF_TEXT;
  gboolean is_ts = manifest->container == MILL_CMAF_TS;
  gchar uri[64];
  gchar init[64];
  const MillCmafFile *file = is_text
      ? NULL
      : mill_cmaf_manifest_find_file (rendition, cut->generation);
  if (file != NULL) {
    g_snprintf (uri, sizeof uri, "%" G_GUINT64_FORMAT ".mp4", cut->generation);
    g_strlcpy (init, uri, sizeof init);
  } else {
    g_snprintf (uri, sizeof uri,
        "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".%s", cut->generation,
        cut->number,
        is_text     ? "vtt"
            : is_ts ? "ts"
                    : "m4s");
    g_snprintf (init, sizeof init, "init-%" G_GUINT64_FORMAT ".mp4",
        cut->generation);
  }
  MillHlsSegment listed = {
    .uri = uri,
    .init_uri = gap || is_text || is_ts ? NULL : init,
    /* A picture is shown until the next one: the next segment begins with it
     * (RFC 8216bis 4.4.3.6). */
    .duration =
        (GstClockTime) mill_cmaf_timeline_to_ns ((gint64) segment->duration,
            rendition->format.timescale),
    .program_date_time_us = wall_of (manifest, rendition, k),
    .flags = flags_of (cut, gap),
  };
  if (i_frames && !gap)
    listed.range = (MillHlsRange){
      .offset = segment->offset + segment->i_frame_offset,
      .length = segment->i_frame_bytes,
    };
  else if (file != NULL && !gap)
    listed.range = (MillHlsRange){ segment->offset, segment->bytes };
  if (file != NULL)
    listed.init_range = (MillHlsRange){ 0, file->header_bytes };
  MillHlsCue cue;
  if (!i_frames && mill_cmaf_manifest_marker_find_cue (manifest, cut, &cue))
    listed.cue = &cue;
  mill_hls_listing_append (listing, &listed);
}

GPtrArray *
mill_cmaf_manifest_hls_print_listing (const MillCmafManifest *manifest,
    MillCmafPlaylist which, const MillHlsListing *listing)
{
  static const MillHlsKind kinds[] = { MILL_HLS_LIVE, MILL_HLS_EVENT,
    MILL_HLS_VOD };
  const MillCmafState *state = manifest->state;
  gboolean i_frames = which == MILL_CMAF_PLAYLIST_I_FRAMES;
  g_autoptr (GStringChunk) strings = g_string_chunk_new (256);
  g_autoptr (GArray) ranges = i_frames
      ? NULL
      : mill_cmaf_manifest_marker_list_ranges (manifest, strings);
  MillHlsMedia media = {
    .kind = kinds[manifest->mode],
    .ended = state->ended,
    .i_frames_only = i_frames,
    .independent_segments = !i_frames &&
        mill_cmaf_manifest_is_independent (manifest),
    .target_duration_s = state->target_duration_s,
    .media_sequence = mill_hls_listing_get_length (listing) > 0
        ? mill_cmaf_manifest_cut_at (state, 0)->number
        : state->next_number,
    .discontinuity_sequence = state->discontinuity_sequence,
  };
  if (ranges != NULL) {
    media.date_ranges = (const MillHlsDateRange *) ranges->data;
    media.n_date_ranges = ranges->len;
  }
  return mill_hls_listing_print_pieces (listing, &media);
}

GPtrArray *
mill_cmaf_manifest_hls_print (const MillCmafManifest *manifest, guint i,
    MillCmafPlaylist which)
{
  const MillCmafState *state = manifest->state;
  const MillCmafRendition *rendition = g_ptr_array_index (state->renditions, i);
  g_autoptr (MillHlsListing) listing = mill_hls_listing_new ();
  guint n = state->cuts->len;
  /* A rendition of a file may end before the others: that is no gap. */
  while (manifest->mode == MILL_CMAF_VOD && n > 0 &&
      mill_cmaf_manifest_is_gap (rendition, n - 1))
    n--;
  for (guint k = 0; k < n; k++)
    mill_cmaf_manifest_hls_list (manifest, i, k, which, listing);
  return mill_cmaf_manifest_hls_print_listing (manifest, which, listing);
}
