/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/avc.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  MillAvcInfo info;
  if (mill_avc_parse_config (data, size, &info, NULL)) {
    g_assert (info.width > 0 && info.height > 0 && info.par_d > 0);
    g_autoptr (GPtrArray) sets =
        mill_avc_get_config_parameter_sets (data, size, NULL);
    g_autoptr (GBytes) again = mill_avc_build_config (sets, NULL);
    g_assert (again != NULL);
  }
  mill_avc_parse_sps (data, size, &info, NULL);
  for (guint length_size = 1; length_size <= 4; length_size++) {
    g_autoptr (GPtrArray) sets =
        mill_avc_list_parameter_sets (data, size, length_size);
    mill_avc_has_idr (data, size, length_size);
  }
  return 0;
}
