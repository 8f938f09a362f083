/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Two sources of one node, of which one finds out later what it has: what comes
 * of it does not depend on the order. */
#include <string.h>

#include "fake-demux.h"
#include "graph-test.h"

/* ---- what holds the later one back ---- */

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean released; /* lock */
} Gate;

static void
on_handoff (GstElement *source, GstBuffer *buffer, GstPad *pad, Gate *gate)
{
  g_mutex_lock (&gate->lock);
  while (!gate->released)
    g_cond_wait (&gate->changed, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static void
release (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->released = TRUE;
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&gate->lock);
}

/* ---- two that show pads ---- */

#define LATE                                                            \
  "  b: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed, " \
  "signal-handoffs: true } }\n"                                         \
  "  all: { element: funnel, from: [soon.video_%u, late.video_%u] }\n"  \
  "  end: { element: fakesink, from: [all] }\n"                         \
  "  a: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed } }\n"

/* Starts, and lets the second one go on only when the first has @told. */
static void
check_late (const gchar *nodes, const gchar *told, const gchar *said,
    guint n_pads)
{
  g_autofree gchar *text = g_strconcat (LATE, nodes, NULL);
  g_autoptr (GError) error = NULL;
  Gate gate = { 0 };
  Run run;

  run_init (&run, text, GST_CLOCK_TIME_NONE);
  g_signal_connect (mill_graph_get_node (run.graph, "b"), "handoff",
      G_CALLBACK (on_handoff), &gate);
  g_assert_true (mill_graph_start (run.graph, &error));
  while (!g_str_has_prefix (run.said->str, told) &&
      !strstr (run.said->str, "failed"))
    g_main_context_iteration (NULL, TRUE);
  release (&gate);
  if (!strstr (run.said->str, "failed"))
    g_main_loop_run (run.loop);
  g_assert_cmpstr (run.said->str, ==, said);
  g_assert_cmpuint (mill_graph_get_node (run.graph, "all")->numsinkpads, ==,
      n_pads);
  run_clear (&run);
}

#define SOON_WARNS                                                            \
  "warning soon: planned pad 'video_%u' for 'all' has not appeared and will " \
  "not\n"

/* One without anything is no failure where another one feeds the same node, in
 * whatever order they find out; and no end of what the other one brings. */
static void
test_late_beside_nothing (void)
{
  check_late (
      "  soon: { element: fakedemux, from: [a], props: { pads: \"\" } }\n"
      "  late: { element: fakedemux, from: [b], props: { pads: video_0 "
      "} }\n",
      SOON_WARNS, SOON_WARNS "ended\n", 1);
}

static void
test_late_beside_less (void)
{
  check_late (
      "  soon: { element: fakedemux, from: [a], props: { pads: audio_0 } }\n"
      "  sound: { element: fakesink, from: [soon.audio_%u] }\n"
      "  late: { element: fakedemux, from: [b], props: { pads: video_0 } }\n",
      SOON_WARNS, SOON_WARNS "ended\n", 1);
}

/* What has a pad for nobody, and what has none, leave nothing to go on with. */
static void
test_late_has_nothing_either (void)
{
  check_late (
      "  soon: { element: fakedemux, from: [a], props: { pads: \"\" } }\n"
      "  late: { element: fakedemux, from: [b], props: { pads: \"\" } }\n",
      SOON_WARNS,
      SOON_WARNS "failed late: nothing in the input can be used: got no track, "
                 "expected one of the pads 'video_%u'\n",
      0);
}

/* The end of a node that nothing has come to is made by the last one. */
static void
test_late_has_less_too (void)
{
  check_late (
      "  soon: { element: fakedemux, from: [a], props: { pads: audio_0 } }\n"
      "  sound: { element: fakesink, from: [soon.audio_%u] }\n"
      "  late: { element: fakedemux, from: [b], props: { pads: audio_0 } }\n"
      "  noise: { element: fakesink, from: [late.audio_%u] }\n",
      SOON_WARNS,
      SOON_WARNS "warning late: planned pad 'video_%u' for 'all' has not "
                 "appeared and will not\nended\n",
      1);
}

int
main (int argc, char **argv)
{
  engine_test_init (&argc, &argv);
  fake_demux_register ();
  g_test_add_func ("/graph/late-beside-nothing", test_late_beside_nothing);
  g_test_add_func ("/graph/late-beside-less", test_late_beside_less);
  g_test_add_func ("/graph/late-has-nothing-either",
      test_late_has_nothing_either);
  g_test_add_func ("/graph/late-has-less-too", test_late_has_less_too);
  return engine_test_run ();
}
