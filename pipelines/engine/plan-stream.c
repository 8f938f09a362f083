/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Nodes of other streams: each becomes a millsrc in the process of the node
 * that takes from it. */
#include "plan-private.h"

#include "engine.h"

#define FACTORY "millsrc"

void
mill_plan_stream_node_free (MillNode *node)
{
  g_free (node->name);
  g_ptr_array_unref (node->from);
  g_ptr_array_unref (node->props);
  g_free (node);
}

static MillNode *
node_new (const gchar *name, const MillSource *source)
{
  MillNode *node = g_new0 (MillNode, 1);

  node->name = g_strdup (name);
  node->from = g_ptr_array_new ();
  node->props = g_ptr_array_new ();
  node->place = node->element_place = source->place;
  return node;
}

/* Isolated nodes have processes of their own, and so each its own link. */
static gchar *
node_name (MillPlanner *planner, const MillPlannerNode *owner,
    const gchar *stream, const gchar *name)
{
  if (owner->group && !planner->options->one_process)
    return g_strdup_printf ("stream:%s/%s:%s", stream, name, owner->plan->name);
  return g_strdup_printf ("stream:%s/%s", stream, name);
}

MillPlannerNode *
mill_plan_stream_get_node (MillPlanner *planner, MillPlannerNode *owner,
    const MillSource *source, const gchar *stream, const gchar *name)
{
  g_autofree gchar *full = node_name (planner, owner, stream, name);
  g_autofree gchar *location =
      mill_plan_cut_get_location (planner, stream, name);
  MillPlannerNode *self = mill_planner_find_node (planner, full);
  GstElementClass *klass;

  if (self)
    return self;
  if (mill_plan_cut_is_own (planner, stream)) {
    mill_planner_report (planner, &source->place,
        "from 'stream:%s/%s': got the stream itself, which would wait for its "
        "own media, expected another one, or '%s' for a node of this one",
        stream, name, name);
    return NULL;
  }
  if (!mill_plan_cut_check_location (planner, &source->place, location))
    return NULL;
  klass = mill_plan_cut_load_end (planner, FACTORY);
  if (!klass)
    return NULL;
  self = g_new0 (MillPlannerNode, 1);
  self->klass = klass;
  self->node = self->own = node_new (full, source);
  self->companion = owner;
  self->taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->sources = g_ptr_array_new ();
  /* Another stream must not be held up, and gives media at its own pace. */
  self->plan = mill_plan_node_new_end (full, FACTORY, location, TRUE);
  if (planner->options->link_timeout_ms > 0)
    mill_plan_node_set_timeout (self->plan, planner->options->link_timeout_ms);
  g_ptr_array_add (planner->nodes, self);
  g_ptr_array_add (planner->plan->nodes, self->plan);
  return self;
}
