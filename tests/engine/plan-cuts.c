/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* How a description is shared out between processes, and with other streams:
 * which node runs where, and what is put in where a link was cut. */
#include "plan-test.h"

/* Out of order as written, so that the plan's own order shows. */
static const gchar ladder[] = HEAD
    "nodes:\n"
    "  out: { element: matroskamux, from: [in.audio_0, enc, coded] }\n"
    "  file: { element: filesink, from: [out], props: { location: x } }\n"
    "  dump: { element: filesink, from: [coded], props: { location: y } }\n"
    "  enc: { element: h264parse, from: [in.video_%u], isolate: true }\n"
    "  more: { element: fakesink, from: [in.audio_0], isolate: true }\n"
    "  in: { element: rtmpserversrc }\n"
    "  raw: { element: videotestsrc }\n"
    "  coded: { element: x264enc, from: [raw] }\n";

/* The part of one process, and what each of its nodes shall be. */
static gchar *
part_of (const MillPlan *plan, guint process)
{
  GPtrArray *nodes = mill_plan_get_part_nodes (plan, process);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (nodes, i);

    g_string_append_printf (text, "%s%s%s", i > 0 ? " " : "", node->name,
        node->may_wait ? "!" : "");
  }
  return g_string_free (text, FALSE);
}

static void
assert_part (const MillPlan *plan, guint process, const gchar *expected)
{
  g_autofree gchar *text = part_of (plan, process);

  g_assert_cmpstr (text, ==, expected);
}

static const gchar *
socket_of (const MillPlan *plan, guint process, guint index)
{
  const MillPlanNode *node =
      g_ptr_array_index (mill_plan_get_part_nodes (plan, process), index);
  const MillPlanSetting *location = g_ptr_array_index (node->props, 0);

  g_assert_cmpstr (location->name, ==, "location");
  return g_value_get_string (&location->value);
}

static void
test_parts (void)
{
  MillPlanOptions options = { .epoch = 5,
    .stream = "demo",
    .links_dir = "/run/x/links" };
  g_autofree gchar *said = NULL;
  g_autofree gchar *text = NULL;
  g_autofree gchar *dot = NULL;
  g_autofree gchar *launch = NULL;
  g_autoptr (MillPlan) plan = plan_of (ladder, &options, &said);

  g_assert_cmpstr (said, ==, "");
  g_assert_cmpuint (mill_plan_get_n_processes (plan), ==, 3);
  g_assert_true (mill_plan_is_live (plan));
  /* Sources first, whatever the order in the file: that is the order in which
   * a bin must know them. */
  assert_part (plan, 0, "link:enc in raw! coded! out! file! dump! link:in");
  assert_part (plan, 1, "link:in enc link:enc");
  assert_part (plan, 2, "link:in more!");
  g_assert_cmpstr (socket_of (plan, 0, 7), ==, "/run/x/links/demo.in");
  g_assert_cmpstr (socket_of (plan, 1, 0), ==, "/run/x/links/demo.in");
  g_assert_cmpstr (socket_of (plan, 1, 2), ==, "/run/x/links/demo.enc");
  g_assert_cmpstr (socket_of (plan, 0, 0), ==, "/run/x/links/demo.enc");
  text = mill_plan_to_text (plan);
  g_assert_nonnull (strstr (text, "process 0 -> 1, 2  /run/x/links/demo.in\n"));
  g_assert_nonnull (strstr (text, "process 1 -> 0  /run/x/links/demo.enc\n"));
  dot = mill_plan_to_dot (plan);
  g_assert_nonnull (strstr (dot, "label=\"process 2 (isolated)\""));
  g_assert_nonnull (strstr (dot, "label=\"link demo.enc\", style=dashed"));
  launch = mill_plan_to_launch (plan);
  g_assert_nonnull (strstr (launch,
      "\ngst-launch-1.0 -e \\\n  millsrc name=link:in "
      "location=/run/x/links/demo.in leaky=true \\\n  h264parse name=enc "
      "\\\n  millsink name=link:enc location=/run/x/links/demo.enc "
      "leaky=true opening-ms=4000 \\\n  link:in.video_0 ! enc. \\\n  enc. ! "
      "link:enc.video_0\n"));
}

