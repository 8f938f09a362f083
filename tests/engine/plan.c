/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* What `millrace validate` and `explain` say: every mistake that only
 * GStreamer's registry can tell, and how the nodes will be linked and set. */
#include "plan-test.h"

/* ---- mistakes ---- */

typedef struct
{
  const gchar *text;
  const gchar *said;
} Case;

static const Case bad_cases[] = {
  { HEAD "nodes:\n  a: { element: videotestsr }\n",
      "f.yaml:4:17: error: unknown element 'videotestsr', expected an element "
      "of an installed GStreamer plugin, did you mean 'videotestsrc'?\n" },
  { HEAD "nodes:\n  a: { element: screencapsrc }\n",
      "f.yaml:4:17: error: element 'screencapsrc' is missing, expected a build "
      "of millrace with the plugin that has it\n" },
  { HEAD
      "nodes:\n  a: { element: fakesrc, props: { num-bufers: 5, num-buffers: "
      "x, sizetype: randm, name: b, last-message: x, is-live: yes, "
      "sizemin: -1 } }\n",
      "f.yaml:4:35: error: node 'a' (fakesrc) has no property 'num-bufers', "
      "expected one of its properties, did you mean 'num-buffers'?\n"
      "f.yaml:4:63: error: node 'a' (fakesrc): property 'num-buffers' is 'x', "
      "expected an integer from -1 to 2147483647\n"
      "f.yaml:4:76: error: node 'a' (fakesrc): property 'sizetype' is 'randm', "
      "expected one of empty, fixed, random, did you mean 'random'?\n"
      "f.yaml:4:83: error: node 'a' (fakesrc): property 'name' is set by the "
      "engine, expected it left out\n"
      "f.yaml:4:92: error: node 'a' (fakesrc): property 'last-message' can only "
      "be read, expected one that can be written\n"
      "f.yaml:4:118: error: node 'a' (fakesrc): property 'is-live' is 'yes', "
      "expected true or false\n"
      "f.yaml:4:132: error: node 'a' (fakesrc): property 'sizemin' is '-1', "
      "expected an integer from 0 to 2147483647\n" },
  { HEAD
      "nodes:\n  a: { element: videotestsrc, props: { foreground-color: "
      "4294967296 } }\n  b: { element: capsfilter, from: [a], props: { caps: "
      "\"video/x-raw,width\" } }\n  c: { element: identity, from: [b], "
      "props: { drop-probability: 2 } }\n  d: { element: x264enc, from: [c], "
      "props: { tune: zerolatency+fast, analyse: 0x400 } }\n  e: { element: "
      "fakesink, from: [d] }\n",
      "f.yaml:4:58: error: node 'a' (videotestsrc): property "
      "'foreground-color' is '4294967296', expected an integer from 0 to "
      "4294967295\n"
      "f.yaml:5:55: error: node 'b' (capsfilter): property 'caps' is "
      "'video/x-raw,width', expected caps such as video/x-raw,width=640\n"
      "f.yaml:6:65: error: node 'c' (identity): property 'drop-probability' is "
      "'2', expected a number from 0 to 1\n"
      "f.yaml:7:52: error: node 'd' (x264enc): property 'tune' is "
      "'zerolatency+fast', expected words joined by '+' out of stillimage, "
      "fastdecode, zerolatency\n"
      "f.yaml:7:79: error: node 'd' (x264enc): property 'analyse' is '0x400', "
      "expected words joined by '+' out of i4x4, i8x8, p8x8, p4x4, b8x8\n" },
  { HEAD
      "nodes:\n  a: { element: videotestsrc }\n  b: { element: aacparse, "
      "from: [a] }\n  c: { element: fakesink, from: [b, aa, a.srk, {node: a, "
      "as: snk}] }\n",
      "f.yaml:5:34: error: 'a' (videotestsrc) cannot be linked to 'b' "
      "(aacparse): it gives video/x-raw or video/x-bayer, expected audio/mpeg\n"
      "f.yaml:6:37: error: unknown node 'aa' in from, expected a, b or c\n"
      "f.yaml:6:41: error: node 'a' (videotestsrc) has no source pad 'srk', "
      "expected src, did you mean 'src'?\n"
      "f.yaml:6:55: error: node 'c' (fakesink) has no sink pad 'snk', expected "
      "sink, did you mean 'sink'?\n" },
  { HEAD "nodes:\n  a: { element: fakesrc }\n  b: { element: fakesink, from: "
         "[a, a] }\n  c: { element: fakesink, from: [b, \"stream:x/y\"] }\n",
      "f.yaml:5:37: error: 'b' (fakesink) has no free pad for 'a', expected one "
      "source only: 'a' is linked to it\n"
      "f.yaml:6:34: error: node 'b' (fakesink) has no source pad, expected an "
      "element that has one\n"
      "f.yaml:6:37: error: link from 'stream:x/y' to 'c' is ambiguous: several "
      "pads fit, expected the name of one of video_%u, audio_%u or text_%u\n" },
  { HEAD "nodes:\n  a: { element: cmafsink, from: [\"stream:no way/in\", "
         "\"stream:x/1\", \"stream:ok/in.video\"], props: { location: x } }\n",
      "f.yaml:4:34: error: from 'stream:no way/in', expected NODE, NODE.PAD or "
      "stream:NAME/NODE\n"
      "f.yaml:4:54: error: from 'stream:x/1', expected NODE, NODE.PAD or "
      "stream:NAME/NODE\n"
      "f.yaml:4:68: error: node 'stream:ok/in' (millsrc) has no source pad "
      "'video', expected video_%u, audio_%u or text_%u\n" },
  { HEAD "nodes:\n  a: { element: videotestsrc, publish: true }\n",
      "f.yaml:4:3: error: node 'a' (videotestsrc) cannot be published, expected "
      "one that gives encoded video, audio or text\n" },
  /* a container has nothing that a link could resume at */
  { HEAD "nodes:\n  a: { element: videotestsrc }\n  b: { element: x264enc, "
         "from: [a] }\n  c: { element: flvmux, from: [b] }\n  d: { element: "
         "filesink, from: [c], isolate: true, props: { location: x } }\n",
      "f.yaml:7:34: error: media (video/x-flv) from 'c' to 'd' cannot cross an "
      "isolation border, expected encoded video, audio or text of a kind that "
      "is known before it runs\n" },
  { HEAD "nodes:\n  a: { element: identity, from: [c] }\n  b: { element: "
         "identity, from: [a] }\n  c: { element: identity, from: [b] }\n  d: { "
         "element: identity, from: [d] }\n",
      "f.yaml:5:34: error: cycle b -> c -> a -> b, expected links that never "
      "lead back\n"
      "f.yaml:7:34: error: cycle d -> d, expected links that never lead back\n" },
  { HEAD "nodes:\n  a: { element: flvdemux }\n  b: { element: fakesink, from: "
         "[a] }\n",
      "f.yaml:5:34: error: link from 'a' to 'b' is ambiguous: several pads fit, "
      "expected the name of one of audio or video\n" },
  { HEAD
      "nodes:\n  a: { element: fakesrc }\n  b: { element: matroskamux, from: "
      "[a] }\n",
      "f.yaml:5:37: error: link from 'a' to 'b' is ambiguous: what flows is not "
      "known before it runs, expected 'as' with one of video_%u, audio_%u or "
      "subtitle_%u\n" },
  { HEAD "nodes:\n  a: { element: videotestsrc }\n  b: { element: compositor, "
         "from: [{node: a, props: {xpso: 1, alpha: 7}}] }\n",
      "f.yaml:5:54: error: pad 'sink_%u' of node 'b' (compositor) has no "
      "property 'xpso', expected one of its properties, did you mean 'xpos'?\n"
      "f.yaml:5:70: error: pad 'sink_%u' of node 'b' (compositor): property "
      "'alpha' is '7', expected a number from 0 to 1\n" },
  { HEAD "nodes:\n  a: { element: videotestsrc }\n  b: { element: identity, "
         "from: [a] }\n  c: { element: x264enc, from: [b], isolate: true }\n",
      "f.yaml:6:33: error: raw media (video/x-raw) from 'b' to 'c' crosses an "
      "isolation border, expected encoded media (isolate 'c' together with its "
      "decoder or encoder in one element, or neither)\n" },
  { HEAD "params:\n  n: { type: integer, default: 1 }\n  o: { type: string, "
         "required: true }\nnodes:\n  a: { element: fakesrc, props: { "
         "num-buffers: \"${m}\", sizemax: \"${n\", data: \"${o}\" } }\n",
      "f.yaml:5:3: error: required parameter 'o' has no value, expected one "
      "(--set o=VALUE; over REST in `params`)\n"
      "f.yaml:7:48: error: unknown parameter 'm', expected one of n, o\n"
      "f.yaml:7:65: error: '${n', expected '}' after '${' ('$${' stands for "
      "'${' itself)\n" },
  /* both steps in one run */
  { HEAD "nodez: 1\nnodes:\n  a: { element: fakesr }\n",
      "f.yaml:3:1: error: the description has an unknown key 'nodez', expected "
      "millrace, name, summary, params, nodes or restart, did you mean "
      "'nodes'?\n"
      "f.yaml:5:17: error: unknown element 'fakesr', expected an element of an "
      "installed GStreamer plugin, did you mean 'fakesrc'?\n" },
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad_cases); i++) {
    g_autofree gchar *said = NULL;
    g_autoptr (MillPlan) plan = plan_of (bad_cases[i].text, NULL, &said);

    if (!g_str_equal (said, bad_cases[i].said)) {
      g_test_message ("of:\n%sgot:\n%sexpected:\n%s", bad_cases[i].text, said,
          bad_cases[i].said);
      g_test_fail ();
    }
  }
}

