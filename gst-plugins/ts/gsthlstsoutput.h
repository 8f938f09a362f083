/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "ts-packager.h"

G_BEGIN_DECLS

/*
 * The end of one transport stream inside a hlstssink: what its muxer makes goes
 * to a lane of the packager.
 */

#define GST_TYPE_HLS_TS_OUTPUT (gst_hls_ts_output_get_type ())
G_DECLARE_FINAL_TYPE (GstHlsTsOutput, gst_hls_ts_output, GST, HLS_TS_OUTPUT,
    GstElement)

/** @pad: of the bin, by which a successor knows the rendition */
GstElement *gst_hls_ts_output_new (const gchar *pad, MillCmafKind kind);

/** While it does not run. @packager: (transfer none)(nullable): none any more */
void gst_hls_ts_output_set_packager (GstHlsTsOutput *self,
    MillTsPackager *packager);

/** Returns: (transfer none)(nullable) */
MillTsPackager *gst_hls_ts_output_get_packager (GstHlsTsOutput *self);
MillTsLane *gst_hls_ts_output_get_lane (GstHlsTsOutput *self);

G_END_DECLS
