/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/base/gstbasetransform.h>

#include "ladder-keyframes.h"
#include "preset/ladder-preset.h"

G_BEGIN_DECLS

/*
 * Lowers the frame rate by a whole factor: keeps every n-th frame, counted anew
 * from each keyframe, so that keyframes are always kept. (videorate counts from
 * the start of the stream and loses every second keyframe of an odd GOP.)
 * Timestamps are kept. A part of abrladder; has no factory.
 */

#define MILL_TYPE_LADDER_DROPPER (mill_ladder_dropper_get_type ())
G_DECLARE_FINAL_TYPE (MillLadderDropper, mill_ladder_dropper, MILL,
    LADDER_DROPPER, GstBaseTransform)

/* The factor follows from @rung and the source's frame rate.
 * Returns: (transfer floating) */
GstElement *mill_ladder_dropper_new (MillLadderKeyframes *keyframes,
    const MillLadderRung *rung);

G_END_DECLS
