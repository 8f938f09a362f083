/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * A media playlist, read as its lines: what is told of each segment, so that
 * another version of the same playlist can be made of it. Tags that are not
 * known are lines like others. Pure; any thread.
 *
 * Source: RFC 8216bis (draft-pantos-hls-rfc8216bis-22).
 */

typedef enum
{
  MILL_HLS_LINE_OTHER, /* of the playlist, or of nobody known */
  MILL_HLS_LINE_VERSION,
  MILL_HLS_LINE_TARGET_DURATION,
  MILL_HLS_LINE_DATE_RANGE, /* metadata: of no segment (4.4.5) */
  MILL_HLS_LINE_MAP,
  MILL_HLS_LINE_KEY,
  MILL_HLS_LINE_INF,
  MILL_HLS_LINE_GAP,
  MILL_HLS_LINE_SEGMENT, /* any other tag of a segment (4.4.4) */
  MILL_HLS_LINE_URI,
  MILL_HLS_LINE_ENDLIST,
} MillHlsLineKind;

/** @text: not terminated; belongs to the playlist */
typedef struct
{
  const gchar *text;
  gsize length;
  MillHlsLineKind kind;
} MillHlsLine;

/**
 * MillHlsPlainSegment:
 * @first, @end: its lines, tags and URI
 * @inf: the first of EXTINF and EXT-X-GAP: the tags before it hold for its
 *   parts too (4.4.4.9)
 * @map, @key: line of the EXT-X-MAP, first line of the EXT-X-KEYs that hold for
 *   it; -1: none
 * @number: media sequence number
 * @generation: of a URI {generation}-{number}.m4s, else G_MAXUINT64
 */
typedef struct
{
  guint first;
  guint end;
  guint inf;
  gint map;
  gint key;
  guint64 number;
  guint64 generation;
  guint64 duration_ns;
} MillHlsPlainSegment;

/**
 * MillHlsPlain:
 * @lines: (element-type MillHlsLine)
 * @segments: (element-type MillHlsPlainSegment)
 * @n_head: lines before the first segment
 * @tail: first line after the last segment
 */
typedef struct
{
  GBytes *text;
  GArray *lines;
  GArray *segments;
  guint n_head;
  guint tail;
  guint version; /* 1 when it is not told */
  guint target_duration_s;
  guint64 media_sequence;
  gboolean dated; /* has EXT-X-PROGRAM-DATE-TIME */
  gboolean ended;
} MillHlsPlain;

/** Returns: (transfer full)(nullable): NULL when @text is no media playlist */
MillHlsPlain *mill_hls_plain_parse (GBytes *text);
void mill_hls_plain_free (MillHlsPlain *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillHlsPlain, mill_hls_plain_free)

/** Returns: number of the segment after the last one */
guint64 mill_hls_plain_get_next (const MillHlsPlain *self);

/** Returns: (transfer full)(nullable): value of the quoted attribute @name */
gchar *mill_hls_plain_dup_quoted (const MillHlsLine *line, const gchar *name);

/** Returns: (transfer full)(element-type utf8): URIs of the media playlists in a
 * multivariant playlist, each once. I-frame playlists (whose parts nobody has)
 * are among them. */
GPtrArray *mill_hls_plain_list_playlists (GBytes *multivariant);

G_END_DECLS
