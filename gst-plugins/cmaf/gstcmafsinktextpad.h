/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "gstcmafsinkpad.h"

G_BEGIN_DECLS

/*
 * A pad's text on its way to the packager, and captions in a pad's video. Streaming
 * thread of the pad. What is wrong is said by @element.
 */

/** @buffer: (transfer full): of a pad of text */
GstFlowReturn gst_cmaf_sink_text_pad_chain (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad, GstBuffer *buffer);

/** A pad of any kind has its end. */
void gst_cmaf_sink_text_pad_end (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad);

/** @ended has its end: if all media has, so has text that nobody brings. */
void gst_cmaf_sink_text_pad_end_absent (GstElement *element,
    MillCmafPackager *packager, GstPad *ended);

/** Looks for captions in @buffer, of a pad of video. */
void gst_cmaf_sink_text_pad_look (GstCmafSinkPad *pad,
    MillCmafPackager *packager, const MillCmafInput *input, GstBuffer *buffer);

G_END_DECLS
