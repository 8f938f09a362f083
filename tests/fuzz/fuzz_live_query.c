/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A query of a stranger: what is taken from it holds what the rules promise. */

#include "daemon/origin/live-query.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  /* libFuzzer passes NULL for nothing. */
  g_autofree gchar *text = size > 0 ? g_strndup ((const gchar *) data, size)
                                    : g_strdup ("");
  MillLiveQuery query;

  if (!mill_live_query_parse (text, &query)) {
    g_assert_false (query.has_msn || query.has_part);
    return 0;
  }
  g_assert_true (query.has_msn || !query.has_part);
  g_assert_cmpuint (query.msn, <=, G_MAXINT64);
  g_assert_cmpuint (query.part, <, G_MAXUINT32);
  g_assert_cmpuint (query.skip, <=, MILL_HLS_SKIP_DATE_RANGES);
  return 0;
}
