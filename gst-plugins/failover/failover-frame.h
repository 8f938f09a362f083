/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "failover-timeline.h"

G_BEGIN_DECLS

/**
 * MillFailoverFrame:
 * @caps: of the track at this frame
 */
typedef struct
{
  MillFailoverStamp stamp;
  GstBuffer *buffer;
  GstCaps *caps;
} MillFailoverFrame;

/* @buffer, @caps: (transfer none): referenced */
void mill_failover_frame_copy (MillFailoverFrame *to,
    const MillFailoverFrame *from);
void mill_failover_frame_clear (MillFailoverFrame *frame);

G_END_DECLS
