/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Graphs that run: they end, fail with the name of the node, match pads that
 * appear later, take hot properties, and leave nothing behind. */
#include <string.h>

#include "fake-demux.h"
#include "graph-test.h"

/* Starts, runs to the end or failure, and compares what was said. */
static void
check_run (const gchar *nodes, const gchar *said)
{
  g_autoptr (GError) error = NULL;
  Run run;

  run_init (&run, nodes, GST_CLOCK_TIME_NONE);
  g_assert_true (mill_graph_start (run.graph, &error));
  g_assert_no_error (error);
  g_main_loop_run (run.loop);
  g_assert_cmpstr (run.said->str, ==, said);
  run_clear (&run);
}

static void
test_ends (void)
{
  check_run ("  a: { element: videotestsrc, props: { num-buffers: 5 } }\n"
             "  b: { element: fakesink, from: [a] }\n",
      "ended\n");
}

static void
test_tee (void)
{
  check_run ("  a: { element: videotestsrc, props: { num-buffers: 5 } }\n"
             "  b: { element: fakesink, from: [a] }\n"
             "  c: { element: fakesink, from: [a] }\n"
             "  d: { element: fakesink, from: [a] }\n",
      "ended\n");
}

static void
test_fails_by_node (void)
{
  check_run ("  a: { element: fakesrc, props: { num-buffers: 50 } }\n"
             "  sick: { element: identity, from: [a], props: { error-after: 3 "
             "} }\n"
             "  b: { element: fakesink, from: [sick] }\n",
      "failed sick: Failed after iterations as requested.\n");
}

static void
test_start_fails (void)
{
  g_autoptr (GError) error = NULL;
  Run run;

  run_init (&run,
      "  file: { element: filesrc, props: { location: /nowhere/x.mp4 } }\n"
      "  b: { element: fakesink, from: [file] }\n",
      GST_CLOCK_TIME_NONE);
  g_assert_false (mill_graph_start (run.graph, &error));
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==,
      "node 'file': file '/nowhere/x.mp4': there is none, expected one to read");
  g_assert_cmpstr (run.said->str, ==, "");
  run_clear (&run);
}

#define DEMUX(pads)                                                         \
  "  a: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed } }\n" \
  "  d: { element: fakedemux, from: [a], props: { pads: \"" pads "\" } }\n"

static void
test_pads_appear (void)
{
  check_run (
      DEMUX (
          "video_0 audio_0") "  v: { element: fakesink, from: [d.video_0] }\n"
                             "  s: { element: fakesink, from: [d.audio_%u] }\n",
      "ended\n");
}

static void
test_unplanned_pad (void)
{
  check_run (
      DEMUX (
          "video_0 audio_0") "  v: { element: fakesink, from: [d.video_0] }\n",
      "warning d: pad 'audio_0' with audio/mpeg is in no link of the plan, its "
      "data is dropped\nended\n");
}

static void
test_second_pad (void)
{
  check_run (
      DEMUX (
          "video_0 video_1") "  v: { element: fakesink, from: [d.video_%u] }\n",
      "warning d: pad 'video_1' with video/x-h264 is in no link of the plan, "
      "its data is dropped\nended\n");
}

static void
test_pad_never_appears (void)
{
  check_run (
      DEMUX ("video_0") "  v: { element: fakesink, from: [d.video_0] }\n"
                        "  s: { element: fakesink, from: [d.audio_0] }\n",
      "warning d: planned pad 'audio_0' for 's' has not appeared and will "
      "not\nended\n");
}

static void
test_nothing_usable (void)
{
  check_run (
      DEMUX ("audio_0") "  v: { element: fakesink, from: [d.video_0] }\n",
      "warning d: pad 'audio_0' with audio/mpeg is in no link of the plan, its "
      "data is dropped\nfailed d: nothing in the input can be used: got "
      "audio/mpeg, expected one of the pads 'video_0'\n");
}

static void
test_wrong_codec (void)
{
  check_run (DEMUX ("video_0") "  v: { element: h265parse, from: [d] }\n"
                               "  s: { element: fakesink, from: [v] }\n",
      "failed d: link from 'd.video_%u' to 'v.sink': got video/x-h264, expected "
      "video/x-h265 (pad 'video_0')\n");
}

/* The media type is right and the format is not: the fields that differ are
 * told, or the text would read "got audio/mpeg, expected audio/mpeg". */
