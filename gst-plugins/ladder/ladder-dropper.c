/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-dropper.h"

#include "ladder-rungs.h"

struct _MillLadderDropper
{
  GstBaseTransform parent;

  MillLadderKeyframes *keyframes;
  MillLadderRung rung;

  /* streaming thread */
  guint divisor;
  guint count; /* frames since the last keyframe */
  GstClockTime previous; /* running time */
};

G_DEFINE_FINAL_TYPE (MillLadderDropper, mill_ladder_dropper,
    GST_TYPE_BASE_TRANSFORM)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));

static guint
get_divisor (MillLadderDropper *self, const GstCaps *caps)
{
  gint fps_n = 0;
  gint fps_d = 1;
  gst_structure_get_fraction (gst_caps_get_structure (caps, 0), "framerate",
      &fps_n, &fps_d);
  return mill_ladder_rungs_divisor (&self->rung, fps_n, fps_d);
}

static void
lower_rate (MillLadderDropper *self, GstStructure *structure)
{
  gint fps_n;
  gint fps_d;
  gint lower_n;
  gint lower_d;
  if (!gst_structure_get_fraction (structure, "framerate", &fps_n, &fps_d))
    return;
  guint divisor = mill_ladder_rungs_divisor (&self->rung, fps_n, fps_d);
  if (divisor > 1 &&
      gst_util_fraction_multiply (fps_n, fps_d, 1, (gint) divisor, &lower_n,
          &lower_d))
    gst_structure_set (structure, "framerate", GST_TYPE_FRACTION, lower_n,
        lower_d, NULL);
}

/* Downwards a fixed rate is divided; upwards, and of a range, any rate may
 * come: what it becomes is known with the source's caps. */
static GstCaps *
transform_caps (GstBaseTransform *base, GstPadDirection direction,
    GstCaps *caps, GstCaps *filter)
{
  g_autoptr (GstCaps) other = gst_caps_copy (caps);
  gboolean fixed = direction == GST_PAD_SINK && gst_caps_is_fixed (caps);
  for (guint i = 0; i < gst_caps_get_size (other); i++) {
    GstStructure *structure = gst_caps_get_structure (other, i);
    if (fixed)
      lower_rate (MILL_LADDER_DROPPER (base), structure);
    else
      gst_structure_remove_field (structure, "framerate");
  }
  if (filter == NULL)
    return g_steal_pointer (&other);
  return gst_caps_intersect_full (filter, other, GST_CAPS_INTERSECT_FIRST);
}

static gboolean
set_caps (GstBaseTransform *base, GstCaps *incaps, GstCaps *outcaps)
{
  MillLadderDropper *self = MILL_LADDER_DROPPER (base);
  self->divisor = get_divisor (self, incaps);
  return TRUE;
}

static gboolean
start (GstBaseTransform *base)
{
  MillLadderDropper *self = MILL_LADDER_DROPPER (base);
  self->count = 0;
  self->previous = GST_CLOCK_TIME_NONE;
  return TRUE;
}

static GstFlowReturn
transform_ip (GstBaseTransform *base, GstBuffer *buffer)
{
  MillLadderDropper *self = MILL_LADDER_DROPPER (base);
  GstClockTime time = gst_segment_to_running_time (&base->segment,
      GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (mill_ladder_keyframes_is_due (self->keyframes, self->previous, time))
    self->count = 0;
  self->previous = time;
  return self->count++ % self->divisor == 0 ? GST_FLOW_OK
                                            : GST_BASE_TRANSFORM_FLOW_DROPPED;
}

static gboolean
sink_event (GstBaseTransform *base, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    start (base);
  return GST_BASE_TRANSFORM_CLASS (mill_ladder_dropper_parent_class)
      ->sink_event (base, event);
}

static void
finalize (GObject *object)
{
  MillLadderDropper *self = MILL_LADDER_DROPPER (object);
  g_clear_pointer (&self->keyframes, mill_ladder_keyframes_unref);
  G_OBJECT_CLASS (mill_ladder_dropper_parent_class)->finalize (object);
}

static void
mill_ladder_dropper_class_init (MillLadderDropperClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = finalize;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Frame dropper",
      "Filter/Video", "Keeps every n-th frame, counted from each keyframe",
      "The millrace authors");
  base_class->transform_caps = transform_caps;
  base_class->set_caps = set_caps;
  base_class->start = start;
  base_class->transform_ip = transform_ip;
  base_class->sink_event = sink_event;
}

static void
mill_ladder_dropper_init (MillLadderDropper *self)
{
  self->divisor = 1;
  self->previous = GST_CLOCK_TIME_NONE;
  /* Buffers are looked at, never written. */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
}

GstElement *
mill_ladder_dropper_new (MillLadderKeyframes *keyframes,
    const MillLadderRung *rung)
{
  MillLadderDropper *self = g_object_new (MILL_TYPE_LADDER_DROPPER, NULL);
  self->keyframes = mill_ladder_keyframes_ref (keyframes);
  self->rung = *rung;
  return GST_ELEMENT (self);
}
