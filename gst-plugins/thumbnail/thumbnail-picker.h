/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * An element inside of thumbnailer: of what comes it lets a picture pass every
 * interval, of encoded video a keyframe, and makes the decoder below give it
 * back at once, where it would wait for others to put it in order with.
 */
#define MILL_TYPE_THUMBNAIL_PICKER (mill_thumbnail_picker_get_type ())
G_DECLARE_FINAL_TYPE (MillThumbnailPicker, mill_thumbnail_picker, MILL,
    THUMBNAIL_PICKER, GstElement)

/** Called in the streaming thread for caps, before anything below has them.
 * Returns: FALSE when there is nothing to go on with */
typedef gboolean (*MillThumbnailCapsFunc) (GstCaps *caps, gpointer user_data);

/** @user_data: must live as long as the element. Returns: (transfer floating) */
GstElement *mill_thumbnail_picker_new (MillThumbnailCapsFunc on_caps,
    gpointer user_data);

/** @interval: ns, not 0; a picture is let pass at the first one at or after each
 * multiple of it, in running time */
void mill_thumbnail_picker_set_interval (MillThumbnailPicker *self,
    GstClockTime interval);

G_END_DECLS
