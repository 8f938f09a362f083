/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp/amf0.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  MillAmf0Reader reader;
  mill_amf0_reader_init (&reader, data, size, 16);
  MillAmf0Value value;
  while (!mill_amf0_at_end (&reader) &&
      mill_amf0_read (&reader, &value, NULL)) {
    MillAmf0Value member;
    mill_amf0_lookup (&value, "app", &member);
    g_free (mill_amf0_dup_string (&value));
  }
  return 0;
}
