/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkmeta.h"

#include "gstcmafsinkcues.h"

typedef MillCmafPackager *(*RefPackager) (GstElement *);

static GstFlowReturn
on_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstElement *element = GST_ELEMENT (parent);
  RefPackager ref_packager = (RefPackager) pad->chaindata;
  g_autoptr (MillCmafPackager) packager = ref_packager (element);
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  GstClockTimeDiff time = GST_CLOCK_STIME_NONE;
  if (event != NULL && GST_BUFFER_PTS_IS_VALID (buffer)) {
    const GstSegment *segment;
    gst_event_parse_segment (event, &segment);
    if (segment->format == GST_FORMAT_TIME)
      time = (GstClockTimeDiff) gst_segment_to_running_time (segment,
          GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  }
  if (packager != NULL)
    gst_cmaf_sink_cues_handle_tag (element, packager, time, buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

GstPad *
gst_cmaf_sink_meta_new_pad (GstPadTemplate *template, const gchar *name,
    MillCmafPackager *(*ref_packager) (GstElement *) )
{
  GstPad *pad = gst_pad_new_from_template (template, name);
  gst_pad_set_chain_function_full (pad, on_chain, (gpointer) ref_packager,
      NULL);
  gst_pad_set_event_function (pad, on_event);
  return pad;
}
