/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Any text as a media playlist: the low-latency version of it can be made, and
 * read again as a playlist of as many segments or more. */

#include "playlist/hls-low-latency.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check (const MillHlsPlain *plain, MillHlsSkip skip)
{
  const MillHlsPart part = { .duration_ns = 500000000, .independent = TRUE };
  const MillHlsLiveSegment segment = {
    .generation = 3,
    .number = mill_hls_plain_get_next (plain),
    .duration_ns = 500000000,
    .complete = TRUE,
    .parts = &part,
    .n_parts = 1,
  };
  const MillHlsLowLatency live = {
    .part_target_ns = 500000000,
    .hold_target_ns = 500000000,
    .segments = &segment,
    .n_segments = 1,
    .skip = skip,
  };
  g_autoptr (GBytes) text = mill_hls_low_latency_print (plain, &live);
  g_autoptr (MillHlsPlain) again = mill_hls_plain_parse (text);

  g_assert_nonnull (again);
  g_assert_cmpint (again->ended, ==, plain->ended);
  if (skip == MILL_HLS_SKIP_NONE)
    g_assert_cmpuint (again->segments->len, ==,
        plain->segments->len + !plain->ended);
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) text = g_bytes_new (data, size);
  g_autoptr (MillHlsPlain) plain = mill_hls_plain_parse (text);
  g_autoptr (GPtrArray) list = mill_hls_plain_list_playlists (text);

  for (guint i = 0; i < list->len; i++)
    g_assert_cmpuint (strlen (list->pdata[i]), <=, size);
  for (MillHlsSkip skip = MILL_HLS_SKIP_NONE;
       plain != NULL && skip <= MILL_HLS_SKIP_DATE_RANGES; skip++)
    check (plain, skip);
  return 0;
}
