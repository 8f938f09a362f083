/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A preset file is anybody's text: whatever it says, it is read in bounds, what
 * is refused has a reason, and what is taken has rungs in order and in range. */

#include "preset/ladder-preset.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillLadderPreset) preset =
      mill_ladder_preset_new_from_data ("fuzz.ini", (const gchar *) data, size,
          &error);
  guint height = 0;

  g_assert ((preset == NULL) == (error != NULL));
  if (preset == NULL) {
    g_assert_cmpstr (error->message, !=, "");
    return 0;
  }
  g_assert_cmpuint (preset->rungs->len, >, 0);
  g_assert_cmpuint (preset->rungs->len, <=, MILL_LADDER_RUNGS_MAX);
  for (guint i = 0; i < preset->rungs->len; i++) {
    const MillLadderRung *rung =
        &g_array_index (preset->rungs, MillLadderRung, i);

    g_assert_cmpuint (rung->height, >, height);
    g_assert_cmpuint (rung->height % 2, ==, 0);
    g_assert_cmpuint (rung->bitrate_bps, >=, MILL_LADDER_BITRATE_MIN);
    g_assert_cmpint (rung->max_fps_n, >=, 0);
    g_assert_cmpint (rung->max_fps_d, >, 0);
    height = rung->height;
  }
  return 0;
}
