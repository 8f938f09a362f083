/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * The slates that the switches of a process share. An operator would notice: a
 * file that was put where it was missing, and is not shown because another
 * stream still has the failure. */
#include <gst/gst.h>

#include "failover-slate.h"

static void
test_failed (void)
{
  const MillFailoverSlateFormat format = {
    .location = "/nonexistent/slate.png",
    .width = 320,
    .height = 180,
    .fps_n = 25,
    .fps_d = 1,
  };
  const gint64 limit_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  g_autoptr (MillFailoverSlate) first = mill_failover_slate_get (&format);

  while (mill_failover_slate_get_state (first) ==
      MILL_FAILOVER_SLATE_PREPARING) {
    g_assert_cmpint (g_get_monotonic_time (), <, limit_us);
    g_thread_yield ();
  }
  g_assert_cmpint (mill_failover_slate_get_state (first), ==,
      MILL_FAILOVER_SLATE_FAILED);
  /* Tried anew, though the first is kept. */
  g_autoptr (MillFailoverSlate) second = mill_failover_slate_get (&format);
  g_assert_true (second != first);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/failover-slate/failed", test_failed);
  return g_test_run ();
}
