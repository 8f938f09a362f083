/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * MillSlidingList: a row of elements that grows at its end and shrinks at its
 * front, both in constant time however long it is (on average: what has left
 * the front is taken out of memory when it is half of it)
 * @data, @len: as of a GArray, so that g_array_index() does; to be read only
 *
 * Elements are copied byte by byte, and what they own is their owner's. One
 * thread at a time.
 */
typedef struct
{
  gchar *data;
  guint len;
  /*< private >*/
  GArray *array;
  guint start;
} MillSlidingList;

/** Returns: (transfer full) */
MillSlidingList *mill_sliding_list_new (guint element_size);
void mill_sliding_list_free (MillSlidingList *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillSlidingList, mill_sliding_list_free)

/** @element: copied. Pointers into the list are good no longer. */
void mill_sliding_list_append (MillSlidingList *self, gconstpointer element);

/** Forgets the first @n, at most all. Pointers into the list are good no
 * longer. */
void mill_sliding_list_remove_first (MillSlidingList *self, guint n);

/** Forgets all but the first @n, of which it has as many. */
void mill_sliding_list_truncate (MillSlidingList *self, guint n);

G_END_DECLS
