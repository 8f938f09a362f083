/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * How long a place of a stream waits for the publisher that left it. Who sends
 * with a backup would notice: that he cannot come back after half a minute,
 * though the stream goes on; an operator: a stream that has begun for somebody
 * who sent nothing, and goes on for days. */
#include <string.h>

#include "daemon/worker/stream-inputs.h"
#include "bus-queue.h"
#include "engine.h"

#define HEAD "millrace: 1\nname: places\nnodes:\n"
#define SWITCH                                                                 \
  "  switch:\n    element: failoverswitch\n    from:\n"                        \
  "      - { node: in, props: { priority: 0 } }\n"                             \
  "      - { node: other, props: { priority: 1 } }\n"                          \
  "  out: { element: fakesink, from: [switch.video_0], props: { async: false " \
  "} }\n"

#define TWO                                 \
  HEAD "  in: { element: rtmpserversrc }\n" \
       "  other: { element: rtmpserversrc }\n" SWITCH

/* Nobody has to come for the other one, which may not send all the same. */
#define PULL                                                             \
  HEAD "  in: { element: rtmpserversrc }\n"                              \
       "  other: { element: rtmpclientsrc, props: { location: \"rtmp://" \
       "127.0.0.1:1/live/film\" } }\n" SWITCH

#define DEFAULT_MS 30000

static const struct
{
  const gchar *name;
  const gchar *yaml;
  guint in_ms;
  guint other_ms; /* 0: there is none */
} cases[] = {
  /* Nobody else sends: the stream ends. */
  { "alone",
      HEAD "  in: { element: rtmpserversrc }\n"
           "  out: { element: fakesink, from: [in.video_0], props: { async: "
           "false } }\n",
      DEFAULT_MS, 0 },
  /* The switch ends the stream. */
  { "two", TWO, G_MAXINT, G_MAXINT },
  /* A server that is away fails no stream that shows a publisher. */
  { "pull", PULL, G_MAXINT, G_MAXINT },
  /* What a description says is meant. */
  { "said",
      HEAD "  in: { element: rtmpserversrc, props: { reconnect-timeout-ms: "
           "5000 } }\n"
           "  other: { element: rtmpserversrc }\n" SWITCH,
      5000, G_MAXINT },
};

static void
on_event (GObject *owner, guint input, MillStreamInputEvent event,
    const gchar *reason)
{
}

static void
expect_hold (MillGraph *graph, const gchar *node, guint expected_ms)
{
  guint timeout_ms = 0;

  if (expected_ms == 0)
    return;
  g_object_get (mill_graph_get_node (graph, node), "reconnect-timeout-ms",
      &timeout_ms, NULL);
  g_assert_cmpuint (timeout_ms, ==, expected_ms);
}

static MillGraph *
make_graph (const gchar *yaml, MillBusQueue *queue)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_data (yaml, strlen (yaml), "places.yaml",
          diagnostics);
  const MillPlanOptions options = { .epoch = GST_CLOCK_TIME_NONE,
    .one_process = TRUE };
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (description);
  g_autoptr (MillPlan) plan =
      mill_plan_new (description, &options, diagnostics);
  g_autofree gchar *said = mill_diagnostics_to_string (diagnostics);
  g_assert_cmpstr (said, ==, "");
  MillGraph *graph = mill_graph_new (plan, queue, &error);
  g_assert_no_error (error);
  return graph;
}

static void
test_hold (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (MillBusQueue) queue = mill_bus_queue_new (NULL);
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (MillGraph) graph = make_graph (cases[i].yaml, queue);
  g_autoptr (MillStreamInputs) inputs =
      mill_stream_inputs_new (graph, TRUE, on_event, owner);
  g_assert_false (mill_stream_inputs_are_none (inputs));
  expect_hold (graph, "in", cases[i].in_ms);
  expect_hold (graph, "other", cases[i].other_ms);
}

/* ---- nobody comes back ---- */

typedef struct
{
  MillStreamInputs *inputs;
  guint n_given_up;
} Patience;

static void
count_given_up (GObject *owner, guint input, MillStreamInputEvent event,
    const gchar *reason)
{
  Patience *patience = g_object_get_data (owner, "patience");

  patience->n_given_up += event == MILL_STREAM_INPUT_GIVEN_UP;
}

static gboolean
is_waiting (const Patience *patience)
{
  return g_main_context_find_source_by_user_data (NULL, patience->inputs) !=
      NULL;
}

