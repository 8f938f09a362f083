/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "thumbnail-sheet.h"

#include <gst/video/video.h>

#include <string.h>

/* JPEG cannot be larger (ITU-T T.81, B.2.2). */
#define SIZE_MAX_PIXELS 65535

/* Of red, green and blue, together and from 0 to 255: what differs less from its
 * mean is a blank picture. */
#define BLANK_DEVIATION 6

/* RGB: encoders of JPEG make its full range of it, while what they are given as
 * YUV they take for that. */
#define BYTES_PER_PIXEL 3

struct _MillThumbnailSheet
{
  GstElement parent;

  GstPad *src;
  MillThumbnailLayout layout;
  gboolean once;

  /* streaming thread */
  GstSegment segment;
  gboolean started;
  gboolean done; /* the one picture is out */
  GstVideoInfo in;
  GstVideoInfo tile;
  GstVideoInfo out;
  GstVideoConverter *converter;
  GstBuffer *picture; /* (nullable): the last tile */
  GstBuffer *sheet; /* (nullable): in the making */
  gint64 first; /* interval that the sheet begins with */
  guint n_tiles;
};

G_DEFINE_FINAL_TYPE (MillThumbnailSheet, mill_thumbnail_sheet, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw, format=RGB"));

static guint
count_tiles (const MillThumbnailSheet *self)
{
  return self->layout.columns * self->layout.rows;
}

/* ---- pictures ---- */

static void
copy_rows (const GstVideoFrame *from, GstVideoFrame *to, guint x, guint y)
{
  gsize width = (gsize) GST_VIDEO_FRAME_WIDTH (from) * BYTES_PER_PIXEL;
  gsize stride = (gsize) GST_VIDEO_FRAME_PLANE_STRIDE (to, 0);
  const guint8 *source = GST_VIDEO_FRAME_PLANE_DATA (from, 0);
  guint8 *target = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (to, 0) + y * stride +
      x * BYTES_PER_PIXEL;
  for (gint row = 0; row < GST_VIDEO_FRAME_HEIGHT (from); row++) {
    memcpy (target, source, width);
    source += GST_VIDEO_FRAME_PLANE_STRIDE (from, 0);
    target += stride;
  }
}

/* Copies the last picture into the next place. */
static void
place (MillThumbnailSheet *self)
{
  GstVideoFrame from;
  GstVideoFrame to;
  guint x = self->n_tiles % self->layout.columns * (guint) self->tile.width;
  guint y = self->n_tiles / self->layout.columns * (guint) self->tile.height;
  self->n_tiles++;
  if (!gst_video_frame_map (&from, &self->tile, self->picture, GST_MAP_READ))
    return;
  if (gst_video_frame_map (&to, &self->out, self->sheet, GST_MAP_WRITE)) {
    copy_rows (&from, &to, x, y);
    gst_video_frame_unmap (&to);
  }
  gst_video_frame_unmap (&from);
}

/* Black where no picture is. */
static GstBuffer *
new_sheet (const MillThumbnailSheet *self)
{
  GstBuffer *sheet = gst_buffer_new_and_alloc (self->out.size);
  gst_buffer_memset (sheet, 0, 0, self->out.size);
  return sheet;
}

static gboolean
shrink (MillThumbnailSheet *self, GstBuffer *buffer)
{
  GstVideoFrame from;
  GstVideoFrame to;
  if (!gst_video_frame_map (&from, &self->in, buffer, GST_MAP_READ))
    return FALSE;
  g_autoptr (GstBuffer) picture = gst_buffer_new_and_alloc (self->tile.size);
  gboolean mapped =
      gst_video_frame_map (&to, &self->tile, picture, GST_MAP_WRITE);
  if (mapped) {
    gst_video_converter_frame (self->converter, &from, &to);
    gst_video_frame_unmap (&to);
    gst_buffer_replace (&self->picture, picture);
  }
  gst_video_frame_unmap (&from);
  return mapped;
}

static gboolean
is_blank (const MillThumbnailSheet *self)
{
  GstVideoFrame frame;
  guint64 sums[BYTES_PER_PIXEL] = { 0 };
  guint64 squares = 0;
  guint64 n = (guint64) self->tile.width * (guint64) self->tile.height;
  if (!gst_video_frame_map (&frame, &self->tile, self->picture, GST_MAP_READ))
    return FALSE;
  for (gint y = 0; y < self->tile.height; y++) {
    const guint8 *row =
        (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0) +
        (gsize) y * (gsize) GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
    for (gint i = 0; i < self->tile.width * BYTES_PER_PIXEL; i++) {
      sums[i % BYTES_PER_PIXEL] += row[i];
      squares += (guint64) row[i] * row[i];
    }
  }
  gst_video_frame_unmap (&frame);
  squares *= n;
  for (guint i = 0; i < BYTES_PER_PIXEL; i++)
    squares -= sums[i] * sums[i];
  return squares < BYTES_PER_PIXEL * n * n * BLANK_DEVIATION * BLANK_DEVIATION;
}

/* ---- sheets ---- */

static GstFlowReturn
push_sheet (MillThumbnailSheet *self)
{
  if (self->sheet == NULL)
    return GST_FLOW_OK;
  GstBuffer *sheet = g_steal_pointer (&self->sheet);
  GST_BUFFER_PTS (sheet) = (guint64) self->first * self->layout.interval;
  GST_BUFFER_DURATION (sheet) = self->n_tiles * self->layout.interval;
  return gst_pad_push (self->src, sheet);
}

static GstFlowReturn
add_picture (MillThumbnailSheet *self, gint64 slot)
{
  guint n = count_tiles (self);
  GstFlowReturn ret = GST_FLOW_OK;
  gint64 first = slot - slot % n;
  if (self->sheet != NULL && self->first != first)
    ret = push_sheet (self);
  if (ret != GST_FLOW_OK)
    return ret;
  if (self->sheet == NULL) {
    self->sheet = new_sheet (self);
    self->first = first;
    self->n_tiles = 0;
  }
  /* Intervals without a picture show the one before, which for the first of a
   * stream is the one after. */
  while (self->n_tiles <= (guint64) (slot - first))
    place (self);
  return self->n_tiles == n ? push_sheet (self) : GST_FLOW_OK;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  MillThumbnailSheet *self = MILL_THUMBNAIL_SHEET (parent);
  guint64 time = gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
  GstFlowReturn ret = GST_FLOW_OK;
  if (self->converter == NULL)
    ret = GST_FLOW_NOT_NEGOTIATED;
  else if (!self->done && GST_CLOCK_TIME_IS_VALID (time) &&
      shrink (self, buffer) && !(self->once && is_blank (self))) {
    self->done = self->once;
    ret = add_picture (self, (gint64) (time / self->layout.interval));
  }
  gst_buffer_unref (buffer);
  return ret;
}

/* ---- negotiation ---- */

static void
forget (MillThumbnailSheet *self)
{
  g_clear_pointer (&self->converter, gst_video_converter_free);
  gst_clear_buffer (&self->picture);
  gst_clear_buffer (&self->sheet);
}

/* Height of a tile: that of a picture of square pixels, even. */
static guint
choose_height (const MillThumbnailSheet *self, const GstVideoInfo *in)
{
  guint64 width = (guint64) in->width * (guint64) MAX (in->par_n, 1);
  guint64 height = (guint64) in->height * (guint64) MAX (in->par_d, 1);
  guint limit = SIZE_MAX_PIXELS / self->layout.rows;
  guint64 chosen =
      gst_util_uint64_scale_round (self->layout.width, height, 2 * width) * 2;
  return (guint) CLAMP (chosen, 2, limit & ~1u);
}

static gboolean
set_caps (MillThumbnailSheet *self, GstCaps *caps)
{
  GstVideoInfo in;
  if (!gst_video_info_from_caps (&in, caps))
    return FALSE;
  push_sheet (self);
  forget (self);
  self->in = in;
  guint height = choose_height (self, &in);
  gst_video_info_set_format (&self->tile, GST_VIDEO_FORMAT_RGB,
      self->layout.width, height);
  gst_video_info_set_format (&self->out, GST_VIDEO_FORMAT_RGB,
      self->layout.width * self->layout.columns, height * self->layout.rows);
  /* A converter changes no rate. */
  self->tile.fps_n = in.fps_n;
  self->tile.fps_d = in.fps_d;
  self->out.fps_n = 0;
  self->out.fps_d = 1;
  self->converter = gst_video_converter_new (&self->in, &self->tile, NULL);
  if (self->converter == NULL)
    return FALSE;
  g_autoptr (GstCaps) made = gst_video_info_to_caps (&self->out);
  return gst_pad_push_event (self->src, gst_event_new_caps (made));
}

/* Time stamps are running time: the segment is the plain one. */
static void
start_segment (MillThumbnailSheet *self)
{
  GstSegment segment;
  if (self->started)
    return;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (self->src, gst_event_new_segment (&segment));
  self->started = TRUE;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MillThumbnailSheet *self = MILL_THUMBNAIL_SHEET (parent);
  gboolean handled = TRUE;
  GstCaps *caps;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      handled = set_caps (self, caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      start_segment (self);
      break;
    case GST_EVENT_EOS:
      push_sheet (self);
      return gst_pad_event_default (pad, parent, event);
    case GST_EVENT_FLUSH_STOP:
      gst_clear_buffer (&self->sheet);
      self->started = FALSE;
      return gst_pad_event_default (pad, parent, event);
    default:
      return gst_pad_event_default (pad, parent, event);
  }
  gst_event_unref (event);
  return handled;
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  MillThumbnailSheet *self = MILL_THUMBNAIL_SHEET (element);
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (mill_thumbnail_sheet_parent_class)
          ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    forget (self);
    self->started = self->done = FALSE;
  }
  return ret;
}

static void
finalize (GObject *object)
{
  forget (MILL_THUMBNAIL_SHEET (object));
  G_OBJECT_CLASS (mill_thumbnail_sheet_parent_class)->finalize (object);
}

static void
mill_thumbnail_sheet_class_init (MillThumbnailSheetClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = finalize;
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Sheet of pictures",
      "Filter/Video", "Puts pictures into one", "millrace");
}

static void
mill_thumbnail_sheet_init (MillThumbnailSheet *self)
{
  GstPad *sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (sink, chain);
  gst_pad_set_event_function (sink, on_event);
  gst_element_add_pad (GST_ELEMENT (self), sink);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
}

GstElement *
mill_thumbnail_sheet_new (const MillThumbnailLayout *layout)
{
  MillThumbnailSheet *self = g_object_new (MILL_TYPE_THUMBNAIL_SHEET, NULL);
  self->layout = *layout;
  return GST_ELEMENT (self);
}

void
mill_thumbnail_sheet_set_once (MillThumbnailSheet *self, gboolean once)
{
  self->once = once;
}
