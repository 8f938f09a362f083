/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "graph.h"

#include <string.h>

#include "element-table.h"
#include "graph-private.h"
#include "media-kind.h"
#include "plan-private.h"
#include "value-text.h"

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
  gboolean failed; /* "failed" was emitted: what follows are its effects */
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
with_details (GError *error, const gchar *debug)
{
  const gchar *details = debug ? strrchr (debug, '\n') : NULL;

  if (!details || !details[1] || strstr (error->message, details + 1))
    return g_error_copy (error);
  return g_error_new (error->domain, error->code, "%s (%s)", error->message,
      details + 1);
}

/* Whose content is at fault: a demuxer does not know the name. */
static void
name_file (MillGraph *self, GError **error, const gchar *node)
{
  g_autofree gchar *file = NULL;

  if ((*error)->domain != GST_STREAM_ERROR || !node)
    return;
  file = mill_graph_input_dup_file (mill_graph_get_node (self, node));
  if (file)
    g_prefix_error (error, "file '%s': ", file);
}

static void
handle_error (MillGraph *self, GstMessage *message, const gchar *node)
{
  g_autoptr (GError) raw = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;

  gst_message_parse_error (message, &raw, &debug);
  error = with_details (raw, debug);
  name_file (self, &error, node);
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
  error = with_details (raw, debug);
  g_signal_emit (self, signals[SIGNAL_WARNING], 0, node, error->message);
}

static void
handle_application (MillGraph *self, GstMessage *message, const gchar *node)
{
  const GstStructure *structure = gst_message_get_structure (message);

  if (gst_structure_has_name (structure, MILL_GRAPH_WARNING))
    g_signal_emit (self, signals[SIGNAL_WARNING], 0, node,
        gst_structure_get_string (structure, "text"));
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

/* ---- building ---- */

static gboolean
add_node (MillGraph *self, const MillPlanNode *node, GError **error)
{
  guint n_props = node->props->len;
  g_autofree const gchar **names = g_new0 (const gchar *, n_props + 1);
  g_autofree GValue *values = g_new0 (GValue, n_props + 1);
  GstElement *element;

  names[0] = "name";
  g_value_init (&values[0], G_TYPE_STRING);
  g_value_set_static_string (&values[0], node->name);
  for (guint i = 0; i < n_props; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (node->props, i);

    names[i + 1] = setting->name;
    /* Borrowed: only read below. */
    values[i + 1] = setting->value;
  }
  element = gst_element_factory_make_with_properties (node->factory,
      n_props + 1, names, values);
  if (!element) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD,
        "node '%s': element '%s' cannot be made, expected its plugin to work "
        "here",
        node->name, node->factory);
    return FALSE;
  }
  gst_bin_add (GST_BIN (self->pipeline), element);
  return TRUE;
}

static GstPadPresence
pad_presence (GstElement *element, const gchar *pad)
{
  for (GList *l = gst_element_get_pad_template_list (element); l; l = l->next) {
    GstPadTemplate *template = l->data;

    if (GST_PAD_TEMPLATE_DIRECTION (template) == GST_PAD_SRC &&
        mill_media_kind_name_fits (GST_PAD_TEMPLATE_NAME_TEMPLATE (template),
            pad))
      return GST_PAD_TEMPLATE_PRESENCE (template);
  }
  return GST_PAD_ALWAYS;
}

static gboolean
has_sometimes_pads (GstElement *element)
{
  for (GList *l = gst_element_get_pad_template_list (element); l; l = l->next) {
    GstPadTemplate *template = l->data;

    if (GST_PAD_TEMPLATE_DIRECTION (template) == GST_PAD_SRC &&
        GST_PAD_TEMPLATE_PRESENCE (template) == GST_PAD_SOMETIMES)
      return TRUE;
  }
  return FALSE;
}

