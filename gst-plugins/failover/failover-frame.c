/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-frame.h"

void
mill_failover_frame_copy (MillFailoverFrame *to, const MillFailoverFrame *from)
{
  *to = *from;
  gst_buffer_ref (to->buffer);
  gst_caps_ref (to->caps);
}

void
mill_failover_frame_clear (MillFailoverFrame *frame)
{
  gst_clear_buffer (&frame->buffer);
  gst_clear_caps (&frame->caps);
}
