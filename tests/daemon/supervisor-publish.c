/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <gst/gst.h>
#include <string.h>

#include "publish-gate.h"
#include "publish.h"
#include "secret.h"
#include "store-keys.h"

/* ---- a source of the right name, so that planning needs no plugin ---- */

#define TEST_TYPE_SOURCE (test_source_get_type ())
G_DECLARE_FINAL_TYPE (TestSource, test_source, TEST, SOURCE, GstElement)

struct _TestSource
{
  GstElement parent;
};

G_DEFINE_FINAL_TYPE (TestSource, test_source, GST_TYPE_ELEMENT)

static GstStaticPadTemplate source_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS_ANY);

static void
test_source_class_init (TestSourceClass *klass)
{
  gst_element_class_add_static_pad_template (GST_ELEMENT_CLASS (klass),
      &source_template);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass),
      "Test source", "Source", "Test", "Test");
}

static void
test_source_init (TestSource *source)
{
}

/* ---- fixture ---- */

#define LIVE                                                                          \
  "millrace: 1\nname: live\nparams:\n"                                                \
  "  stream: { type: string, required: true }\n"                                      \
  "  output: { type: string, required: true }\n"                                      \
  "  extra: { type: string, default: 5 }\n"                                           \
  "nodes:\n  in: { element: rtmpserversrc }\n"                                        \
  "  out: { element: fakesink, from: [in], props: { max-lateness: \"${extra}\" } }\n" \
  "restart: { limit: 2, backoff-ms: [10, 1000] }\n"
#define FILE_ONLY                                                 \
  "millrace: 1\nname: file\nnodes:\n  in: { element: fakesrc }\n" \
  "  out: { element: fakesink, from: [in] }\n"
#define LADDER                                                  \
  "millrace: 1\nname: ladder\nnodes:\n"                         \
  "  in: { element: rtmpserversrc }\n"                          \
  "  part: { element: h264parse, from: [in], isolate: true }\n" \
  "  out: { element: fakesink, from: [part] }\n"
#define PLACES                                                               \
  "millrace: 1\nname: places\nnodes:\n  a: { element: rtmpserversrc }\n"     \
  "  b: { element: rtmpserversrc }\n  x: { element: fakesink, from: [a] }\n" \
  "  y: { element: fakesink, from: [b] }\n"
#define CONFIG                                                                   \
  "media_dir: /media\nworkers: { limits: { streams: 3, isolated: 1 } }\napps:\n" \
  "  open: { pipeline: live, auth: none, params: { extra: 7 } }\n"               \
  "  keyed: { pipeline: live }\n"                                                \
  "  ladder: { pipeline: ladder, auth: none }\n"                                 \
  "  replace: { pipeline: live, auth: none, takeover: replace }\n"               \
  "  backup: { pipeline: live, auth: none, takeover: backup }\n"                 \
  "  broken: { pipeline: nothing, auth: none }\n"                                \
  "  file: { pipeline: file, auth: none }\n"                                     \
  "  places: { pipeline: places, auth: none, takeover: backup }\n"

typedef struct
{
  MillConfig *config;
  MillStore *store;
  MillStreamRegistry *registry;
  MillCatalog *catalog;
  MillPublishContext context;
  MillPublishGate *gate;
  MillStreamClock clock;
} Fixture;

