/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "playlist/hls-media.h"

G_BEGIN_DECLS

/*
 * The segments of a media playlist that grows at its end and shrinks at its
 * front, kept as text: a segment is printed once, however often the playlist is
 * written and however long it is. One thread at a time.
 */
typedef struct _MillHlsListing MillHlsListing;

/** Returns: (transfer full) */
MillHlsListing *mill_hls_listing_new (void);
void mill_hls_listing_free (MillHlsListing *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillHlsListing, mill_hls_listing_free)

/** @segment: follows the last one; copied */
void mill_hls_listing_append (MillHlsListing *self,
    const MillHlsSegment *segment);

/** Forgets the first @n segments. What applied to those after them still does.
 */
void mill_hls_listing_remove_first (MillHlsListing *self, guint n);

/** Returns: how many segments it has */
guint mill_hls_listing_get_length (const MillHlsListing *self);

/** @head: of it @segments and @n_segments are not looked at
 * Returns: (transfer full)(element-type GBytes): the playlist in UTF-8, in
 * pieces that are shared with other versions of it and may be read by any
 * thread: one that is long costs no more than a short one */
GPtrArray *mill_hls_listing_print_pieces (const MillHlsListing *self,
    const MillHlsMedia *head);

/** Returns: (transfer full): the same as a whole */
GBytes *mill_hls_listing_print (const MillHlsListing *self,
    const MillHlsMedia *head);

G_END_DECLS
