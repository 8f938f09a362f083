/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-segment.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (data, size, NULL);
  g_autoptr (MillBmffSegment) segment =
      mill_bmff_segment_parse (data, size, init);
  g_assert (segment->complete_size <= size);
  g_assert ((segment->rest_error == NULL) == (segment->complete_size == size));
  for (guint i = 0; i < segment->samples->len; i++) {
    const MillBmffSegmentSample *sample =
        &g_array_index (segment->samples, MillBmffSegmentSample, i);
    g_assert (sample->offset + sample->size <= segment->complete_size);
  }
  return 0;
}
