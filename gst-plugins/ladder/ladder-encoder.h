/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "ladder-keyframes.h"
#include "preset/ladder-preset.h"

G_BEGIN_DECLS

/*
 * H.264 encoders that make a keyframe where the ladder says, and nowhere else.
 *
 * GstForceKeyUnit events are no way to say it: the encoders of GStreamer 1.22
 * drop most of them when several are on the way. Instead a subclass of the
 * encoder's class is registered at run time, whose handle_frame() marks the
 * frame before the encoder sees it.
 */

/* @name: "auto" or a factory. Returns: the factory's name, or NULL.
 * Errors: INVALID for an encoder that is not supported, MISSING. */
const gchar *mill_ladder_encoder_find (const gchar *name, GError **error);

/* An encoder for one rung, with the preset's settings.
 * @preset: (nullable): defaults without
 * Returns: (transfer floating) (nullable)
 * Errors: INVALID for a setting of the preset, with its place; MISSING */
GstElement *mill_ladder_encoder_new (const gchar *factory,
    const MillLadderPreset *preset, MillLadderKeyframes *keyframes,
    GError **error);

void mill_ladder_encoder_set_bitrate (GstElement *encoder, guint bitrate_bps,
    guint threads);

G_END_DECLS