static gboolean
connect_pad (MillGraph *self, GstElement *element, const gchar *name,
    GPtrArray *links, GError **error)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  if (!pad)
    pad = gst_element_request_pad_simple (element, name);
  if (!pad) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD,
        "node '%s': the element gives no pad '%s', expected one as in its "
        "template",
        GST_OBJECT_NAME (element), name);
    return FALSE;
  }
  return mill_graph_link_connect (GST_BIN (self->pipeline), pad, links, error);
}

/* Links the pads of a node that exist, or can be had, before it runs.
 * @links: (element-type MillPlanLink): all that leave the node. */
static gboolean
connect_present (MillGraph *self, GstElement *element, GPtrArray *links,
    GError **error)
{
  g_autoptr (GHashTable) done = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (links, i);
    g_autoptr (GPtrArray) group = g_ptr_array_new ();

    /* "src_%u" of a tee is another pad for each link; one pad by name that
     * several links want is shared out. */
    if (strchr (link->from_pad, '%')) {
      g_ptr_array_add (group, (gpointer) link);
    } else {
      if (!g_hash_table_add (done, link->from_pad))
        continue;
      for (guint k = i; k < links->len; k++) {
        MillPlanLink *other = g_ptr_array_index (links, k);

        if (g_str_equal (other->from_pad, link->from_pad))
          g_ptr_array_add (group, other);
      }
    }
    if (!connect_pad (self, element, link->from_pad, group, error))
      return FALSE;
  }
  return TRUE;
}

/* In a live graph an end is the publisher's, and nobody waits for what has not
 * come in time. */
static gboolean
is_live (const MillPlan *plan)
{
  for (guint i = 0; i < plan->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (plan->nodes, i);

    if (mill_element_table_is_pool_source (node->factory))
      return TRUE;
  }
  return FALSE;
}

/* Before the first link: a pad is guarded when it is linked. */
static void
await_pads (MillGraph *self)
{
  GPtrArray *links = self->plan->links;

  for (guint i = 0; !is_live (self->plan) && i < links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (links, i);
    GstElement *source = mill_graph_get_node (self, link->from_node);

    if (pad_presence (source, link->from_pad) == GST_PAD_SOMETIMES)
      mill_graph_gate_await (mill_graph_get_node (self, link->to_node),
          link->from_node);
  }
}

static gboolean
connect_node (MillGraph *self, const MillPlanNode *node, GError **error)
{
  GstElement *element = mill_graph_get_node (self, node->name);
  g_autoptr (GPtrArray) present = g_ptr_array_new ();
  GPtrArray *later = g_ptr_array_new ();

  for (guint i = 0; i < self->plan->links->len; i++) {
    MillPlanLink *link = g_ptr_array_index (self->plan->links, i);

    if (!g_str_equal (link->from_node, node->name))
      continue;
    if (pad_presence (element, link->from_pad) == GST_PAD_SOMETIMES)
      g_ptr_array_add (later, link);
    else
      g_ptr_array_add (present, link);
  }
  if (has_sometimes_pads (element))
    mill_graph_pads_watch (element, self->plan, later);
  else
    g_ptr_array_unref (later);
  return connect_present (self, element, present, error);
}

/* All processes of a stream share one monotonic clock, so that running time
 * means the same in each. */
static void
use_clock (MillGraph *self)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  /* It is GStreamer's own for the whole process; this is its default, unless
   * somebody changed it. */
  g_object_set (clock, "clock-type", GST_CLOCK_TYPE_MONOTONIC, NULL);
  gst_pipeline_use_clock (GST_PIPELINE (self->pipeline), clock);
  if (!GST_CLOCK_TIME_IS_VALID (self->plan->epoch))
    return;
  gst_element_set_start_time (self->pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time (self->pipeline, self->plan->epoch);
}

static gboolean
check_plan (const MillPlan *plan, GError **error)
{
  if (plan->open) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD,
        "plan '%s': required parameters have no value, expected all of them",
        plan->description->name);
    return FALSE;
  }
  if (plan->n_processes > 1) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD,
        "plan '%s': got %u processes, expected one: cuts between processes "
        "are not available in this version of millrace",
        plan->description->name, plan->n_processes);
    return FALSE;
  }
  return TRUE;
}

