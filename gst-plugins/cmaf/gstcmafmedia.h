/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-init.h"
#include "cmaf-track.h"
#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * What a sink pad knows of the media that comes in: codec, time, orientation;
 * and buffers turned to input of a MillCmafTrack. Of cmafsink and cmafmux.
 * Streaming thread of the pad. Fields are to be read only.
 */

/**
 * GstCmafMedia:
 * @incomplete: a frame to come has to tell the rest of the codec
 * @usable: @codec is that of the frames
 * @is_identity: running time is what the stamps say
 */
typedef struct
{
  MillCmafKind kind;
  MillCodecInfo codec;
  MillBmffOrientation orientation;
  gboolean incomplete;
  gboolean usable;
  gboolean is_identity;
  GstSegment segment;
} GstCmafMedia;

/** Nothing is known but @kind. */
void gst_cmaf_media_init (GstCmafMedia *self, MillCmafKind kind);

/** @segment: (nullable): as after a flush */
void gst_cmaf_media_set_segment (GstCmafMedia *self, const GstSegment *segment);

/** @codec: of all that comes from here on, copied */
void gst_cmaf_media_set_codec (GstCmafMedia *self, const MillCodecInfo *codec);

/** A frame to come has to tell the rest. If it is of the codec of before, what
 * comes until then is still taken for that. */
void gst_cmaf_media_expect_codec (GstCmafMedia *self, MillCodec codec);

/** Takes the tag image-orientation. Returns: whether it changes anything */
gboolean gst_cmaf_media_set_tags (GstCmafMedia *self, const GstTagList *tags);

/** @buffer: (transfer full): as it came
 * Returns: (transfer full): as it is kept in a sample */
GstBuffer *gst_cmaf_media_strip_buffer (GstCmafMedia *self, GstBuffer *buffer);

/** Returns: GST_CLOCK_STIME_NONE for no time; may be negative */
GstClockTimeDiff gst_cmaf_media_to_running_time (const GstCmafMedia *self,
    GstClockTime time);

/** Returns: FALSE when it has no running time or no data */
gboolean gst_cmaf_media_describe_buffer (GstCmafMedia *self, GstBuffer *buffer,
    MillCmafInput *ret_input);

G_END_DECLS
