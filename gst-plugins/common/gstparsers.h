/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * Parsers in front of a muxer, which the first caps of a pad choose. The table of
 * codecs is each element's own: what its container takes.
 *
 * Threads: any; the bin is the caller's to guard.
 */

/**
 * gst_parsers_takes:
 * @wanted: caps of an entry, "video/…" or "audio/…"
 * @is_video: whether the pad is one of video, which takes no sound by mistake
 * @caps: what has come
 *
 * Returns: whether the entry is the one for @caps
 */
gboolean gst_parsers_takes (const gchar *wanted, gboolean is_video,
    const GstCaps *caps);

/**
 * gst_parsers_add:
 * @bin: where it goes; unlinked, its state is left to the caller
 * @pad: for whom, named in the error
 * @description: of gst-launch-1.0
 *
 * Returns: (transfer none) (nullable): the element, with pads "sink" and "src";
 * NULL: a plugin is missing, and @bin has posted CORE.MISSING_PLUGIN
 */
GstElement *gst_parsers_add (GstBin *bin, GstPad *pad,
    const gchar *description);

G_END_DECLS