static void
test_loose_ends (void)
{
  g_autofree gchar *said = NULL;
  g_autofree gchar *warned = NULL;
  /* A run of it ends with "not-linked", or never. */
  g_autoptr (MillPlan) plan = plan_of (HEAD
      "nodes:\n  a: { element: fakesrc }\n  b: { element: fakesink }\n",
      NULL, &said);
  /* Pads that are asked for, or come by themselves, may be none. */
  g_autoptr (MillPlan) open = plan_of (HEAD
      "nodes:\n  a: { element: fakesrc }\n  b: { element: tee, from: [a], "
      "props: { allow-not-linked: true } }\n  c: { element: funnel }\n"
      "  d: { element: fakesink, from: [c] }\n",
      NULL, &warned);

  g_assert_null (plan);
  g_assert_cmpstr (said, ==,
      "f.yaml:4:3: error: the output of node 'a' (fakesrc) is not used, "
      "expected a node with it in its from\n"
      "f.yaml:5:3: error: node 'b' (fakesink) gets no input, expected from: "
      "[NODE]\n");
  g_assert_nonnull (open);
  g_assert_cmpstr (warned, ==,
      "f.yaml:5:3: warning: the output of node 'b' (tee) is not used, expected "
      "a node with it in its from\n"
      "f.yaml:6:3: warning: node 'c' (funnel) gets no input, expected from: "
      "[NODE]\n");
}