static void
add_pipeline (MillStore *store, const gchar *name, const gchar *text)
{
  MillPipelineRow row = { .name = (gchar *) name,
    .text = (gchar *) text,
    .node_id = (gchar *) "n" };
  g_assert_true (mill_store_pipelines_put (store, &row, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  fixture->config = mill_config_new_from_data (CONFIG, strlen (CONFIG),
      "c.yaml", diagnostics);
  g_assert_nonnull (fixture->config);
  fixture->store = mill_store_open ("sqlite::memory:", "/", NULL);
  add_pipeline (fixture->store, "live", LIVE);
  add_pipeline (fixture->store, "file", FILE_ONLY);
  add_pipeline (fixture->store, "ladder", LADDER);
  add_pipeline (fixture->store, "places", PLACES);
  fixture->registry = mill_stream_registry_new (fixture->store, "n", NULL);
  fixture->catalog = mill_catalog_new (fixture->store);
  fixture->context = (MillPublishContext){ fixture->config, fixture->store,
    fixture->registry, fixture->catalog };
  fixture->gate = mill_publish_gate_new (fixture->store, fixture->config);
  fixture->clock = (MillStreamClock){ .wall_us = 1000 * G_USEC_PER_SEC,
    .monotonic_us = 50 * G_USEC_PER_SEC };

  g_autoptr (GBytes) hash = mill_secret_hash ("secret");
  MillKeyRow key = { .id = (gchar *) "k",
    .app = (gchar *) "keyed",
    .name = (gchar *) "mine",
    .enabled = TRUE,
    .node_id = (gchar *) "n" };
  g_assert_true (mill_store_keys_insert (fixture->store, &key, hash, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  mill_publish_gate_free (fixture->gate);
  mill_stream_registry_free (fixture->registry);
  mill_catalog_free (fixture->catalog);
  mill_store_close (fixture->store);
  mill_config_unref (fixture->config);
}

static void
keep (gpointer data)
{
}

static void
take_verdict (MillPublishVerdict *verdict, gpointer user_data)
{
  *(MillPublishVerdict **) user_data = verdict;
}

static MillPublishDecision *
decide (Fixture *fixture, const gchar *app, const gchar *name,
    const gchar *query)
{
  g_autoptr (MillPublisher) publisher = mill_publisher_new ();
  g_free (publisher->app);
  publisher->app = g_strdup (app);
  g_free (publisher->name);
  publisher->name = g_strdup (name);
  g_free (publisher->query);
  publisher->query = g_strdup (query);
  MillPublishVerdict *verdict = NULL;
  mill_publish_gate_ask (fixture->gate, publisher, take_verdict, &verdict,
      keep);
  g_assert_nonnull (verdict); /* keys need no waiting */
  MillPublishDecision *decision = mill_publish_decide (&fixture->context,
      publisher, verdict, &fixture->clock);
  mill_publish_verdict_free (verdict);
  return decision;
}

static void
assert_decides (Fixture *fixture, const gchar *app, const gchar *name,
    MillPublishResult result)
{
  g_autoptr (MillPublishDecision) decision = decide (fixture, app, name, "");
  g_test_message ("%s/%s: %s", app, name,
      decision->text ? decision->text : "accepted");
  g_assert_cmpstr (mill_publish_result_to_string (decision->result), ==,
      mill_publish_result_to_string (result));
  g_assert_true ((decision->text == NULL) == (result <= MILL_PUBLISH_REPLACED));
}

static MillStream *
add_running (Fixture *fixture, const gchar *name, MillStreamState state)
{
  MillStream *stream =
      mill_stream_registry_add (fixture->registry, name, "open", "live");
  MillStreamRun run = { "shared-1", 3, 1, "boot" };
  g_autoptr (MillStreamReport) report = mill_stream_report_new (name, 3);
  stream->needs_publisher = TRUE;
  mill_stream_begin (stream, &run, &fixture->clock);
  report->state = state;
  mill_stream_take_report (stream, report, &fixture->clock);
  return stream;
}

/* ---- decisions ---- */

static void
test_accepted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillPublishDecision) decision =
      decide (fixture, "open", "demo", "");
  g_assert_cmpstr (decision->text, ==, NULL);
  g_assert_cmpint (decision->result, ==, MILL_PUBLISH_ACCEPTED);
  g_assert_cmpstr (decision->stream, ==, "demo");
  g_assert_cmpuint (decision->spec->n_places, ==, 1);
  g_assert_cmpuint (decision->spec->policy.limit, ==, 2);
  GHashTable *params = decision->spec->graph->params;
  g_assert_cmpstr (g_hash_table_lookup (params, "stream"), ==, "demo");
  g_assert_cmpstr (g_hash_table_lookup (params, "output"), ==, "/media/demo");
  g_assert_cmpstr (g_hash_table_lookup (params, "extra"), ==, "7");
  g_assert_cmpstr (decision->spec->graph->description, ==, LIVE);
}

/* OBS has one field for the stream key: it names the stream. */
static void
test_key_names_the_stream (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillPublishDecision) by_field =
      decide (fixture, "keyed", "secret", "");
  g_assert_cmpstr (by_field->stream, ==, "mine");
  g_assert_cmpstr (g_hash_table_lookup (by_field->spec->graph->params,
                       "output"),
      ==, "/media/mine");
  g_autoptr (MillPublishDecision) by_query =
      decide (fixture, "keyed", "mine", "key=secret");
  g_assert_cmpstr (by_query->stream, ==, "mine");
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  assert_decides (fixture, "nowhere", "demo", MILL_PUBLISH_UNKNOWN_APP);
  assert_decides (fixture, "keyed", "mine", MILL_PUBLISH_DENIED);
  assert_decides (fixture, "open", "a/b", MILL_PUBLISH_DENIED);
  g_autoptr (MillPublishDecision) broken =
      decide (fixture, "broken", "demo", "");
  g_assert_cmpint (broken->result, ==, MILL_PUBLISH_INVALID);
  g_assert_null (strstr (broken->text, "nothing"));
  g_assert_nonnull (strstr (broken->detail, "'nothing' cannot run: "));
  assert_decides (fixture, "broken", "demo", MILL_PUBLISH_INVALID);
  assert_decides (fixture, "file", "demo", MILL_PUBLISH_INVALID);
  g_assert_cmpstr (mill_publish_result_to_code (MILL_PUBLISH_BUSY), ==,
      "NetStream.Publish.BadName");
  g_assert_cmpstr (mill_publish_result_to_code (MILL_PUBLISH_DENIED), ==,
      "NetStream.Publish.Denied");
}

/* Who mistypes the application reads in the encoder which one was asked for;
 * a hostile name comes back short and without control characters. */
static void
test_unknown_app_is_named (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillPublishDecision) typo =
      decide (fixture, "opne", "demo", "key=secret");
  g_assert_cmpstr (typo->text, ==,
      "there is no application 'opne', expected one of the configuration's "
      "apps (rtmp://HOST/APP/NAME)");
  g_autofree gchar *filler = g_strnfill (5000, '\xff');
  g_autofree gchar *hostile = g_strconcat ("\r\n\033[31m'%s\"", filler, NULL);
  g_autoptr (MillPublishDecision) attack =
      decide (fixture, hostile, "demo", "");
  g_assert_nonnull (strstr (attack->text, "'\\r\\n\\033[31m'%s\\\"\\377"));
  g_assert_nonnull (strstr (attack->text, "'..., expected"));
  g_assert_cmpuint (strlen (attack->text), <, 400);
  for (const gchar *at = attack->text; *at; at++)
    g_assert_true (g_ascii_isprint (*at));
}

