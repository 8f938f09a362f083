/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/*
 * What caps say of a rendition. Any thread.
 */

/**
 * gst_cmaf_sink_caps_describe:
 * @ret_format: cleared by gst_cmaf_sink_caps_clear_format()
 * @ret_nal_length_size: bytes of a NAL unit's length; 0 for audio
 *
 * Errors: GST_STREAM_ERROR.FORMAT when the caps are not supported,
 * MILL_AVC_ERROR, MILL_AAC_ERROR
 */
gboolean gst_cmaf_sink_caps_describe (MillCmafKind kind, const GstCaps *caps,
    MillCmafLaneFormat *ret_format, guint *ret_nal_length_size, GError **error);

void gst_cmaf_sink_caps_clear_format (MillCmafLaneFormat *format);

G_END_DECLS
