/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* For test-runs.py: runs a description to its end, or prints its launch line.
 *
 * usage: run-description [--launch] [--seconds N]
 *     [--process N --epoch NS --links DIR] FILE|NAME [K=V]...
 * Without --process it is all one process.
 * exit codes: 0 ended, 1 failed, 65 mistakes */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

typedef struct
{
  GMainLoop *loop;
  gint code;
} Run;

static void
on_ended (MillGraph *graph, Run *run)
{
  g_main_loop_quit (run->loop);
}

static void
on_failed (MillGraph *graph, const GError *error, const gchar *node, Run *run)
{
  g_printerr ("error: node '%s': %s\n", node, error->message);
  run->code = 1;
  g_main_loop_quit (run->loop);
}

static void
on_warning (MillGraph *graph, const gchar *node, const gchar *text, Run *run)
{
  g_printerr ("warning: node '%s': %s\n", node, text);
}

static gboolean
on_seconds (gpointer graph)
{
  mill_graph_end (graph);
  return G_SOURCE_REMOVE;
}

static gint
run_plan (MillPlan *plan, gint seconds)
{
  g_autoptr (MillBusQueue) queue = mill_bus_queue_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillGraph) graph = mill_graph_new (plan, queue, &error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Run run = { .loop = loop };

  if (graph) {
    g_signal_connect (graph, "ended", G_CALLBACK (on_ended), &run);
    g_signal_connect (graph, "failed", G_CALLBACK (on_failed), &run);
    g_signal_connect (graph, "warning", G_CALLBACK (on_warning), &run);
  }
  if (!graph || !mill_graph_start (graph, &error)) {
    g_printerr ("error: %s\n", error->message);
    return 1;
  }
  if (seconds > 0)
    g_timeout_add_seconds (seconds, on_seconds, graph);
  g_main_loop_run (loop);
  mill_graph_stop (graph);
  return run.code;
}

int
main (int argc, char **argv)
{
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlanOptions options = { .params = params, .one_process = TRUE };
  g_autoptr (MillPlan) plan = NULL;
  g_autofree gchar *said = NULL;
  const gchar *file = NULL;
  gboolean launch = FALSE;
  gint seconds = 0;

  if (!mill_engine_init (NULL, NULL, NULL))
    return 1;
  for (gint i = 1; i < argc; i++) {
    gchar *equals = strchr (argv[i], '=');

    if (g_str_equal (argv[i], "--launch")) {
      launch = TRUE;
    } else if (g_str_equal (argv[i], "--seconds") && i + 1 < argc) {
      seconds = atoi (argv[++i]);
    } else if (g_str_equal (argv[i], "--process") && i + 1 < argc) {
      options.process = atoi (argv[++i]);
      options.one_process = FALSE;
    } else if (g_str_equal (argv[i], "--epoch") && i + 1 < argc) {
      options.epoch = g_ascii_strtoull (argv[++i], NULL, 10);
    } else if (g_str_equal (argv[i], "--links") && i + 1 < argc) {
      options.links_dir = argv[++i];
    } else if (file && equals) {
      *equals = '\0';
      g_hash_table_insert (params, argv[i], equals + 1);
    } else {
      file = argv[i];
    }
  }
  plan = mill_plan_new_from_file (file, &options, diagnostics);
  said = mill_diagnostics_to_string (diagnostics);
  g_printerr ("%s", said);
  if (!plan)
    return 65;
  if (launch) {
    g_autofree gchar *line = mill_plan_to_launch (plan);

    g_print ("%s", line);
    return 0;
  }
  return run_plan (plan, seconds);
}
