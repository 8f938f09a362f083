/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-cctotext
 *
 * Captions of CEA-608 as text:
 *
 *     ... ! ccextractor name=x ! ... x. ! cctotext ! cmafsink.text_0
 *
 * Nothing waits for anything: each buffer is decoded in the thread that brings
 * it, and goes on at once.
 */

#include <gst/gst.h>
#include <string.h>

#include "text/text-cea608.h"

GST_DEBUG_CATEGORY_STATIC (cctotext_debug);
#define GST_CAT_DEFAULT cctotext_debug

#define DEFAULT_CHANNEL 1

/* Letters that come one by one are shown together: after a pause, or when they
 * have been coming for this long. */
#define PAUSE_NS (300 * GST_MSECOND)
#define LONGEST_NS (1 * GST_SECOND)

typedef enum
{
  FORMAT_NONE,
  FORMAT_RAW, /* pairs of field 1 */
  FORMAT_S334_1A, /* three bytes: field and line, a pair */
  FORMAT_CC_DATA, /* three bytes: type, a pair */
} Format;

enum
{
  PROP_CHANNEL = 1,
};

struct _GstCcToText
{
  GstElement parent;
  GstPad *sink;
  GstPad *src;

  guint channel; /* object lock */

  /* streaming thread */
  Format format;
  MillTextCea608 *decoder; /* NULL: none yet */
  gchar *shown; /* what was sent last; NULL: nothing is on */
  gboolean growing;
  GstClockTime grows_since;
  GstClockTime grew;
};

#define GST_TYPE_CC_TO_TEXT (gst_cc_to_text_get_type ())
G_DECLARE_FINAL_TYPE (GstCcToText, gst_cc_to_text, GST, CC_TO_TEXT, GstElement)
G_DEFINE_TYPE (GstCcToText, gst_cc_to_text, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (cctotext)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cctotext, "cctotext", GST_RANK_NONE,
    GST_TYPE_CC_TO_TEXT,
    GST_DEBUG_CATEGORY_INIT (cctotext_debug, "cctotext", 0, "Captions as text"))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("closedcaption/x-cea-608, "
                     "format = (string) { raw, s334-1a }; "
                     "closedcaption/x-cea-708, format = (string) cc_data"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("text/x-raw, format = (string) pango-markup"));

/* ---- out ---- */

/* What is on the screen now, when it is not what was sent. */
static GstFlowReturn
show (GstCcToText *self, GstClockTime time)
{
  g_autofree gchar *text = mill_text_cea608_dup_text (self->decoder);
  self->growing = FALSE;
  if (g_strcmp0 (text, self->shown) == 0)
    return GST_FLOW_OK;
  /* A buffer without any bytes is none to some. */
  const gchar *sent = text != NULL ? text : " ";
  GstBuffer *buffer = gst_buffer_new_memdup (sent, strlen (sent));
  GST_BUFFER_PTS (buffer) = time;
  g_free (self->shown);
  self->shown = g_steal_pointer (&text);
  GST_DEBUG_OBJECT (self, "%" GST_TIME_FORMAT ": '%s'", GST_TIME_ARGS (time),
      self->shown ? self->shown : "");
  return gst_pad_push (self->src, buffer);
}

static GstFlowReturn
show_settled (GstCcToText *self, GstClockTime time)
{
  gboolean paused = time >= self->grew && time - self->grew >= PAUSE_NS;
  gboolean long_enough = time >= self->grows_since &&
      time - self->grows_since >= LONGEST_NS;
  return self->growing && (paused || long_enough) ? show (self, time)
                                                  : GST_FLOW_OK;
}

/* ---- in ---- */

static GstFlowReturn
push_pair (GstCcToText *self, guint8 first, guint8 second, GstClockTime time)
{
  switch (mill_text_cea608_push (self->decoder, first, second)) {
    case MILL_TEXT_CEA608_WHOLE:
      return show (self, time);
    case MILL_TEXT_CEA608_GROWING:
      if (!self->growing)
        self->grows_since = time;
      self->growing = TRUE;
      self->grew = time;
      return GST_FLOW_OK;
    default:
      return GST_FLOW_OK;
  }
}

static gboolean
is_second_field (const GstCcToText *self)
{
  return self->channel > 2;
}

/* Whether the pair at @data is one of the field that is decoded. */
static gboolean
is_wanted (const GstCcToText *self, const guint8 *data)
{
  /* CTA-708-E 4.4: valid, and of type 0 or 1 for field 1 or 2. */
  if (self->format == FORMAT_CC_DATA)
    return (data[0] & 0x07) == (is_second_field (self) ? 0x05 : 0x04);
  /* SMPTE S334-1 annex A: the topmost bit is set for field 1. */
  return ((data[0] & 0x80) == 0) == is_second_field (self);
}

