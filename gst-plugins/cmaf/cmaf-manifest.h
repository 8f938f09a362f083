/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-periods.h"
#include "cmaf-presentation.h"
#include "cmaf-state.h"
#include "playlist/hls-listing.h"

G_BEGIN_DECLS

/*
 * Playlists and MPD of what a MillCmafState says. Pure logic, no I/O; any
 * thread.
 */

typedef enum
{
  MILL_CMAF_LIVE, /* segments leave the playlists */
  MILL_CMAF_EVENT, /* nothing leaves */
  MILL_CMAF_VOD, /* playlists at the end only */
} MillCmafMode;

/** What segments are. */
typedef enum
{
  MILL_CMAF_FMP4,
  MILL_CMAF_TS, /* MPEG transport stream: no header apart, no live.index */
} MillCmafContainer;

/** The media playlists of a rendition. */
typedef enum
{
  MILL_CMAF_PLAYLIST_MEDIA,
  MILL_CMAF_PLAYLIST_I_FRAMES, /* of video: the first picture of each segment */
  MILL_CMAF_N_PLAYLISTS,
} MillCmafPlaylist;

/** Of one rendition, since the start, in bit/s; 0: it has no media yet. */
typedef struct
{
  guint64 peak_bps;
  guint64 average_bps;
  guint64 i_frames_peak_bps; /* of its I-frame playlist; 0: there is none */
  guint64 i_frames_average_bps;
} MillCmafBitrate;

/**
 * MillCmafManifest: what to print
 * @bitrates: one for each rendition of @state
 * @segment_duration: nominal, ns
 * @cue_tags: EXT-X-CUE-OUT and EXT-X-CUE-IN too
 * @audio_variant: the default of each group of audio is a variant, too
 * @now_us: wall clock, µs since 1970
 * @trick_sets: an MPD that changes no more has sets of pictures to jump through
 * @dated: playlists tell the wall clock of segments
 * @presentation: (nullable)
 * @periods: (nullable): of @state, kept from MPD to MPD
 */
typedef struct
{
  const MillCmafState *state;
  const MillCmafBitrate *bitrates;
  MillCmafMode mode;
  MillCmafContainer container;
  GstClockTime segment_duration;
  gboolean cue_tags;
  gboolean audio_variant;
  gint64 now_us;
  gboolean trick_sets;
  gboolean dated;
  const MillCmafPresentation *presentation;
  const MillCmafPeriods *periods;
} MillCmafManifest;

/** Returns: whether multivariant playlist and MPD list rendition @i */
gboolean mill_cmaf_manifest_lists (const MillCmafManifest *manifest, guint i);

/** Returns: (transfer full) (element-type GBytes): playlist @which of rendition
 * @i, in pieces, see mill_hls_listing_print_pieces() */
GPtrArray *mill_cmaf_manifest_hls_print (const MillCmafManifest *manifest,
    guint i, MillCmafPlaylist which);

/** Appends segment @k of rendition @i to @listing, as playlist @which has it. */
void mill_cmaf_manifest_hls_list (const MillCmafManifest *manifest, guint i,
    guint k, MillCmafPlaylist which, MillHlsListing *listing);

/** Returns: (transfer full) (element-type GBytes): playlist @which of @listing,
 * which has all segments that the state has, see mill_hls_listing_print_pieces()
 */
GPtrArray *mill_cmaf_manifest_hls_print_listing (const MillCmafManifest
                                                     *manifest,
    MillCmafPlaylist which, const MillHlsListing *listing);

/** Returns: whether every segment can be decoded without another */
gboolean mill_cmaf_manifest_is_independent (const MillCmafManifest *manifest);

/** Returns: whether what decodes @a decodes @b; RFC 6381 names */
gboolean mill_cmaf_manifest_is_one_codec (const gchar *a, const gchar *b);

/** Returns: (transfer full)(nullable)
 * Errors: MILL_MPD_ERROR */
GBytes *mill_cmaf_manifest_mpd_print (const MillCmafManifest *manifest,
    GError **error);

/* Names of the files of a rendition, relative to the stream's directory.
 * Returns: (transfer full) */
gchar *mill_cmaf_manifest_name_playlist (const gchar *rendition,
    MillCmafPlaylist which);
gchar *mill_cmaf_manifest_name_init (const gchar *rendition,
    guint64 generation);
gchar *mill_cmaf_manifest_name_file (const gchar *rendition,
    guint64 generation);
gchar *mill_cmaf_manifest_name_segment (const gchar *rendition,
    MillCmafContainer container, guint64 generation, guint64 number);
/* The segment of text that HLS lists beside the one in fMP4. */
gchar *mill_cmaf_manifest_name_text (const gchar *rendition, guint64 generation,
    guint64 number);

G_END_DECLS
