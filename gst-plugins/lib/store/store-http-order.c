/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-http-queue-private.h"

gboolean
mill_store_http_order_is_urgent (MillStoreHttpRank rank)
{
  return rank == MILL_STORE_HTTP_PLAYLIST || rank == MILL_STORE_HTTP_TOP ||
      rank == MILL_STORE_HTTP_PICTURES;
}

GQueue *
mill_store_http_order_choose_locked (MillStoreHttpQueue *self,
    MillStoreHttpRank rank)
{
  return mill_store_http_order_is_urgent (rank) ? &self->urgent : &self->others;
}

static gint
compare_sequence (gconstpointer a, gconstpointer b, gpointer user_data)
{
  guint64 first = ((const MillStoreHttpTransfer *) a)->sequence;
  guint64 second = ((const MillStoreHttpTransfer *) b)->sequence;

  return first < second ? -1 : first > second;
}

void
mill_store_http_order_insert_locked (MillStoreHttpQueue *self,
    MillStoreHttpTransfer *transfer)
{
  g_queue_insert_sorted (mill_store_http_order_choose_locked (self,
                             transfer->rank),
      transfer, compare_sequence, NULL);
}

void
mill_store_http_order_sort_locked (MillStoreHttpQueue *self,
    MillStoreHttpRank rank)
{
  g_queue_sort (mill_store_http_order_choose_locked (self, rank),
      compare_sequence, NULL);
}

static gboolean
is_flying_locked (MillStoreHttpQueue *self, const gchar *name)
{
  for (guint i = 0; i < self->flying->len; i++) {
    const MillStoreHttpTransfer *other = g_ptr_array_index (self->flying, i);
    if (g_str_equal (other->name, name))
      return TRUE;
  }
  return FALSE;
}

/* Whether a playlist, or with @tops also what else names objects, that came before
 * @sequence is still to be there. */
static gboolean
has_older_locked (MillStoreHttpQueue *self, guint64 sequence, gboolean tops)
{
  for (guint i = 0; i < self->flying->len; i++) {
    const MillStoreHttpTransfer *other = g_ptr_array_index (self->flying, i);
    if (other->sequence < sequence &&
        (other->rank == MILL_STORE_HTTP_PLAYLIST ||
            (tops && mill_store_http_order_is_urgent (other->rank))))
      return TRUE;
  }
  for (GList *at = self->urgent.head; at != NULL; at = at->next) {
    const MillStoreHttpTransfer *other = at->data;
    if (other->sequence >= sequence)
      return FALSE;
    if (tops || other->rank == MILL_STORE_HTTP_PLAYLIST)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_sheet (const MillStoreHttpTransfer *transfer)
{
  return transfer->rank == MILL_STORE_HTTP_MEDIA &&
      g_str_has_suffix (transfer->name, ".jpg");
}

/* Whether a picture is still to be there that the list of them may name. */
static gboolean
has_sheet_locked (MillStoreHttpQueue *self)
{
  for (guint i = 0; i < self->flying->len; i++)
    if (is_sheet (g_ptr_array_index (self->flying, i)))
      return TRUE;
  for (GList *at = self->others.head; at != NULL; at = at->next)
    if (is_sheet (at->data))
      return TRUE;
  return FALSE;
}

gboolean
mill_store_http_order_is_blocked_locked (MillStoreHttpQueue *self,
    const MillStoreHttpTransfer *transfer)
{
  if (is_flying_locked (self, transfer->name))
    return TRUE;
  if (transfer->rank == MILL_STORE_HTTP_PICTURES)
    return has_sheet_locked (self);
  if (transfer->rank == MILL_STORE_HTTP_TOP)
    return has_older_locked (self, transfer->sequence, FALSE);
  if (transfer->rank == MILL_STORE_HTTP_DELETE)
    return has_older_locked (self, transfer->sequence, TRUE);
  return FALSE;
}
