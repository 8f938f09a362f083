/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "cmaf-presentation.h"

G_BEGIN_DECLS

/*
 * The properties of cmafsink that say something of the stream as a whole, as
 * values, and what the packager makes of them.
 */

/* Where players begin is not said. */
#define GST_CMAF_SINK_PRESENTATION_NO_START G_MININT

/**
 * GstCmafSinkPresentation:
 * @session_data: GST_TYPE_ARRAY of structures: id, value or uri, raw, language
 * @pathways: GST_TYPE_ARRAY of structures: id, uri
 */
typedef struct
{
  gint start_offset_ms;
  gboolean start_precise;
  GValue session_data;
  GValue pathways;
  gchar *steering_uri;
} GstCmafSinkPresentation;

/** With the values of properties that nobody has set. */
void gst_cmaf_sink_presentation_init (GstCmafSinkPresentation *self);
void gst_cmaf_sink_presentation_clear (GstCmafSinkPresentation *self);

/** Returns: (transfer full)(nullable): NULL with @error when a value is not what
 * a playlist may say */
MillCmafPresentation *
gst_cmaf_sink_presentation_build (const GstCmafSinkPresentation *self,
    GError **error);

G_END_DECLS
