/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "graph.h"

#include <string.h>

#include "element-table.h"
#include "graph-private.h"
#include "plan-private.h"
#include "value-text.h"

/* More than any encoder of a live stream keeps back. */
#define LINK_LIMIT_S 5

typedef enum
{
  STATE_BUILT,
  STATE_STARTING,
  STATE_RUNNING,
  STATE_STOPPED,
} GraphState;

struct _MillGraph
{
  GObject parent_instance;

  MillPlan *plan;
  MillBusQueue *queue; /* not owned; outlives every graph */
  GstElement *pipeline;
  GstBus *bus;
  GraphState state;
  gboolean ending; /* by mill_graph_end() */
  gboolean failed; /* "failed" was emitted: what follows are its effects */
  GSource *link_limit; /* (nullable): until links must have ended */
  GError *start_error; /* (nullable): the first error while starting */
};

G_DEFINE_FINAL_TYPE (MillGraph, mill_graph, G_TYPE_OBJECT)
G_DEFINE_QUARK (mill_graph_error, mill_graph_error)

enum
{
  SIGNAL_PLAYING,
  SIGNAL_ENDED,
  SIGNAL_FAILED,
  SIGNAL_WARNING,
  SIGNAL_MESSAGE,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* ---- messages ---- */

/* Returns: (transfer full) (nullable): the node that @object is in. */
static gchar *
node_of (MillGraph *self, GstObject *object)
{
  g_autoptr (GstObject) at = object ? gst_object_ref (object) : NULL;

  while (at) {
    GstObject *parent = gst_object_get_parent (at);

    if (parent == GST_OBJECT (self->pipeline)) {
      const gchar *helped = g_object_get_data (G_OBJECT (at), MILL_GRAPH_NODE);

      gst_object_unref (parent);
      return helped ? g_strdup (helped) : gst_object_get_name (at);
    }
    gst_object_unref (at);
    at = parent;
  }
  return NULL;
}

/* GStreamer's text for people is often general, and what happened stands in
 * the last line of the text for developers. */
static GError *
with_details (MillGraph *self, GError *error, const gchar *debug)
{
  const gchar *details = debug ? strrchr (debug, '\n') : NULL;
  gboolean is_new = details && details[1] &&
      !strstr (error->message, details + 1);
  g_autofree gchar *text = is_new
      ? g_strdup_printf ("%s (%s)", error->message, details + 1)
      : g_strdup (error->message);
  g_autofree gchar *shown = mill_graph_secret_mask_text (self->plan, text);

  return g_error_new_literal (error->domain, error->code, shown);
}

/* The name of a file may hold a secret too. */
static void
mask_error (MillGraph *self, GError *error)
{
  gchar *shown = mill_graph_secret_mask_text (self->plan, error->message);

  g_free (error->message);
  error->message = shown;
}

static void
handle_error (MillGraph *self, GstMessage *message, const gchar *node)
{
  g_autoptr (GError) raw = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;

  gst_message_parse_error (message, &raw, &debug);
  error = with_details (self, raw, debug);
  mill_graph_explain (node ? mill_graph_get_node (self, node) : NULL,
      self->plan, &error);
  mask_error (self, error);
  if (self->state == STATE_STARTING) {
    if (!self->start_error) {
      if (node)
        g_prefix_error (&error, "node '%s': ", node);
      self->start_error = g_steal_pointer (&error);
    }
    return;
  }
  if (self->failed)
    return;
  self->failed = TRUE;
  g_signal_emit (self, signals[SIGNAL_FAILED], 0, error, node);
}

static void
handle_warning (MillGraph *self, GstMessage *message, const gchar *node)
{
  g_autoptr (GError) raw = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;

  gst_message_parse_warning (message, &raw, &debug);
  error = with_details (self, raw, debug);
  g_signal_emit (self, signals[SIGNAL_WARNING], 0, node, error->message);
}

/* One of several sources may end long before the others: then the end of the
 * last link that leaves begins the wait anew. */
static gboolean
on_link_limit (gpointer user_data)
{
  MillGraph *graph = user_data;

  g_clear_pointer (&graph->link_limit, g_source_unref);
  if (graph->ending ||
      mill_graph_cut_have_sinks_ended (GST_BIN (graph->pipeline)))
    mill_graph_cut_end_sources (GST_BIN (graph->pipeline), TRUE);
  return G_SOURCE_REMOVE;
}

/* What another process of the stream still has in its encoders comes back by a
 * link, with its EOS: it gets time for that. A process that is gone sends none. */
static void
limit_links (MillGraph *graph)
{
  g_autoptr (GMainContext) context = NULL;

  if (graph->link_limit || graph->state != STATE_RUNNING)
    return;
  context = g_main_context_ref_thread_default ();
  graph->link_limit = g_timeout_source_new_seconds (LINK_LIMIT_S);
  g_source_set_callback (graph->link_limit, on_link_limit, graph, NULL);
  g_source_attach (graph->link_limit, context);
}

static void
handle_application (MillGraph *self, GstMessage *message, const gchar *node)
{
  const GstStructure *structure = gst_message_get_structure (message);

  if (gst_structure_has_name (structure, MILL_GRAPH_WARNING)) {
    g_autofree gchar *text = mill_graph_secret_mask_text (self->plan,
        gst_structure_get_string (structure, "text"));

    if (!self->failed)
      g_signal_emit (self, signals[SIGNAL_WARNING], 0, node, text);
  }
  /* A file's link has as much left as its queue and its consumer hold. */
  else if (gst_structure_has_name (structure, MILL_GRAPH_LINK_ENDED) &&
      self->plan->live)
    limit_links (self);
}

static void
handle_state (MillGraph *self, GstMessage *message)
{
  GstState state;

  gst_message_parse_state_changed (message, NULL, &state, NULL);
  if (state == GST_STATE_PLAYING && !self->failed)
    g_signal_emit (self, signals[SIGNAL_PLAYING], 0);
}

static void
on_message (GstMessage *message, gpointer user_data)
{
  /* A handler of a signal may drop the last other reference. */
  g_autoptr (MillGraph) self = g_object_ref (MILL_GRAPH (user_data));
  g_autofree gchar *node = node_of (self, GST_MESSAGE_SRC (message));

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
      if (!self->failed)
        g_signal_emit (self, signals[SIGNAL_ENDED], 0);
      break;
    case GST_MESSAGE_ERROR:
      handle_error (self, message, node);
      break;
    case GST_MESSAGE_WARNING:
      handle_warning (self, message, node);
      break;
    case GST_MESSAGE_STATE_CHANGED:
      handle_state (self, message);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (self->pipeline));
      break;
    case GST_MESSAGE_ELEMENT:
      g_signal_emit (self, signals[SIGNAL_MESSAGE], 0, node,
          gst_message_get_structure (message));
      break;
    case GST_MESSAGE_APPLICATION:
      handle_application (self, message, node);
      break;
    default:
      break;
  }
}

