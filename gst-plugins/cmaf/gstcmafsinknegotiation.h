/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "gstcmafsinkpad.h"

G_BEGIN_DECLS

/*
 * What comes before a pad's media: caps and tags become a format of its lane.
 * Streaming thread of the pad. Errors are posted by @element.
 */

/** Lists a pad of text, whatever it will have.
 * Returns: FALSE when its properties are refused, which a message says */
gboolean gst_cmaf_sink_negotiation_announce_text (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad);

/** Returns: FALSE when the caps are refused, which an error message says */
gboolean gst_cmaf_sink_negotiation_set_caps (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad, const GstCaps *caps);

/** For a pad that is incomplete: looks for the rest of the format in @buffer.
 * Returns: GST_FLOW_OK also when it is not there yet */
GstFlowReturn gst_cmaf_sink_negotiation_complete (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad, GstBuffer *buffer);

/** Takes the language, the orientation and the bit rate; the format is told again
 * where they change it. */
void gst_cmaf_sink_negotiation_set_tags (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad, const GstTagList *tags);

G_END_DECLS
