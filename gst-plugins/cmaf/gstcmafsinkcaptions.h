/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"
#include "codec/cea.h"

G_BEGIN_DECLS

/*
 * Looks for captions inside of the video of a pad: in every picture of the first
 * ten seconds, then in those that decoding can begin at. Streaming thread of
 * the pad.
 */
typedef struct
{
  MillCea found;
  GstClockTimeDiff until; /* NONE before the first picture */
} GstCmafSinkCaptions;

/** Returns: whether a picture that came with @input is to be looked into */
static inline gboolean
gst_cmaf_sink_captions_wants (const GstCmafSinkCaptions *self,
    const MillCmafInput *input)
{
  return input->sync || input->pts < self->until ||
      !GST_CLOCK_STIME_IS_VALID (self->until);
}

/** Returns: (transfer full)(nullable): what is known of captions, when it is
 * news; see cmaf-captions.h */
gchar *gst_cmaf_sink_captions_look (GstCmafSinkCaptions *self,
    const MillCodecInfo *codec, const MillCmafInput *input, GstBuffer *buffer);

G_END_DECLS
