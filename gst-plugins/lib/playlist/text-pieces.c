/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/text-pieces.h"

/* The last piece is copied with every version, the others take a vector of a
 * write each: two megabytes are 128 of them. */
#define PIECE_BYTES (16u << 10)

struct _MillTextPieces
{
  GQueue closed; /* GBytes */
  GString *open;
  gsize begun; /* length of @open at mill_text_pieces_begin() */
  gsize skipped; /* bytes of the first piece that have left */
};

MillTextPieces *
mill_text_pieces_new (void)
{
  MillTextPieces *self = g_new0 (MillTextPieces, 1);

  g_queue_init (&self->closed);
  self->open = g_string_new (NULL);
  return self;
}

void
mill_text_pieces_free (MillTextPieces *self)
{
  g_queue_clear_full (&self->closed, (GDestroyNotify) g_bytes_unref);
  g_string_free (self->open, TRUE);
  g_free (self);
}

GString *
mill_text_pieces_begin (MillTextPieces *self)
{
  self->begun = self->open->len;
  return self->open;
}

gsize
mill_text_pieces_end (MillTextPieces *self)
{
  gsize added = self->open->len - self->begun;

  if (self->open->len >= PIECE_BYTES) {
    g_queue_push_tail (&self->closed,
        g_bytes_new (self->open->str, self->open->len));
    g_string_truncate (self->open, 0);
  }
  return added;
}

void
mill_text_pieces_remove_first (MillTextPieces *self, gsize n)
{
  GBytes *first;

  self->skipped += n;
  while ((first = g_queue_peek_head (&self->closed)) != NULL &&
      self->skipped >= g_bytes_get_size (first)) {
    self->skipped -= g_bytes_get_size (first);
    g_bytes_unref (g_queue_pop_head (&self->closed));
  }
  if (first != NULL)
    return;
  g_string_erase (self->open, 0, (gssize) MIN (self->skipped, self->open->len));
  self->skipped = 0;
}

void
mill_text_pieces_list (const MillTextPieces *self, GPtrArray *list)
{
  gsize skipped = self->skipped;

  for (const GList *at = self->closed.head; at != NULL; at = at->next) {
    GBytes *piece = at->data;

    g_ptr_array_add (list,
        g_bytes_new_from_bytes (piece, skipped,
            g_bytes_get_size (piece) - skipped));
    skipped = 0;
  }
  if (self->open->len > 0)
    g_ptr_array_add (list, g_bytes_new (self->open->str, self->open->len));
}

void
mill_text_pieces_copy (const MillTextPieces *self, GString *out)
{
  gsize skipped = self->skipped;

  for (const GList *at = self->closed.head; at != NULL; at = at->next) {
    gsize size;
    const gchar *data = g_bytes_get_data (at->data, &size);

    g_string_append_len (out, data + skipped, (gssize) (size - skipped));
    skipped = 0;
  }
  g_string_append_len (out, self->open->str, (gssize) self->open->len);
}