static void
test_wrong_version (void)
{
  check_run (DEMUX ("audio_3") "  v: { element: aacparse, from: [d] }\n"
                               "  s: { element: fakesink, from: [v] }\n",
      "failed d: link from 'd.audio_%u' to 'v.sink': got audio/mpeg "
      "(mpegversion=1, layer=3), expected audio/mpeg (mpegversion=2 or 4) "
      "(pad 'audio_3')\n");
}

/* Two consumers of a pad that appears share it. */
static void
test_late_tee (void)
{
  check_run (
      DEMUX ("video_0") "  v: { element: fakesink, from: [d.video_0] }\n"
                        "  w: { element: fakesink, from: [d.video_0] }\n",
      "ended\n");
}

/* All parts of a stream share one base time: running time is now - epoch. */
static void
test_epoch (void)
{
  GstClockTime epoch = g_get_monotonic_time () * 1000 - GST_SECOND * 3600;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstClock) clock = NULL;
  GstElement *sink;
  Run run;

  run_init (&run,
      "  a: { element: videotestsrc, props: { is-live: true } }\n"
      "  b: { element: fakesink, from: [a] }\n",
      epoch);
  g_assert_true (mill_graph_start (run.graph, &error));
  gst_element_get_state (GST_ELEMENT (mill_graph_get_pipeline (run.graph)),
      NULL, NULL, GST_CLOCK_TIME_NONE);
  sink = mill_graph_get_node (run.graph, "b");
  g_assert_cmpuint (gst_element_get_base_time (sink), ==, epoch);
  clock = gst_element_get_clock (sink);
  /* CLOCK_MONOTONIC, which is what g_get_monotonic_time() reads. */
  g_assert_cmpint (ABS (GST_CLOCK_DIFF (gst_clock_get_time (clock),
                       (GstClockTime) g_get_monotonic_time () * 1000)),
      <, GST_SECOND);
  run_clear (&run);
}

static void
test_hot_property (void)
{
  static const struct
  {
    const gchar *node;
    const gchar *property;
    const gchar *text;
    gint code; /* -1: works */
  } cases[] = {
    { "p", "pattern", "ball", -1 },
    { "m", "sink_0::alpha", "0.25", -1 },
    { "m", "sink_0::alpha", "2", MILL_GRAPH_ERROR_VALUE },
    { "p", "pattern", "balls", MILL_GRAPH_ERROR_VALUE },
    { "p", "num-buffers", "5", MILL_GRAPH_ERROR_NOT_HOT },
    { "p", "patern", "ball", MILL_GRAPH_ERROR_NOT_FOUND },
    { "m", "sink_9::alpha", "1", MILL_GRAPH_ERROR_NOT_FOUND },
    { "q", "pattern", "ball", MILL_GRAPH_ERROR_NOT_FOUND },
  };
  g_autoptr (GstPad) pad = NULL;
  gdouble alpha;
  gint pattern;
  Run run;

  run_init (&run,
      "  p: { element: videotestsrc }\n"
      "  m: { element: compositor, from: [{ node: p, as: sink_0, props: { "
      "alpha: 0.5 } }] }\n"
      "  b: { element: fakesink, from: [m] }\n",
      GST_CLOCK_TIME_NONE);
  pad = gst_element_get_static_pad (mill_graph_get_node (run.graph, "m"),
      "sink_0");
  g_object_get (pad, "alpha", &alpha, NULL);
  g_assert_cmpfloat (alpha, ==, 0.5);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (mill_graph_set_property (run.graph, cases[i].node,
                         cases[i].property, cases[i].text, &error),
        ==, cases[i].code < 0);
    if (cases[i].code >= 0)
      g_assert_error (error, MILL_GRAPH_ERROR, cases[i].code);
  }
  g_object_get (mill_graph_get_node (run.graph, "p"), "pattern", &pattern,
      NULL);
  g_assert_cmpint (pattern, ==, 18);
  g_object_get (pad, "alpha", &alpha, NULL);
  g_assert_cmpfloat (alpha, ==, 0.25);
  run_clear (&run);
}

static gboolean
has_element (const gchar *name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);

  return factory != NULL;
}

/* Parts are worth nothing when their frames are fetched every 0.1 s: by hand as
 * in the daemon, unless the description says otherwise. */
