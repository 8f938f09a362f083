/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-path.h"

#include <string.h>

/* A stream's files are {rendition}/{name}; a third level is for what may
 * come. */
#define MAX_COMPONENTS 4
#define MAX_LENGTH 512
#define MAX_STREAM_LENGTH 64

void
mill_origin_path_clear (MillOriginPath *path)
{
  g_clear_pointer (&path->stream, g_free);
  g_clear_pointer (&path->file, g_free);
  path->kind = MILL_ORIGIN_PATH_NONE;
}

static gboolean
is_stream_name (const gchar *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > MAX_STREAM_LENGTH)
    return FALSE;
  return strspn (name,
             "abcdefghijklmnopqrstuvwxyz"
             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == length;
}

/* No component that begins with a dot covers "." and "..", and the files a
 * packager keeps to itself. */
static gboolean
is_component (const gchar *text)
{
  if (text[0] == '\0' || text[0] == '.')
    return FALSE;
  for (const gchar *at = text; *at != '\0'; at++) {
    if (g_ascii_iscntrl (*at) || *at == '\\' || *at == '/')
      return FALSE;
  }
  return g_utf8_validate (text, -1, NULL);
}

/* Splits first and decodes then, so that an encoded slash is part of a name,
 * which no name may have. */
static GStrv
split (const gchar *raw)
{
  g_auto (GStrv) parts = NULL;
  g_autoptr (GPtrArray) decoded = g_ptr_array_new_with_free_func (g_free);

  if (raw[0] != '/' || strlen (raw) > MAX_LENGTH)
    return NULL;
  parts = g_strsplit (raw + 1, "/", MAX_COMPONENTS + 3);
  for (gsize i = 0; parts[i] != NULL; i++) {
    /* NULL for a broken escape and for %00. */
    gchar *part = g_uri_unescape_string (parts[i], NULL);

    if (part == NULL)
      return NULL;
    g_ptr_array_add (decoded, part);
    if (!is_component (part))
      return NULL;
  }
  if (decoded->len > MAX_COMPONENTS + 2)
    return NULL;
  g_ptr_array_add (decoded, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&decoded), FALSE);
}

static void
parse_parts (GStrv parts, MillOriginPath *path)
{
  guint n = g_strv_length (parts);

  if (n == 0)
    return;
  if (g_str_equal (parts[0], "t") || g_str_equal (parts[0], "vod")) {
    path->kind = MILL_ORIGIN_PATH_RESERVED;
  } else if (n == 1 && g_str_equal (parts[0], "healthz")) {
    path->kind = MILL_ORIGIN_PATH_HEALTH;
  } else if (n == 1 && g_str_equal (parts[0], "metrics")) {
    path->kind = MILL_ORIGIN_PATH_METRICS;
  } else if (n == 1 && g_str_equal (parts[0], "complete")) {
    path->kind = MILL_ORIGIN_PATH_COMPLETE;
  } else if (n == 2 && g_str_equal (parts[0], "player")) {
    path->kind = MILL_ORIGIN_PATH_PLAYER;
    path->file = g_strdup (parts[1]);
  } else if (n == 2 && g_str_equal (parts[0], "play") &&
      is_stream_name (parts[1])) {
    path->kind = MILL_ORIGIN_PATH_PLAY;
    path->stream = g_strdup (parts[1]);
  } else if (n >= 3 && g_str_equal (parts[0], "stream") &&
      is_stream_name (parts[1])) {
    path->kind = MILL_ORIGIN_PATH_STREAM;
    path->stream = g_strdup (parts[1]);
    path->file = g_strjoinv ("/", parts + 2);
  }
}

/* What nearly every request asks for: a file of a stream, whose name needs no
 * decoding. Returns FALSE when it has to be looked at more closely. */
static gboolean
parse_plain (const gchar *raw, MillOriginPath *path)
{
  static const gchar prefix[] = "/stream/";
  const gchar *stream = raw + strlen (prefix);
  guint n = 1;
  gsize length;

  if (!g_str_has_prefix (raw, prefix))
    return FALSE;
  for (const gchar *at = stream; *at != '\0'; at++) {
    const gboolean begins = at[-1] == '/';

    if (!g_ascii_isalnum (*at) && *at != '-' && *at != '_' &&
        (begins || (*at != '.' && *at != '/')))
      return FALSE;
    n += *at == '/';
  }
  length = strcspn (stream, "/");
  if (n < 2 || n > MAX_COMPONENTS + 1 || strlen (raw) > MAX_LENGTH ||
      g_str_has_suffix (raw, "/") || length > MAX_STREAM_LENGTH ||
      memchr (stream, '.', length) != NULL)
    return FALSE;
  path->kind = MILL_ORIGIN_PATH_STREAM;
  path->stream = g_strndup (stream, length);
  path->file = g_strdup (stream + length + 1);
  return TRUE;
}

