/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstrecordintake.h"

#include <gst/tag/tag.h>

#include "gstcmafmedia.h"
#include "gstcmafsinkcaps.h"

#define VIDEO_TIMESCALE 90000 /* divides 24, 25, 30, 50, 60, 30000/1001 */

struct _GstRecordIntake
{
  GstElement parent;
  const GstRecordIntakeCalls *calls;
  gpointer owner; /* not held */

  /* streaming thread of the pad */
  GstCaps *caps;
  GstCmafMedia media;
  gboolean refused;
  gchar language[4];
};

G_DEFINE_TYPE (GstRecordIntake, gst_record_intake, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

MillCmafKind
gst_record_intake_get_kind (const GstRecordIntake *self)
{
  return self->media.kind;
}

/* ---- formats ---- */

static void
tell_format (GstRecordIntake *self, MillRecordFormat *format)
{
  format->kind = self->media.kind;
  format->orientation = self->media.orientation;
  memcpy (format->language, self->language, sizeof format->language);
  self->calls->set_format (self->owner, self, format);
}

/* Nothing of this project parses VP8: its caps say all that a file needs. */
static gboolean
describe_vp8 (GstRecordIntake *self)
{
  const GstStructure *caps = gst_caps_get_structure (self->caps, 0);
  MillRecordFormat format = { .is_vp8 = TRUE, .timescale = VIDEO_TIMESCALE };
  MillCodecInfo *info = &format.codec;
  gint width;
  gint height;
  if (!gst_structure_has_name (caps, "video/x-vp8"))
    return FALSE;
  self->media.incomplete = FALSE;
  if (!gst_structure_get_int (caps, "width", &width) ||
      !gst_structure_get_int (caps, "height", &height))
    return TRUE;
  info->width = (guint) width;
  info->height = (guint) height;
  info->par_n = info->par_d = 1;
  gst_structure_get_fraction (caps, "pixel-aspect-ratio", (gint *) &info->par_n,
      (gint *) &info->par_d);
  self->media.usable = TRUE;
  tell_format (self, &format);
  return TRUE;
}

static void
use_lane_format (GstRecordIntake *self, const MillCmafLaneFormat *lane)
{
  MillRecordFormat format = {
    .codec = lane->codec,
    .codec_data = lane->codec_data,
    .hdr = lane->hdr,
    .timescale = lane->format.timescale,
    .frame_length = lane->frame_length,
  };
  gst_cmaf_media_set_codec (&self->media, &lane->codec);
  tell_format (self, &format);
}

/* @buffer: (nullable): a frame that may tell what caps lack */
static void
describe (GstRecordIntake *self, GstBuffer *buffer)
{
  MillCmafLaneFormat lane;
  g_autoptr (GError) error = NULL;
  if (describe_vp8 (self))
    return;
  switch (gst_cmaf_sink_caps_describe (self->media.kind, self->caps, buffer,
      &lane, &error)) {
    case GST_CMAF_SINK_CAPS_REFUSED:
      self->refused = TRUE;
      self->calls->refuse (self->owner, self, error);
      break;
    case GST_CMAF_SINK_CAPS_INCOMPLETE:
      gst_cmaf_media_expect_codec (&self->media, lane.codec.codec);
      break;
    default:
      use_lane_format (self, &lane);
      gst_cmaf_sink_caps_clear_format (&lane);
  }
}

/* ---- frames ---- */

/* A frame of VP8 is one that decoding can begin at when it is no delta. */
static gboolean
describe_frame (GstRecordIntake *self, GstBuffer *buffer, MillCmafInput *input)
{
  const GstStructure *caps = gst_caps_get_structure (self->caps, 0);
  if (!gst_structure_has_name (caps, "video/x-vp8"))
    return gst_cmaf_media_describe_buffer (&self->media, buffer, input);
  *input = (MillCmafInput){
    .pts =
        gst_cmaf_media_to_running_time (&self->media, GST_BUFFER_PTS (buffer)),
    .dts = GST_CLOCK_STIME_NONE,
    .duration = GST_BUFFER_DURATION (buffer),
    .size = gst_buffer_get_size (buffer),
    .discont = GST_BUFFER_IS_DISCONT (buffer),
    .sync = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT),
  };
  return GST_CLOCK_STIME_IS_VALID (input->pts) && input->size > 0;
}

static GstFlowReturn
gst_record_intake_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstRecordIntake *self = GST_RECORD_INTAKE (parent);
  MillCmafInput input;
  if (self->media.incomplete && self->caps != NULL && !self->refused)
    describe (self, buffer);
  if (!self->media.usable || self->refused) {
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  if (!gst_structure_has_name (gst_caps_get_structure (self->caps, 0),
          "video/x-vp8"))
    buffer = gst_cmaf_media_strip_buffer (&self->media, buffer);
  if (!describe_frame (self, buffer, &input)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  return self->calls->push (self->owner, self, &input, buffer);
}

/* ---- events ---- */

static void
handle_tags (GstRecordIntake *self, GstEvent *event)
{
  GstTagList *tags;
  g_autofree gchar *language = NULL;
  gst_event_parse_tag (event, &tags);
  const gchar *letters = NULL;
  if (gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language))
    letters = gst_tag_get_language_code_iso_639_2T (language);
  if (letters != NULL)
    g_strlcpy (self->language, letters, sizeof self->language);
  /* What was described before is described again: of another turn it is not
   * the same picture. */
  if (gst_cmaf_media_set_tags (&self->media, tags) && self->media.usable &&
      self->caps != NULL)
    self->media.incomplete = TRUE;
}

static gboolean
gst_record_intake_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstRecordIntake *self = GST_RECORD_INTAKE (parent);
  const GstSegment *segment;
  GstCaps *caps;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      gst_caps_replace (&self->caps, caps);
      self->refused = FALSE;
      describe (self, NULL);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      gst_cmaf_media_set_segment (&self->media, segment);
      break;
    case GST_EVENT_TAG:
      handle_tags (self, event);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_cmaf_media_set_segment (&self->media, NULL);
      self->calls->flush (self->owner, self);
      /* Nothing comes of it all the same. */
      if (self->refused)
        self->calls->end (self->owner, self);
      break;
    case GST_EVENT_EOS:
      self->calls->end (self->owner, self);
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return TRUE;
}

/* ---- element ---- */

static void
gst_record_intake_finalize (GObject *object)
{
  GstRecordIntake *self = GST_RECORD_INTAKE (object);
  gst_clear_caps (&self->caps);
  G_OBJECT_CLASS (gst_record_intake_parent_class)->finalize (object);
}

static void
gst_record_intake_class_init (GstRecordIntakeClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = gst_record_intake_finalize;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "Recorder's intake",
      "Sink", "One track of a recordsink", "The millrace authors");
}

static void
gst_record_intake_init (GstRecordIntake *self)
{
  GstPad *pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (pad, gst_record_intake_chain);
  gst_pad_set_event_function (pad, gst_record_intake_event);
  gst_element_add_pad (GST_ELEMENT (self), pad);
}

GstElement *
gst_record_intake_new (MillCmafKind kind, const GstRecordIntakeCalls *calls,
    gpointer owner)
{
  GstRecordIntake *self = g_object_new (GST_TYPE_RECORD_INTAKE, NULL);
  self->calls = calls;
  self->owner = owner;
  gst_cmaf_media_init (&self->media, kind);
  return GST_ELEMENT (self);
}
