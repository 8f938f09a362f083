/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-listing.h"

#include "playlist/hls-media-private.h"
#include "playlist/sliding-list.h"
#include "playlist/text-pieces.h"

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

struct _MillHlsListing
{
  MillTextPieces *text;
  MillSlidingList *entries; /* Entry */
  guint n_maps; /* entries that have a map */
};

MillHlsListing *
mill_hls_listing_new (void)
{
  MillHlsListing *self = g_new0 (MillHlsListing, 1);

  self->text = mill_text_pieces_new ();
  self->entries = mill_sliding_list_new (sizeof (Entry));
  return self;
}

static const Entry *
entry_at (const MillHlsListing *self, guint i)
{
  return &g_array_index (self->entries, Entry, i);
}

void
mill_hls_listing_free (MillHlsListing *self)
{
  mill_hls_listing_remove_first (self, self->entries->len);
  mill_text_pieces_free (self->text);
  mill_sliding_list_free (self->entries);
  g_free (self);
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
  const Entry *last =
      self->entries->len > 0 ? entry_at (self, self->entries->len - 1) : NULL;
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
  mill_hls_media_append_segment (mill_text_pieces_begin (self->text), segment,
      entry.has_map);
  entry.length = (guint32) mill_text_pieces_end (self->text);
  self->n_maps += entry.map != NULL;
  mill_sliding_list_append (self->entries, &entry);
}

void
mill_hls_listing_remove_first (MillHlsListing *self, guint n)
{
  guint count = MIN (n, self->entries->len);
  gsize length = 0;

  for (guint i = 0; i < count; i++) {
    const Entry *entry = entry_at (self, i);

    length += entry->length;
    self->n_maps -= entry->map != NULL;
    if (entry->map != NULL)
      g_ref_string_release (entry->map);
  }
  mill_sliding_list_remove_first (self->entries, count);
  mill_text_pieces_remove_first (self->text, length);
}

guint
mill_hls_listing_get_length (const MillHlsListing *self)
{
  return self->entries->len;
}

GPtrArray *
mill_hls_listing_print_pieces (const MillHlsListing *self,
    const MillHlsMedia *head)
{
  static const gchar end[] = "#EXT-X-ENDLIST\n";
  GPtrArray *pieces =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GString *begin = g_string_new (NULL);

  mill_hls_media_append_head (begin, head, self->n_maps > 0);
  if (self->entries->len > 0) {
    const Entry *first = entry_at (self, 0);

    if (first->map != NULL && !first->has_map)
      g_string_append (begin, first->map);
  }
  g_ptr_array_add (pieces, g_string_free_to_bytes (begin));
  mill_text_pieces_list (self->text, pieces);
  if (head->ended || head->kind == MILL_HLS_VOD)
    g_ptr_array_add (pieces, g_bytes_new_static (end, sizeof (end) - 1));
  return pieces;
}

GBytes *
mill_hls_listing_print (const MillHlsListing *self, const MillHlsMedia *head)
{
  g_autoptr (GPtrArray) pieces = mill_hls_listing_print_pieces (self, head);
  GString *whole = g_string_new (NULL);

  for (guint i = 0; i < pieces->len; i++) {
    gsize size;
    const gchar *data = g_bytes_get_data (pieces->pdata[i], &size);

    g_string_append_len (whole, data, (gssize) size);
  }
  return g_string_free_to_bytes (whole);
}