/* What a link may do depends on whether its source can wait. */
static void
test_link_of_file (void)
{
  const gchar *file = HEAD
      "nodes:\n  f: { element: filesrc, props: { location: x } }\n"
      "  d: { element: qtdemux, from: [f] }\n"
      "  c: { element: cmafsink, from: [d, e], props: { location: y } }\n"
      "  e: { element: h264parse, from: [d.video_%u], isolate: true }\n";
  MillPlanOptions options = { .epoch = 5, .stream = "s", .links_dir = "/r" };
  g_autofree gchar *said = NULL;
  g_autofree gchar *launch = NULL;
  g_autoptr (MillPlan) plan = plan_of (file, &options, &said);

  g_assert_cmpstr (said, ==, "");
  g_assert_false (mill_plan_is_live (plan));
  assert_part (plan, 0, "link:e! f! d! c link:d!");
  /* It may hold the demuxer's thread, so that gets a queue. */
  launch = mill_plan_to_launch (plan);
  g_assert_nonnull (strstr (launch, "location=/r/s.d leaky=false"));
  g_assert_nonnull (strstr (launch,
      "max-size-bytes=33554432 max-size-time=0 ! link:d.video_0"));
}

static void
test_long_link (void)
{
  g_autofree gchar *dir = g_strnfill (101, 'x');
  MillPlanOptions options = { .epoch = 5, .stream = "demo", .links_dir = dir };
  g_autofree gchar *said = NULL;
  g_autofree gchar *expected = g_strdup_printf (
      "f.yaml:7:3: error: link '%s/demo.enc': got 110 bytes, expected at most "
      "107 for the path of a socket (a shorter runtime directory, or shorter "
      "names)\nf.yaml:9:3: error: link '%s/demo.in': got 109 bytes, expected at "
      "most 107 for the path of a socket (a shorter runtime directory, or "
      "shorter names)\n",
      dir, dir);
  g_autoptr (MillPlan) plan = plan_of (ladder, &options, &said);

  g_assert_null (plan);
  g_assert_cmpstr (said, ==, expected);
}

/* Another stream's node is a source like any other, in the process of who
 * takes it. */
static void
test_stream (void)
{
  const gchar *text = HEAD
      "params:\n  from: { type: string, default: demo }\n"
      "nodes:\n  m: { element: matroskamux, from: [\"stream:demo/in.video_0\", "
      "\"stream:demo/in.audio_0\"] }\n"
      "  o: { element: filesink, from: [m], props: { location: x } }\n"
      "  a: { element: fakesink, from: [\"stream:${from}/in.video_%u\"], "
      "isolate: true }\n";
  MillPlanOptions options = { .epoch = 5,
    .stream = "own",
    .links_dir = "/run/x/links" };
  g_autofree gchar *said[2] = { NULL };
  g_autofree gchar *links = NULL;
  g_autofree gchar *launch = NULL;
  g_autoptr (MillPlan) plan = plan_of (text, &options, &said[0]);
  g_autoptr (MillPlan) one = NULL;

  g_assert_cmpstr (said[0], ==, "");
  assert_part (plan, 0, "stream:demo/in m! o!");
  assert_part (plan, 1, "stream:demo/in:a a!");
  g_assert_cmpstr (socket_of (plan, 0, 0), ==, "/run/x/links/demo.in");
  g_assert_cmpstr (socket_of (plan, 1, 0), ==, "/run/x/links/demo.in");
  links = links_of (plan);
  g_assert_cmpstr (links, ==,
      "stream:demo/in.video_0>m.video_%u paced; "
      "stream:demo/in.audio_0>m.audio_%u paced; m.src>o.sink; "
      "stream:demo/in:a.video_%u>a.sink");
  options.one_process = TRUE;
  one = plan_of (text, &options, &said[1]);
  assert_part (one, 0, "stream:demo/in m! o! a!");
  launch = mill_plan_to_launch (one);
  g_assert_nonnull (strstr (launch, "millsrc name=stream:demo-in "));
  g_assert_nonnull (strstr (launch, "stream:demo-in.audio_0 ! "));
  g_clear_pointer (&said[1], g_free);
}