/* ---- links ---- */

static const Case link_cases[] = {
  /* by media type, to pads that hold one link each */
  { "v: { element: x264enc, from: [p] }\n  a: { element: avenc_aac, from: [t] "
    "}\n  m: { element: flvmux, from: [a, v] }\n  o: { element: fakesink, from: "
    "[m] }\n",
      "p.src>v.sink; t.src>a.sink; a.src>m.audio; v.src>m.video; m.src>o.sink" },
  /* what flows through elements for anything is known further down */
  { "i: { element: identity, from: [p] }\n  v: { element: x264enc, from: [i] "
    "}\n  q: { element: queue, from: [v] }\n  m: { element: matroskamux, from: "
    "[q] }\n  o: { element: fakesink, from: [m] }\n  s: { element: fakesink, "
    "from: [t] }\n",
      "p.src>i.sink; i.src>v.sink; v.src>q.sink; q.src>m.video_%u; "
      "m.src>o.sink; t.src>s.sink" },
  /* a demuxer's pads by their names, one thread to several sinks */
  { "d: { element: qtdemux }\n  v: { element: h264parse, from: [d] }\n  vs: { "
    "element: fakesink, from: [v] }\n  as: { element: fakesink, from: "
    "[d.audio_0] }\n  s: { element: fakesink, from: [p] }\n  r: { element: "
    "fakesink, from: [t] }\n",
      "d.video_%u>v.sink queue; v.src>vs.sink; d.audio_0>as.sink queue; "
      "p.src>s.sink; t.src>r.sink" },
  /* decodebin's pads could be anything: the pad's caps will tell */
  { "d: { element: decodebin }\n  v: { element: videoconvert, from: [d] }\n  m: "
    "{ element: matroskamux, from: [d] }\n  o: { element: fakesink, from: [m, ] "
    "}\n  s: { element: fakesink, from: [p] }\n  r: { element: fakesink, from: "
    "[t] }\n  w: { element: fakesink, from: [v] }\n",
      "d.src_%u>v.sink queue; d.src_%u>m.? queue; m.src>o.sink; p.src>s.sink; "
      "t.src>r.sink; v.src>w.sink" },
  /* one pad to two nodes, by queues and a tee */
  { "s: { element: fakesink, from: [p] }\n  q: { element: queue, from: [p] }\n  "
    "u: { element: fakesink, from: [q] }\n  r: { element: fakesink, from: [t] "
    "}\n",
      "p.src>s.sink queue; p.src>q.sink; q.src>u.sink; t.src>r.sink" },
  /* the pool's thread reaches nothing that may wait */
  { "i: { element: rtmpserversrc }\n  h: { element: h264parse, from: [i] }\n  "
    "m: { element: matroskamux, from: [h, i.audio_0] }\n  o: { element: "
    "filesink, from: [m] }\n  l: { element: queue, from: [i.video_%u], props: { "
    "leaky: downstream } }\n  f: { element: fakesink, from: [l] }\n  k: { "
    "element: queue, from: [h] }\n  g: { element: fakesink, from: [k] }\n  s: { "
    "element: fakesink, from: [p] }\n  r: { element: fakesink, from: [t] }\n",
      "i.video_%u>h.sink; h.src>m.video_%u leaky; i.audio_0>m.audio_%u leaky; "
      "m.src>o.sink; i.video_%u>l.sink; l.src>f.sink; h.src>k.sink leaky; "
      "k.src>g.sink; p.src>s.sink; t.src>r.sink" },
  /* its inactive pads wait for the active one */
  { "i: { element: rtmpserversrc }\n  x: { element: input-selector, from: "
    "[i.video_0] }\n  o: { element: fakesink, from: [x] }\n  s: { element: "
    "fakesink, from: [p] }\n  r: { element: fakesink, from: [t] }\n",
      "i.video_0>x.sink_%u leaky; x.src>o.sink; p.src>s.sink; t.src>r.sink" },
  /* an isolated node is cut off */
  { "i: { element: rtmpserversrc }\n  h: { element: h264parse, from: [i], "
    "isolate: true }\n  m: { element: matroskamux, from: [h] }\n  o: { element: "
    "filesink, from: [m] }\n  s: { element: fakesink, from: [p] }\n  r: { "
    "element: fakesink, from: [t] }\n",
      "i.video_%u>h.sink cut; h.src>m.video_%u cut; m.src>o.sink; p.src>s.sink; "
      "t.src>r.sink" },
};

