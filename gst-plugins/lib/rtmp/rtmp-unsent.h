/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Bytes that wait for the socket, at the end of an array that begins with some
 * that were sent. Behind a peer that is always a little slow there are some at
 * every moment, for hours: what was sent is let go of even so.
 */

/* Another @size bytes behind the first @n_sent are sent. Moves each byte that
 * is left once for one that was sent, at most.
 * Returns: how many sent ones @bytes begins with now */
static inline gsize
mill_rtmp_unsent_drop (GByteArray *bytes, gsize n_sent, gsize size)
{
  n_sent += size;
  if (n_sent < bytes->len - n_sent)
    return n_sent;
  g_byte_array_remove_range (bytes, 0, (guint) n_sent);
  return 0;
}

G_END_DECLS
