/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"
#include "gstcmafmedia.h"

G_BEGIN_DECLS

/*
 * What comes into a pad of text, as cues. Streaming thread of the pad.
 */

typedef enum
{
  GST_CMAF_SINK_TEXT_NONE,
  GST_CMAF_SINK_TEXT_PLAIN,
  GST_CMAF_SINK_TEXT_PANGO,
  GST_CMAF_SINK_TEXT_WEBVTT,
  GST_CMAF_SINK_TEXT_TTML,
  GST_CMAF_SINK_TEXT_ASS,
} GstCmafSinkTextFormat;

/**
 * GstCmafSinkText:
 * @is_file: what comes are the bytes of a file; its end tells that it is there
 * @file: (nullable): of it
 */
typedef struct
{
  GstCmafSinkTextFormat format;
  gboolean is_file;
  gboolean failure_told;
  GByteArray *file;
} GstCmafSinkText;

/** Where the cues go, and what their times mean. */
typedef struct
{
  MillCmafPackager *packager;
  MillCmafLane *lane;
  const GstCmafMedia *media;
} GstCmafSinkTextTarget;

/** Frees what @self has, not itself. */
void gst_cmaf_sink_text_clear (GstCmafSinkText *self);

/** What has come of a file is of no use any more. */
void gst_cmaf_sink_text_flush (GstCmafSinkText *self);

/** Returns: FALSE for what is not text that is read here */
gboolean gst_cmaf_sink_text_set_caps (GstCmafSinkText *self,
    const GstCaps *caps);

/** @ret_format: cleared by gst_cmaf_sink_caps_clear_format() */
void gst_cmaf_sink_text_describe (const GstCmafSinkText *self,
    MillCmafLaneFormat *ret_format);

/** @buffer: (transfer full)
 * Returns: GST_FLOW_OK also with an error: something was left out
 * Errors: MILL_TEXT_TTML_ERROR */
GstFlowReturn gst_cmaf_sink_text_push (GstCmafSinkText *self,
    const GstCmafSinkTextTarget *target, GstBuffer *buffer, GError **error);

/** Nothing more comes: a file is whole. Errors: MILL_TEXT_TTML_ERROR */
gboolean gst_cmaf_sink_text_end (GstCmafSinkText *self,
    const GstCmafSinkTextTarget *target, GError **error);

/** Whether anything can come to @pad, or has: there is a source at the other end
 * of the elements before it. Any thread. */
gboolean gst_cmaf_sink_text_is_fed (GstPad *pad);

G_END_DECLS
