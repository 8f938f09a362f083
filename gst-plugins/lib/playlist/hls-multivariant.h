/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "codec/codec.h"
#include "playlist/hls-presentation.h"

G_BEGIN_DECLS

/*
 * A multivariant playlist as a plain structure that is printed; ownership and
 * URIs as in hls-media.h. Quoted strings lose what a quoted-string may not
 * hold (clause 4.2): '"', line breaks and other control characters.
 *
 * An audio-only stream has its audio as variants and no renditions.
 *
 * Source: RFC 8216bis (draft-pantos-hls-rfc8216bis-22) 4.4.6.
 */

/** TYPE of an EXT-X-MEDIA (clause 4.4.6.1). */
typedef enum
{
  MILL_HLS_AUDIO,
  MILL_HLS_SUBTITLES,
  MILL_HLS_CLOSED_CAPTIONS, /* inside of the video: it has no URI */
} MillHlsRenditionType;

/**
 * MillHlsRendition: one EXT-X-MEDIA
 * @group: GROUP-ID, the same for all renditions that a variant may choose from
 * @name: NAME, unique within @group
 * @language: (nullable): BCP 47 tag
 * @uri: (nullable): of its media playlist; NULL when a variant carries it
 * @is_default: chosen without a preference; at most one per group
 * @autoselect: may be chosen by the user's system language; implied by default
 * @is_absolute: @uri may begin with a scheme
 * @forced: of subtitles: what a viewer needs who wants none
 * @characteristics: (nullable): of subtitles: UTIs, comma-separated
 * @instream_id: of closed captions: CC1 to CC4, SERVICE1 to SERVICE63
 * @channels: of audio; 0 when unknown
 */
typedef struct
{
  const gchar *group;
  const gchar *name;
  const gchar *language;
  const gchar *uri;
  gboolean is_default;
  gboolean autoselect;
  guint channels;
  gboolean is_absolute;
  MillHlsRenditionType type;
  gboolean forced;
  const gchar *characteristics;
  const gchar *instream_id;
} MillHlsRendition;

/* In the place of a group of closed captions. */
#define MILL_HLS_NO_CAPTIONS ""

/**
 * MillHlsVariant: one EXT-X-STREAM-INF
 * @uri: of its media playlist
 * @bandwidth_bps: peak of @uri's segments plus the largest peak of the
 *   renditions of @audio_group (see hls-bitrate.h)
 * @average_bandwidth_bps: the same of averages; 0 leaves it out
 * @codecs: RFC 6381, of the variant and of its audio group
 * @width: 0 for audio, as is @height
 * @fps_n: with @fps_d the (highest) frame rate; 0 leaves it out
 * @range: VIDEO-RANGE, which is written when one of the variants has another
 *   than SDR (clause 4.4.6.2: required then)
 * @audio_group: (nullable): GROUP-ID of its audio
 * @i_frames_uri: (nullable): of its I-frame playlist, which is listed with it
 *   once (EXT-X-I-FRAME-STREAM-INF, clause 4.4.6.3), however many variants have
 *   it; @i_frames_bandwidth_bps, @i_frames_average_bps, @i_frames_codecs: of that
 * @pathway: (nullable): PATHWAY-ID, see hls-presentation.h
 * @subtitles_group: (nullable): GROUP-ID of its subtitles
 * @closed_captions: (nullable): GROUP-ID of its closed captions;
 *   MILL_HLS_NO_CAPTIONS says that it has none, which all variants have to say
 *   together (clause 4.4.6.2); NULL says nothing
 *
 * A URI may be an absolute one when @is_absolute.
 */
typedef struct
{
  const gchar *uri;
  guint64 bandwidth_bps;
  guint64 average_bandwidth_bps;
  const gchar *codecs;
  guint width;
  guint height;
  guint fps_n;
  guint fps_d;
  const gchar *audio_group;
  MillCodecRange range;
  const gchar *i_frames_uri;
  guint64 i_frames_bandwidth_bps;
  guint64 i_frames_average_bps;
  const gchar *i_frames_codecs;
  const gchar *pathway;
  gboolean is_absolute;
  const gchar *subtitles_group;
  const gchar *closed_captions;
} MillHlsVariant;

/**
 * MillHlsMultivariant:
 * @start: (nullable), @steering: (nullable)
 */
typedef struct
{
  gboolean independent_segments;
  const MillHlsRendition *renditions;
  gsize n_renditions;
  const MillHlsVariant *variants;
  gsize n_variants;
  const MillHlsStart *start;
  const MillHlsSteering *steering;
  const MillHlsSessionData *session_data;
  gsize n_session_data;
} MillHlsMultivariant;

/**
 * mill_hls_multivariant_order:
 *
 * Puts @variants in an order that players begin well with: first the best of up
 * to 2.2 Mbit/s, which many take before they know the network, then from the
 * least bandwidth on. A source's variants of equal bandwidth stay in order.
 */
void mill_hls_multivariant_order (MillHlsVariant *variants, gsize n_variants);

/**
 * mill_hls_multivariant_print:
 *
 * Returns: (transfer full): the playlist in UTF-8
 */
GBytes *mill_hls_multivariant_print (const MillHlsMultivariant *multivariant);

G_END_DECLS
