/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Who feeds whom: resolves the names in `from`, finds cycles, and puts the
 * nodes in an order in which each comes after what feeds it. */
#include "plan-private.h"

typedef enum
{
  NEW,
  ENTERED,
  DONE,
} Mark;

static void
source_free (MillPlannerSource *source)
{
  g_free (source->pad);
  g_free (source->as);
  g_free (source);
}

static void
report_unknown_node (MillPlanner *planner, const MillSource *source,
    const gchar *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree gchar *known = NULL;

  for (guint i = 0; i < planner->nodes->len; i++)
    g_ptr_array_add (names,
        ((MillPlannerNode *) g_ptr_array_index (planner->nodes, i))
            ->plan->name);
  known = mill_planner_list_words (names);
  mill_planner_report_word (planner, &source->place, name, names,
      "unknown node '%.60s' in from, expected %s", name, known);
}

/* Fills in the parameters of an entry.
 * Returns: FALSE when it cannot be followed; said so where that is a mistake. */
static gboolean
expand_source (MillPlanner *planner, const MillSource *source,
    MillPlannerSource *result, gchar **ret_stream, gchar **ret_node)
{
  MillDiagnostics *diagnostics = planner->diagnostics;
  gboolean open = FALSE;
  g_autofree gchar *text = NULL;
  g_autofree gchar *short_pad = NULL;

  text = mill_param_values_expand (planner->values, source->node,
      &source->place, diagnostics, &open);
  if (source->pad)
    result->pad = mill_param_values_expand (planner->values, source->pad,
        &source->place, diagnostics, &open);
  if (source->as)
    result->as = mill_param_values_expand (planner->values, source->as,
        &source->place, diagnostics, &open);
  if (open)
    planner->plan->open = planner->open_from = TRUE;
  if (!text || open)
    return FALSE;
  if (source->stream) {
    *ret_stream = g_strdup (source->stream);
    *ret_node = g_steal_pointer (&text);
    return TRUE;
  }
  if (!mill_description_source_split (text, ret_stream, ret_node, &short_pad)) {
    mill_planner_report (planner, &source->place,
        "from '%.60s', expected NODE, NODE.PAD or stream:NAME/NODE", text);
    return FALSE;
  }
  if (!result->pad)
    result->pad = g_steal_pointer (&short_pad);
  return TRUE;
}

static void
resolve_source (MillPlanner *planner, MillPlannerNode *owner,
    const MillSource *source)
{
  g_autofree gchar *stream = NULL;
  g_autofree gchar *name = NULL;
  MillPlannerSource *result = g_new0 (MillPlannerSource, 1);

  result->source = source;
  if (!expand_source (planner, source, result, &stream, &name)) {
    source_free (result);
    return;
  }
  if (stream)
    result->from =
        mill_plan_stream_get_node (planner, owner, source, stream, name);
  else if (!(result->from = mill_planner_find_node (planner, name)))
    report_unknown_node (planner, source, name);
  if (result->from)
    g_ptr_array_add (owner->sources, result);
  else
    source_free (result);
}

/* "a -> b -> a" from the part of the path that closes the circle. */
static void
report_cycle (MillPlanner *planner, GPtrArray *path, MillPlannerNode *again,
    const MillSource *source)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint start = 0;

  g_ptr_array_find (path, again, &start);
  /* The path goes upstream, media flows downstream. */
  for (guint i = path->len; i > start; i--)
    g_string_append_printf (text, "%s -> ",
        ((MillPlannerNode *) g_ptr_array_index (path, i - 1))->plan->name);
  g_string_append (text,
      ((MillPlannerNode *) g_ptr_array_index (path, path->len - 1))
          ->plan->name);
  mill_planner_report (planner, &source->place,
      "cycle %s, expected links that never lead back", text->str);
}

static void
visit (MillPlanner *planner, MillPlannerNode *node, GHashTable *marks,
    GPtrArray *path)
{
  g_hash_table_insert (marks, node, GUINT_TO_POINTER (ENTERED));
  g_ptr_array_add (path, node);
  for (guint i = 0; i < node->sources->len; i++) {
    MillPlannerSource *source = g_ptr_array_index (node->sources, i);
    Mark mark = GPOINTER_TO_UINT (g_hash_table_lookup (marks, source->from));

    if (mark == NEW)
      visit (planner, source->from, marks, path);
    else if (mark == ENTERED)
      report_cycle (planner, path, source->from, source->source);
  }
  g_ptr_array_set_size (path, path->len - 1);
  g_hash_table_insert (marks, node, GUINT_TO_POINTER (DONE));
  g_ptr_array_add (planner->order, node);
}

void
mill_plan_order_make (MillPlanner *planner)
{
  g_autoptr (GHashTable) marks = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  /* Nodes of other streams are put after them. */
  const guint n_described = planner->nodes->len;

  for (guint i = 0; i < n_described; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->nodes, i);

    node->sources =
        g_ptr_array_new_with_free_func ((GDestroyNotify) source_free);
    for (guint k = 0; k < node->node->from->len; k++)
      resolve_source (planner, node, g_ptr_array_index (node->node->from, k));
  }
  for (guint i = 0; i < planner->nodes->len; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->nodes, i);

    if (!g_hash_table_contains (marks, node))
      visit (planner, node, marks, path);
  }
}
