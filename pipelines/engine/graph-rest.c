/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* A film is read to its end, although nothing comes of it: a ladder without a
 * rung shows no pads, so that no sink of its process waits for anything, while
 * the process that sends it the film waits for whoever takes it. A sink stands
 * in for the pads, and has its end when the element has had its own. */
#include "graph-private.h"

#define REST "millrace-rest"

typedef struct
{
  GMutex lock;
  guint n_ended; /* lock: sink pads that have had EOS */
  GstPad *sink; /* lock; (nullable): of what stands in */
} Rest;

static void
rest_free (gpointer data)
{
  Rest *rest = data;

  gst_clear_object (&rest->sink);
  g_mutex_clear (&rest->lock);
  g_free (rest);
}

void
mill_graph_rest_expect (GstElement *element)
{
  Rest *rest;

  if (g_object_get_data (G_OBJECT (element), REST))
    return;
  rest = g_new0 (Rest, 1);
  g_mutex_init (&rest->lock);
  g_object_set_data_full (G_OBJECT (element), REST, rest, rest_free);
}

/* When all has come to @element that will: once, whoever sees it. */
static void
end_if_over (GstElement *element, Rest *rest)
{
  g_autoptr (GstElement) owner = NULL;
  GstPad *sink = NULL;

  g_mutex_lock (&rest->lock);
  if (rest->n_ended >= element->numsinkpads)
    sink = g_steal_pointer (&rest->sink);
  g_mutex_unlock (&rest->lock);
  if (!sink)
    return;
  owner = gst_pad_get_parent_element (sink);
  gst_element_call_async (owner, mill_graph_pads_end, sink, gst_object_unref);
}

static GstPadProbeReturn
on_event (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstElement *element = user_data;
  Rest *rest = g_object_get_data (G_OBJECT (element), REST);

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&rest->lock);
  rest->n_ended++;
  g_mutex_unlock (&rest->lock);
  end_if_over (element, rest);
  return GST_PAD_PROBE_REMOVE;
}

void
mill_graph_rest_guard (GstElement *element, GstPad *sink)
{
  /* The element outlives its pads. */
  if (g_object_get_data (G_OBJECT (element), REST))
    gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event,
        element, NULL);
}

void
mill_graph_rest_take (GstElement *element)
{
  Rest *rest = g_object_get_data (G_OBJECT (element), REST);
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));
  g_autofree gchar *name =
      g_strdup_printf ("rest:%s", GST_OBJECT_NAME (element));
  GstElement *stand_in;

  if (!rest || !parent)
    return;
  stand_in = gst_element_factory_make ("fakesink", name);
  if (!stand_in)
    return;
  g_object_set_data_full (G_OBJECT (stand_in), MILL_GRAPH_NODE,
      gst_object_get_name (GST_OBJECT (element)), g_free);
  g_object_set (stand_in, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (parent), stand_in);
  gst_element_sync_state_with_parent (stand_in);
  g_mutex_lock (&rest->lock);
  rest->sink = gst_element_get_static_pad (stand_in, "sink");
  g_mutex_unlock (&rest->lock);
  end_if_over (element, rest);
}
