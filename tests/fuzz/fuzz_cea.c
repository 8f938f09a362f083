/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Captions in any access unit: the first byte says of which codec, and how long
 * the lengths of NAL units are. */

#include "codec/cea.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  MillCea cea = { 0 };
  if (size < 1)
    return 0;
  MillCodec codec = data[0] & 1 ? MILL_CODEC_HEVC : MILL_CODEC_AVC;
  guint length_size = 1 + (data[0] >> 1) % 4;
  mill_cea_scan (&cea, codec, length_size, data + 1, size - 1);
  /* What was found is found again, and no news. */
  MillCea again = cea;
  again.packet_size = 0;
  mill_cea_scan (&again, codec, length_size, data + 1, size - 1);
  g_assert_cmpuint (again.channels, ==, cea.channels);
  return 0;
}
