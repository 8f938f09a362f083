/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "plan-private.h"

#include "element-table.h"
#include "value-text.h"

void
mill_plan_setting_free (MillPlanSetting *setting)
{
  g_free (setting->name);
  if (G_IS_VALUE (&setting->value))
    g_value_unset (&setting->value);
  g_free (setting);
}

void
mill_plan_node_free (MillPlanNode *node)
{
  g_free (node->name);
  g_free (node->factory);
  g_ptr_array_unref (node->props);
  g_free (node);
}

/* ---- the element ---- */

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

/* ---- properties ---- */

static void
report_unknown_property (MillPlanner *planner, const MillSetting *setting,
    GObjectClass *klass, const gchar *owner)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  guint n_specs;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (klass, &n_specs);

  for (guint i = 0; i < n_specs; i++)
    g_ptr_array_add (names, (gpointer) specs[i]->name);
  mill_planner_report_word (planner, &setting->place, setting->name, names,
      "%s has no property '%.60s', expected one of its properties", owner,
      setting->name);
}

/* Returns: (nullable): the property, when a description may set it. */
static GParamSpec *
find_property (MillPlanner *planner, const MillSetting *setting,
    GObjectClass *klass, const gchar *owner)
{
  GParamSpec *pspec = g_object_class_find_property (klass, setting->name);

  if (!pspec) {
    report_unknown_property (planner, setting, klass, owner);
    return NULL;
  }
  /* Node names are element names. */
  if (pspec->owner_type == GST_TYPE_OBJECT) {
    mill_planner_report (planner, &setting->place,
        "%s: property '%s' is set by the engine, expected it left out", owner,
        setting->name);
    return NULL;
  }
  if (!(pspec->flags & G_PARAM_WRITABLE)) {
    mill_planner_report (planner, &setting->place,
        "%s: property '%s' can only be read, expected one that can be written",
        owner, setting->name);
    return NULL;
  }
  if (pspec->flags & G_PARAM_DEPRECATED)
    mill_diagnostics_add (planner->diagnostics, MILL_SEVERITY_WARNING,
        &setting->place, "%s: property '%s' is deprecated", owner,
        setting->name);
  return pspec;
}

/* Returns: (nullable): what @setting says, once it is right. */
static MillPlanSetting *
check_setting (MillPlanner *planner, const MillSetting *setting,
    GParamSpec *pspec, const gchar *owner)
{
  g_autofree gchar *expected = NULL;
  g_autofree gchar *text = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  gboolean open = FALSE;
  MillPlanSetting *result;

  text = mill_param_values_expand (planner->values, setting->text,
      &setting->value_place, planner->diagnostics, &open);
  if (!text || !pspec)
    return NULL;
  if (open) {
    planner->plan->open = TRUE;
    g_value_init (&value, G_TYPE_STRING);
    g_value_set_string (&value, text);
  } else {
    expected = mill_value_text_parse (pspec, text, &value);
  }
  if (expected) {
    mill_planner_report (planner, &setting->value_place,
        "%s: property '%s' is '%.80s', expected %s", owner, setting->name, text,
        expected);
    return NULL;
  }
  result = g_new0 (MillPlanSetting, 1);
  result->name = g_strdup (pspec->name);
  result->open = open;
  result->value = value;
  value = (GValue) G_VALUE_INIT;
  return result;
}

GPtrArray *
mill_plan_node_check_settings (MillPlanner *planner, GPtrArray *settings,
    GObjectClass *klass, const gchar *owner, const gchar *factory)
{
  GPtrArray *result =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_plan_setting_free);

  for (guint i = 0; i < settings->len; i++) {
    const MillSetting *setting = g_ptr_array_index (settings, i);
    GParamSpec *pspec = klass ? find_property (planner, setting, klass, owner)
                              : NULL;
    MillPlanSetting *checked = check_setting (planner, setting, pspec, owner);

    if (!checked)
      continue;
    checked->change = mill_element_table_get_change (factory, pspec);
    g_ptr_array_add (result, checked);
  }
  return result;
}

/* ---- one node ---- */

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
  plan->props = mill_plan_node_check_settings (planner, node->props,
      (GObjectClass *) self->klass, owner, plan->factory);
  plan->cores = mill_element_table_get_cores (plan->factory);
  plan->may_wait = !mill_element_table_never_waits (plan->factory);
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