static void
test_links (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (link_cases); i++) {
    g_autofree gchar *text = g_strconcat (HEAD
        "nodes:\n  p: { element: videotestsrc }\n  t: { element: audiotestsrc "
        "}\n  ",
        link_cases[i].text, NULL);
    g_autofree gchar *said = NULL;
    g_autoptr (MillPlan) plan = plan_of (text, NULL, &said);
    g_autofree gchar *links = plan ? links_of (plan) : NULL;

    if (g_strcmp0 (links, link_cases[i].said) != 0) {
      g_test_message ("of:\n%s%sgot:\n%s\nexpected:\n%s", text, said, links,
          link_cases[i].said);
      g_test_fail ();
    }
  }
}

/* ---- parameters, places, properties ---- */

static const gchar encode[] = HEAD
    "params:\n  rate: { type: integer, default: 500 }\n  file: { type: string, "
    "required: true }\n  apart: { type: boolean, default: false }\n"
    "nodes:\n  p: { element: videotestsrc, props: { num-buffers: 30 } }\n"
    "  v: { element: x264enc, from: [p], props: { bitrate: \"${rate}\", "
    "key-int-max: 30 } }\n"
    "  h: { element: h264parse, from: [v], isolate: \"${apart}\" }\n"
    "  o: { element: filesink, from: [h], props: { location: "
    "\"${file}.$${x}$\" } }\n";

