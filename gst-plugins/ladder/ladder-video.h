/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "ladder-keyframes.h"
#include "ladder-plan.h"

G_BEGIN_DECLS

/*
 * The elements of the ladder, made inside a bin: decoder, cascade of scalers,
 * encoders.
 *
 *   decoder -> queue -> scale -> pin -> tee -> [drop] -> encoder -> video_0
 *                                        +---> queue -> scale -> pin ... video_1
 *
 * A rung is one thread: its queue's. It gives the picture to the next rung
 * before it encodes. Functions run in the streaming thread of the source,
 * before its first frame.
 */

/* Puts a decoder into @bin that records keyframes.
 * Returns: (transfer full) (nullable): its sink pad; @ret_src is its source. */
GstPad *mill_ladder_video_add_decoder (GstBin *bin,
    MillLadderKeyframes *keyframes, GstPad **ret_src, GError **error);

/* Puts the rungs for a source with @caps into @bin, started.
 * @outputs: (element-type GstPad): gets the encoders' source pads (transfer
 *   full), highest rung first; with skip_top a source may be too small for any.
 * @ret_entry: (transfer full): the sink pad of it all, if there is an output */
gboolean mill_ladder_video_add_rungs (GstBin *bin, const MillLadderPlan *plan,
    MillLadderKeyframes *keyframes, const GstCaps *caps, GPtrArray *outputs,
    GstPad **ret_entry, GError **error);

/* Makes an element, adds it to @bin. Returns: (transfer none) (nullable) */
GstElement *mill_ladder_video_add_element (GstBin *bin, const gchar *factory,
    GError **error);

G_END_DECLS
