/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "rtmp/rtmp-capabilities.h"

G_BEGIN_DECLS

#define MILL_RELAY_VIDEO_CAPS                                             \
  "video/x-h264, stream-format=(string)avc, alignment=(string)au; "       \
  "video/x-h265, stream-format=(string)hvc1, alignment=(string)au; "      \
  "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu; " \
  "video/x-vp9, alignment=(string)super-frame; video/x-vp8"
#define MILL_RELAY_AUDIO_CAPS                                   \
  "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw; " \
  "audio/mpeg, mpegversion=(int)1, layer=(int)3; "              \
  "audio/x-opus; audio/x-flac, framed=(boolean)true; "          \
  "audio/x-ac3, framed=(boolean)true; audio/x-eac3, framed=(boolean)true"

/** How frames of some caps look in RTMP: H.264 and AAC in the classic form, all
 * else as Enhanced RTMP has it. Immutable and reference counted. */
typedef struct _MillRelayFormat MillRelayFormat;

/* Returns: (transfer full) (nullable)
 * Errors: GST_STREAM_ERROR_FORMAT when @caps lack what a player needs */
MillRelayFormat *mill_relay_format_new (const GstCaps *caps, GError **error);
MillRelayFormat *mill_relay_format_ref (MillRelayFormat *self);
void mill_relay_format_unref (MillRelayFormat *self);

gboolean mill_relay_format_is_video (const MillRelayFormat *self);
/* "H.264" */
const gchar *mill_relay_format_get_name (const MillRelayFormat *self);

/* Whether a server takes it, as far as it has told. */
gboolean mill_relay_format_is_taken (const MillRelayFormat *self,
    const MillRtmpCapabilities *capabilities);

/* Appends the message that tells of the codec. FALSE when it has none. */
gboolean mill_relay_format_write_sequence (const MillRelayFormat *self,
    GByteArray *out);

typedef struct
{
  gboolean is_keyframe;
  gint32 composition_ms; /* PTS minus DTS */
  const guint8 *data;
  gsize size;
} MillRelayFrame;

/* Appends the message of a frame. */
void mill_relay_format_write_frame (const MillRelayFormat *self,
    GByteArray *out, const MillRelayFrame *frame);

/* Appends the body of a data message: @setDataFrame, onMetaData.
 * @video, @audio: (nullable) */
void mill_relay_format_write_metadata (const MillRelayFormat *video,
    const MillRelayFormat *audio, GByteArray *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRelayFormat, mill_relay_format_unref)

G_END_DECLS
