/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "plan-private.h"

#include "element-table.h"

void
mill_plan_node_free (MillPlanNode *node)
{
  g_free (node->name);
  g_free (node->factory);
  g_ptr_array_unref (node->props);
  g_free (node);
}

static MillPlanSetting *
add_setting (MillPlanNode *node, const gchar *name, GType type)
{
  MillPlanSetting *setting = g_new0 (MillPlanSetting, 1);

  setting->name = g_strdup (name);
  setting->change = MILL_CHANGE_RESTART;
  g_value_init (&setting->value, type);
  g_ptr_array_add (node->props, setting);
  return setting;
}

/* A property that is @value in the description. */
static gboolean
has_boolean (const MillPlanNode *node, const gchar *name, gboolean value)
{
  for (guint i = 0; i < node->props->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (node->props, i);

    if (g_str_equal (setting->name, name) &&
        G_VALUE_HOLDS_BOOLEAN (&setting->value))
      return g_value_get_boolean (&setting->value) == value;
  }
  return FALSE;
}

static gboolean
may_wait (const MillPlanNode *node)
{
  const gchar *waiting = mill_element_table_get_waiting (node->factory);

  return !mill_element_table_never_waits (node->factory) ||
      (waiting && has_boolean (node, waiting, FALSE));
}

gboolean
mill_plan_node_is_live_source (const MillPlanNode *node)
{
  const gchar *waiting = mill_element_table_get_waiting (node->factory);

  if (mill_element_table_is_live_source (node->factory))
    return !waiting || !has_boolean (node, waiting, FALSE);
  return has_boolean (node, "is-live", TRUE);
}

void
mill_plan_node_set_timeout (MillPlanNode *end, guint timeout_ms)
{
  g_value_set_uint (&add_setting (end, "reconnect-timeout-ms", G_TYPE_UINT)
                         ->value,
      timeout_ms);
}

void
mill_plan_node_set_opening (MillPlanNode *end, guint opening_ms)
{
  g_value_set_uint (&add_setting (end, "opening-ms", G_TYPE_UINT)->value,
      opening_ms);
}

MillPlanNode *
mill_plan_node_new_end (const gchar *name, const gchar *factory,
    const gchar *location, gboolean leaky)
{
  MillPlanNode *node = g_new0 (MillPlanNode, 1);

  node->name = g_strdup (name);
  node->factory = g_strdup (factory);
  node->props =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_plan_setting_free);
  node->cores = mill_element_table_get_cores (factory);
  g_value_set_string (&add_setting (node, "location", G_TYPE_STRING)->value,
      location);
  g_value_set_boolean (&add_setting (node, "leaky", G_TYPE_BOOLEAN)->value,
      leaky);
  node->may_wait = may_wait (node);
  return node;
}

static void
report_unknown_element (MillPlanner *planner, const MillNode *node,
    const gchar *factory)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GList *factories;

  if (mill_element_table_is_ours (factory)) {
    mill_planner_report (planner, &node->element_place,
        "element '%s' is missing, expected a build of millrace with the "
        "plugin that has it",
        factory);
    return;
  }
  factories = gst_registry_get_feature_list (gst_registry_get (),
      GST_TYPE_ELEMENT_FACTORY);
  for (GList *l = factories; l; l = l->next)
    g_ptr_array_add (names, (gpointer) GST_OBJECT_NAME (l->data));
  mill_planner_report_word (planner, &node->element_place, factory, names,
      "unknown element '%.60s', expected an element of an installed GStreamer "
      "plugin",
      factory);
  gst_plugin_feature_list_free (factories);
}

static void
find_element (MillPlanner *planner, MillPlannerNode *self,
    const gchar *factory_name)
{
  g_autoptr (GstElementFactory) factory =
      gst_element_factory_find (factory_name);
  g_autoptr (GstPluginFeature) loaded = NULL;

  if (!factory) {
    report_unknown_element (planner, self->node, factory_name);
    return;
  }
  loaded = gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory));
  if (!loaded) {
    mill_planner_report (planner, &self->node->element_place,
        "element '%s' is known but its plugin '%s' cannot be loaded, expected "
        "it and the libraries it needs to be installed",
        factory_name,
        gst_plugin_feature_get_plugin_name (GST_PLUGIN_FEATURE (factory)));
    return;
  }
  self->klass = g_type_class_ref (
      gst_element_factory_get_element_type (GST_ELEMENT_FACTORY (loaded)));
}

static gboolean
check_isolate (MillPlanner *planner, const MillNode *node)
{
  g_autofree gchar *text = NULL;
  gboolean open = FALSE;

  if (!node->isolate_text)
    return node->isolate;
  text = mill_param_values_expand (planner->values, node->isolate_text,
      &node->isolate_place, planner->diagnostics, &open);
  if (!text || open) {
    planner->plan->open = TRUE;
    return FALSE;
  }
  if (mill_param_values_check (MILL_PARAM_BOOLEAN, text))
    mill_planner_report (planner, &node->isolate_place,
        "isolate '%.60s', expected true or false", text);
  return *text == 't';
}

static void
check_node (MillPlanner *planner, const MillNode *node)
{
  MillPlannerNode *self = g_new0 (MillPlannerNode, 1);
  MillPlanNode *plan = g_new0 (MillPlanNode, 1);
  g_autofree gchar *factory = NULL;
  g_autofree gchar *owner = NULL;
  gboolean open = FALSE;

  self->node = node;
  self->plan = plan;
  self->taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  plan->name = g_strdup (node->name);
  g_ptr_array_add (planner->nodes, self);
  g_ptr_array_add (planner->plan->nodes, plan);
  if (node->element)
    factory = mill_param_values_expand (planner->values, node->element,
        &node->element_place, planner->diagnostics, &open);
  if (open)
    planner->plan->open = TRUE;
  else if (factory)
    find_element (planner, self, factory);
  plan->factory = g_strdup (factory ? factory : "");
  owner = g_strdup_printf ("node '%s' (%s)", plan->name, plan->factory);
  plan->props = mill_plan_setting_check_all (planner, node->props,
      (GObjectClass *) self->klass, owner, plan->factory);
  mill_plan_try_node (planner, node, plan);
  plan->cores = mill_element_table_get_cores (plan->factory);
  plan->may_wait = may_wait (plan);
  /* The number of the process comes later; here only: of its own or not. */
  self->group = check_isolate (planner, node);
}

void
mill_plan_node_check_all (MillPlanner *planner)
{
  GPtrArray *nodes = mill_description_get_nodes (planner->plan->description);

  for (guint i = 0; i < nodes->len; i++)
    check_node (planner, g_ptr_array_index (nodes, i));
}
