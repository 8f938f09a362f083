/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "bmff/bmff-init.h"
#include "cmaf-packager.h"

G_BEGIN_DECLS

#define GST_TYPE_CMAF_SINK_PAD (gst_cmaf_sink_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstCmafSinkPad, gst_cmaf_sink_pad, GST, CMAF_SINK_PAD,
    GstPad)

/** What the application says of a rendition. */
typedef struct
{
  gchar *name; /* (nullable) */
  gchar *language; /* (nullable) */
  gchar *group; /* never NULL */
  gboolean is_default;
} GstCmafSinkPadSettings;

/** Copies the settings; any thread. */
void gst_cmaf_sink_pad_get_settings (GstCmafSinkPad *self,
    GstCmafSinkPadSettings *ret_settings);
void gst_cmaf_sink_pad_clear_settings (GstCmafSinkPadSettings *settings);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstCmafSinkPadSettings,
    gst_cmaf_sink_pad_clear_settings)

/** Language from a tag, where the application has set none. Returns whether it
 * is another one than before. */
gboolean gst_cmaf_sink_pad_suggest_language (GstCmafSinkPad *self,
    const gchar *language);

/* For the element: what its streaming thread keeps with the pad. */
MillCmafKind gst_cmaf_sink_pad_get_kind (GstCmafSinkPad *self);
MillCmafLane *gst_cmaf_sink_pad_get_lane (GstCmafSinkPad *self);
void gst_cmaf_sink_pad_set_lane (GstCmafSinkPad *self, MillCmafLane *lane);
/** @segment: (nullable): as after a flush. Streaming thread of the pad. */
void gst_cmaf_sink_pad_set_segment (GstCmafSinkPad *self,
    const GstSegment *segment);
/** Streaming thread, as all that follow. */
void gst_cmaf_sink_pad_set_codec (GstCmafSinkPad *self,
    const MillCodecInfo *codec);

/** A frame to come has to tell the rest. If it is of the codec of before, what
 * comes until then is still taken for that. */
void gst_cmaf_sink_pad_expect_codec (GstCmafSinkPad *self, MillCodec codec);
gboolean gst_cmaf_sink_pad_is_incomplete (GstCmafSinkPad *self);
gboolean gst_cmaf_sink_pad_is_usable (GstCmafSinkPad *self);

/** Returns: whether it was another one */
gboolean gst_cmaf_sink_pad_set_orientation (GstCmafSinkPad *self,
    MillBmffOrientation orientation);
MillBmffOrientation gst_cmaf_sink_pad_get_orientation (GstCmafSinkPad *self);

/** @buffer: (transfer full): as it came
 * Returns: (transfer full): as it is kept in a sample */
GstBuffer *gst_cmaf_sink_pad_strip_buffer (GstCmafSinkPad *self,
    GstBuffer *buffer);

/** What the packager has to know of @buffer; streaming thread of the pad.
 * Returns: FALSE when it has no running time or no data */
gboolean gst_cmaf_sink_pad_describe_buffer (GstCmafSinkPad *self,
    GstBuffer *buffer, MillCmafInput *ret_input);

/** Adds what is upstream of the pad to the latency of all. */
void gst_cmaf_sink_pad_add_latency (GstCmafSinkPad *self, gboolean *live,
    GstClockTime *least, GstClockTime *most);

/** GstChildProxy of an element that has such pads. */
void gst_cmaf_sink_pad_init_child_proxy (gpointer g_iface, gpointer data);

G_END_DECLS