void
mill_origin_path_parse (const gchar *raw, MillOriginPath *ret_path)
{
  g_auto (GStrv) parts = NULL;

  *ret_path = (MillOriginPath){ .kind = MILL_ORIGIN_PATH_NONE };
  if (parse_plain (raw, ret_path))
    return;
  parts = split (raw);
  if (parts != NULL)
    parse_parts (parts, ret_path);
}

/* Reads digits; NULL when there are none, or too many. */
static const gchar *
parse_number (const gchar *at, guint64 *ret_value)
{
  const gchar *end = at + strspn (at, "0123456789");
  g_autofree gchar *digits = g_strndup (at, end - at);

  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64, ret_value, NULL))
    return NULL;
  return end;
}

/* {generation}-{n}; NULL when it does not begin so. */
static const gchar *
parse_pair (const gchar *name, guint64 *ret_generation, guint64 *ret_number)
{
  const gchar *at = parse_number (name, ret_generation);

  if (at == NULL || *at != '-')
    return NULL;
  return parse_number (at + 1, ret_number);
}

gboolean
mill_origin_path_parse_segment (const gchar *name, guint64 *ret_generation,
    guint64 *ret_number)
{
  const gchar *at = parse_pair (name, ret_generation, ret_number);

  return at != NULL &&
      (g_str_equal (at, ".m4s") || g_str_equal (at, ".vtt") ||
          g_str_equal (at, ".ts"));
}

gboolean
mill_origin_path_parse_part (const gchar *name, guint64 *ret_generation,
    guint64 *ret_number, guint32 *ret_part)
{
  const gchar *at = parse_pair (name, ret_generation, ret_number);
  guint64 part;

  if (at == NULL || *at != '.')
    return FALSE;
  at = parse_number (at + 1, &part);
  /* The last number stands for a whole segment. */
  if (at == NULL || !g_str_equal (at, ".m4s") || part >= G_MAXUINT32)
    return FALSE;
  *ret_part = (guint32) part;
  return TRUE;
}

static gboolean
is_sheet (const gchar *name)
{
  guint64 generation;
  guint64 start;
  const gchar *at = parse_pair (name, &generation, &start);

  return at != NULL && g_str_equal (at, ".jpg");
}

MillOriginFileKind
mill_origin_path_get_file_kind (const gchar *file)
{
  const gchar *slash = strrchr (file, '/');
  const gchar *name = slash != NULL ? slash + 1 : file;
  guint64 generation;
  guint64 number;
  guint32 part;

  if (g_str_has_suffix (name, ".m3u8"))
    return MILL_ORIGIN_FILE_PLAYLIST;
  if (g_str_equal (file, "steering.json"))
    return MILL_ORIGIN_FILE_STEERING;
  if (g_str_equal (file, "time"))
    return MILL_ORIGIN_FILE_CLOCK;
  if (g_str_equal (file, "poster.jpg"))
    return MILL_ORIGIN_FILE_POSTER;
  if (g_str_equal (file, "thumbnails.vtt"))
    return MILL_ORIGIN_FILE_THUMBNAILS;
  if (g_str_has_prefix (file, "thumbnails/") && is_sheet (name))
    return MILL_ORIGIN_FILE_SHEET;
  if (g_str_has_suffix (name, ".mpd"))
    return MILL_ORIGIN_FILE_MPD;
  if (g_str_has_prefix (name, "init-") && g_str_has_suffix (name, ".mp4"))
    return MILL_ORIGIN_FILE_INIT;
  if (mill_origin_path_parse_segment (name, &generation, &number))
    return MILL_ORIGIN_FILE_SEGMENT;
  if (mill_origin_path_parse_part (name, &generation, &number, &part))
    return MILL_ORIGIN_FILE_PART;
  if (g_str_has_suffix (name, ".m4s") || g_str_has_suffix (name, ".mp4"))
    return MILL_ORIGIN_FILE_OTHER;
  return MILL_ORIGIN_FILE_UNKNOWN;
}
