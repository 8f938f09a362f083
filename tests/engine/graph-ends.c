/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Graphs that are ended, or stopped before they have: nobody is held up, and
 * nothing is said that is not so. */
#include "fake-source.h"
#include "graph-test.h"

static gboolean
end_graph (gpointer user_data)
{
  mill_graph_end (user_data);
  return G_SOURCE_REMOVE;
}

/* An endless graph ends with all its sinks told; element messages arrive. */
static void
test_end (void)
{
  g_autoptr (GError) error = NULL;
  Run run;

  run_init (&run,
      "  a: { element: audiotestsrc, props: { is-live: true } }\n"
      "  level: { element: level, from: [a], props: { interval: 10000000 } }\n"
      "  b: { element: fakesink, from: [level] }\n",
      GST_CLOCK_TIME_NONE);
  g_assert_true (mill_graph_start (run.graph, &error));
  while (run.n_messages < 3)
    g_main_context_iteration (NULL, TRUE);
  end_graph (run.graph);
  g_main_loop_run (run.loop);
  g_assert_cmpstr (run.said->str, ==, "ended\n");
  run_clear (&run);
}

/* ---- ends that take long ---- */

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean closed;
  gboolean entered;
  gboolean released;
  gboolean in_vain; /* nobody released it in time */
} Gate;

static void
pass_gate (Gate *gate)
{
  gint64 deadline = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;

  g_mutex_lock (&gate->lock);
  gate->entered = gate->closed;
  g_cond_signal (&gate->changed);
  while (gate->closed && !gate->released && !gate->in_vain)
    gate->in_vain = !g_cond_wait_until (&gate->changed, &gate->lock, deadline);
  g_mutex_unlock (&gate->lock);
}

static void
wait_for_playing (Run *run)
{
  while (GST_STATE (mill_graph_get_pipeline (run->graph)) != GST_STATE_PLAYING)
    g_main_context_iteration (NULL, TRUE);
}

static void
on_handoff (GstElement *source, GstBuffer *buffer, GstPad *pad, Gate *gate)
{
  pass_gate (gate);
}

/* A worker serves its other streams while one stream's source is stuck. */
static void
test_end_of_stuck_source (void)
{
  g_autoptr (GError) error = NULL;
  Gate gate = { 0 };
  Run run;

  run_init (&run,
      "  a: { element: fakesrc, props: { signal-handoffs: true } }\n"
      "  b: { element: fakesink, from: [a] }\n",
      GST_CLOCK_TIME_NONE);
  g_signal_connect (mill_graph_get_node (run.graph, "a"), "handoff",
      G_CALLBACK (on_handoff), &gate);
  g_assert_true (mill_graph_start (run.graph, &error));
  /* GstBaseSrc has to come up first: a change of state waits for create too. */
  wait_for_playing (&run);
  g_mutex_lock (&gate.lock);
  gate.closed = TRUE;
  while (!gate.entered)
    g_cond_wait (&gate.changed, &gate.lock);
  g_mutex_unlock (&gate.lock);
  mill_graph_end (run.graph);
  g_mutex_lock (&gate.lock);
  g_assert_false (gate.in_vain);
  gate.released = TRUE;
  g_cond_signal (&gate.changed);
  g_mutex_unlock (&gate.lock);
  g_main_loop_run (run.loop);
  g_assert_cmpstr (run.said->str, ==, "ended\n");
  run_clear (&run);
}

/* Whoever gives up waiting for the end can stop: the sink would take an hour.
 * When this fails, it hangs. */
static void
test_stop_while_ending (void)
{
  g_autoptr (GError) error = NULL;
  Run run;

  run_init (&run,
      "  a: { element: audiotestsrc }\n"
      "  b: { element: fakesink, from: [a], props: { sync: true, "
      "ts-offset: 3600000000000 } }\n",
      GST_CLOCK_TIME_NONE);
  GstElement *source = mill_graph_get_node (run.graph, "a");
  g_assert_true (mill_graph_start (run.graph, &error));
  wait_for_playing (&run);
  mill_graph_end (run.graph);
  /* EOS is on its way when the thread that sends it holds the source. */
  while (GST_STATE_TRYLOCK (source)) {
    GST_STATE_UNLOCK (source);
    g_thread_yield ();
  }
  run_clear (&run);
}

/* An end that a source is about to give out is not taken away from it, which
 * GstBaseSrc takes for a fault of its own. */
static void
test_stop_before_end (void)
{
  g_autoptr (GError) error = NULL;
  Run run;

  run_init (&run,
      "  a: { element: fakeending }\n"
      "  i: { element: identity, from: [a] }\n"
      "  b: { element: fakesink, from: [i] }\n",
      GST_CLOCK_TIME_NONE);
  g_autoptr (GstElement) source =
      gst_object_ref (mill_graph_get_node (run.graph, "a"));
  g_assert_true (mill_graph_start (run.graph, &error));
  wait_for_playing (&run);
  mill_graph_end (run.graph);
  fake_source_wait_ending (source);
  run_clear (&run);
  g_assert_false (fake_source_was_cut_off (source));
}

/* ---- stops ---- */

/* Stopped from within a signal, and with messages still queued. */
static void
on_message_stop (MillGraph *graph, const gchar *node,
    const GstStructure *structure, Run *run)
{
  mill_graph_stop (graph);
  g_main_loop_quit (run->loop);
}

static void
test_stop_inside (void)
{
  g_autoptr (GError) error = NULL;
  Run run;

  run_init (&run,
      "  a: { element: audiotestsrc }\n"
      "  level: { element: level, from: [a], props: { interval: 1000000 } }\n"
      "  b: { element: fakesink, from: [level] }\n",
      GST_CLOCK_TIME_NONE);
  g_signal_connect (run.graph, "message", G_CALLBACK (on_message_stop), &run);
  g_assert_true (mill_graph_start (run.graph, &error));
  g_main_loop_run (run.loop);
  g_assert_cmpuint (run.n_messages, ==, 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (run.n_messages, ==, 1);
  run_clear (&run);
}

int
main (int argc, char **argv)
{
  engine_test_init (&argc, &argv);
  fake_source_register ();
  g_test_add_func ("/graph/end", test_end);
  g_test_add_func ("/graph/end-of-stuck-source", test_end_of_stuck_source);
  g_test_add_func ("/graph/stop-while-ending", test_stop_while_ending);
  g_test_add_func ("/graph/stop-before-end", test_stop_before_end);
  g_test_add_func ("/graph/stop-inside", test_stop_inside);
  return engine_test_run ();
}
