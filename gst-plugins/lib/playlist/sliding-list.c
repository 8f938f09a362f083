/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/sliding-list.h"

static void
show (MillSlidingList *self)
{
  gsize offset = (gsize) self->start * g_array_get_element_size (self->array);

  /* An array that never had an element has no memory either. */
  self->data = offset > 0 ? self->array->data + offset : self->array->data;
  self->len = self->array->len - self->start;
}

MillSlidingList *
mill_sliding_list_new (guint element_size)
{
  MillSlidingList *self = g_new0 (MillSlidingList, 1);

  self->array = g_array_new (FALSE, FALSE, element_size);
  show (self);
  return self;
}

void
mill_sliding_list_free (MillSlidingList *self)
{
  g_array_unref (self->array);
  g_free (self);
}

void
mill_sliding_list_append (MillSlidingList *self, gconstpointer element)
{
  g_array_append_vals (self->array, element, 1);
  show (self);
}

void
mill_sliding_list_remove_first (MillSlidingList *self, guint n)
{
  self->start += MIN (n, self->len);
  if (self->start * 2 > self->array->len) {
    g_array_remove_range (self->array, 0, self->start);
    self->start = 0;
  }
  show (self);
}

void
mill_sliding_list_truncate (MillSlidingList *self, guint n)
{
  g_return_if_fail (n <= self->len);

  g_array_set_size (self->array, self->start + n);
  show (self);
}
