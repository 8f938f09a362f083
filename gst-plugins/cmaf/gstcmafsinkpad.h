/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "cmaf-packager.h"
#include "gstcmafmedia.h"
#include "gstcmafsinkcaptions.h"
#include "gstcmafsinktext.h"

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
  MillCmafTextRole text_role;
  gchar *closed_captions; /* (nullable): they are looked for */
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
/** Streaming thread of the pad. */
GstCmafMedia *gst_cmaf_sink_pad_get_media (GstCmafSinkPad *self);
GstCmafSinkText *gst_cmaf_sink_pad_get_text (GstCmafSinkPad *self);
/** Returns: (nullable): NULL where captions are not to be looked for */
GstCmafSinkCaptions *gst_cmaf_sink_pad_get_captions (GstCmafSinkPad *self);
/** Whether they are, now that the codec and what the application says is known. */
void gst_cmaf_sink_pad_watch_captions (GstCmafSinkPad *self, gboolean watch);

/** Adds what is upstream of the pad to the latency of all. */
void gst_cmaf_sink_pad_add_latency (GstCmafSinkPad *self, gboolean *live,
    GstClockTime *least, GstClockTime *most);

/** GstChildProxy of an element that has such pads. */
void gst_cmaf_sink_pad_init_child_proxy (gpointer g_iface, gpointer data);

G_END_DECLS
