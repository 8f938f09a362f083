/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-listing.h"

#include "playlist/hls-media-private.h"

/**
 * @length: of its text
 * @map: (nullable): EXT-X-MAP that applies to it, interned
 * @has_map: which is in its own text
 */
typedef struct
{
  guint32 length;
  gboolean has_map;
  gchar *map; /* GRefString */
} Entry;

/* What has left the front is taken out of memory when it is half of it, so that
 * a segment costs the same in a playlist of any length. */
struct _MillHlsListing
{
  GString *text;
  gsize text_start;
  GArray *entries; /* Entry */
  guint first;
  guint n_maps; /* entries that have a map */
};

static void
clear_entry (gpointer data)
{
  g_clear_pointer (&((Entry *) data)->map, g_ref_string_release);
}

MillHlsListing *
mill_hls_listing_new (void)
{
  MillHlsListing *self = g_new0 (MillHlsListing, 1);

  self->text = g_string_new (NULL);
  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (self->entries, clear_entry);
  return self;
}

void
mill_hls_listing_free (MillHlsListing *self)
{
  g_string_free (self->text, TRUE);
  g_array_unref (self->entries);
  g_free (self);
}

static const Entry *
entry_at (const MillHlsListing *self, guint i)
{
  return &g_array_index (self->entries, Entry, i);
}

static gchar *
intern_map (const MillHlsSegment *segment)
{
  g_autoptr (GString) map = g_string_new (NULL);

  mill_hls_media_append_map (map, segment);
  return g_ref_string_new_intern (map->str);
}

void
mill_hls_listing_append (MillHlsListing *self, const MillHlsSegment *segment)
{
  const Entry *last = self->entries->len > self->first
      ? entry_at (self, self->entries->len - 1)
      : NULL;
  gsize start = self->text->len;
  Entry entry = { 0 };

  if (segment->init_uri != NULL) {
    entry.map = intern_map (segment);
    /* It applies until the next one (clause 4.4.4.5); players forget it at a
     * discontinuity. Interned text is equal when it is the same. */
    entry.has_map = last == NULL || last->map != entry.map ||
        (segment->flags & MILL_HLS_SEGMENT_DISCONTINUITY) != 0;
  } else if (last != NULL && last->map != NULL) {
    entry.map = g_ref_string_acquire (last->map);
  }
  mill_hls_media_append_segment (self->text, segment, entry.has_map);
  entry.length = (guint32) (self->text->len - start);
  self->n_maps += entry.map != NULL;
  g_array_append_val (self->entries, entry);
}

void
mill_hls_listing_remove_first (MillHlsListing *self, guint n)
{
  for (; n > 0 && self->first < self->entries->len; n--) {
    const Entry *entry = entry_at (self, self->first++);

    self->text_start += entry->length;
    self->n_maps -= entry->map != NULL;
  }
  if (self->first * 2 > self->entries->len) {
    g_array_remove_range (self->entries, 0, self->first);
    self->first = 0;
    g_string_erase (self->text, 0, (gssize) self->text_start);
    self->text_start = 0;
  }
}

guint
mill_hls_listing_get_length (const MillHlsListing *self)
{
  return self->entries->len - self->first;
}

GBytes *
mill_hls_listing_print (const MillHlsListing *self, const MillHlsMedia *head)
{
  gsize length = self->text->len - self->text_start;
  GString *out = g_string_sized_new (length + 512);

  mill_hls_media_append_head (out, head, self->n_maps > 0);
  if (mill_hls_listing_get_length (self) > 0) {
    const Entry *first = entry_at (self, self->first);

    if (first->map != NULL && !first->has_map)
      g_string_append (out, first->map);
  }
  g_string_append_len (out, self->text->str + self->text_start,
      (gssize) length);
  if (head->ended || head->kind == MILL_HLS_VOD)
    g_string_append (out, "#EXT-X-ENDLIST\n");
  return g_string_free_to_bytes (out);
}
