/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Whatever is accepted can be printed, and is saved as what was read. */

#include "cmaf-multivariant.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
print_all (const MillCmafState *state)
{
  g_autofree MillCmafBitrate *bitrates =
      g_new0 (MillCmafBitrate, state->renditions->len + 1);
  for (guint i = 0; i < state->renditions->len; i++)
    bitrates[i] = (MillCmafBitrate){ 1000, 1000, 100, 100 };
  MillCmafManifest manifest = {
    .state = state,
    .bitrates = bitrates,
    .segment_duration = GST_SECOND,
  };
  for (guint i = 0; i < state->renditions->len; i++)
    for (guint which = 0; which < MILL_CMAF_N_PLAYLISTS; which++)
      g_ptr_array_unref (mill_cmaf_manifest_hls_print (&manifest, i, which));
  g_bytes_unref (mill_cmaf_multivariant_print (&manifest));
  GBytes *mpd = mill_cmaf_manifest_mpd_print (&manifest, NULL);
  g_clear_pointer (&mpd, g_bytes_unref);
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) content = g_bytes_new (data, size);
  g_autoptr (MillCmafState) state = mill_cmaf_state_load (content, NULL);
  if (state == NULL)
    return 0;
  print_all (state);
  g_autoptr (GBytes) saved = mill_cmaf_state_save (state);
  g_autoptr (MillCmafState) again = mill_cmaf_state_load (saved, NULL);
  g_assert_nonnull (again);
  return 0;
}
