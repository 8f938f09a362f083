/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "plan-private.h"

#include "element-table.h"
#include "media-kind.h"
#include "value-text.h"

/* Longer lists of words help nobody in a message. */
#define MAX_LISTED 12

/* ---- what the steps share ---- */

void
mill_planner_report (MillPlanner *planner, const MillPlace *place,
    const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  mill_diagnostics_add (planner->diagnostics, MILL_SEVERITY_ERROR, place, "%s",
      text);
}

void
mill_planner_report_word (MillPlanner *planner, const MillPlace *place,
    const gchar *word, GPtrArray *candidates, const gchar *format, ...)
{
  g_autoptr (GPtrArray) words = g_ptr_array_copy (candidates, NULL, NULL);
  g_autofree gchar *text = NULL;
  const gchar *nearest;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_ptr_array_add (words, NULL);
  nearest =
      mill_diagnostics_nearest (word, (const gchar *const *) words->pdata);
  mill_planner_report (planner, place, "%s%s%s%s", text,
      nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
}

gchar *
mill_planner_list_words (GPtrArray *words)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < words->len && i < MAX_LISTED; i++)
    g_string_append_printf (text, "%s%s",
        i == 0                    ? ""
            : i + 1 == words->len ? " or "
                                  : ", ",
        (const gchar *) g_ptr_array_index (words, i));
  if (words->len > MAX_LISTED)
    g_string_append_printf (text, " or one of %u more",
        words->len - MAX_LISTED);
  return g_strdup (text->str);
}

MillPlannerNode *
mill_planner_find_node (MillPlanner *planner, const gchar *name)
{
  for (guint i = 0; i < planner->nodes->len; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->nodes, i);

    if (g_str_equal (node->plan->name, name))
      return node;
  }
  return NULL;
}

GstCaps *
mill_planner_get_caps (const MillPlannerNode *node, GstPadDirection direction,
    const gchar *pad)
{
  for (GList *l = gst_element_class_get_pad_template_list (node->klass); l;
       l = l->next) {
    GstPadTemplate *template = l->data;

    if (GST_PAD_TEMPLATE_DIRECTION (template) != direction || !pad ||
        !mill_media_kind_name_fits (GST_PAD_TEMPLATE_NAME_TEMPLATE (template),
            pad))
      continue;
    if (direction == GST_PAD_SRC && node->carries &&
        gst_caps_is_any (GST_PAD_TEMPLATE_CAPS (template)))
      return gst_caps_ref (node->carries);
    return gst_pad_template_get_caps (template);
  }
  return gst_caps_new_any ();
}

const MillPlace *
mill_planner_get_place (const MillPlannerNode *to, const MillPlannerNode *from)
{
  for (guint i = 0; i < to->sources->len; i++) {
    const MillPlannerSource *source = g_ptr_array_index (to->sources, i);

    if (source->from == from)
      return &source->source->place;
  }
  return &to->node->place;
}

void
mill_planner_node_free (MillPlannerNode *node)
{
  g_clear_pointer (&node->klass, g_type_class_unref);
  g_clear_pointer (&node->sources, g_ptr_array_unref);
  g_hash_table_unref (node->taken);
  gst_clear_caps (&node->carries);
  g_clear_pointer (&node->own, mill_plan_stream_node_free);
  g_free (node);
}

/* ---- the plan ---- */

static void
run_steps (MillPlanner *planner)
{
  planner->nodes =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_planner_node_free);
  planner->order = g_ptr_array_new ();
  mill_plan_node_check_all (planner);
  mill_plan_order_make (planner);
  mill_plan_link_make_all (planner);
  mill_plan_place_make (planner);
  mill_plan_link_report_loose (planner);
  g_ptr_array_unref (planner->order);
  g_ptr_array_unref (planner->nodes);
}

static gboolean
has_isolation (const MillDescription *description)
{
  for (guint i = 0; i < description->nodes->len; i++) {
    const MillNode *node = g_ptr_array_index (description->nodes, i);

    if (node->isolate || node->isolate_text)
      return TRUE;
  }
  return FALSE;
}

MillPlan *
mill_plan_new (MillDescription *description, const MillPlanOptions *options,
    MillDiagnostics *diagnostics)
{
  static const MillPlanOptions defaults = { .epoch = GST_CLOCK_TIME_NONE };
  g_autoptr (MillPlan) plan = g_new0 (MillPlan, 1);
  g_autoptr (MillParamValues) values = NULL;
  MillPlanner planner = { .plan = plan, .diagnostics = diagnostics };
  guint n_errors = mill_diagnostics_get_n_errors (diagnostics);

  if (!options)
    options = &defaults;
  g_atomic_ref_count_init (&plan->ref_count);
  plan->description = mill_description_ref (description);
  plan->epoch = options->epoch ? options->epoch : GST_CLOCK_TIME_NONE;
  plan->one_process = options->one_process && has_isolation (description);
  plan->process = options->process;
  plan->nodes =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_plan_node_free);
  plan->links =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_plan_link_free);
  plan->parts =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_plan_cut_part_free);
  plan->ends =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_plan_node_free);
  plan->end_links =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_plan_link_free);
  values = mill_param_values_new (description, options->params,
      options->allow_missing, diagnostics);
  planner.options = options;
  planner.values = values;
  plan->secrets = mill_param_values_list_secrets (values);
  run_steps (&planner);
  if (mill_diagnostics_get_n_errors (diagnostics) > n_errors)
    return NULL;
  return g_steal_pointer (&plan);
}

