/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "engine.h"

/* What surrounds the tests that need the engine and GStreamer. */

static inline void
engine_test_init (int *argc, char ***argv)
{
  g_autoptr (GError) error = NULL;

  g_test_init (argc, argv, NULL);
  mill_engine_init (argc, argv, &error);
  g_assert_no_error (error);
}

/* Returns: what main() returns */
static inline gint
engine_test_run (void)
{
  const gint result = g_test_run ();

  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return result;
}
