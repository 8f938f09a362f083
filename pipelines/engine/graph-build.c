/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* From a plan to a pipeline: the elements and links of one process. */
#include "graph-private.h"

#include <string.h>

#include "element-table.h"
#include "media-kind.h"
#include "plan-private.h"

static gboolean
add_node (GstBin *pipeline, const MillPlanNode *node, GError **error)
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
  gst_bin_add (pipeline, element);
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
connect_pad (GstBin *pipeline, GstElement *element, const gchar *name,
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
  return mill_graph_link_connect (pipeline, pad, links, error);
}

/* Links the pads of a node that exist, or can be had, before it runs.
 * @links: (element-type MillPlanLink): all that leave the node. */
static gboolean
connect_present (GstBin *pipeline, GstElement *element, GPtrArray *links,
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
    if (!connect_pad (pipeline, element, link->from_pad, group, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
has_other_source (const MillPlanPart *part, const MillPlanLink *link)
{
  for (guint i = 0; i < part->links->len; i++) {
    const MillPlanLink *other = g_ptr_array_index (part->links, i);

    if (g_str_equal (other->to_node, link->to_node) &&
        !g_str_equal (other->from_node, link->from_node))
      return TRUE;
  }
  return FALSE;
}

/* Before the first link: a pad is guarded when it is linked. In a live graph an
 * end is the publisher's, and nobody waits for what has not come in time. A node
 * with one source waits for none either: when that ends, it has shown its pads;
 * so its pads are spared a probe, which looks at each buffer. */
static void
await_pads (GstBin *pipeline, const MillPlan *plan, const MillPlanPart *part)
{
  for (guint i = 0; !plan->live && i < part->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (part->links, i);
    g_autoptr (GstElement) source =
        gst_bin_get_by_name (pipeline, link->from_node);
    g_autoptr (GstElement) target =
        gst_bin_get_by_name (pipeline, link->to_node);

    if (pad_presence (source, link->from_pad) != GST_PAD_SOMETIMES)
      continue;
    if (has_other_source (part, link))
      mill_graph_gate_await (target, link->from_node);
    if (g_str_has_prefix (link->to_node, MILL_PLAN_LINK_PREFIX))
      mill_graph_rest_expect (source);
  }
}

static gboolean
connect_node (GstBin *pipeline, MillPlan *plan, const MillPlanNode *node,
    GError **error)
{
  const MillPlanPart *part = mill_plan_cut_get_part (plan, plan->process);
  g_autoptr (GstElement) element = gst_bin_get_by_name (pipeline, node->name);
  g_autoptr (GPtrArray) present = g_ptr_array_new ();
  GPtrArray *later = g_ptr_array_new ();

  for (guint i = 0; i < part->links->len; i++) {
    MillPlanLink *link = g_ptr_array_index (part->links, i);

    if (!g_str_equal (link->from_node, node->name))
      continue;
    if (pad_presence (element, link->from_pad) == GST_PAD_SOMETIMES)
      g_ptr_array_add (later, link);
    else
      g_ptr_array_add (present, link);
  }
  if (has_sometimes_pads (element))
    mill_graph_pads_watch (element, plan, later);
  else
    g_ptr_array_unref (later);
  return connect_present (pipeline, element, present, error);
}

/* All processes of a stream share one monotonic clock, so that running time
 * means the same in each. */
static void
use_clock (GstPipeline *pipeline, const MillPlan *plan)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  /* It is GStreamer's own for the whole process; this is its default, unless
   * somebody changed it. */
  g_object_set (clock, "clock-type", GST_CLOCK_TYPE_MONOTONIC, NULL);
  gst_pipeline_use_clock (pipeline, clock);
  if (!GST_CLOCK_TIME_IS_VALID (plan->epoch))
    return;
  gst_element_set_start_time (GST_ELEMENT (pipeline), GST_CLOCK_TIME_NONE);
  gst_element_set_base_time (GST_ELEMENT (pipeline), plan->epoch);
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
  if (plan->process >= plan->n_processes) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD,
        "plan '%s': got process %u, expected one below %u",
        plan->description->name, plan->process, plan->n_processes);
    return FALSE;
  }
  if (plan->n_processes > 1 && !GST_CLOCK_TIME_IS_VALID (plan->epoch)) {
    g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD,
        "plan '%s': got no epoch, expected that of all its %u processes",
        plan->description->name, plan->n_processes);
    return FALSE;
  }
  return TRUE;
}

static gboolean
has_setting (const MillPlanNode *node, const gchar *name)
{
  for (guint i = 0; i < node->props->len; i++)
    if (g_str_equal (((MillPlanSetting *) g_ptr_array_index (node->props, i))
                         ->name,
            name))
      return TRUE;
  return FALSE;
}

/* A bin keeps all sinks paused until each has its first buffer. A live one that
 * may come from another process, now or later, is not worth that. */
static void
free_sinks (GstBin *pipeline, const MillPlan *plan, const MillPlanPart *part)
{
  if (!plan->live || plan->n_processes == 1)
    return;
  for (guint i = 0; i < part->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (part->nodes, i);
    g_autoptr (GstElement) element = gst_bin_get_by_name (pipeline, node->name);

    if (GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK) &&
        g_object_class_find_property (G_OBJECT_GET_CLASS (element), "async") &&
        !has_setting (node, "async"))
      g_object_set (element, "async", FALSE, NULL);
  }
}

static gboolean
has_property (GstElement *element, const gchar *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (element), name) !=
      NULL;
}

static gboolean
makes_parts (GstBin *pipeline, const MillPlanPart *part)
{
  guint part_ms = 0;

  for (guint i = 0; part_ms == 0 && i < part->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (part->nodes, i);
    g_autoptr (GstElement) element = gst_bin_get_by_name (pipeline, node->name);

    if (has_property (element, "part-duration-ms"))
      g_object_get (element, "part-duration-ms", &part_ms, NULL);
  }
  return part_ms > 0;
}

/* A publisher of what is packaged in parts is read, and judged, by that. */
static void
tell_latency (GstBin *pipeline, const MillPlanPart *part)
{
  if (!makes_parts (pipeline, part))
    return;
  for (guint i = 0; i < part->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (part->nodes, i);
    g_autoptr (GstElement) element = gst_bin_get_by_name (pipeline, node->name);

    if (mill_element_table_is_pool_source (node->factory) &&
        has_property (element, "low-latency") &&
        !has_setting (node, "low-latency"))
      g_object_set (element, "low-latency", TRUE, NULL);
  }
}

GstElement *
mill_graph_build (MillPlan *plan, GError **error)
{
  g_autoptr (GstElement) pipeline = NULL;
  const MillPlanPart *part;

  if (!check_plan (plan, error))
    return NULL;
  part = mill_plan_cut_get_part (plan, plan->process);
  pipeline = gst_object_ref_sink (gst_pipeline_new (plan->description->name));
  use_clock (GST_PIPELINE (pipeline), plan);
  /* Sources first: a bin starts what was added last first, so that whatever a
   * pad that appears later will be linked to is awake by then. */
  for (guint i = 0; i < part->nodes->len; i++)
    if (!add_node (GST_BIN (pipeline), g_ptr_array_index (part->nodes, i),
            error))
      return NULL;
  free_sinks (GST_BIN (pipeline), plan, part);
  tell_latency (GST_BIN (pipeline), part);
  await_pads (GST_BIN (pipeline), plan, part);
  for (guint i = 0; i < part->nodes->len; i++)
    if (!connect_node (GST_BIN (pipeline), plan,
            g_ptr_array_index (part->nodes, i), error))
      return NULL;
  return g_steal_pointer (&pipeline);
}
