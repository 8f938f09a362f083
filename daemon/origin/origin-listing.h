/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/origin-files.h"

G_BEGIN_DECLS

/*
 * Which segments are complete. A packager appends to a segment for as long as
 * it lasts and lists it in its media playlist when it is whole, so that list,
 * not the file, says whether a viewer (and every cache on the way) may have
 * it. Main thread.
 */
typedef struct _MillOriginListing MillOriginListing;

typedef enum
{
  MILL_ORIGIN_LISTING_UNKNOWN, /* its rendition has no media playlist */
  MILL_ORIGIN_LISTING_PENDING, /* not listed yet, or listed as a gap */
  MILL_ORIGIN_LISTING_COMPLETE, /* listed, now or before */
} MillOriginListingState;

/** @files: outlives it. Returns: (transfer full) */
MillOriginListing *mill_origin_listing_new (MillOriginFiles *files);
void mill_origin_listing_free (MillOriginListing *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginListing, mill_origin_listing_free)

/** @file: of the segment, {rendition}/{generation}-{n}.m4s */
MillOriginListingState mill_origin_listing_look_up (MillOriginListing *self,
    const gchar *stream, const gchar *file);

G_END_DECLS
