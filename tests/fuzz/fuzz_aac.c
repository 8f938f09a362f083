/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/aac.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  MillAacInfo info;
  if (mill_aac_parse_config (data, size, &info, NULL)) {
    g_autofree gchar *codec = mill_aac_get_codec_string (&info);
    g_assert (info.channels > 0 && info.sample_rate > 0);
  }
  return 0;
}