/* The text goes into a log: an encoder with one field has the key in there. */
static void
test_key_in_the_app (Fixture *fixture, gconstpointer data)
{
  static const gchar *const apps[] = { "keyed/sk_abc", "sk_abc" };
  static const gchar *const said[] = { "'keyed/***',", "'***'," };
  for (guint i = 0; i < G_N_ELEMENTS (apps); i++) {
    g_autoptr (MillPublishDecision) decision =
        decide (fixture, apps[i], "", "");
    g_assert_cmpint (decision->result, ==, MILL_PUBLISH_UNKNOWN_APP);
    g_assert_nonnull (strstr (decision->text, said[i]));
    g_assert_null (strstr (decision->text, "sk_abc"));
  }
  g_autoptr (MillPublishDecision) other =
      decide (fixture, "desk_live", "demo", "");
  g_assert_nonnull (strstr (other->text, "'desk_live',"));
}

/* Who has tried too often is told that, and not which applications there are. */
static void
test_too_often (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillPublishVerdict) rate =
      mill_publish_verdict_new_denied (MILL_DENIAL_RATE, "wait", NULL);
  static const gchar *const apps[] = { "open", "nowhere" };
  for (guint i = 0; i < G_N_ELEMENTS (apps); i++) {
    g_autoptr (MillPublisher) publisher = mill_publisher_new ();
    g_free (publisher->app);
    publisher->app = g_strdup (apps[i]);
    g_autoptr (MillPublishDecision) decision =
        mill_publish_decide (&fixture->context, publisher, rate,
            &fixture->clock);
    g_assert_cmpint (decision->result, ==, MILL_PUBLISH_DENIED);
    g_assert_cmpstr (decision->text, ==, "wait");
    g_assert_cmpstr (mill_publish_decision_get_reason (decision), ==, "rate");
  }
}

/* A second publisher must never get into a stream that is live. */
static void
test_busy (Fixture *fixture, gconstpointer data)
{
  add_running (fixture, "live", MILL_STREAM_LIVE);
  assert_decides (fixture, "open", "live", MILL_PUBLISH_BUSY);
  MillStream *starting =
      add_running (fixture, "starting", MILL_STREAM_STARTING);
  assert_decides (fixture, "open", "starting", MILL_PUBLISH_BUSY);
  mill_stream_registry_remove (fixture->registry, starting, NULL);
  add_running (fixture, "away", MILL_STREAM_RECONNECTING);
  assert_decides (fixture, "open", "away", MILL_PUBLISH_RESUMED);
}

