/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Properties of nodes and pads: named, typed, in range, writable. */
#include "plan-private.h"

#include "element-table.h"
#include "value-text.h"

gchar *
mill_plan_setting_format (const MillPlanSetting *setting)
{
  return setting->secret && !setting->open
      ? g_strdup (MILL_SECRET_MASK)
      : mill_value_text_format (&setting->value);
}

void
mill_plan_setting_free (MillPlanSetting *setting)
{
  g_free (setting->name);
  if (G_IS_VALUE (&setting->value))
    g_value_unset (&setting->value);
  g_free (setting);
}

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
  gboolean secret =
      mill_param_values_uses_secret (planner->values, setting->text) ||
      (pspec && !(pspec->flags & G_PARAM_READABLE));
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
        "%s: property '%s' is '%.80s', expected %s", owner, setting->name,
        secret ? MILL_SECRET_MASK : text, expected);
    return NULL;
  }
  result = g_new0 (MillPlanSetting, 1);
  result->name = g_strdup (pspec->name);
  result->open = open;
  result->secret = secret;
  result->value = value;
  value = (GValue) G_VALUE_INIT;
  return result;
}

GPtrArray *
mill_plan_setting_check_all (MillPlanner *planner, GPtrArray *settings,
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
