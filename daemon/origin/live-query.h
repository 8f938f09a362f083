/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "playlist/hls-low-latency.h"

G_BEGIN_DECLS

/* The delivery directives in a query (RFC 8216bis 6.2.5). No I/O. */

typedef struct
{
  gboolean has_msn;
  guint64 msn;
  gboolean has_part; /* never without has_msn */
  guint32 part;
  MillHlsSkip skip;
  const gchar *wrong; /* nullable: which directive, and what was expected */
} MillLiveQuery;

/**
 * mill_live_query_parse:
 * @raw: (nullable): as in the request line, without '?'
 *
 * Parameters of other names are nobody's business here, and directives that are
 * not known are ignored. _HLS_skip of another value than YES and v2 is none.
 *
 * Returns: FALSE, with nothing but @wrong set, when the answer is 400: no decimal-integer, a directive given
 * twice, _HLS_part without _HLS_msn
 */
gboolean mill_live_query_parse (const gchar *raw, MillLiveQuery *ret_query);

G_END_DECLS