static void
test_parts_are_read_at_once (void)
{
  static const struct
  {
    const gchar *part_ms;
    const gchar *props;
    gboolean low_latency;
  } cases[] = {
    { "200", "location: \"rtmp://127.0.0.1:0/live/a\"", TRUE },
    { "0", "location: \"rtmp://127.0.0.1:0/live/a\"", FALSE },
    { "200", "low-latency: false", FALSE },
  };

  if (!has_element ("rtmpserversrc") || !has_element ("cmafsink")) {
    g_test_skip ("a build without these elements");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *nodes = g_strdup_printf (
        "  in: { element: rtmpserversrc, props: { %s } }\n"
        "  p: { element: cmafsink, from: [in], props: { location: /nowhere, "
        "part-duration-ms: %s } }\n",
        cases[i].props, cases[i].part_ms);
    gboolean low_latency;
    Run run;

    run_init (&run, nodes, GST_CLOCK_TIME_NONE);
    g_object_get (mill_graph_get_node (run.graph, "in"), "low-latency",
        &low_latency, NULL);
    g_assert_cmpint (low_latency, ==, cases[i].low_latency);
    run_clear (&run);
  }
}

static void
test_nodes_by_factory (void)
{
  g_autoptr (GPtrArray) sinks = NULL;
  Run run;

  run_init (&run,
      "  a: { element: fakesrc }\n  b: { element: fakesink, from: [a] }\n"
      "  c: { element: fakesink, from: [a] }\n",
      GST_CLOCK_TIME_NONE);
  sinks = mill_graph_get_nodes_by_factory (run.graph, "fakesink");
  g_assert_cmpuint (sinks->len, ==, 2);
  g_assert_true (sinks->pdata[1] == mill_graph_get_node (run.graph, "c"));
  run_clear (&run);
}

/* What cannot be a part of a stream is refused with a reason. */
static void
check_refused (GstClockTime epoch, guint process, const gchar *why)
{
  const gchar *text = HEAD
      "  a: { element: h264parse }\n"
      "  b: { element: fakesink, from: [a], isolate: true }\n";
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlanOptions options = { .epoch = epoch, .process = process };
  g_autoptr (MillPlan) plan = mill_plan_new_from_data (text, strlen (text),
      "f.yaml", &options, diagnostics);
  g_autoptr (MillBusQueue) queue = mill_bus_queue_new (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (mill_graph_new (plan, queue, &error));
  g_assert_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD);
  g_assert_cmpstr (error->message, ==, why);
}

static void
test_refused (void)
{
  check_refused (5, 2, "plan 'test': got process 2, expected one below 2");
  check_refused (0, 1,
      "plan 'test': got no epoch, expected that of all its 2 processes");
}

/* What a demuxer's pads will be linked to is awake before it is, in whatever
 * order the description has them. */
static void
test_order (void)
{
  g_autoptr (GString) order = g_string_new (NULL);
  g_auto (GValue) item = G_VALUE_INIT;
  GstIterator *sorted;
  Run run;

  run_init (&run,
      "  v: { element: fakesink, from: [i] }\n"
      "  i: { element: identity, from: [d.video_0] }\n"
      "  d: { element: fakedemux, from: [a], props: { pads: video_0 } }\n"
      "  a: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed } }\n",
      GST_CLOCK_TIME_NONE);
  sorted =
      gst_bin_iterate_sorted (GST_BIN (mill_graph_get_pipeline (run.graph)));
  while (gst_iterator_next (sorted, &item) == GST_ITERATOR_OK) {
    g_string_append_printf (order, "%s ",
        GST_OBJECT_NAME (g_value_get_object (&item)));
    g_value_reset (&item);
  }
  gst_iterator_free (sorted);
  g_assert_cmpstr (order->str, ==, "v i d a ");
  run_clear (&run);
}

/* Whoever looks at the picture of a stream must not learn what its secrets are,
 * whatever is in them and wherever the picture cuts them off. */
