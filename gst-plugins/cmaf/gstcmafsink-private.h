/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "gstcmafsinkcues.h"
#include "gstcmafsinkdates.h"
#include "gstcmafsinksettings.h"

G_BEGIN_DECLS

/*
 * The element's inside, shared by the files that it is made of: gstcmafsink
 * (states, properties, what is told), gstcmafsinkpads (which pads there are) and
 * gstcmafsinkflow (what comes into those of renditions). Nothing else includes it.
 */

GST_DEBUG_CATEGORY_EXTERN (gst_cmaf_sink_debug);

#define GST_TYPE_CMAF_SINK (gst_cmaf_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstCmafSink, gst_cmaf_sink, GST, CMAF_SINK, GstElement)

struct _GstCmafSink
{
  GstElement parent;

  /* object lock */
  GstCmafSinkSettings settings;
  guint next_pad[3]; /* by MillCmafKind */
  MillCmafPackager *packager; /* from READY->PAUSED to PAUSED->READY */
  gboolean ended; /* everything is written */
  gboolean eos_posted;
  guint32 eos_seqnum;
  guint next_side[2]; /* pads of metadata, of pictures */

  GstCmafSinkCues cues; /* its own lock */
  GstCmafSinkDates dates; /* from READY->PAUSED on */
};

/** Returns: (transfer full)(nullable): the packager of @element, as it is now */
static inline MillCmafPackager *
gst_cmaf_sink_ref_packager (GstElement *element)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  GST_OBJECT_LOCK (self);
  MillCmafPackager *packager =
      self->packager ? mill_cmaf_packager_ref (self->packager) : NULL;
  GST_OBJECT_UNLOCK (self);
  return packager;
}

/* ---- gstcmafsinkflow.c ---- */

/** @pad, of a rendition, gets its functions: what comes into it is packaged. */
void gst_cmaf_sink_flow_watch (GstPad *pad, MillCmafKind kind);

/* ---- gstcmafsinkpads.c ---- */

/** The pads that can be requested. */
void gst_cmaf_sink_pads_install (GstElementClass *klass);

/** See GstElementClass. */
GstPad *gst_cmaf_sink_pads_request (GstElement *element,
    GstPadTemplate *template, const gchar *wanted, const GstCaps *caps);
void gst_cmaf_sink_pads_release (GstElement *element, GstPad *pad);

/** @packager gets a lane for each pad, and is the element's from then on: pads
 * that are requested meanwhile are among them. Text is announced. */
void gst_cmaf_sink_pads_expect (GstCmafSink *self, MillCmafPackager *packager);

/** Answers with what is upstream of all renditions. */
gboolean gst_cmaf_sink_pads_query_latency (GstCmafSink *self, GstQuery *query);

G_END_DECLS
