/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-gzip.h"

/* Playlists are text of few words: the lowest levels are nearly as small. */
#define LEVEL 4

struct _MillOriginGzip
{
  GHashTable *entries; /* name -> Entry */
  GQueue by_use; /* of Entry, the one used last in front */
  gsize size;
  gsize max_bytes;
};

typedef struct
{
  gchar *name;
  gchar *version;
  GBytes *compressed;
  GList link; /* in by_use */
} Entry;

static void
free_entry (Entry *entry)
{
  g_free (entry->name);
  g_free (entry->version);
  g_bytes_unref (entry->compressed);
  g_free (entry);
}

MillOriginGzip *
mill_origin_gzip_new (gsize max_bytes)
{
  MillOriginGzip *self = g_new0 (MillOriginGzip, 1);

  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      (GDestroyNotify) free_entry);
  g_queue_init (&self->by_use);
  self->max_bytes = max_bytes;
  return self;
}

void
mill_origin_gzip_free (MillOriginGzip *self)
{
  g_hash_table_unref (self->entries);
  g_free (self);
}

gsize
mill_origin_gzip_get_size (MillOriginGzip *self)
{
  return self->size;
}

static void
drop (MillOriginGzip *self, Entry *entry)
{
  self->size -= g_bytes_get_size (entry->compressed);
  g_queue_unlink (&self->by_use, &entry->link);
  g_hash_table_remove (self->entries, entry->name);
}

GBytes *
mill_origin_gzip_lookup (MillOriginGzip *self, const gchar *name,
    const gchar *version)
{
  Entry *entry = g_hash_table_lookup (self->entries, name);

  if (entry == NULL)
    return NULL;
  if (!g_str_equal (entry->version, version)) {
    drop (self, entry);
    return NULL;
  }
  g_queue_unlink (&self->by_use, &entry->link);
  g_queue_push_head_link (&self->by_use, &entry->link);
  return g_bytes_ref (entry->compressed);
}

static GBytes *
compress (GBytes *text)
{
  g_autoptr (GZlibCompressor) compressor =
      g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, LEVEL);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) stream =
      g_converter_output_stream_new (memory, G_CONVERTER (compressor));
  gsize size;
  gconstpointer data = g_bytes_get_data (text, &size);

  /* Into memory: there is nothing that could fail. */
  g_output_stream_write_all (stream, data, size, NULL, NULL, NULL);
  g_output_stream_close (stream, NULL, NULL);
  return g_memory_output_stream_steal_as_bytes (
      G_MEMORY_OUTPUT_STREAM (memory));
}

GBytes *
mill_origin_gzip_add (MillOriginGzip *self, const gchar *name,
    const gchar *version, GBytes *text)
{
  Entry *entry = g_hash_table_lookup (self->entries, name);

  if (entry != NULL)
    drop (self, entry);
  entry = g_new0 (Entry, 1);
  entry->name = g_strdup (name);
  entry->version = g_strdup (version);
  entry->compressed = compress (text);
  entry->link.data = entry;
  self->size += g_bytes_get_size (entry->compressed);
  g_hash_table_insert (self->entries, entry->name, entry);
  g_queue_push_head_link (&self->by_use, &entry->link);
  while (self->size > self->max_bytes && self->by_use.length > 1)
    drop (self, self->by_use.tail->data);
  return g_bytes_ref (entry->compressed);
}
