/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-inputs.h"

#include "engine.h"

#define RTMP_FACTORY "rtmpserversrc"

typedef struct
{
  GWeakRef owner;
  MillStreamInputsFunc func;
  GMainContext *context;
} Listener;

typedef struct
{
  GObject *owner; /* strong */
  MillStreamInputsFunc func;
  MillStreamInputEvent event;
  gchar *reason;
} Delivery;

struct _MillStreamInputs
{
  GPtrArray *elements; /* (element-type GstElement) */
  GObject *owner; /* not owned; listeners have weak references */
  MillStreamInputsFunc func;
};

/* ---- what an input says, on its own threads ---- */

static void
listener_free (gpointer data, GClosure *closure)
{
  Listener *listener = data;

  g_weak_ref_clear (&listener->owner);
  g_main_context_unref (listener->context);
  g_free (listener);
}

static void
delivery_free (gpointer data)
{
  Delivery *delivery = data;

  g_object_unref (delivery->owner);
  g_free (delivery->reason);
  g_free (delivery);
}

/* Main loop. */
static gboolean
on_delivery (gpointer user_data)
{
  Delivery *delivery = user_data;

  delivery->func (delivery->owner, delivery->event, delivery->reason);
  return G_SOURCE_REMOVE;
}

static void
hand_over (Listener *listener, MillStreamInputEvent event, const gchar *reason)
{
  GObject *owner = g_weak_ref_get (&listener->owner);

  if (!owner)
    return;
  Delivery *delivery = g_new0 (Delivery, 1);
  delivery->owner = owner;
  delivery->func = listener->func;
  delivery->event = event;
  delivery->reason = g_utf8_make_valid (reason ? reason : "", -1);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_delivery, delivery, delivery_free);
  g_source_attach (source, listener->context);
}

static void
on_publish_start (GstElement *element, const gchar *name, gpointer user_data)
{
  hand_over (user_data, MILL_STREAM_INPUT_STARTED, NULL);
}

static void
on_publish_end (GstElement *element, const gchar *reason, gpointer user_data)
{
  hand_over (user_data, MILL_STREAM_INPUT_AWAY, reason);
}

static GstPadProbeReturn
on_first_media (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  hand_over (user_data, MILL_STREAM_INPUT_MEDIA, NULL);
  return GST_PAD_PROBE_REMOVE;
}

/* The handler's listener lives as long as the element, whose pad this is. */
static void
on_input_pad (GstElement *element, GstPad *pad, gpointer user_data)
{
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
      on_first_media, user_data, NULL);
}

static void
listen_to (MillStreamInputs *inputs, GstElement *element, const gchar *signal,
    GCallback callback)
{
  Listener *listener = g_new0 (Listener, 1);

  g_weak_ref_init (&listener->owner, inputs->owner);
  listener->func = inputs->func;
  listener->context = g_main_context_ref_thread_default ();
  g_signal_connect_data (element, signal, callback, listener, listener_free, 0);
}

/* ---- which nodes they are ---- */

static gboolean
sets_location (const MillPlanNode *node)
{
  for (guint i = 0; i < node->props->len; i++) {
    const MillPlanSetting *setting = node->props->pdata[i];
    if (g_str_equal (setting->name, "location"))
      return *g_value_get_string (&setting->value) != '\0';
  }
  return FALSE;
}

static void
add_input (MillStreamInputs *inputs, MillGraph *graph, const MillPlanNode *node)
{
  GstElement *element = mill_graph_get_node (graph, node->name);

  /* Also where the text of a parameter has left it empty. */
  g_object_set (element, "location", NULL, NULL);
  g_ptr_array_add (inputs->elements, gst_object_ref (element));
  listen_to (inputs, element, "publish-start", G_CALLBACK (on_publish_start));
  listen_to (inputs, element, "publish-end", G_CALLBACK (on_publish_end));
  listen_to (inputs, element, "pad-added", G_CALLBACK (on_input_pad));
}

/* Where the publisher arrives: the nodes without a location; when all have
 * one, the first: its location then is for running the description by hand,
 * as in the shipped ones, and would open a second listener here. */
static void
find_inputs (MillStreamInputs *inputs, MillGraph *graph, gboolean publishes)
{
  MillPlan *plan = mill_graph_get_plan (graph);
  GPtrArray *nodes = mill_plan_get_nodes (plan);
  const MillPlanNode *located = NULL;

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    if (!g_str_equal (node->factory, RTMP_FACTORY) ||
        node->process != mill_plan_get_process (plan))
      continue;
    if (!sets_location (node))
      add_input (inputs, graph, node);
    else if (!located)
      located = node;
  }
  if (publishes && inputs->elements->len == 0 && located)
    add_input (inputs, graph, located);
}

MillStreamInputs *
mill_stream_inputs_new (MillGraph *graph, gboolean publishes,
    MillStreamInputsFunc func, GObject *owner)
{
  MillStreamInputs *inputs = g_new0 (MillStreamInputs, 1);

  inputs->elements = g_ptr_array_new_with_free_func (gst_object_unref);
  inputs->owner = owner;
  inputs->func = func;
  find_inputs (inputs, graph, publishes);
  return inputs;
}

void
mill_stream_inputs_free (MillStreamInputs *inputs)
{
  g_ptr_array_unref (inputs->elements);
  g_free (inputs);
}

gboolean
mill_stream_inputs_are_none (MillStreamInputs *inputs)
{
  return inputs->elements->len == 0;
}

void
mill_stream_inputs_set_session (MillStreamInputs *inputs, GObject *session)
{
  for (guint i = 0; i < inputs->elements->len; i++)
    g_object_set (inputs->elements->pdata[i], "session", session, NULL);
}

gboolean
mill_stream_inputs_have_session (MillStreamInputs *inputs)
{
  for (guint i = 0; i < inputs->elements->len; i++) {
    g_autoptr (GObject) session = NULL;
    g_object_get (inputs->elements->pdata[i], "session", &session, NULL);
    if (session)
      return TRUE;
  }
  return FALSE;
}