static GstFlowReturn
push_data (GstCcToText *self, const guint8 *data, gsize size, GstClockTime time)
{
  gsize step = self->format == FORMAT_RAW ? 2 : 3;
  GstFlowReturn ret = GST_FLOW_OK;
  for (gsize i = 0; i + step <= size && ret == GST_FLOW_OK; i += step) {
    if (self->format == FORMAT_RAW && is_second_field (self))
      break;
    if (self->format == FORMAT_RAW || is_wanted (self, data + i))
      ret = push_pair (self, data[i + step - 2], data[i + step - 1], time);
  }
  return ret == GST_FLOW_OK ? show_settled (self, time) : ret;
}

static GstFlowReturn
gst_cc_to_text_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCcToText *self = GST_CC_TO_TEXT (parent);
  GstClockTime time = GST_BUFFER_PTS (buffer);
  GstFlowReturn ret = GST_FLOW_OK;
  GstMapInfo map;
  if (self->format == FORMAT_NONE)
    ret = GST_FLOW_NOT_NEGOTIATED;
  else if (GST_CLOCK_TIME_IS_VALID (time) &&
      gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    ret = push_data (self, map.data, map.size, time);
    gst_buffer_unmap (buffer, &map);
  }
  gst_buffer_unref (buffer);
  return ret;
}

static void
reset (GstCcToText *self)
{
  g_clear_pointer (&self->decoder, mill_text_cea608_free);
  g_clear_pointer (&self->shown, g_free);
  self->growing = FALSE;
  self->decoder = mill_text_cea608_new (self->channel);
}

static gboolean
set_caps (GstCcToText *self, const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *format = gst_structure_get_string (structure, "format");
  if (g_strcmp0 (format, "raw") == 0)
    self->format = FORMAT_RAW;
  else if (g_strcmp0 (format, "s334-1a") == 0)
    self->format = FORMAT_S334_1A;
  else if (g_strcmp0 (format, "cc_data") == 0)
    self->format = FORMAT_CC_DATA;
  else
    return FALSE;
  if (self->format == FORMAT_RAW && is_second_field (self))
    GST_WARNING_OBJECT (self,
        "raw captions are of field 1, channel %u is in "
        "field 2: there will be none",
        self->channel);
  if (self->decoder == NULL)
    reset (self);
  g_autoptr (GstCaps) out = gst_static_pad_template_get_caps (&src_template);
  return gst_pad_push_event (self->src, gst_event_new_caps (out));
}

static gboolean
gst_cc_to_text_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCcToText *self = GST_CC_TO_TEXT (parent);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    GstCaps *caps;
    gst_event_parse_caps (event, &caps);
    gboolean taken = set_caps (self, caps);
    gst_event_unref (event);
    return taken;
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    reset (self);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && self->growing)
    show (self, self->grew);
  return gst_pad_event_default (pad, parent, event);
}

/* ---- the element ---- */

static GstStateChangeReturn
gst_cc_to_text_change_state (GstElement *element, GstStateChange transition)
{
  GstCcToText *self = GST_CC_TO_TEXT (element);
  GstStateChangeReturn ret = GST_ELEMENT_CLASS (gst_cc_to_text_parent_class)
                                 ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    g_clear_pointer (&self->decoder, mill_text_cea608_free);
    g_clear_pointer (&self->shown, g_free);
    self->format = FORMAT_NONE;
  }
  return ret;
}

static void
gst_cc_to_text_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstCcToText *self = GST_CC_TO_TEXT (object);
  if (id != PROP_CHANNEL) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  self->channel = g_value_get_uint (value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cc_to_text_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstCcToText *self = GST_CC_TO_TEXT (object);
  if (id != PROP_CHANNEL) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_value_set_uint (value, self->channel);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cc_to_text_finalize (GObject *object)
{
  GstCcToText *self = GST_CC_TO_TEXT (object);
  g_clear_pointer (&self->decoder, mill_text_cea608_free);
  g_free (self->shown);
  G_OBJECT_CLASS (gst_cc_to_text_parent_class)->finalize (object);
}

static void
gst_cc_to_text_class_init (GstCcToTextClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_cc_to_text_set_property;
  object_class->get_property = gst_cc_to_text_get_property;
  object_class->finalize = gst_cc_to_text_finalize;
  g_object_class_install_property (object_class, PROP_CHANNEL,
      g_param_spec_uint ("channel", "Channel",
          "Which captions: 1 to 4 of CC1 to CC4", 1, 4, DEFAULT_CHANNEL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));

  element_class->change_state = gst_cc_to_text_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Captions to text",
      "Codec/Decoder/Subtitle", "Decodes CEA-608 captions to text",
      "The millrace authors");
}

static void
gst_cc_to_text_init (GstCcToText *self)
{
  self->channel = DEFAULT_CHANNEL;
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, gst_cc_to_text_chain);
  gst_pad_set_event_function (self->sink, gst_cc_to_text_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}
