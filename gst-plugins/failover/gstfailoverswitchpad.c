/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "gstfailoverswitchpad.h"

enum
{
  PROP_PRIORITY = 1,
};

G_DEFINE_FINAL_TYPE (GstFailoverSwitchPad, gst_failover_switch_pad,
    GST_TYPE_PAD)

/* Pads are children, so that "failoverswitch.sink_video_1::priority" can be
 * set. */
static GObject *
get_child_by_name (GstChildProxy *proxy, const gchar *name)
{
  return (GObject *) gst_element_get_static_pad (GST_ELEMENT (proxy), name);
}

static GObject *
get_child_by_index (GstChildProxy *proxy, guint index)
{
  GST_OBJECT_LOCK (proxy);
  GObject *pad = g_list_nth_data (GST_ELEMENT (proxy)->sinkpads, index);
  if (pad)
    g_object_ref (pad);
  GST_OBJECT_UNLOCK (proxy);
  return pad;
}

static guint
get_children_count (GstChildProxy *proxy)
{
  GST_OBJECT_LOCK (proxy);
  guint count = GST_ELEMENT (proxy)->numsinkpads;
  GST_OBJECT_UNLOCK (proxy);
  return count;
}

void
gst_failover_switch_pad_init_child_proxy (gpointer g_iface, gpointer data)
{
  GstChildProxyInterface *iface = g_iface;

  iface->get_child_by_name = get_child_by_name;
  iface->get_child_by_index = get_child_by_index;
  iface->get_children_count = get_children_count;
}

static void
gst_failover_switch_pad_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec)
{
  GstFailoverSwitchPad *self = GST_FAILOVER_SWITCH_PAD (object);

  if (id == PROP_PRIORITY)
    g_atomic_int_set (&self->priority, (gint) g_value_get_uint (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_failover_switch_pad_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstFailoverSwitchPad *self = GST_FAILOVER_SWITCH_PAD (object);

  if (id == PROP_PRIORITY)
    g_value_set_uint (value, (guint) g_atomic_int_get (&self->priority));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_failover_switch_pad_finalize (GObject *object)
{
  gst_clear_caps (&GST_FAILOVER_SWITCH_PAD (object)->caps);
  G_OBJECT_CLASS (gst_failover_switch_pad_parent_class)->finalize (object);
}

static void
gst_failover_switch_pad_class_init (GstFailoverSwitchPadClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = gst_failover_switch_pad_set_property;
  object_class->get_property = gst_failover_switch_pad_get_property;
  object_class->finalize = gst_failover_switch_pad_finalize;
  g_object_class_install_property (object_class, PROP_PRIORITY,
      g_param_spec_uint ("priority", "Priority",
          "Which input this is a track of; 0 is the first choice. Before the "
          "first data",
          0, 1000, 0,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
}

static void
gst_failover_switch_pad_init (GstFailoverSwitchPad *self)
{
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
}
