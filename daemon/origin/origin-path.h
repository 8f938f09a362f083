/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What a request's path asks for. Everything that is not spelled out here is
 * MILL_ORIGIN_PATH_NONE, i.e. 404. No I/O; any thread.
 */

typedef enum
{
  MILL_ORIGIN_PATH_NONE,
  MILL_ORIGIN_PATH_STREAM, /* /stream/{stream}/{file...} */
  MILL_ORIGIN_PATH_PLAY, /* /play/{stream} */
  MILL_ORIGIN_PATH_PLAYER, /* /player/{file}: what the page consists of */
  MILL_ORIGIN_PATH_HEALTH, /* /healthz */
  MILL_ORIGIN_PATH_METRICS, /* /metrics */
  MILL_ORIGIN_PATH_COMPLETE, /* /complete: asked by a server in front */
  MILL_ORIGIN_PATH_RESERVED, /* /t/..., /vod/... */
} MillOriginPathKind;

typedef struct
{
  MillOriginPathKind kind;
  gchar *stream; /* [A-Za-z0-9_-]{1,64} */
  gchar *file; /* relative, decoded; no component begins with a dot */
} MillOriginPath;

/** @raw: as in the request line: percent-encoded, without the query. Always
 * fills @ret_path. */
void mill_origin_path_parse (const gchar *raw, MillOriginPath *ret_path);
void mill_origin_path_clear (MillOriginPath *path);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillOriginPath, mill_origin_path_clear)

/** What a file of a stream directory is, by its name. */
typedef enum
{
  MILL_ORIGIN_FILE_UNKNOWN, /* not served */
  MILL_ORIGIN_FILE_PLAYLIST,
  MILL_ORIGIN_FILE_MPD,
  MILL_ORIGIN_FILE_INIT,
  MILL_ORIGIN_FILE_STEERING, /* steering.json */
  MILL_ORIGIN_FILE_SHEET, /* thumbnails/{generation}-{start}.jpg: whole */
  MILL_ORIGIN_FILE_THUMBNAILS, /* thumbnails.vtt: what is in which sheet */
  MILL_ORIGIN_FILE_POSTER, /* poster.jpg */
  MILL_ORIGIN_FILE_SEGMENT, /* {generation}-{n}.m4s, .ts or, of text, .vtt */
  MILL_ORIGIN_FILE_PART, /* {generation}-{n}.{part}.m4s: of a segment */
  MILL_ORIGIN_FILE_CLOCK, /* time: beside the MPD, what the server's clock says */
  MILL_ORIGIN_FILE_OTHER, /* media of another name; nothing is known of it */
} MillOriginFileKind;

MillOriginFileKind mill_origin_path_get_file_kind (const gchar *file);

/** @name: without directories. Returns: whether it is {generation}-{n}.m4s,
 * .ts or .vtt: a text's playlist lists the one for both */
gboolean mill_origin_path_parse_segment (const gchar *name,
    guint64 *ret_generation, guint64 *ret_number);

/** The same of {generation}-{n}.{part}.m4s */
gboolean mill_origin_path_parse_part (const gchar *name,
    guint64 *ret_generation, guint64 *ret_number, guint32 *ret_part);

G_END_DECLS