/* The switch ends what it has begun; of what it has not nothing else would. */
static void
test_nothing_shown (void)
{
  g_autoptr (MillBusQueue) queue = mill_bus_queue_new (NULL);
  g_autoptr (MillGraph) graph = make_graph (TWO, queue);
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (MillStreamInputs) inputs =
      mill_stream_inputs_new (graph, TRUE, count_given_up, owner);
  Patience patience = { inputs, 0 };

  g_object_set_data (owner, "patience", &patience);
  g_object_set (mill_graph_get_node (graph, "switch"), "slate-timeout-ms", 50,
      NULL);
  /* Nobody yet: it waits for the first. */
  g_assert_false (is_waiting (&patience));
  mill_stream_inputs_set_live (inputs, 0, TRUE);
  mill_stream_inputs_set_live (inputs, 1, TRUE);
  mill_stream_inputs_set_live (inputs, 0, FALSE);
  g_assert_false (is_waiting (&patience));
  mill_stream_inputs_set_live (inputs, 1, FALSE);
  g_assert_true (is_waiting (&patience));
  /* Somebody is back in time. */
  mill_stream_inputs_set_live (inputs, 0, TRUE);
  g_assert_false (is_waiting (&patience));
  mill_stream_inputs_set_live (inputs, 0, FALSE);
  /* The test's time limit ends it where nothing gives up. */
  while (patience.n_given_up == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (is_waiting (&patience));

  g_object_set (mill_graph_get_node (graph, "switch"), "slate-timeout-ms", 0,
      NULL);
  mill_stream_inputs_set_live (inputs, 0, FALSE);
  g_assert_false (is_waiting (&patience));
}

/* ---- an input that nobody publishes ---- */

typedef struct
{
  MillBusQueue *queue;
  MillGraph *graph;
  GObject *owner;
  Patience patience;
} Pull;

static void
pull_init (Pull *pull)
{
  pull->queue = mill_bus_queue_new (NULL);
  pull->graph = make_graph (PULL, pull->queue);
  pull->owner = g_object_new (G_TYPE_OBJECT, NULL);
  pull->patience = (Patience){
    mill_stream_inputs_new (pull->graph, TRUE, count_given_up, pull->owner), 0
  };
  g_object_set_data (pull->owner, "patience", &pull->patience);
  g_object_set (mill_graph_get_node (pull->graph, "switch"), "slate-timeout-ms",
      50, NULL);
}

static void
pull_clear (Pull *pull)
{
  mill_stream_inputs_free (pull->patience.inputs);
  g_object_unref (pull->owner);
  g_object_unref (pull->graph);
  mill_bus_queue_free (pull->queue);
}

/* The publisher is gone before any media, and the server that is pulled from gives
 * nothing: there is nothing to wait for any longer. */
static void
test_pull_never_sends (void)
{
  Pull pull;

  pull_init (&pull);
  g_assert_false (is_waiting (&pull.patience));
  mill_stream_inputs_set_live (pull.patience.inputs, 0, TRUE);
  g_assert_false (is_waiting (&pull.patience));
  mill_stream_inputs_set_live (pull.patience.inputs, 0, FALSE);
  g_assert_true (is_waiting (&pull.patience));
  /* It may be shown yet. */
  g_assert_false (mill_stream_inputs_are_away (pull.patience.inputs));
  while (pull.patience.n_given_up == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (is_waiting (&pull.patience));
  pull_clear (&pull);
}

/* A keyframe comes by the pull's pad, so the switch shows it. */
static void
show_pull (GstElement *selector)
{
  g_autoptr (GstPad) pad =
      gst_element_request_pad_simple (selector, "sink_video_%u");
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "video/x-h264, stream-format=avc, alignment=au, codec_data=(buffer)01");
  GstBuffer *keyframe = gst_buffer_new_memdup ("\0\0\0\1\x65", 5);
  GstSegment segment;
  gint active;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  GST_BUFFER_PTS (keyframe) = GST_BUFFER_DTS (keyframe) = 0;
  GST_BUFFER_DURATION (keyframe) = 40 * GST_MSECOND;
  g_object_set (pad, "priority", 1, NULL);
  g_assert_cmpint (gst_element_set_state (selector, GST_STATE_PAUSED), !=,
      GST_STATE_CHANGE_FAILURE);
  gst_pad_send_event (pad, gst_event_new_stream_start ("pull"));
  gst_pad_send_event (pad, gst_event_new_caps (caps));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  gst_pad_chain (pad, keyframe);
  g_object_get (selector, "active", &active, NULL);
  g_assert_cmpint (active, ==, 1);
}

/* Viewers see what is pulled: the stream goes on without its publisher, and its
 * end is the switch's matter. */
static void
test_pull_is_shown (void)
{
  Pull pull;

  pull_init (&pull);
  GstElement *selector = mill_graph_get_node (pull.graph, "switch");
  show_pull (selector);
  mill_stream_inputs_set_live (pull.patience.inputs, 0, FALSE);
  while (is_waiting (&pull.patience))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (pull.patience.n_given_up, ==, 0);
  gst_element_set_state (selector, GST_STATE_NULL);
  pull_clear (&pull);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  g_test_init (&argc, &argv, NULL);
  if (!mill_engine_init (&argc, &argv, &error))
    g_error ("%s", error->message);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path =
        g_strconcat ("/worker/places/", cases[i].name, NULL);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_hold);
  }
  g_test_add_func ("/worker/places/nothing-shown", test_nothing_shown);
  g_test_add_func ("/worker/places/pull-never-sends", test_pull_never_sends);
  g_test_add_func ("/worker/places/pull-is-shown", test_pull_is_shown);
  return g_test_run ();
}