MillPlan *
mill_plan_new_from_data (const gchar *data, gsize size, const gchar *file_name,
    const MillPlanOptions *options, MillDiagnostics *diagnostics)
{
  guint n_errors = mill_diagnostics_get_n_errors (diagnostics);
  g_autoptr (MillDescription) description =
      mill_description_new_with_mistakes (data, size, file_name, diagnostics);
  g_autoptr (MillPlan) plan = NULL;

  if (!description)
    return NULL;
  plan = mill_plan_new (description, options, diagnostics);
  if (mill_diagnostics_get_n_errors (diagnostics) > n_errors)
    return NULL;
  return g_steal_pointer (&plan);
}

MillPlan *
mill_plan_new_from_file (const gchar *name_or_path,
    const MillPlanOptions *options, MillDiagnostics *diagnostics)
{
  g_autofree gchar *path = NULL;
  g_autofree gchar *data = NULL;
  gsize size;

  data = mill_description_load (name_or_path, &size, &path, diagnostics);
  if (!data)
    return NULL;
  return mill_plan_new_from_data (data, size, path, options, diagnostics);
}

MillPlan *
mill_plan_ref (MillPlan *plan)
{
  g_atomic_ref_count_inc (&plan->ref_count);
  return plan;
}

void
mill_plan_unref (MillPlan *plan)
{
  if (!g_atomic_ref_count_dec (&plan->ref_count))
    return;
  g_ptr_array_unref (plan->parts);
  g_ptr_array_unref (plan->end_links);
  g_ptr_array_unref (plan->ends);
  g_ptr_array_unref (plan->nodes);
  g_ptr_array_unref (plan->links);
  mill_description_unref (plan->description);
  g_strfreev (plan->secrets);
  g_free (plan);
}

MillDescription *
mill_plan_get_description (const MillPlan *plan)
{
  return plan->description;
}

GstClockTime
mill_plan_get_epoch (const MillPlan *plan)
{
  return plan->epoch;
}

GPtrArray *
mill_plan_get_nodes (const MillPlan *plan)
{
  return plan->nodes;
}

GPtrArray *
mill_plan_get_links (const MillPlan *plan)
{
  return plan->links;
}

guint
mill_plan_get_n_processes (const MillPlan *plan)
{
  return plan->n_processes;
}

guint
mill_plan_get_process (const MillPlan *plan)
{
  return plan->process;
}

gboolean
mill_plan_is_live (const MillPlan *plan)
{
  return plan->live;
}

GPtrArray *
mill_plan_get_part_nodes (const MillPlan *plan, guint process)
{
  return mill_plan_cut_get_part (plan, process)->nodes;
}

/* ---- comparing ---- */

static gboolean
settings_equal (const GPtrArray *a, const GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++) {
    const MillPlanSetting *left = g_ptr_array_index (a, i);
    const MillPlanSetting *right = g_ptr_array_index (b, i);
    g_autofree gchar *left_text = mill_value_text_format (&left->value);
    g_autofree gchar *right_text = mill_value_text_format (&right->value);

    if (!g_str_equal (left->name, right->name) ||
        !g_str_equal (left_text, right_text))
      return FALSE;
  }
  return TRUE;
}

static gboolean
nodes_equal (const MillPlanNode *a, const MillPlanNode *b)
{
  return g_str_equal (a->name, b->name) &&
      g_str_equal (a->factory, b->factory) && a->process == b->process &&
      settings_equal (a->props, b->props);
}

static gboolean
links_equal (const MillPlanLink *a, const MillPlanLink *b)
{
  return g_str_equal (a->from_node, b->from_node) &&
      g_strcmp0 (a->from_pad, b->from_pad) == 0 &&
      g_str_equal (a->to_node, b->to_node) &&
      g_strcmp0 (a->to_pad, b->to_pad) == 0 && a->kind == b->kind &&
      settings_equal (a->props, b->props);
}

gboolean
mill_plan_equal (const MillPlan *a, const MillPlan *b)
{
  if (a->nodes->len != b->nodes->len || a->links->len != b->links->len)
    return FALSE;
  for (guint i = 0; i < a->nodes->len; i++)
    if (!nodes_equal (g_ptr_array_index (a->nodes, i),
            g_ptr_array_index (b->nodes, i)))
      return FALSE;
  for (guint i = 0; i < a->links->len; i++)
    if (!links_equal (g_ptr_array_index (a->links, i),
            g_ptr_array_index (b->links, i)))
      return FALSE;
  return TRUE;
}