static MillStream *
add_places (Fixture *fixture, const gchar *name, const gchar *first,
    const gchar *second)
{
  MillStream *stream = add_running (fixture, name, MILL_STREAM_LIVE);
  g_autoptr (MillStreamReport) report = mill_stream_report_new (name, 3);
  report->state = MILL_STREAM_LIVE;
  mill_input_report_add (report->inputs)->state = g_strdup (first);
  if (second)
    mill_input_report_add (report->inputs)->state = g_strdup (second);
  mill_stream_take_report (stream, report, &fixture->clock);
  return stream;
}

/* What a second publisher of a live stream gets, by what its application says
 * and what places the stream has. */
static void
test_takeover (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *app;
    const gchar *first;
    const gchar *second;
    MillPublishResult result;
  } rows[] = {
    { "open", "live", NULL, MILL_PUBLISH_BUSY },
    { "open", "live", "waiting", MILL_PUBLISH_BUSY },
    { "open", "away", "live", MILL_PUBLISH_RESUMED },
    { "replace", "live", NULL, MILL_PUBLISH_REPLACED },
    { "replace", "live", "waiting", MILL_PUBLISH_JOINED },
    { "backup", "live", NULL, MILL_PUBLISH_BUSY },
    { "backup", "live", "waiting", MILL_PUBLISH_JOINED },
    { "backup", "live", "live", MILL_PUBLISH_BUSY },
    { "backup", "live", "away", MILL_PUBLISH_RESUMED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    MillStream *stream =
        add_places (fixture, "live", rows[i].first, rows[i].second);
    g_free (stream->row->app);
    stream->row->app = g_strdup (rows[i].app);
    assert_decides (fixture, rows[i].app, "live", rows[i].result);
    mill_stream_registry_remove (fixture->registry, stream, NULL);
  }
}

/* Names are unique over all applications. */
static void
test_other_application (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = add_running (fixture, "mine", MILL_STREAM_RECONNECTING);
  g_autoptr (MillPublishDecision) decision =
      decide (fixture, "keyed", "secret", "");
  g_assert_cmpint (decision->result, ==, MILL_PUBLISH_BUSY);

  g_autoptr (MillStreamReport) report = mill_stream_report_new ("mine", 3);
  report->state = MILL_STREAM_ENDED;
  mill_stream_take_report (stream, report, &fixture->clock);
  g_autoptr (MillPublishDecision) later =
      decide (fixture, "keyed", "secret", "");
  g_assert_cmpint (later->result, ==, MILL_PUBLISH_ACCEPTED);
}

/* Declared by PUT: its own pipeline and parameters, and any application
 * unless it names one. */
static void
test_declared (Fixture *fixture, gconstpointer data)
{
  MillStream *stream =
      mill_stream_registry_add (fixture->registry, "mine", NULL, "live");
  stream->row->declared = TRUE;
  g_free (stream->row->params);
  stream->row->params = g_strdup ("{\"extra\":\"9\"}");
  g_autoptr (MillPublishDecision) decision =
      decide (fixture, "keyed", "secret", "");
  g_assert_cmpint (decision->result, ==, MILL_PUBLISH_ACCEPTED);
  g_assert_cmpstr (g_hash_table_lookup (decision->spec->graph->params, "extra"),
      ==, "9");
  stream->row->app = g_strdup ("open");
  g_autoptr (MillPublishDecision) other =
      decide (fixture, "keyed", "secret", "");
  g_assert_cmpint (other->result, ==, MILL_PUBLISH_BUSY);
}

static void
test_worker_died (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = add_running (fixture, "demo", MILL_STREAM_LIVE);
  mill_stream_lose (stream, "worker died", &fixture->clock);
  assert_decides (fixture, "open", "demo", MILL_PUBLISH_ACCEPTED);
}

static void
test_stopped (Fixture *fixture, gconstpointer data)
{
  MillStream *stream =
      mill_stream_registry_add (fixture->registry, "demo", "open", "live");
  mill_stream_set_desired (stream, MILL_DESIRED_STOPPED, &fixture->clock);
  assert_decides (fixture, "open", "demo", MILL_PUBLISH_STOPPED);
  mill_stream_set_desired (stream, MILL_DESIRED_RUNNING, &fixture->clock);
  assert_decides (fixture, "open", "demo", MILL_PUBLISH_ACCEPTED);
}