static MillPlanOptions
options_with (GHashTable *params, const gchar *first, ...)
{
  MillPlanOptions options = { .params = params, .epoch = GST_CLOCK_TIME_NONE };
  va_list words;

  va_start (words, first);
  for (const gchar *name = first; name; name = va_arg (words, const gchar *))
    g_hash_table_insert (params, (gpointer) name, va_arg (words, gchar *));
  va_end (words);
  return options;
}

static const MillPlanSetting *
setting_of (const MillPlan *plan, guint node, guint index)
{
  const MillPlanNode *found =
      g_ptr_array_index (mill_plan_get_nodes (plan), node);

  return g_ptr_array_index (found->props, index);
}

static void
test_params (void)
{
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  MillPlanOptions options =
      options_with (params, "file", "/tmp/x", "rate", "700", NULL);
  g_autofree gchar *said = NULL;
  g_autofree gchar *again = NULL;
  g_autoptr (MillPlan) plan = plan_of (encode, &options, &said);
  g_autoptr (MillPlan) missing = NULL;

  g_assert_cmpstr (said, ==, "");
  g_assert_cmpuint (g_value_get_uint (&setting_of (plan, 1, 0)->value), ==,
      700);
  g_assert_cmpint (setting_of (plan, 1, 0)->change, ==, MILL_CHANGE_HOT);
  g_assert_cmpint (setting_of (plan, 1, 1)->change, ==, MILL_CHANGE_RESTART);
  g_assert_cmpstr (g_value_get_string (&setting_of (plan, 3, 0)->value), ==,
      "/tmp/x.${x}$");
  /* `validate` and `explain` know no values. */
  options = (MillPlanOptions){ .allow_missing = TRUE };
  missing = plan_of (encode, &options, &again);
  g_assert_nonnull (missing);
  g_assert_true (setting_of (missing, 3, 0)->open);
}

/* Whoever reads what a plan is must not learn what its secrets are. */
static void
test_secrets (void)
{
  static const gchar text[] = HEAD
      "params:\n  word: { type: string, secret: true, required: true }\n"
      "  count: { type: integer, secret: true, required: true }\n"
      "nodes:\n  p: { element: videotestsrc, props: { num-buffers: "
      "\"${count}\" } }\n"
      "  o: { element: filesink, from: [p], props: { location: "
      "\"/tmp/${word}.x\" } }\n";
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  MillPlanOptions options =
      options_with (params, "word", "whisper", "count", "71", NULL);
  g_autofree gchar *said = NULL;
  g_autofree gchar *refused = NULL;
  g_autoptr (MillPlan) plan = plan_of (text, &options, &said);

  g_assert_cmpstr (said, ==, "");
  g_autofree gchar *shown = mill_plan_to_text (plan);
  g_autofree gchar *launch = mill_plan_to_launch (plan);
  g_autofree gchar *dot = mill_plan_to_dot (plan);
  const gchar *const all[] = { shown, launch, dot };
  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_assert_null (strstr (all[i], "whisper"));
    g_assert_null (strstr (all[i], "71"));
  }
  g_assert_nonnull (strstr (shown, "location: ***"));
  g_assert_cmpstr (g_value_get_string (&setting_of (plan, 1, 0)->value), ==,
      "/tmp/whisper.x");
  /* Nor do mistakes tell. */
  options_with (params, "count", "whisper", NULL);
  g_assert_null (plan_of (text, &options, &refused));
  g_assert_null (strstr (refused, "whisper"));
  g_assert_nonnull (strstr (refused, "set to '***', expected an integer"));
}