MillGraph *
mill_graph_new (MillPlan *plan, MillBusQueue *queue, GError **error)
{
  g_autoptr (MillGraph) self = NULL;

  if (!check_plan (plan, error))
    return NULL;
  self = g_object_new (MILL_TYPE_GRAPH, NULL);
  self->plan = mill_plan_ref (plan);
  self->queue = queue;
  self->pipeline =
      gst_object_ref_sink (gst_pipeline_new (plan->description->name));
  self->bus = gst_pipeline_get_bus (GST_PIPELINE (self->pipeline));
  mill_bus_queue_add (queue, self->bus, on_message, self);
  use_clock (self);
  for (guint i = 0; i < plan->nodes->len; i++)
    if (!add_node (self, g_ptr_array_index (plan->nodes, i), error))
      return NULL;
  await_pads (self);
  for (guint i = 0; i < plan->nodes->len; i++)
    if (!connect_node (self, g_ptr_array_index (plan->nodes, i), error))
      return NULL;
  return g_steal_pointer (&self);
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

  for (guint i = 0; i < graph->plan->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (graph->plan->nodes, i);

    if (g_str_equal (node->factory, factory))
      g_ptr_array_add (elements, mill_graph_get_node (graph, node->name));
  }
  return elements;
}

gchar *
mill_graph_to_dot (MillGraph *graph)
{
  return gst_debug_bin_to_dot_data (GST_BIN (graph->pipeline),
      GST_DEBUG_GRAPH_SHOW_ALL);
}

/* ---- running ---- */

gboolean
mill_graph_start (MillGraph *graph, GError **error)
{
  GstStateChangeReturn result;

  g_return_val_if_fail (graph->state == STATE_BUILT, FALSE);
  if (!mill_graph_input_check (GST_BIN (graph->pipeline), graph->plan, error)) {
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

static void
for_each (GstIterator *elements, GstIteratorForeachFunction func)
{
  while (gst_iterator_foreach (elements, func, NULL) == GST_ITERATOR_RESYNC)
    gst_iterator_resync (elements);
  gst_iterator_free (elements);
}

static void
send_eos (GstElement *source, gpointer user_data)
{
  gst_element_send_event (source, gst_event_new_eos ());
}

static void
end_source (const GValue *source, gpointer user_data)
{
  gst_element_call_async (g_value_get_object (source), send_eos, NULL, NULL);
}

/* On another thread, because GstBaseSrc waits for the end of the push in
 * flight before it takes EOS; each for itself, so that one which is stuck keeps
 * no other from ending. */
void
mill_graph_end (MillGraph *graph)
{
  if (graph->state == STATE_RUNNING)
    for_each (gst_bin_iterate_sources (GST_BIN (graph->pipeline)), end_source);
}

static void
stop_sink (const GValue *value, gpointer user_data)
{
  GstElement *sink = g_value_get_object (value);

  /* Locked, so that the pipeline, which may still be on its way up, leaves it
   * there. */
  gst_element_set_locked_state (sink, TRUE);
  gst_element_set_state (sink, GST_STATE_NULL);
}

void
mill_graph_stop (MillGraph *graph)
{
  if (graph->state == STATE_STOPPED)
    return;
  graph->state = STATE_STOPPED;
  if (!graph->pipeline)
    return;
  mill_bus_queue_remove (graph->queue, graph->bus);
  /* The sinks first, which sets every push free: a source that is being sent
   * EOS holds its state lock until its push returns, and the pipeline takes
   * that lock to pause the source before it brings any sink to READY. */
  for_each (gst_bin_iterate_sinks (GST_BIN (graph->pipeline)), stop_sink);
  gst_element_set_state (graph->pipeline, GST_STATE_NULL);
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