/* An encoder that retries every second is not built a graph each time. */
static void
test_failing_stream_is_held_back (Fixture *fixture, gconstpointer data)
{
  MillStream *stream =
      mill_stream_registry_add (fixture->registry, "demo", "open", "live");
  stream->needs_publisher = TRUE;
  stream->policy.limit = 2;
  stream->policy.backoff_max_ms = 1000;
  for (guint64 generation = 1; generation <= 2; generation++) {
    assert_decides (fixture, "open", "demo", MILL_PUBLISH_ACCEPTED);
    MillStreamRun run = { "shared-1", generation, 1, "boot" };
    g_autoptr (MillStreamReport) report =
        mill_stream_report_new ("demo", generation);
    mill_stream_begin (stream, &run, &fixture->clock);
    report->state = MILL_STREAM_FAILED;
    mill_stream_take_report (stream, report, &fixture->clock);
  }
  assert_decides (fixture, "open", "demo", MILL_PUBLISH_STOPPED);
  fixture->clock.monotonic_us += G_USEC_PER_SEC;
  assert_decides (fixture, "open", "demo", MILL_PUBLISH_ACCEPTED);
}

static void
test_limit (Fixture *fixture, gconstpointer data)
{
  add_running (fixture, "one", MILL_STREAM_LIVE);
  assert_decides (fixture, "open", "three", MILL_PUBLISH_ACCEPTED);
  add_running (fixture, "two", MILL_STREAM_RECONNECTING);
  assert_decides (fixture, "open", "three", MILL_PUBLISH_ACCEPTED);
  add_running (fixture, "three", MILL_STREAM_LIVE);
  assert_decides (fixture, "open", "four", MILL_PUBLISH_LIMIT);
  assert_decides (fixture, "open", "two", MILL_PUBLISH_RESUMED);
}

static void
test_limit_of_isolated (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = add_running (fixture, "one", MILL_STREAM_LIVE);
  assert_decides (fixture, "ladder", "two", MILL_PUBLISH_ACCEPTED);
  mill_stream_set_parts (stream, 2, NULL);
  assert_decides (fixture, "ladder", "two", MILL_PUBLISH_LIMIT);
  assert_decides (fixture, "open", "two", MILL_PUBLISH_ACCEPTED);
}

/* What is wrong with an application is told before a publisher meets it. */
static void
test_applications_are_checked (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *app;
    const gchar *says; /* NULL: nothing is wrong */
    guint line; /* of the setting that is to be mended */
  } cases[] = { { "open", NULL }, { "keyed", NULL }, { "ladder", NULL },
    { "replace", NULL }, { "places", NULL },
    { "backup",
        "refuses every second publisher: *'live' has one place*expected one "
        "with two*",
        8 },
    { "broken", "refuses its publishers: *'nothing'*", 9 },
    { "file", "refuses its publishers: *takes no publisher*", 10 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const MillApp *app = mill_config_find_app (fixture->config, cases[i].app);
    const MillPlace *place = NULL;
    g_autofree gchar *text = mill_publish_check_app (fixture->config,
        fixture->catalog, app, &place, NULL);
    g_test_message ("%s: %s", app->name, text ? text : "nothing");
    g_assert_true (cases[i].says
            ? text && g_pattern_match_simple (cases[i].says, text)
            : text == NULL);
    if (text)
      g_assert_cmpuint (place->line, ==, cases[i].line);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_assert_true (gst_element_register (NULL, "rtmpserversrc", GST_RANK_NONE,
      TEST_TYPE_SOURCE));
#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/publish/accepted", test_accepted);
  ADD ("/publish/key-names", test_key_names_the_stream);
  ADD ("/publish/refused", test_refused);
  ADD ("/publish/unknown-app", test_unknown_app_is_named);
  ADD ("/publish/key-in-the-app", test_key_in_the_app);
  ADD ("/publish/too-often", test_too_often);
  ADD ("/publish/busy", test_busy);
  ADD ("/publish/takeover", test_takeover);
  ADD ("/publish/other-app", test_other_application);
  ADD ("/publish/declared", test_declared);
  ADD ("/publish/worker-died", test_worker_died);
  ADD ("/publish/stopped", test_stopped);
  ADD ("/publish/held-back", test_failing_stream_is_held_back);
  ADD ("/publish/limit", test_limit);
  ADD ("/publish/limit-of-isolated", test_limit_of_isolated);
  ADD ("/publish/check-app", test_applications_are_checked);
  return g_test_run ();
}