MillGraph *
mill_graph_new (MillPlan *plan, MillBusQueue *queue, GError **error)
{
  g_autoptr (GstElement) pipeline = mill_graph_build (plan, error);
  MillGraph *self;

  if (!pipeline)
    return NULL;
  self = g_object_new (MILL_TYPE_GRAPH, NULL);
  self->plan = mill_plan_ref (plan);
  self->queue = queue;
  self->pipeline = g_steal_pointer (&pipeline);
  self->bus = gst_pipeline_get_bus (GST_PIPELINE (self->pipeline));
  mill_bus_queue_add (queue, self->bus, on_message, self);
  return self;
}

/* ---- looking ---- */

MillPlan *
mill_graph_get_plan (MillGraph *graph)
{
  return graph->plan;
}

GstPipeline *
mill_graph_get_pipeline (MillGraph *graph)
{
  return GST_PIPELINE (graph->pipeline);
}

GstElement *
mill_graph_get_node (MillGraph *graph, const gchar *name)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (graph->pipeline), name);

  /* The pipeline holds it as long as the graph lives. */
  if (element)
    gst_object_unref (element);
  return element;
}

GPtrArray *
mill_graph_get_nodes_by_factory (MillGraph *graph, const gchar *factory)
{
  GPtrArray *elements = g_ptr_array_new ();

  GPtrArray *nodes =
      mill_plan_get_part_nodes (graph->plan, graph->plan->process);

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (nodes, i);

    if (g_str_equal (node->factory, factory))
      g_ptr_array_add (elements, mill_graph_get_node (graph, node->name));
  }
  return elements;
}

gchar *
mill_graph_to_dot (MillGraph *graph)
{
  g_autofree gchar *dot = gst_debug_bin_to_dot_data (GST_BIN (graph->pipeline),
      GST_DEBUG_GRAPH_SHOW_ALL);

  return mill_graph_secret_mask_picture (graph->plan, dot);
}

/* ---- running ---- */

gboolean
mill_graph_start (MillGraph *graph, GError **error)
{
  GstStateChangeReturn result;
  GError *wrong = NULL;

  g_return_val_if_fail (graph->state == STATE_BUILT, FALSE);
  if (!mill_graph_input_check (GST_BIN (graph->pipeline), graph->plan,
          &wrong)) {
    mask_error (graph, wrong);
    g_propagate_error (error, wrong);
    mill_graph_stop (graph);
    return FALSE;
  }
  graph->state = STATE_STARTING;
  result = gst_element_set_state (graph->pipeline, GST_STATE_PLAYING);
  if (result != GST_STATE_CHANGE_FAILURE) {
    graph->state = STATE_RUNNING;
    return TRUE;
  }
  mill_bus_queue_flush (graph->queue, graph->bus);
  if (graph->start_error)
    g_propagate_error (error, g_steal_pointer (&graph->start_error));
  else
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_STATE,
        "graph '%s': an element refused to start, expected it to reach "
        "PLAYING",
        GST_OBJECT_NAME (graph->pipeline));
  mill_graph_stop (graph);
  return FALSE;
}

