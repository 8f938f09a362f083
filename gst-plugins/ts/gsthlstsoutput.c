/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gsthlstsoutput.h"

#include <gst/video/video.h>

struct _GstHlsTsOutput
{
  GstElement parent;
  gchar *pad_name;
  MillCmafKind kind;
  GstPad *pad;

  /* set while stopped */
  MillTsPackager *packager;
  MillTsLane *lane;

  GstSegment segment; /* streaming thread */
  gboolean ended; /* object lock */
  gboolean eos_posted; /* object lock */
};

G_DEFINE_TYPE (GstHlsTsOutput, gst_hls_ts_output, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/mpegts"));

GstElement *
gst_hls_ts_output_new (const gchar *pad, MillCmafKind kind)
{
  GstHlsTsOutput *self = g_object_new (GST_TYPE_HLS_TS_OUTPUT, NULL);
  self->pad_name = g_strdup (pad);
  self->kind = kind;
  return GST_ELEMENT (self);
}

void
gst_hls_ts_output_set_packager (GstHlsTsOutput *self, MillTsPackager *packager)
{
  self->packager = packager;
  self->lane = packager != NULL
      ? mill_ts_packager_add_lane (packager, self->pad_name, self->kind)
      : NULL;
  GST_OBJECT_LOCK (self);
  self->ended = self->eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
}

MillTsPackager *
gst_hls_ts_output_get_packager (GstHlsTsOutput *self)
{
  return self->packager;
}

MillTsLane *
gst_hls_ts_output_get_lane (GstHlsTsOutput *self)
{
  return self->lane;
}

/* ---- data ---- */

static gboolean
take (GstHlsTsOutput *self, GstBuffer *buffer)
{
  GstMapInfo map;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return TRUE;
  guint64 time = gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer)
                                       : GST_BUFFER_DTS (buffer));
  gboolean ok = mill_ts_packager_push (self->packager, self->lane, map.data,
      map.size, GST_CLOCK_TIME_IS_VALID (time) ? (GstClockTimeDiff) time : 0);
  gst_buffer_unmap (buffer, &map);
  return ok;
}

static GstFlowReturn
gst_hls_ts_output_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  gboolean ok = take (GST_HLS_TS_OUTPUT (parent), buffer);
  gst_buffer_unref (buffer);
  return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* EOS of a sink counts in PLAYING only; before, it waits for that. */
static void
post_eos_once (GstHlsTsOutput *self)
{
  GST_OBJECT_LOCK (self);
  gboolean due = self->ended && !self->eos_posted &&
      GST_STATE (self) == GST_STATE_PLAYING;
  self->eos_posted |= due;
  GST_OBJECT_UNLOCK (self);
  if (due)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_eos (GST_OBJECT (self)));
}

static void
handle_cut (GstHlsTsOutput *self, GstEvent *event)
{
  guint count;
  if (gst_video_event_is_force_key_unit (event) &&
      gst_video_event_parse_downstream_force_key_unit (event, NULL, NULL, NULL,
          NULL, &count))
    mill_ts_packager_begin (self->packager, self->lane, count);
}

static gboolean
gst_hls_ts_output_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstHlsTsOutput *self = GST_HLS_TS_OUTPUT (parent);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      handle_cut (self, event);
      break;
    case GST_EVENT_EOS:
      mill_ts_packager_end_lane (self->packager, self->lane);
      GST_OBJECT_LOCK (self);
      self->ended = TRUE;
      GST_OBJECT_UNLOCK (self);
      post_eos_once (self);
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return TRUE;
}

/* ---- life ---- */

static void
gst_hls_ts_output_state_changed (GstElement *element, GstState old,
    GstState new, GstState pending)
{
  GstHlsTsOutput *self = GST_HLS_TS_OUTPUT (element);
  /* A bin forgets who has ended when it goes to PAUSED, and asks again. */
  GST_OBJECT_LOCK (self);
  self->eos_posted &= new == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

static void
gst_hls_ts_output_finalize (GObject *object)
{
  g_free (GST_HLS_TS_OUTPUT (object)->pad_name);
  G_OBJECT_CLASS (gst_hls_ts_output_parent_class)->finalize (object);
}

static void
gst_hls_ts_output_class_init (GstHlsTsOutputClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = gst_hls_ts_output_finalize;
  element_class->state_changed = gst_hls_ts_output_state_changed;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "Output of a hlstssink",
      "Sink", "Hands a transport stream to a packager", "The millrace authors");
}

static void
gst_hls_ts_output_init (GstHlsTsOutput *self)
{
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->pad, gst_hls_ts_output_chain);
  gst_pad_set_event_function (self->pad, gst_hls_ts_output_event);
  gst_element_add_pad (GST_ELEMENT (self), self->pad);
}
