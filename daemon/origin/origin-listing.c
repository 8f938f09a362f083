/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-listing.h"

#include <string.h>

#include "daemon/origin/origin-path.h"

#define PLAYLIST "playlist.m3u8"

/* Renditions remembered: beyond it all are forgotten, and read again. */
#define MAX_RENDITIONS 4096

/* A day of 2 s segments is 43,200 lines of some 100 bytes. */
#define MAX_PLAYLIST_BYTES (16 * 1024 * 1024)

struct _MillOriginListing
{
  MillOriginFiles *files; /* not owned */
  GHashTable *renditions; /* "stream/rendition" -> Rendition */
};

typedef struct
{
  gchar *version; /* of the playlist */
  gboolean has_last;
  guint64 last_generation;
  guint64 last_number;
  GHashTable *gaps; /* names of segments that are missing */
} Rendition;

static void
free_rendition (Rendition *rendition)
{
  g_free (rendition->version);
  g_hash_table_unref (rendition->gaps);
  g_free (rendition);
}

MillOriginListing *
mill_origin_listing_new (MillOriginFiles *files)
{
  MillOriginListing *self = g_new0 (MillOriginListing, 1);

  self->files = files;
  self->renditions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) free_rendition);
  return self;
}

void
mill_origin_listing_free (MillOriginListing *self)
{
  g_hash_table_unref (self->renditions);
  g_free (self);
}

static void
add_segment (Rendition *rendition, const gchar *name, gboolean is_gap)
{
  if (!mill_origin_path_parse_segment (name, &rendition->last_generation,
          &rendition->last_number))
    return;
  rendition->has_last = TRUE;
  if (is_gap)
    g_hash_table_add (rendition->gaps, g_strdup (name));
}

static void
parse_playlist (Rendition *rendition, GBytes *text)
{
  gsize size;
  const gchar *at = g_bytes_get_data (text, &size);
  const gchar *end = at + size;
  gboolean is_gap = FALSE;

  while (at < end) {
    const gchar *line_end = memchr (at, '\n', end - at);
    gsize length = (line_end != NULL ? line_end : end) - at;
    gchar line[64];

    /* Longer lines are tags or names that are not of this kind. */
    g_strlcpy (line, "", sizeof (line));
    if (length > 0 && length < sizeof (line)) {
      memcpy (line, at, length);
      line[length] = '\0';
      g_strchomp (line);
    }
    if (g_str_equal (line, "#EXT-X-GAP")) {
      is_gap = TRUE;
    } else if (length > 0 && *at != '#') {
      add_segment (rendition, line, is_gap);
      is_gap = FALSE;
    }
    at += length + 1;
  }
}

static Rendition *
read_rendition (MillOriginFile *file)
{
  GBytes *text;
  Rendition *rendition;

  if (file->size > MAX_PLAYLIST_BYTES)
    return NULL;
  text = mill_origin_file_get_text (file);
  if (text == NULL)
    return NULL;
  rendition = g_new0 (Rendition, 1);
  rendition->version = g_strdup (file->version);
  rendition->gaps =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  parse_playlist (rendition, text);
  return rendition;
}

/* The newest version of the media playlist in @directory; NULL for none. */
static Rendition *
get_rendition (MillOriginListing *self, const gchar *stream,
    const gchar *directory)
{
  g_autofree gchar *key = g_strconcat (stream, "/", directory, NULL);
  g_autofree gchar *name = g_strconcat (directory, PLAYLIST, NULL);
  MillOriginFile *file = mill_origin_files_get (self->files, stream, name);
  Rendition *rendition = g_hash_table_lookup (self->renditions, key);

  if (file == NULL) {
    g_hash_table_remove (self->renditions, key);
    return NULL;
  }
  if (rendition != NULL && g_str_equal (rendition->version, file->version)) {
    mill_origin_files_release (file);
    return rendition;
  }
  if (g_hash_table_size (self->renditions) >= MAX_RENDITIONS)
    g_hash_table_remove_all (self->renditions);
  rendition = read_rendition (file);
  mill_origin_files_release (file);
  if (rendition == NULL)
    g_hash_table_remove (self->renditions, key);
  else
    g_hash_table_replace (self->renditions, g_steal_pointer (&key), rendition);
  return rendition;
}

MillOriginListingState
mill_origin_listing_look_up (MillOriginListing *self, const gchar *stream,
    const gchar *file)
{
  const gchar *slash = strrchr (file, '/');
  const gchar *name = slash != NULL ? slash + 1 : file;
  g_autofree gchar *directory = g_strndup (file, name - file);
  Rendition *rendition = get_rendition (self, stream, directory);
  guint64 generation;
  guint64 number;

  if (rendition == NULL ||
      !mill_origin_path_parse_segment (name, &generation, &number))
    return MILL_ORIGIN_LISTING_UNKNOWN;
  if (!rendition->has_last || generation > rendition->last_generation ||
      (generation == rendition->last_generation &&
          number > rendition->last_number) ||
      g_hash_table_contains (rendition->gaps, name))
    return MILL_ORIGIN_LISTING_PENDING;
  return MILL_ORIGIN_LISTING_COMPLETE;
}
