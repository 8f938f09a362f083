/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "run-spec.h"

#include <string.h>

#include "plan.h"

/* The element that adopts an accepted publisher, when no location of its own
 * is set (org.millrace.Worker1.AnswerPublish). */
#define PUBLISHER_ELEMENT "rtmpserversrc"

/* Below the runtime directory: where workers keep the sockets of links. */
#define LINKS_DIR "links"

void
mill_run_spec_free (MillRunSpec *spec)
{
  if (!spec)
    return;
  g_clear_pointer (&spec->graph, mill_graph_spec_free);
  g_free (spec);
}

static gboolean
declares (MillDescription *description, const gchar *name)
{
  GPtrArray *params = mill_description_get_params (description);
  for (guint i = 0; i < params->len; i++)
    if (g_str_equal (((MillParam *) g_ptr_array_index (params, i))->name, name))
      return TRUE;
  return FALSE;
}

/* A test source into a fakesink has no use for stream and output. */
static void
set_if_declared (MillGraphSpec *graph, MillDescription *description,
    const gchar *name, const gchar *value)
{
  if (declares (description, name))
    mill_graph_spec_set_param (graph, name, value);
}

/* An empty one is none: so a parameter can decide. */
static gboolean
has_location (const MillPlanNode *node)
{
  for (guint i = 0; i < node->props->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (node->props, i);
    if (g_str_equal (setting->name, "location") &&
        G_VALUE_HOLDS_STRING (&setting->value)) {
      const gchar *location = g_value_get_string (&setting->value);
      return location && *location;
    }
  }
  return FALSE;
}

static guint
count_places (MillPlan *plan)
{
  GPtrArray *nodes = mill_plan_get_nodes (plan);
  guint n_places = 0;
  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (nodes, i);
    n_places += g_str_equal (node->factory, PUBLISHER_ELEMENT) &&
        !has_location (node);
  }
  return n_places;
}

static MillGraphSpec *
new_graph (MillDescription *description, const MillRunRequest *request)
{
  MillGraphSpec *graph =
      mill_graph_spec_new (mill_description_get_text (description),
          mill_description_get_file (description));
  g_autofree gchar *output =
      g_build_filename (request->media_dir, request->stream, NULL);
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  if (request->params) {
    g_hash_table_iter_init (&iter, request->params);
    while (g_hash_table_iter_next (&iter, &name, &value))
      mill_graph_spec_set_param (graph, name, value);
  }
  set_if_declared (graph, description, "stream", request->stream);
  set_if_declared (graph, description, "output", output);
  return graph;
}

static MillDescription *
load (MillCatalog *catalog, const MillRunRequest *request,
    MillDiagnostics *diagnostics)
{
  if (request->text)
    return mill_description_new_from_data (request->text,
        strlen (request->text), request->file, diagnostics);
  return mill_catalog_load (catalog, request->pipeline, diagnostics);
}

MillRunSpec *
mill_run_spec_new (MillCatalog *catalog, const MillRunRequest *request,
    MillDiagnostics *diagnostics)
{
  g_autoptr (MillDescription) description =
      load (catalog, request, diagnostics);
  if (!description)
    return NULL;

  g_autoptr (MillGraphSpec) graph = new_graph (description, request);
  g_autofree gchar *links_dir =
      g_build_filename (request->runtime_dir, LINKS_DIR, NULL);
  MillPlanOptions options = { .params = graph->params,
    .epoch = GST_CLOCK_TIME_NONE,
    .stream = request->stream,
    .links_dir = links_dir };
  g_autoptr (MillPlan) plan =
      mill_plan_new (description, &options, diagnostics);
  if (!plan)
    return NULL;

  MillRunSpec *spec = g_new0 (MillRunSpec, 1);
  spec->n_processes = mill_plan_get_n_processes (plan);
  spec->graph = g_steal_pointer (&graph);
  spec->graph->one_process = spec->n_processes <= 1;
  spec->n_places = count_places (plan);
  spec->policy = *mill_description_get_restart (description);
  return spec;
}
