/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "fake-demux.h"

#define FAKE_TYPE_DEMUX (fake_demux_get_type ())
G_DECLARE_FINAL_TYPE (FakeDemux, fake_demux, FAKE, DEMUX, GstElement)

struct _FakeDemux
{
  GstElement parent_instance;
  gchar *pads; /* "video audio"; names of pads to make */
};

G_DEFINE_TYPE (FakeDemux, fake_demux, GST_TYPE_ELEMENT)

static GstStaticPadTemplate demux_sink = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate demux_video = GST_STATIC_PAD_TEMPLATE ("video_%u",
    GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate demux_audio = GST_STATIC_PAD_TEMPLATE ("audio_%u",
    GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

static void
add_pad (FakeDemux *self, const gchar *name)
{
  gboolean video = g_str_has_prefix (name, "video");
  g_autoptr (GstPadTemplate) template =
      gst_static_pad_template_get (video ? &demux_video : &demux_audio);
  GstPad *pad = gst_pad_new_from_template (template, name);
  g_autoptr (GstCaps) caps = gst_caps_from_string (video ? "video/x-h264"
          : g_str_equal (name, "audio_3") ? "audio/mpeg, mpegversion=1, layer=3"
                                          : "audio/mpeg");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_use_fixed_caps (pad);
  gst_pad_set_active (pad, TRUE);
  gst_pad_push_event (pad, gst_event_new_stream_start (name));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  gst_element_add_pad (GST_ELEMENT (self), pad);
}

/* The first buffer makes the pads (audio_3 has MP3); each buffer goes to all of them. */
static GstFlowReturn
on_buffer (GstPad *sink, GstObject *parent, GstBuffer *buffer)
{
  FakeDemux *self = FAKE_DEMUX (parent);

  if (self->pads) {
    g_auto (GStrv) names = g_strsplit (self->pads, " ", -1);

    for (guint i = 0; names[i] && *names[i]; i++)
      add_pad (self, names[i]);
    g_clear_pointer (&self->pads, g_free);
    gst_element_no_more_pads (GST_ELEMENT (self));
  }
  for (GList *l = GST_ELEMENT (self)->srcpads; l; l = l->next)
    gst_pad_push (l->data, gst_buffer_ref (buffer));
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
fake_demux_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  g_free (FAKE_DEMUX (object)->pads);
  FAKE_DEMUX (object)->pads = g_value_dup_string (value);
}

static void
fake_demux_finalize (GObject *object)
{
  g_free (FAKE_DEMUX (object)->pads);
  G_OBJECT_CLASS (fake_demux_parent_class)->finalize (object);
}

static void
fake_demux_class_init (FakeDemuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = fake_demux_set_property;
  object_class->finalize = fake_demux_finalize;
  g_object_class_install_property (object_class, 1,
      g_param_spec_string ("pads", "pads", "pads", NULL, G_PARAM_WRITABLE));
  gst_element_class_add_static_pad_template (element_class, &demux_sink);
  gst_element_class_add_static_pad_template (element_class, &demux_video);
  gst_element_class_add_static_pad_template (element_class, &demux_audio);
  gst_element_class_set_static_metadata (element_class, "Fake", "Demuxer",
      "Pads that appear", "millrace");
}

static void
fake_demux_init (FakeDemux *self)
{
  GstPad *sink = gst_pad_new_from_static_template (&demux_sink, "sink");

  gst_pad_set_chain_function (sink, on_buffer);
  gst_element_add_pad (GST_ELEMENT (self), sink);
}

void
fake_demux_register (void)
{
  gst_element_register (NULL, "fakedemux", GST_RANK_NONE, FAKE_TYPE_DEMUX);
}
