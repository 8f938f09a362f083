/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * Caps from the sequence headers of FLV, complete enough that nothing
 * downstream needs a parser.
 */

/* @data: an AVCDecoderConfigurationRecord, or an AudioSpecificConfig
 * @metadata: (nullable): onMetaData, for a frame rate that the SPS lacks
 * @ret_frame_duration: GST_CLOCK_TIME_NONE when frames have no fixed one
 * Returns: (transfer full) (nullable)
 * Errors: MILL_AVC_ERROR, MILL_AAC_ERROR */
GstCaps *mill_rtmp_caps_from_avc (GBytes *data, const GstStructure *metadata,
    GstClockTime *ret_frame_duration, GError **error);
GstCaps *mill_rtmp_caps_from_aac (GBytes *data,
    GstClockTime *ret_frame_duration, GError **error);

G_END_DECLS
