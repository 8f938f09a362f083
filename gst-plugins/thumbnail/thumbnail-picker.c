/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "thumbnail-picker.h"

#include <gst/video/video.h>

struct _MillThumbnailPicker
{
  GstElement parent;

  GstPad *src;
  MillThumbnailCapsFunc on_caps;
  gpointer user_data;
  GstClockTime interval;

  /* streaming thread */
  GstSegment segment;
  GstClockTimeDiff next; /* running time from which a picture is wanted */
};

G_DEFINE_FINAL_TYPE (MillThumbnailPicker, mill_thumbnail_picker,
    GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static gboolean
is_wanted (MillThumbnailPicker *self, GstBuffer *buffer)
{
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT) ||
      !GST_BUFFER_PTS_IS_VALID (buffer) ||
      self->segment.format != GST_FORMAT_TIME)
    return FALSE;
  guint64 position;
  gint sign = gst_segment_to_running_time_full (&self->segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer), &position);
  if (sign == 0)
    return FALSE;
  GstClockTimeDiff time = sign > 0 ? (GstClockTimeDiff) position
                                   : -(GstClockTimeDiff) position;
  if (GST_CLOCK_STIME_IS_VALID (self->next) && time < self->next)
    return FALSE;
  GstClockTimeDiff interval = (GstClockTimeDiff) self->interval;
  self->next = (MAX (time, 0) / interval + 1) * interval;
  return TRUE;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  MillThumbnailPicker *self = MILL_THUMBNAIL_PICKER (parent);
  if (!is_wanted (self, buffer)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  GstFlowReturn ret = gst_pad_push (self->src, buffer);
  /* What a still picture is for: the decoder gives out all that it has. */
  if (ret == GST_FLOW_OK) {
    gst_pad_push_event (self->src, gst_video_event_new_still_frame (TRUE));
    gst_pad_push_event (self->src, gst_video_event_new_still_frame (FALSE));
  }
  return ret;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MillThumbnailPicker *self = MILL_THUMBNAIL_PICKER (parent);
  GstCaps *caps;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      if (!self->on_caps (caps, self->user_data)) {
        gst_event_unref (event);
        return FALSE;
      }
      return gst_pad_push_event (self->src, event);
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
      self->next = GST_CLOCK_STIME_NONE;
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* What is below comes with the caps. */
static gboolean
on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_set_accept_caps_result (query, TRUE);
    return TRUE;
  }
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    GstCaps *filter;
    gst_query_parse_caps (query, &filter);
    g_autoptr (GstCaps) caps = filter ? gst_caps_ref (filter)
                                      : gst_caps_new_any ();
    gst_query_set_caps_result (query, caps);
    return TRUE;
  }
  /* Where memory would come from is not known either; and frames that are
   * thrown away need none of a decoder's. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    return FALSE;
  return gst_pad_query_default (pad, parent, query);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  MillThumbnailPicker *self = MILL_THUMBNAIL_PICKER (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
    self->next = GST_CLOCK_STIME_NONE;
  }
  return GST_ELEMENT_CLASS (mill_thumbnail_picker_parent_class)
      ->change_state (element, transition);
}

static void
mill_thumbnail_picker_class_init (MillThumbnailPickerClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Picture picker",
      "Filter/Video", "Lets a picture pass every interval", "millrace");
}

static void
mill_thumbnail_picker_init (MillThumbnailPicker *self)
{
  GstPad *sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (sink, chain);
  gst_pad_set_event_function (sink, on_event);
  gst_pad_set_query_function (sink, on_query);
  gst_element_add_pad (GST_ELEMENT (self), sink);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_element_add_pad (GST_ELEMENT (self), self->src);
  self->interval = 10 * GST_SECOND;
  self->next = GST_CLOCK_STIME_NONE;
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
}

GstElement *
mill_thumbnail_picker_new (MillThumbnailCapsFunc on_caps, gpointer user_data)
{
  MillThumbnailPicker *self = g_object_new (MILL_TYPE_THUMBNAIL_PICKER, NULL);
  self->on_caps = on_caps;
  self->user_data = user_data;
  return GST_ELEMENT (self);
}

void
mill_thumbnail_picker_set_interval (MillThumbnailPicker *self,
    GstClockTime interval)
{
  g_return_if_fail (interval > 0);
  self->interval = interval;
}
