/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* A plan for people: who does what where, and what is put between. */
#include "plan-private.h"

#include <string.h>

static const gchar *
change_word (MillChange change)
{
  switch (change) {
    case MILL_CHANGE_HOT:
      return "hot";
    case MILL_CHANGE_KEYFRAME:
      return "keyframe";
    default:
      return "restart";
  }
}

static const gchar *
kind_words (MillLinkKind kind)
{
  switch (kind) {
    case MILL_LINK_QUEUE:
      return "leaky queue: what follows may wait, the pool's thread may not";
    case MILL_LINK_THREAD:
      return "queue: the branches may wait for each other";
    case MILL_LINK_PACED:
      return "short queue: the branches may wait for each other, the link drops";
    case MILL_LINK_CUT:
      return "cut: by a link between processes";
    default:
      return "direct";
  }
}

static gboolean
has_twin (const MillPlan *plan, const MillPlanLink *link)
{
  for (guint i = 0; i < plan->links->len; i++) {
    const MillPlanLink *other = g_ptr_array_index (plan->links, i);

    if (other != link && g_str_equal (other->from_node, link->from_node) &&
        g_strcmp0 (other->from_pad, link->from_pad) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
write_settings (GString *text, const GPtrArray *settings)
{
  for (guint i = 0; i < settings->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (settings, i);
    g_autofree gchar *value = mill_plan_setting_format (setting);

    g_string_append_printf (text, "      %s: %s  [%s]\n", setting->name, value,
        change_word (setting->change));
  }
}

/* What may be given, and what is taken where nothing is: of a secret one neither
 * is shown. */
static void
write_params (GString *text, const GPtrArray *params)
{
  static const gchar *const types[] = { [MILL_PARAM_STRING] = "string",
    [MILL_PARAM_INTEGER] = "integer",
    [MILL_PARAM_NUMBER] = "number",
    [MILL_PARAM_BOOLEAN] = "boolean" };

  if (params->len > 0)
    g_string_append (text, "\nparameters (--set NAME=VALUE)\n");
  for (guint i = 0; i < params->len; i++) {
    const MillParam *param = g_ptr_array_index (params, i);
    const gchar *value = param->default_value ? param->default_value : "";
    g_autofree gchar *fallback = param->required ? g_strdup ("required")
        : param->secret                          ? g_strdup ("secret")
        : *value ? g_strdup_printf ("default %s", value)
                 : g_strdup ("empty by default");
    g_string_append_printf (text, "  %-20s %-8s %s%s\n", param->name,
        types[param->type], fallback,
        param->required && param->secret ? ", secret" : "");
    if (param->summary)
      g_string_append_printf (text, "      %s\n", param->summary);
  }
}

static void
write_process (GString *text, const MillPlan *plan, guint process)
{
  const GPtrArray *nodes = mill_plan_cut_get_part (plan, process)->nodes;
  gdouble cores = 0;

  for (guint i = 0; i < nodes->len; i++)
    cores += ((MillPlanNode *) g_ptr_array_index (nodes, i))->cores;
  g_string_append_printf (text, "\nprocess %u%s, about %.3g cores\n", process,
      process == 0 ? " (shared)" : " (isolated)", cores);
  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (nodes, i);

    g_string_append_printf (text, "  %-16s %-20s %8.3g cores  %s\n", node->name,
        node->factory, node->cores,
        node->may_wait ? "may wait" : "never waits");
    write_settings (text, node->props);
  }
}

static void
write_link (GString *text, const MillPlan *plan, const MillPlanLink *link)
{
  g_autofree gchar *from =
      g_strdup_printf ("%s.%s", link->from_node, link->from_pad);
  g_autofree gchar *to = g_strdup_printf ("%s.%s", link->to_node,
      link->to_pad ? link->to_pad : "(by media type)");

  g_string_append_printf (text, "  %-24s -> %-24s %s%s\n", from, to,
      has_twin (plan, link) ? "tee, " : "", kind_words (link->kind));
  write_settings (text, link->props);
}

/* The links of a process to others of the stream, by their producers. */
static void
write_sockets (GString *text, const MillPlan *plan, guint process)
{
  const GPtrArray *nodes = mill_plan_cut_get_part (plan, process)->nodes;

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (nodes, i);
    g_autoptr (GString) takers = g_string_new (NULL);

    if (!mill_plan_cut_is_sink (node))
      continue;
    for (guint k = 0; k < plan->n_processes; k++)
      if (k != process && mill_plan_cut_find_node (plan, k, node->name))
        g_string_append_printf (takers, "%s%u", takers->len ? ", " : "", k);
    g_string_append_printf (text, "  %-24s process %u -> %s  %s\n",
        node->name + strlen (MILL_PLAN_LINK_PREFIX), process,
        takers->len ? takers->str : "other streams",
        mill_plan_cut_get_socket (node));
  }
}

gchar *
mill_plan_to_text (const MillPlan *plan)
{
  GString *text = g_string_new (plan->description->name);
  const gchar *summary = plan->description->summary;

  if (summary)
    g_string_append_printf (text, ": %s", summary);
  g_string_append_c (text, '\n');
  if (plan->one_process)
    g_string_append (text,
        "isolate is ignored: the whole graph runs in one process\n");
  write_params (text, plan->description->params);
  for (guint i = 0; i < plan->n_processes; i++)
    write_process (text, plan, i);
  g_string_append (text, "\nlinks\n");
  for (guint i = 0; i < plan->links->len; i++)
    write_link (text, plan, g_ptr_array_index (plan->links, i));
  if (plan->links->len == 0)
    g_string_append (text, "  none\n");
  if (plan->ends->len > 0) {
    g_string_append_printf (text, "\nlinks between processes (%s)\n",
        plan->live ? "live: who is too slow goes on at a later keyframe"
                   : "not live: the producer waits for the slowest");
    for (guint i = 0; i < plan->n_processes; i++)
      write_sockets (text, plan, i);
  }
  g_string_append (text,
      "\nhot: can be set while it runs; keyframe: takes effect at the next "
      "keyframe; restart: fixed while it runs.\nCores are estimates for "
      "1080p30.\n");
  return g_string_free (text, FALSE);
}
