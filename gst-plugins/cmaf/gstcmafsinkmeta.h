/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/*
 * Pads of timed metadata: ID3 tags with a time. They are no renditions: nothing
 * waits for them, and the stream does not end with them.
 */

#define GST_CMAF_SINK_META_CAPS "meta/x-id3"
#define GST_CMAF_SINK_META_TEMPLATE "meta_%u"

/** @name: (transfer none): of the pad
 * @ref_packager: (transfer full)(nullable) of the element's, as it is now
 * Returns: (transfer floating) */
GstPad *gst_cmaf_sink_meta_new_pad (GstPadTemplate *template, const gchar *name,
    MillCmafPackager *(*ref_packager) (GstElement *) );

G_END_DECLS