/* A stream that takes from itself would wait for ever. */
static void
test_own_stream (void)
{
  const gchar *text = HEAD
      "params:\n  stream: { type: string, default: \"\" }\n"
      "  from: { type: string, default: demo }\n"
      "nodes:\n"
      "  a: { element: fakesink, from: [\"stream:${from}/in.video_0\"] }\n";
  MillPlanOptions options = { .epoch = 5, .stream = "demo" };
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree gchar *said[3] = { NULL };
  g_autoptr (MillPlan) daemon = plan_of (text, &options, &said[0]);
  g_autoptr (MillPlan) hand = NULL;
  g_autoptr (MillPlan) run = NULL;

  g_assert_null (daemon);
  g_assert_cmpstr (said[0], ==,
      "f.yaml:7:34: error: from 'stream:demo/in': got the stream itself, which "
      "would wait for its own media, expected another one, or 'in' for a node "
      "of this one\n");
  options.stream = NULL;
  options.params = params;
  g_hash_table_insert (params, "stream", "demo");
  hand = plan_of (text, &options, &said[1]);
  g_assert_null (hand);
  g_assert_cmpstr (said[1], ==, said[0]);
  /* `millrace run`: what it takes from is a stream of the daemon */
  options.one_process = TRUE;
  run = plan_of (text, &options, &said[2]);
  g_assert_cmpstr (said[2], ==, "");
  g_assert_nonnull (run);
  g_free (said[1]);
  g_free (said[2]);
}

/* Published, a node is to be had by other streams and nothing else changes; by
 * hand there is nobody to have it. */
static void
test_publish (void)
{
  const gchar *text = HEAD
      "nodes:\n  in: { element: rtmpserversrc, publish: true }\n"
      "  out: { element: cmafsink, from: [in], props: { location: x } }\n"
      "  raw: { element: videotestsrc }\n"
      "  coded: { element: x264enc, from: [raw], publish: true }\n";
  MillPlanOptions options = { .one_process = TRUE,
    .stream = "demo",
    .links_dir = "/run/x/links" };
  g_autofree gchar *said = NULL;
  g_autofree gchar *again = NULL;
  g_autofree gchar *explained = NULL;
  g_autofree gchar *launch = NULL;
  g_autofree gchar *links = NULL;
  g_autoptr (MillPlan) plan = plan_of (text, &options, &said);
  g_autoptr (MillPlan) by_hand = NULL;

  g_assert_cmpstr (said, ==, "");
  assert_part (plan, 0, "in out raw! coded! link:in link:coded");
  links = links_of (plan);
  g_assert_cmpstr (links, ==,
      "in.video_%u>out.video_%u; in.audio_%u>out.audio_%u; raw.src>coded.sink");
  explained = mill_plan_to_text (plan);
  g_assert_nonnull (strstr (explained,
      "process 0 -> other streams  /run/x/links/demo.in\n"));
  launch = mill_plan_to_launch (plan);
  g_assert_nonnull (strstr (launch, "coded. ! link:coded.video_0"));
  options.links_dir = NULL;
  by_hand = plan_of (text, &options, &again);
  assert_part (by_hand, 0, "in out raw! coded!");
}

/* A pad that is named by itself, and published with all the others, goes to the
 * link once. */
static void
test_publish_named (void)
{
  const gchar *text = HEAD
      "nodes:\n  in: { element: rtmpserversrc, publish: true }\n"
      "  look: { element: h264parse, from: [\"in.video_0\"], isolate: true }\n"
      "  out: { element: cmafsink, from: [in, look], props: { location: x } }\n";
  MillPlanOptions options = { .stream = "demo", .links_dir = "/run/x/links" };
  g_autofree gchar *said = NULL;
  g_autoptr (MillPlan) plan = plan_of (text, &options, &said);
  g_autofree gchar *launch = mill_plan_to_launch (plan);
  g_auto (GStrv) pieces = g_strsplit (launch, "! link:in.video_", -1);

  g_assert_cmpstr (said, ==, "");
  g_assert_cmpuint (g_strv_length (pieces), ==, 2);
}

int
main (int argc, char **argv)
{
  engine_test_init (&argc, &argv);
  register_fake_pool ();
  g_test_add_func ("/plan/parts", test_parts);
  g_test_add_func ("/plan/link-of-file", test_link_of_file);
  g_test_add_func ("/plan/long-link", test_long_link);
  g_test_add_func ("/plan/stream", test_stream);
  g_test_add_func ("/plan/own-stream", test_own_stream);
  g_test_add_func ("/plan/publish", test_publish);
  g_test_add_func ("/plan/publish-named", test_publish_named);
  return engine_test_run ();
}
