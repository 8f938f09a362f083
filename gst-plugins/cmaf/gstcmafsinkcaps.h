/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/*
 * What caps say of a rendition, and what only its frames do. Any thread.
 */

#define GST_CMAF_SINK_CAPS_VIDEO                            \
  "video/x-h264, stream-format = (string) avc, "            \
  "alignment = (string) au; "                               \
  "video/x-h265, stream-format = (string) { hvc1, hev1 }, " \
  "alignment = (string) au; "                               \
  "video/x-av1, stream-format = (string) obu-stream, "      \
  "alignment = (string) tu; "                               \
  "video/x-vp9, alignment = (string) super-frame"

#define GST_CMAF_SINK_CAPS_AUDIO                                       \
  "audio/mpeg, mpegversion = (int) 4, stream-format = (string) raw; "  \
  "audio/mpeg, mpegversion = (int) 1, layer = (int) 3; "               \
  "audio/x-opus, channel-mapping-family = (int) [ 0, 255 ]; "          \
  "audio/x-flac, framed = (boolean) true; "                            \
  "audio/x-ac3, framed = (boolean) true, alignment = (string) frame; " \
  "audio/x-eac3, framed = (boolean) true, "                            \
  "alignment = (string) { frame, iec61937 }"

#define GST_CMAF_SINK_CAPS_TEXT                            \
  "text/x-raw, format = (string) { utf8, pango-markup }; " \
  "application/x-subtitle-vtt; application/ttml+xml; "     \
  "application/x-ass; application/x-ssa"

/**
 * GstCmafSinkCapsResult:
 * @GST_CMAF_SINK_CAPS_INCOMPLETE: what is missing is in the first frame that
 *   decoding can begin at
 */
typedef enum
{
  GST_CMAF_SINK_CAPS_REFUSED,
  GST_CMAF_SINK_CAPS_INCOMPLETE,
  GST_CMAF_SINK_CAPS_DESCRIBED,
} GstCmafSinkCapsResult;

/**
 * gst_cmaf_sink_caps_describe:
 * @buffer: (nullable): a frame of them
 * @ret_format: of DESCRIBED; cleared by gst_cmaf_sink_caps_clear_format(). Of
 *   INCOMPLETE only which codec it is, and nothing to clear.
 *
 * Errors: with REFUSED: GST_STREAM_ERROR.FORMAT when the caps are not
 * supported, MILL_CODEC_ERROR, MILL_AVC_ERROR, MILL_AAC_ERROR
 */
GstCmafSinkCapsResult gst_cmaf_sink_caps_describe (MillCmafKind kind,
    const GstCaps *caps, GstBuffer *buffer, MillCmafLaneFormat *ret_format,
    GError **error);

/** Frees what @format has, not itself. */
void gst_cmaf_sink_caps_clear_format (MillCmafLaneFormat *format);

/* What is taken instead of @caps, for people.
 * Returns: (transfer full) */
gchar *gst_cmaf_sink_caps_explain (MillCmafKind kind, const GstCaps *caps);

/* Whether decoding can begin at a frame that is not flagged as delta unit. */
typedef enum
{
  GST_CMAF_SINK_CAPS_NO_ACCESS,
  GST_CMAF_SINK_CAPS_OPEN_ACCESS, /* what follows may be shown before it */
  GST_CMAF_SINK_CAPS_CLEAN_ACCESS,
} GstCmafSinkCapsAccess;

/** @data: a frame of @codec, as it is kept in a sample */
GstCmafSinkCapsAccess gst_cmaf_sink_caps_get_access (const MillCodecInfo *codec,
    const guint8 *data, gsize size);

G_END_DECLS
