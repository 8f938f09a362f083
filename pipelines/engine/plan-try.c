/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* What only the element itself can tell of its properties: a preset, say, that
 * nobody ships. */
#include "plan-private.h"

#include <string.h>

#include "element-table.h"

static gboolean
is_settled (const MillPlanNode *plan)
{
  const gchar *unseen = mill_element_table_get_unseen (plan->factory);

  for (guint i = 0; i < plan->props->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (plan->props, i);

    if (setting->open && g_strcmp0 (setting->name, unseen) != 0)
      return FALSE;
  }
  return TRUE;
}

/* Returns: (nullable): the property that @mistake begins with, if it is set. */
static const MillPlace *
find_own_place (const MillNode *node, const gchar *mistake)
{
  gsize length = strspn (mistake, "abcdefghijklmnopqrstuvwxyz0123456789-");

  for (guint i = 0; i < node->props->len; i++) {
    const MillSetting *setting = g_ptr_array_index (node->props, i);

    if (strlen (setting->name) == length &&
        g_str_has_prefix (mistake, setting->name))
      return &setting->value_place;
  }
  return NULL;
}

static const MillPlace *
find_place (const MillNode *node, const gchar *property, const gchar *mistake)
{
  const MillPlace *place = find_own_place (node, mistake);

  if (place)
    return place;
  for (guint i = 0; i < node->props->len; i++) {
    const MillSetting *setting = g_ptr_array_index (node->props, i);

    if (g_str_equal (setting->name, property))
      return &setting->value_place;
  }
  return &node->element_place;
}

/* What it can go on without is a warning.
 * Returns: (transfer full) (nullable): what @element has against its settings */
static gchar *
try_ready (GstElement *element, MillSeverity *ret_severity)
{
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ready;

  gst_element_set_bus (element, bus);
  ready = gst_element_set_state (element, GST_STATE_READY) !=
      GST_STATE_CHANGE_FAILURE;
  message = gst_bus_pop_filtered (bus,
      ready ? GST_MESSAGE_WARNING : GST_MESSAGE_ERROR);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  *ret_severity = ready ? MILL_SEVERITY_WARNING : MILL_SEVERITY_ERROR;
  if (message && ready)
    gst_message_parse_warning (message, &error, NULL);
  else if (message)
    gst_message_parse_error (message, &error, NULL);
  if (error)
    return g_strdup (error->message);
  return ready
      ? NULL
      : g_strdup ("it cannot be made ready, expected settings that fit");
}

void
mill_plan_try_node (MillPlanner *planner, const MillNode *node,
    const MillPlanNode *plan)
{
  const gchar *property = mill_element_table_get_tried (plan->factory);
  g_autoptr (GstElement) element = NULL;
  g_autofree gchar *mistake = NULL;
  MillSeverity severity;

  if (!property || !is_settled (plan))
    return;
  element = gst_element_factory_make (plan->factory, NULL);
  if (!element)
    return; /* reported with the element's name */
  gst_object_ref_sink (element);
  for (guint i = 0; i < plan->props->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (plan->props, i);

    if (!setting->open)
      g_object_set_property (G_OBJECT (element), setting->name,
          &setting->value);
  }
  mistake = try_ready (element, &severity);
  if (mistake)
    mill_diagnostics_add (planner->diagnostics, severity,
        find_place (node, property, mistake), "node '%s' (%s): %s", plan->name,
        plan->factory, mistake);
}
