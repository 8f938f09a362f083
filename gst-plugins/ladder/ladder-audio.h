/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The audio of a ladder, made inside a bin: AAC is passed through, anything
 * else is decoded and encoded once.
 */

gboolean mill_ladder_audio_is_aac (const GstCaps *caps);

/* @bitrate_bps: of an encoder; AAC that comes stays as it is.
 * @ret_src: (transfer full)
 * Returns: (transfer full) (nullable): the sink pad
 * Errors: MISSING, FAILED, INVALID for caps that no decoder is known for */
GstPad *mill_ladder_audio_add (GstBin *bin, const GstCaps *caps,
    guint bitrate_bps, GstPad **ret_src, GError **error);

G_END_DECLS