void
mill_graph_end (MillGraph *graph)
{
  if (graph->state != STATE_RUNNING)
    return;
  graph->ending = TRUE;
  if (mill_graph_cut_end_sources (GST_BIN (graph->pipeline), FALSE))
    limit_links (graph);
}

void
mill_graph_stop (MillGraph *graph)
{
  if (graph->state == STATE_STOPPED)
    return;
  graph->state = STATE_STOPPED;
  if (graph->link_limit)
    g_source_destroy (graph->link_limit);
  g_clear_pointer (&graph->link_limit, g_source_unref);
  if (!graph->pipeline)
    return;
  mill_bus_queue_remove (graph->queue, graph->bus);
  mill_graph_eos_stop (graph->pipeline);
}

/* ---- hot properties ---- */

/* Returns: (transfer full) (nullable): the node, or the pad of "PAD::NAME". */
static GObject *
find_object (MillGraph *graph, const gchar *node, const gchar *property,
    const gchar **ret_name)
{
  GstElement *element = mill_graph_get_node (graph, node);
  const gchar *colons = strstr (property, "::");
  g_autofree gchar *pad = NULL;

  if (!element)
    return NULL;
  if (!colons) {
    *ret_name = property;
    return g_object_ref (G_OBJECT (element));
  }
  pad = g_strndup (property, colons - property);
  *ret_name = colons + 2;
  return (GObject *) gst_element_get_static_pad (element, pad);
}

gboolean
mill_graph_set_property (MillGraph *graph, const gchar *node,
    const gchar *property, const gchar *text, GError **error)
{
  const gchar *name = property;
  g_autoptr (GObject) object = find_object (graph, node, property, &name);
  GParamSpec *pspec = object
      ? g_object_class_find_property (G_OBJECT_GET_CLASS (object), name)
      : NULL;
  GstElement *element = mill_graph_get_node (graph, node);
  g_autofree gchar *expected = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  if (!pspec) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_NOT_FOUND,
        "node '%s' has no property '%s', expected one of its properties", node,
        property);
    return FALSE;
  }
  if (!(pspec->flags & G_PARAM_WRITABLE) ||
      mill_element_table_get_change (
          GST_OBJECT_NAME (gst_element_get_factory (element)), pspec) ==
          MILL_CHANGE_RESTART) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_NOT_HOT,
        "property '%s' of node '%s' is fixed while it runs, expected a hot "
        "property or a restart",
        property, node);
    return FALSE;
  }
  expected = mill_value_text_parse (pspec, text, &value);
  if (expected) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_VALUE,
        "property '%s' of node '%s': got '%.80s', expected %s", property, node,
        text, expected);
    return FALSE;
  }
  g_object_set_property (object, name, &value);
  return TRUE;
}

/* ---- object ---- */

static void
mill_graph_dispose (GObject *object)
{
  MillGraph *self = MILL_GRAPH (object);

  mill_graph_stop (self);
  gst_clear_object (&self->bus);
  gst_clear_object (&self->pipeline);
  G_OBJECT_CLASS (mill_graph_parent_class)->dispose (object);
}

static void
mill_graph_finalize (GObject *object)
{
  MillGraph *self = MILL_GRAPH (object);

  g_clear_pointer (&self->plan, mill_plan_unref);
  g_clear_error (&self->start_error);
  G_OBJECT_CLASS (mill_graph_parent_class)->finalize (object);
}

static void
mill_graph_class_init (MillGraphClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = mill_graph_dispose;
  object_class->finalize = mill_graph_finalize;
  signals[SIGNAL_PLAYING] = g_signal_new ("playing", MILL_TYPE_GRAPH,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", MILL_TYPE_GRAPH,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_FAILED] = g_signal_new ("failed", MILL_TYPE_GRAPH,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_ERROR,
      G_TYPE_STRING);
  signals[SIGNAL_WARNING] = g_signal_new ("warning", MILL_TYPE_GRAPH,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING,
      G_TYPE_STRING);
  signals[SIGNAL_MESSAGE] = g_signal_new ("message", MILL_TYPE_GRAPH,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING,
      GST_TYPE_STRUCTURE);
}

static void
mill_graph_init (MillGraph *self)
{
}
