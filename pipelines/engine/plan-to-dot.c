/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "plan-private.h"

/* Names have no character that Graphviz would mind; pads and factories come
 * from plugins, so they are escaped. */
static gchar *
quote (const gchar *text)
{
  g_autofree gchar *escaped = g_strescape (text, NULL);

  return g_strdup_printf ("\"%s\"", escaped);
}

static void
write_process (GString *text, const MillPlan *plan, guint process)
{
  g_string_append_printf (text,
      "  subgraph cluster_%u {\n    label=\"process %u (%s)\"; "
      "style=dashed;\n",
      process, process, process == 0 ? "shared" : "isolated");
  for (guint i = 0; i < plan->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (plan->nodes, i);
    g_autofree gchar *label =
        g_strdup_printf ("%s\n%s", node->name, node->factory);
    g_autofree gchar *quoted = quote (label);

    if (node->process == process)
      g_string_append_printf (text, "    \"%s\" [shape=box, label=%s];\n",
          node->name, quoted);
  }
  g_string_append (text, "  }\n");
}

/* The socket of a link, as the label of its line. */
static gchar *
link_label (const MillPlan *plan, const MillPlanLink *link)
{
  static const gchar *const labels[] = { [MILL_LINK_DIRECT] = "",
    [MILL_LINK_QUEUE] = "leaky queue",
    [MILL_LINK_THREAD] = "queue",
    [MILL_LINK_PACED] = "short queue" };
  g_autofree gchar *name =
      g_strconcat (MILL_PLAN_LINK_PREFIX, link->from_node, NULL);
  g_autofree gchar *file = NULL;
  g_autofree gchar *text = NULL;

  if (link->kind != MILL_LINK_CUT)
    return quote (labels[link->kind]);
  for (guint i = 0; i < plan->n_processes && !file; i++) {
    const MillPlanNode *end = mill_plan_cut_find_node (plan, i, name);

    if (end)
      file = g_path_get_basename (mill_plan_cut_get_socket (end));
  }
  text = g_strdup_printf ("link %s", file);
  return quote (text);
}

static void
write_link (GString *text, const MillPlan *plan, const MillPlanLink *link)
{
  g_autofree gchar *label = link_label (plan, link);
  g_autofree gchar *tail = quote (link->from_pad);
  g_autofree gchar *head = quote (link->to_pad ? link->to_pad : "*");

  g_string_append_printf (text,
      "  \"%s\" -> \"%s\" [taillabel=%s, headlabel=%s, label=%s%s];\n",
      link->from_node, link->to_node, tail, head, label,
      link->kind == MILL_LINK_CUT ? ", style=dashed" : "");
}

gchar *
mill_plan_to_dot (const MillPlan *plan)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text,
      "digraph \"%s\" {\n  rankdir=LR;\n  node [fontname=sans];\n"
      "  edge [fontname=sans, fontsize=9];\n",
      plan->description->name);
  for (guint i = 0; i < plan->n_processes; i++)
    write_process (text, plan, i);
  for (guint i = 0; i < plan->links->len; i++)
    write_link (text, plan, g_ptr_array_index (plan->links, i));
  g_string_append (text, "}\n");
  return g_string_free (text, FALSE);
}