static void
test_picture_without_secrets (void)
{
  static const gchar text[] =
      "millrace: 1\nname: test\nparams:\n"
      "  word: { type: string, secret: true, required: true }\nnodes:\n"
      "  p: { element: videotestsrc }\n"
      "  o: { element: filesink, from: [p], props: { location: "
      "\"/tmp/a-directory-whose-name-is-long-so-that-the-picture-does-not-show-"
      "${word}\" } }\n"
      "  s: { element: filesink, from: [p], props: { location: "
      "\"/tmp/${word}/end\" } }\n";
  static const gchar *const words[] = { "whisper", "whisper?auth=murmur",
    "wh\xc3\xaf"
    "sper",
    "w\"hisper murmur", "whisper-it\"murmur", "whisper-it\\murmur\\l\"murmur" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
    g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
    MillPlanOptions options = { .params = params, .one_process = TRUE };
    g_autoptr (GError) error = NULL;

    g_hash_table_insert (params, (gpointer) "word", (gpointer) words[i]);
    g_autoptr (MillPlan) plan = mill_plan_new_from_data (text, strlen (text),
        "f.yaml", &options, diagnostics);
    g_assert_nonnull (plan);
    MillBusQueue *queue = mill_bus_queue_new (NULL);
    g_autoptr (MillGraph) graph = mill_graph_new (plan, queue, &error);
    g_assert_no_error (error);
    g_autofree gchar *dot = mill_graph_to_dot (graph);
    g_test_message ("%s", dot);
    g_assert_nonnull (strstr (dot, "location=\\\"/tmp/***\\\""));
    g_assert_null (strstr (dot, "not-show-w"));
    g_assert_null (strstr (dot, "sper"));
    g_assert_null (strstr (dot, "murmur"));
    mill_graph_stop (graph);
    mill_bus_queue_free (queue);
  }
}

/* Nor must who reads why it failed. */
static void
test_errors_without_secrets (void)
{
  static const gchar text[] =
      "millrace: 1\nname: test\nparams:\n"
      "  word: { type: string, secret: true, required: true }\nnodes:\n"
      "  f: { element: filesrc, props: { location: \"/nowhere/${word}\" } }\n"
      "  s: { element: fakesink, from: [f] }\n";
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlanOptions options = { .params = params, .one_process = TRUE };
  g_autoptr (GError) error = NULL;

  g_hash_table_insert (params, (gpointer) "word", (gpointer) "whisper");
  g_autoptr (MillPlan) plan = mill_plan_new_from_data (text, strlen (text),
      "f.yaml", &options, diagnostics);
  g_assert_nonnull (plan);
  MillBusQueue *queue = mill_bus_queue_new (NULL);
  g_autoptr (MillGraph) graph = mill_graph_new (plan, queue, &error);
  g_assert_no_error (error);
  g_assert_false (mill_graph_start (graph, &error));
  g_assert_cmpstr (error->message, ==,
      "node 'f': file '/nowhere/***': there is none, expected one to read");
  mill_graph_stop (graph);
  mill_bus_queue_free (queue);
}

int
main (int argc, char **argv)
{
  engine_test_init (&argc, &argv);
  fake_demux_register ();
  g_test_add_func ("/graph/ends", test_ends);
  g_test_add_func ("/graph/tee", test_tee);
  g_test_add_func ("/graph/fails-by-node", test_fails_by_node);
  g_test_add_func ("/graph/start-fails", test_start_fails);
  g_test_add_func ("/graph/pads-appear", test_pads_appear);
  g_test_add_func ("/graph/unplanned-pad", test_unplanned_pad);
  g_test_add_func ("/graph/second-pad", test_second_pad);
  g_test_add_func ("/graph/pad-never-appears", test_pad_never_appears);
  g_test_add_func ("/graph/nothing-usable", test_nothing_usable);
  g_test_add_func ("/graph/wrong-codec", test_wrong_codec);
  g_test_add_func ("/graph/wrong-version", test_wrong_version);
  g_test_add_func ("/graph/late-tee", test_late_tee);
  g_test_add_func ("/graph/epoch", test_epoch);
  g_test_add_func ("/graph/hot-property", test_hot_property);
  g_test_add_func ("/graph/nodes-by-factory", test_nodes_by_factory);
  g_test_add_func ("/graph/parts-are-read-at-once",
      test_parts_are_read_at_once);
  g_test_add_func ("/graph/refused", test_refused);
  g_test_add_func ("/graph/order", test_order);
  g_test_add_func ("/graph/picture-without-secrets",
      test_picture_without_secrets);
  g_test_add_func ("/graph/errors-without-secrets",
      test_errors_without_secrets);
  return engine_test_run ();
}
