/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Where processes and threads meet.
 *
 * Processes: each isolated node gets one of its own, the rest share process 0.
 * Below a pool source: the first element that may wait, on each path, gets a
 * leaky queue before it, so that it cannot hold the pool's thread.
 * Elsewhere: where a node has several links and what lies behind one of them
 * may wait, that link gets a queue: one thread would otherwise feed branches
 * that wait for each other. */
#include "plan-private.h"

#include "element-table.h"
#include "media-kind.h"

/** A node's place in the flow. */
typedef struct
{
  gboolean pool; /* its output is pushed by a pool thread */
  gboolean waits; /* it, or what it pushes to directly, may wait */
  gboolean live_link; /* reads from a producer that does not wait */
  guint n_outputs; /* links that leave it */
} Flow;

static Flow *
flow_of (GHashTable *flows, const gchar *node)
{
  return g_hash_table_lookup (flows, node);
}

/* Frames of raw video are too large to copy between processes, and a link
 * resumes at a keyframe. */
static void
check_border (MillPlanner *planner, const MillPlanLink *link,
    MillPlannerNode *from, MillPlannerNode *to)
{
  g_autoptr (GstCaps) given =
      mill_planner_get_caps (from, GST_PAD_SRC, link->from_pad);
  g_autoptr (GstCaps) taken =
      mill_planner_get_caps (to, GST_PAD_SINK, link->to_pad);
  g_autoptr (GstCaps) caps = gst_caps_intersect (given, taken);
  g_autofree gchar *text = NULL;

  if (!mill_media_kind_is_raw (caps))
    return;
  text = mill_media_kind_describe (caps);
  mill_planner_report (planner, mill_planner_get_place (to, from),
      "raw media (%s) from '%s' to '%s' crosses an isolation border, expected "
      "encoded media (isolate '%s' together with its decoder or encoder in one "
      "element, or neither)",
      text, from->plan->name, to->plan->name,
      to->group ? to->plan->name : from->plan->name);
}

static void
place_processes (MillPlanner *planner)
{
  MillPlan *plan = planner->plan;

  plan->n_processes = 1;
  for (guint i = 0; i < planner->nodes->len; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->nodes, i);

    if (node->group == 0 || node->companion)
      continue;
    node->group = i + 1;
    if (!plan->one_process)
      node->plan->process = plan->n_processes++;
  }
  for (guint i = 0; i < planner->nodes->len; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->nodes, i);

    if (!node->companion)
      continue;
    node->group = node->companion->group;
    node->plan->process = node->companion->plan->process;
  }
  for (guint i = 0; i < plan->links->len; i++) {
    MillPlanLink *link = g_ptr_array_index (plan->links, i);
    MillPlannerNode *from = mill_planner_find_node (planner, link->from_node);
    MillPlannerNode *to = mill_planner_find_node (planner, link->to_node);

    if (from->group == to->group)
      continue;
    check_border (planner, link, from, to);
    if (!plan->one_process)
      link->kind = MILL_LINK_CUT;
  }
}

/* A queue that its author lets leak never holds up who pushes into it. */
static gboolean
is_leaky_queue (const MillPlanNode *node)
{
  if (!mill_element_table_is_queue (node->factory))
    return FALSE;
  for (guint i = 0; i < node->props->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (node->props, i);

    if (g_str_equal (setting->name, "leaky") &&
        G_VALUE_HOLDS_ENUM (&setting->value))
      return g_value_get_enum (&setting->value) != 0;
  }
  return FALSE;
}

/* Upstream from the sinks: what waits behind each node. */
static void
find_waiting (const MillPlanPart *part, GHashTable *flows)
{
  for (guint i = part->nodes->len; i > 0; i--) {
    const MillPlanNode *node = g_ptr_array_index (part->nodes, i - 1);
    Flow *flow = flow_of (flows, node->name);

    /* Behind a queue, waiting is another thread's business. */
    if (mill_element_table_is_queue (node->factory))
      continue;
    flow->waits = node->may_wait;
    for (guint k = 0; k < part->links->len; k++) {
      const MillPlanLink *link = g_ptr_array_index (part->links, k);

      if (g_str_equal (link->from_node, node->name))
        flow->waits |= flow_of (flows, link->to_node)->waits;
    }
  }
}

static void
place_queue (MillPlanLink *link, const MillPlanNode *to, GHashTable *flows)
{
  const Flow *from = flow_of (flows, link->from_node);
  Flow *flow = flow_of (flows, link->to_node);
  gboolean is_queue = mill_element_table_is_queue (to->factory);

  if (from->pool) {
    if (is_leaky_queue (to))
      return;
    if (to->may_wait)
      link->kind = MILL_LINK_QUEUE;
    else
      flow->pool = TRUE;
  } else if (from->n_outputs > 1 && flow->waits && !is_queue) {
    link->kind = from->live_link ? MILL_LINK_PACED : MILL_LINK_THREAD;
  }
}

/* Downstream from the sources of one process. */
static void
place_queues (const MillPlanPart *part)
{
  g_autoptr (GHashTable) flows =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  for (guint i = 0; i < part->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (part->nodes, i);
    Flow *flow = g_new0 (Flow, 1);

    flow->pool = mill_element_table_is_pool_source (node->factory);
    flow->live_link = g_str_equal (node->factory, "millsrc") &&
        mill_plan_node_is_live_source (node);
    g_hash_table_insert (flows, node->name, flow);
  }
  for (guint i = 0; i < part->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (part->links, i);

    flow_of (flows, link->from_node)->n_outputs++;
  }
  find_waiting (part, flows);
  for (guint i = 0; i < part->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (part->nodes, i);

    for (guint k = 0; k < part->links->len; k++) {
      MillPlanLink *link = g_ptr_array_index (part->links, k);

      if (g_str_equal (link->to_node, node->name))
        place_queue (link, node, flows);
    }
  }
}

void
mill_plan_place_make (MillPlanner *planner)
{
  MillPlan *plan = planner->plan;

  plan->live = mill_plan_cut_is_live (planner);
  place_processes (planner);
  mill_plan_cut_make (planner);
  for (guint i = 0; i < plan->parts->len; i++)
    place_queues (g_ptr_array_index (plan->parts, i));
}
