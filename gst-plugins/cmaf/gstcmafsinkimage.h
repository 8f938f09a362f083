/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/*
 * Pads of pictures beside the media: sheets of thumbnails, as thumbnailer makes
 * them, and a poster. They are no renditions: nothing live waits for them; of a
 * file, the end does.
 */

#define GST_CMAF_SINK_IMAGE_CAPS "image/jpeg"
#define GST_CMAF_SINK_IMAGE_TEMPLATE "image_%u"

/** @name: (transfer none): of the pad
 * @ref_packager: (transfer full)(nullable) of the element's, as it is now
 * Returns: (transfer floating) */
GstPad *gst_cmaf_sink_image_new_pad (GstPadTemplate *template,
    const gchar *name, MillCmafPackager *(*ref_packager) (GstElement *) );

G_END_DECLS