static void
test_bad_params (void)
{
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  MillPlanOptions options = options_with (params, "fil", "/tmp/x", "rate",
      "much", "apart", "yes", NULL);
  g_autofree gchar *said = NULL;
  g_autoptr (MillPlan) plan = plan_of (encode, &options, &said);

  g_assert_cmpstr (said, ==,
      "f.yaml: error: unknown parameter 'fil', expected one of rate, file, "
      "apart, did you mean 'file'?\n"
      "f.yaml:4:3: error: parameter 'rate' set to 'much', expected an integer\n"
      "f.yaml:5:3: error: required parameter 'file' has no value, expected one "
      "(--set file=VALUE; over REST in `params`)\n"
      "f.yaml:6:3: error: parameter 'apart' set to 'yes', expected true or "
      "false\n");
}

static void
test_processes (void)
{
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  MillPlanOptions options =
      options_with (params, "file", "x", "apart", "true", NULL);
  g_autofree gchar *said = NULL;
  g_autofree gchar *again = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr (MillPlan) apart = plan_of (encode, &options, &said);
  g_autoptr (MillPlan) one = NULL;
  const MillPlanNode *node;

  g_assert_cmpuint (mill_plan_get_n_processes (apart), ==, 2);
  node = g_ptr_array_index (mill_plan_get_nodes (apart), 2);
  g_assert_cmpuint (node->process, ==, 1);
  g_assert_false (node->may_wait);
  options.one_process = TRUE;
  one = plan_of (encode, &options, &again);
  g_assert_cmpuint (mill_plan_get_n_processes (one), ==, 1);
  text = mill_plan_to_text (one);
  g_assert_nonnull (strstr (text, "isolate is ignored"));
  g_assert_false (mill_plan_equal (apart, one));
}

static void
test_equal (void)
{
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  MillPlanOptions options = options_with (params, "file", "x", NULL);
  g_autofree gchar *said[3] = { NULL };
  g_autoptr (MillPlan) a = plan_of (encode, &options, &said[0]);
  g_autoptr (MillPlan) b = NULL;
  g_autoptr (MillPlan) c = NULL;

  options.epoch = 5;
  b = plan_of (encode, &options, &said[1]);
  g_assert_cmpuint (mill_plan_get_epoch (b), ==, 5);
  g_assert_true (mill_plan_equal (a, b));
  g_hash_table_insert (params, (gpointer) "rate", (gpointer) "501");
  c = plan_of (encode, &options, &said[2]);
  g_assert_false (mill_plan_equal (a, c));
  for (guint i = 0; i < G_N_ELEMENTS (said); i++)
    g_clear_pointer (&said[i], g_free);
}

static void
test_pictures (void)
{
  g_autoptr (GHashTable) params = g_hash_table_new (g_str_hash, g_str_equal);
  MillPlanOptions options = options_with (params, "file", "a 'b\"c", NULL);
  g_autofree gchar *said = NULL;
  g_autoptr (MillPlan) plan = plan_of (encode, &options, &said);
  g_autofree gchar *text = mill_plan_to_text (plan);
  g_autofree gchar *dot = mill_plan_to_dot (plan);
  g_autofree gchar *launch = mill_plan_to_launch (plan);

  g_assert_nonnull (strstr (text, "bitrate: 500  [hot]"));
  g_assert_nonnull (strstr (dot, "\"v\" -> \"h\""));
  g_assert_nonnull (strstr (launch, "'location=\"a '\\''b\\\"c.${x}$\"'"));
}

int
main (int argc, char **argv)
{
  engine_test_init (&argc, &argv);
  register_fake_pool ();
  g_test_add_func ("/plan/bad", test_bad);
  g_test_add_func ("/plan/loose-ends", test_loose_ends);
  g_test_add_func ("/plan/links", test_links);
  g_test_add_func ("/plan/params", test_params);
  g_test_add_func ("/plan/secrets", test_secrets);
  g_test_add_func ("/plan/bad-params", test_bad_params);
  g_test_add_func ("/plan/processes", test_processes);
  g_test_add_func ("/plan/equal", test_equal);
  g_test_add_func ("/plan/pictures", test_pictures);
  return engine_test_run ();
}
