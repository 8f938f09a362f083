/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "engine-test.h"

#define HEAD "millrace: 1\nname: test\nnodes:\n"
#define DEADLINE_S 20
#define TURN_MS 100

/* ---- a run ---- */

typedef struct
{
  MillBusQueue *queue;
  MillGraph *graph;
  GMainLoop *loop;
  GString *said; /* what the signals told, one line each */
  guint n_messages;
  guint deadline;
  guint turns; /* of the deadline's */
} Run;

static inline void
on_ended (MillGraph *graph, Run *run)
{
  g_string_append (run->said, "ended\n");
  g_main_loop_quit (run->loop);
}

static inline void
on_failed (MillGraph *graph, const GError *error, const gchar *node, Run *run)
{
  g_string_append_printf (run->said, "failed %s: %s\n", node, error->message);
  g_main_loop_quit (run->loop);
}

static inline void
on_warning (MillGraph *graph, const gchar *node, const gchar *text, Run *run)
{
  g_string_append_printf (run->said, "warning %s: %s\n", node, text);
}

static inline void
on_message (MillGraph *graph, const gchar *node, const GstStructure *structure,
    Run *run)
{
  g_assert_cmpstr (node, ==, "level");
  g_assert_true (gst_structure_has_name (structure, "level"));
  run->n_messages++;
}

/* Counted in turns of the main loop: a process that got no processor finds its
 * deadline over before any other thread has had a chance. */
static inline gboolean
on_turn (gpointer user_data)
{
  Run *run = user_data;

  if (++run->turns < DEADLINE_S * 1000 / TURN_MS)
    return G_SOURCE_CONTINUE;
  g_autofree gchar *dot = mill_graph_to_dot (run->graph);
  g_error ("nothing came in %d s; said: %s\n%s", DEADLINE_S, run->said->str,
      dot);
  return G_SOURCE_REMOVE;
}

static inline MillPlan *
plan_of (const gchar *nodes, GstClockTime epoch)
{
  g_autofree gchar *text = g_strconcat (HEAD, nodes, NULL);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlanOptions options = { .epoch = epoch, .one_process = TRUE };
  MillPlan *plan = mill_plan_new_from_data (text, strlen (text), "f.yaml",
      &options, diagnostics);
  g_autofree gchar *said = mill_diagnostics_to_string (diagnostics);

  g_assert_cmpstr (said, ==, "");
  return plan;
}

static inline void
run_init (Run *run, const gchar *nodes, GstClockTime epoch)
{
  g_autoptr (MillPlan) plan = plan_of (nodes, epoch);
  g_autoptr (GError) error = NULL;

  *run = (Run){ 0 };
  run->queue = mill_bus_queue_new (NULL);
  run->graph = mill_graph_new (plan, run->queue, &error);
  g_assert_no_error (error);
  run->loop = g_main_loop_new (NULL, FALSE);
  run->said = g_string_new (NULL);
  g_signal_connect (run->graph, "ended", G_CALLBACK (on_ended), run);
  g_signal_connect (run->graph, "failed", G_CALLBACK (on_failed), run);
  g_signal_connect (run->graph, "warning", G_CALLBACK (on_warning), run);
  g_signal_connect (run->graph, "message", G_CALLBACK (on_message), run);
  run->deadline = g_timeout_add (TURN_MS, on_turn, run);
}

/* Stopping is idempotent, and leaves no pipeline behind. */
static inline void
run_clear (Run *run)
{
  GObject *pipeline = G_OBJECT (mill_graph_get_pipeline (run->graph));
  gint64 deadline = g_get_monotonic_time () + DEADLINE_S * G_USEC_PER_SEC;

  g_object_add_weak_pointer (pipeline, (gpointer *) &pipeline);
  mill_graph_stop (run->graph);
  mill_graph_stop (run->graph);
  g_assert_finalize_object (run->graph);
  /* A thread of GStreamer's that carried a change of state on may hold it a
   * moment longer, and tells nobody when it lets go. */
  while (g_atomic_pointer_get (&pipeline) && g_get_monotonic_time () < deadline)
    g_thread_yield ();
  g_assert_null (pipeline);
  mill_bus_queue_free (run->queue);
  g_main_loop_unref (run->loop);
  g_string_free (run->said, TRUE);
  g_source_remove (run->deadline);
}
