/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstupstream.h"

typedef struct
{
  GstEvent *event;
  gboolean taken;
} Push;

static gboolean
push (GstElement *element, GstPad *pad, gpointer user_data)
{
  Push *self = user_data;
  self->taken |= gst_pad_push_event (pad, gst_event_ref (self->event));
  return TRUE;
}

gboolean
gst_upstream_send (GstElement *element, GstEvent *event)
{
  Push self = { event, GST_EVENT_TYPE (event) == GST_EVENT_LATENCY };
  gst_element_foreach_sink_pad (element, push, &self);
  gst_event_unref (event);
  return self.taken;
}
