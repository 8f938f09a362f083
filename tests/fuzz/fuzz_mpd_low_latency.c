/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What is made of any text is one XML document again. */

#include "playlist/mpd-low-latency.h"
#include "playlist/mpd-tree-private.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const MillMpdLowLatency options = { 200000000, "time" };
  g_autoptr (GBytes) plain = g_bytes_new (data, size);
  g_autoptr (GBytes) made =
      mill_mpd_low_latency_make (plain, &options, NULL, NULL);
  if (made == NULL)
    return 0;
  g_autoptr (MillMpdNode) again = mill_mpd_tree_read (made, NULL);
  g_assert_nonnull (again);
  return 0;
}
