/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "rtmp/flv-color-info.h"
#include "rtmp/flv-fourcc.h"

G_BEGIN_DECLS

/*
 * From what a publisher tells of a track to caps as GStreamer's parsers make
 * them, so that nothing downstream needs one.
 */

/* How the channels of a track lie, from AudioPacketType.MultichannelConfig. */
typedef struct
{
  guint count; /* 0: not told */
  guint32 mask; /* AudioChannelMask; 0: not told */
} MillRtmpChannels;

/**
 * MillRtmpCapsSource:
 * @config: the codec's own configuration, or what
 *   mill_rtmp_caps_in_band_read() made of a frame
 * @metadata: (nullable): onMetaData
 */
typedef struct
{
  MillFlvKind kind;
  guint32 fourcc;
  guint track_id;
  GBytes *config;
  const GstStructure *metadata;
  MillFlvColorInfo color;
  MillRtmpChannels channels;
} MillRtmpCapsSource;

/* All that mill_rtmp_caps_make() can make. */
#define MILL_RTMP_CAPS_VIDEO                              \
  "video/x-h264, stream-format=avc, alignment=au; "       \
  "video/x-h265, stream-format=hvc1, alignment=au; "      \
  "video/x-av1, stream-format=obu-stream, alignment=tu; " \
  "video/x-vp9, alignment=super-frame; "                  \
  "video/x-vp8"
#define MILL_RTMP_CAPS_AUDIO                          \
  "audio/mpeg, mpegversion=4, stream-format=raw, "    \
  "framed=true; "                                     \
  "audio/mpeg, mpegversion=1, layer=3, parsed=true; " \
  "audio/x-opus, channel-mapping-family=[0, 255]; "   \
  "audio/x-flac, framed=true; "                       \
  "audio/x-ac3, framed=true, alignment=frame; "       \
  "audio/x-eac3, framed=true, alignment=frame"

/* @ret_frame_duration: GST_CLOCK_TIME_NONE where it is not known
 * Returns: (transfer full) (nullable)
 * Errors: of lib/codec, or MILL_RTMP_ERROR_PROTOCOL, when the configuration is
 * damaged */
GstCaps *mill_rtmp_caps_make (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error);

/* Codecs whose frames say themselves what they are: there is no configuration.
 */
gboolean mill_rtmp_caps_in_band_covers (guint32 fourcc);

#define MILL_RTMP_CAPS_IN_BAND_SIZE 4

/* What tells one encoding from another in a frame of such a codec.
 * FALSE when it is no frame of it. */
gboolean mill_rtmp_caps_in_band_read (guint32 fourcc, const guint8 *data,
    gsize size, guint8 ret_config[MILL_RTMP_CAPS_IN_BAND_SIZE]);

/* The body of a MultichannelConfig. FALSE when it is damaged. */
gboolean mill_rtmp_caps_audio_read_channels (const guint8 *data, gsize size,
    MillRtmpChannels *ret_channels);

G_END_DECLS
