/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Conditions and ranges of a request (RFC 9110 13 and 14). No I/O. */

typedef enum
{
  MILL_ORIGIN_RANGE_WHOLE, /* no range, or one to be ignored: answer 200 */
  MILL_ORIGIN_RANGE_PART, /* answer 206 */
  MILL_ORIGIN_RANGE_UNSATISFIABLE, /* answer 416 */
} MillOriginRange;

/**
 * mill_origin_range_parse:
 * @header: (nullable): value of Range
 * @total: bytes in the representation
 *
 * A row of several ranges is ignored, as 14.2 allows: no player asks for one.
 * @ret_offset, @ret_length: set for MILL_ORIGIN_RANGE_PART
 */
MillOriginRange mill_origin_range_parse (const gchar *header, guint64 total,
    guint64 *ret_offset, guint64 *ret_length);

/** @header: (nullable): value of If-None-Match. @etag: with its quotes.
 * Returns: whether to answer 304 (weak comparison, 13.1.2) */
gboolean mill_origin_range_matches (const gchar *header, const gchar *etag);

/** @header: (nullable): value of Accept-Encoding. Returns: whether gzip may be
 * sent (12.5.3) */
gboolean mill_origin_range_accepts_gzip (const gchar *header);

G_END_DECLS
