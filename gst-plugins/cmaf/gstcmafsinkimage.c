/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkimage.h"

typedef MillCmafPackager *(*RefPackager) (GstElement *);

/* Larger pictures are no thumbnails. */
#define JPEG_MAX_BYTES (16u << 20)

static GBytes *
take_content (GstBuffer *buffer)
{
  gpointer data;
  gsize size;
  gst_buffer_extract_dup (buffer, 0, G_MAXSIZE, &data, &size);
  return g_bytes_new_take (data, size);
}

static GstClockTimeDiff
get_time (GstPad *pad, GstBuffer *buffer)
{
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;
  if (event == NULL || !GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_CLOCK_STIME_NONE;
  gst_event_parse_segment (event, &segment);
  if (segment->format != GST_FORMAT_TIME)
    return GST_CLOCK_STIME_NONE;
  return (GstClockTimeDiff) gst_segment_to_running_time (segment,
      GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}

/* Returns: whether caps tell of tiles; of a poster they do not */
static gboolean
read_layout (GstPad *pad, MillCmafSheetLayout *layout)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  gint width, height, columns, rows;
  guint64 interval;
  if (caps == NULL ||
      !gst_structure_get (gst_caps_get_structure (caps, 0), "width", G_TYPE_INT,
          &width, "height", G_TYPE_INT, &height, "tile-columns", G_TYPE_INT,
          &columns, "tile-rows", G_TYPE_INT, &rows, "tile-interval",
          G_TYPE_UINT64, &interval, NULL))
    return FALSE;
  *layout = (MillCmafSheetLayout){
    .width = (guint) MAX (width, 0),
    .height = (guint) MAX (height, 0),
    .columns = (guint) MAX (columns, 0),
    .rows = (guint) MAX (rows, 0),
    .interval_ms = (guint) MIN (interval / GST_MSECOND, G_MAXINT),
  };
  return TRUE;
}

static void
push_sheet (MillCmafPackager *packager, const MillCmafSheetLayout *layout,
    GstClockTimeDiff time, GstBuffer *buffer)
{
  g_autoptr (GBytes) content = take_content (buffer);
  guint tiles = layout->columns * layout->rows;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    tiles = (guint) CLAMP (GST_BUFFER_DURATION (buffer) / GST_MSECOND /
            layout->interval_ms,
        1, tiles);
  mill_cmaf_packager_push_sheet (packager, layout, time, tiles, content);
}

static GstFlowReturn
refuse (GstElement *element, GstPad *pad, const MillCmafSheetLayout *layout)
{
  GST_ELEMENT_ERROR (element, STREAM, FORMAT,
      ("pad '%s': got sheets of %u x %u tiles in %u x %u pixels, expected 1 to "
       "20 of each, and a time for each",
          GST_PAD_NAME (pad), layout->columns, layout->rows, layout->width,
          layout->height),
      (NULL));
  return GST_FLOW_NOT_NEGOTIATED;
}

static GstFlowReturn
push (GstElement *element, GstPad *pad, GstBuffer *buffer)
{
  RefPackager ref_packager = (RefPackager) pad->chaindata;
  g_autoptr (MillCmafPackager) packager = ref_packager (element);
  MillCmafSheetLayout layout;
  gsize size = gst_buffer_get_size (buffer);
  if (packager == NULL || size == 0 || size > JPEG_MAX_BYTES) {
    GST_WARNING_OBJECT (pad, "a picture of %" G_GSIZE_FORMAT " bytes, ignoring",
        size);
    return GST_FLOW_OK;
  }
  if (!read_layout (pad, &layout)) {
    g_autoptr (GBytes) content = take_content (buffer);
    mill_cmaf_packager_push_poster (packager, content);
    return GST_FLOW_OK;
  }
  if (!mill_cmaf_thumbnails_is_layout (&layout))
    return refuse (element, pad, &layout);
  GstClockTimeDiff time = get_time (pad, buffer);
  if (GST_CLOCK_STIME_IS_VALID (time) && time >= 0)
    push_sheet (packager, &layout, time, buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstFlowReturn ret = push (GST_ELEMENT (parent), pad, buffer);
  gst_buffer_unref (buffer);
  return ret;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  RefPackager ref_packager = (RefPackager) pad->chaindata;
  g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (parent));
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && packager != NULL)
    mill_cmaf_packager_end_image (packager, GST_PAD_NAME (pad));
  gst_event_unref (event);
  return TRUE;
}

GstPad *
gst_cmaf_sink_image_new_pad (GstPadTemplate *template, const gchar *name,
    MillCmafPackager *(*ref_packager) (GstElement *) )
{
  GstPad *pad = gst_pad_new_from_template (template, name);
  gst_pad_set_chain_function_full (pad, on_chain, (gpointer) ref_packager,
      NULL);
  gst_pad_set_event_function (pad, on_event);
  return pad;
}
