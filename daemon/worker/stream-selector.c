/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-selector.h"

#define SELECTOR_FACTORY "failoverswitch"
#define RTMP_FACTORY "rtmpserversrc"

static const MillPlanNode *
find_node (MillPlan *plan, const gchar *name)
{
  GPtrArray *nodes = mill_plan_get_nodes (plan);

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    if (g_str_equal (node->name, name))
      return node;
  }
  return NULL;
}

static gboolean
is_of (MillPlan *plan, const gchar *name, const gchar *factory)
{
  const MillPlanNode *node = find_node (plan, name);

  return node && g_str_equal (node->factory, factory);
}

static guint
get_priority (const MillPlanLink *link)
{
  for (guint i = 0; i < link->props->len; i++) {
    const MillPlanSetting *setting = link->props->pdata[i];
    if (g_str_equal (setting->name, "priority") &&
        G_VALUE_HOLDS_UINT (&setting->value))
      return g_value_get_uint (&setting->value);
  }
  return 0;
}

void
mill_stream_selector_find (MillStreamSelector *selector, MillGraph *graph,
    const gchar *node)
{
  MillPlan *plan = mill_graph_get_plan (graph);
  GPtrArray *links = mill_plan_get_links (plan);
  const gchar *name = NULL;

  *selector = (MillStreamSelector){ NULL };
  for (guint i = 0; i < links->len && !name; i++) {
    const MillPlanLink *link = links->pdata[i];
    if (!g_str_equal (link->from_node, node) ||
        !is_of (plan, link->to_node, SELECTOR_FACTORY) ||
        !mill_graph_get_node (graph, link->to_node))
      continue;
    name = link->to_node;
    selector->element = gst_object_ref (mill_graph_get_node (graph, name));
    selector->priority = get_priority (link);
  }
  for (guint i = 0; i < links->len && name; i++) {
    const MillPlanLink *link = links->pdata[i];
    selector->has_others |= g_str_equal (link->to_node, name) &&
        !is_of (plan, link->from_node, RTMP_FACTORY);
  }
}

void
mill_stream_selector_clear (MillStreamSelector *selector)
{
  gst_clear_object (&selector->element);
}

gboolean
mill_stream_selector_shows (const MillStreamSelector *selector)
{
  gint active;

  g_object_get (selector->element, "active", &active, NULL);
  return active >= 0 && (guint) active == selector->priority;
}
