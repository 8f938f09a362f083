/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * A stream of several inputs that need no publisher. An operator would notice: a
 * slate that cannot be shown and of which nobody was told while there was time
 * to mend it; an input that was chosen by hand and is not shown, or is
 * forgotten. */
#include <string.h>

#include "daemon/ipc/ipc.h"
#include "fixture.h"

#define SOURCE "{ element: videotestsrc, props: { is-live: true } }\n"
#define CODER                                                              \
  "props: { tune: zerolatency, key-int-max: 5, threads: 1, speed-preset: " \
  "ultrafast } }\n"

/* The parameter of printf is the slate. The third input never sends; it has two
 * nodes, one for each track. */
#define THREE                                                                  \
  "millrace: 1\nname: three\nnodes:\n"                                         \
  "  film: " SOURCE "  spare: " SOURCE                                         \
  "  none: { element: appsrc, props: { is-live: true } }\n"                    \
  "  primary: { element: x264enc, from: [film], " CODER                        \
  "  backup: { element: x264enc, from: [spare], " CODER                        \
  "  silent: { element: h264parse, from: [none] }\n"                           \
  "  nothing: { element: appsrc, props: { is-live: true } }\n"                 \
  "  mute: { element: aacparse, from: [nothing] }\n"                           \
  "  switch:\n    element: failoverswitch\n    from:\n"                        \
  "      - { node: silent, props: { priority: 2 } }\n"                         \
  "      - { node: mute, props: { priority: 2 } }\n"                           \
  "      - { node: backup, props: { priority: 1 } }\n"                         \
  "      - { node: primary, props: { priority: 0 } }\n"                        \
  "    props:\n      slate: \"%s\"\n      recovery-ms: 0\n"                    \
  "      stall-timeout-ms: 20000\n      min-framerate-percent: 0\n"            \
  "  out: { element: fakesink, from: [switch.video_0], props: { async: false " \
  "} }\n"

#define SIXTY "123456789012345678901234567890123456789012345678901234567890"

#define ALONE                                                    \
  "millrace: 1\nname: alone\nnodes:\n"                           \
  "  src: { element: videotestsrc, props: { is-live: true } }\n" \
  "  out: { element: fakesink, from: [src] }\n"

typedef struct
{
  Fixture *fixture;
  FixtureWatch *watch;
  MillWorkerProxy *proxy; /* the watch's */
  GString *told; /* a line per event */
  const gchar *wanted;
} Test;

/* A line of its own: "stream type node shows: message". */
static void
on_stream_event (MillWorkerProxy *proxy, const MillWorkerEvent *event,
    Test *test)
{
  const gchar *node = "-";
  const gchar *shows = "-";
  const gchar *message = "-";

  g_variant_lookup (event->details, "node", "&s", &node);
  g_variant_lookup (event->details, "shows", "&s", &shows);
  g_variant_lookup (event->details, "input", "&s", &shows);
  g_variant_lookup (event->details, "message", "&s", &message);
  g_test_message ("%s %s %s %s: %s", event->stream, event->type, node, shows,
      message);
  g_string_append_printf (test->told, "%s %s %s %s: %s\n", event->stream,
      event->type, node, shows, message);
}

static void
set_up (Test *test, gconstpointer data)
{
  test->fixture = fixture_new (NULL, 0);
  test->watch = fixture_worker (test->fixture, "w0");
  test->proxy = test->watch->proxy;
  test->told = g_string_new (NULL);
  g_signal_connect (test->proxy, "stream-event", G_CALLBACK (on_stream_event),
      test);
}

static void
tear_down (Test *test, gconstpointer data)
{
  fixture_watch_free (test->watch);
  fixture_free (test->fixture);
  g_string_free (test->told, TRUE);
}

static void
start (Test *test, const gchar *slate)
{
  g_autofree gchar *yaml = g_strdup_printf (THREE, slate);
  g_autoptr (GError) error = NULL;

  fixture_start_stream (test->proxy, "demo", yaml, &error);
  g_assert_no_error (error);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
}

static gboolean
is_told (gpointer data)
{
  Test *test = data;

  return strstr (test->told->str, test->wanted) != NULL;
}

static void
wait_told (Test *test, const gchar *wanted)
{
  test->wanted = wanted;
  fixture_wait (wanted, is_told, test);
}

/* ---- the slate ---- */

static void
test_slate_missing (Test *test, gconstpointer data)
{
  start (test, "/nonexistent/slate.png");
  wait_told (test,
      "demo stream.warning switch -: slate '/nonexistent/slate.png': got no such "
      "file, expected a PNG, JPEG or MP4 file (nothing is shown while no input "
      "sends)\n");
  wait_told (test, "demo input.switched switch primary: ");
}

/* ---- the choice of an operator ---- */

/* Returns: (transfer full) (nullable): what the worker has against it */
static GError *
choose (Test *test, const gchar *name, const gchar *input)
{
  GAsyncResult *slot = NULL;
  GError *error = NULL;

  mill_worker_proxy_switch_input_async (test->proxy, name, input,
      fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  gboolean done =
      mill_worker_proxy_switch_input_finish (test->proxy, result, &error);
  g_assert_true (done == (error == NULL));
  return error;
}

static void
expect_choice (Test *test, const gchar *shown, const gchar *chosen)
{
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", NULL);

  g_assert_nonnull (report);
  g_assert_nonnull (report->choice);
  g_autofree gchar *inputs = g_strjoinv (" ", report->choice->inputs);
  g_assert_cmpstr (report->choice->shown, ==, shown);
  g_assert_cmpstr (report->choice->chosen, ==, chosen);
  g_assert_cmpstr (inputs, ==, "primary backup silent");
}

static gboolean
is_healthy (Test *test, guint priority)
{
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_autoptr (GVariant) stats =
      g_variant_lookup_value (report->nodes, "switch", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) inputs =
      g_variant_lookup_value (stats, "inputs", G_VARIANT_TYPE ("av"));

  for (gsize i = 0; i < g_variant_n_children (inputs); i++) {
    g_autoptr (GVariant) boxed = g_variant_get_child_value (inputs, i);
    g_autoptr (GVariant) input = g_variant_get_variant (boxed);
    const gchar *state = "";
    guint found;
    g_variant_lookup (input, "state", "&s", &state);
    if (g_variant_lookup (input, "priority", "u", &found) && found == priority)
      return g_str_equal (state, "healthy");
  }
  return FALSE;
}

/* Both encoders have given their first picture. Nothing tells of that but the
 * statistics; each look waits for the worker. */
static void
start_both (Test *test)
{
  gint64 limit_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  start (test, "");
  wait_told (test, "demo input.switched switch primary: ");
  while (!is_healthy (test, 1))
    g_assert_cmpint (g_get_monotonic_time (), <, limit_us);
}

/* Until the next choice, told once when it is made and once when it is seen. */
static void
test_choice (Test *test, gconstpointer data)
{
  start_both (test);
  expect_choice (test, "primary", "automatic");
  g_assert_no_error (choose (test, "demo", "backup"));
  wait_told (test, "demo input.chosen switch backup: -\n");
  wait_told (test, "demo input.switched switch backup: operator\n");
  expect_choice (test, "backup", "backup");
  g_string_truncate (test->told, 0);
  g_assert_no_error (choose (test, "demo", "automatic"));
  wait_told (test, "demo input.chosen switch automatic: -\n");
  wait_told (test, "demo input.switched switch primary: recovery\n");
  expect_choice (test, "primary", "automatic");
}

static void
test_choice_refused (Test *test, gconstpointer data)
{
  const struct
  {
    const gchar *stream;
    const gchar *input;
    gint code;
    const gchar *said;
  } cases[] = {
    { "nobody", "backup", MILL_IPC_ERROR_NOT_FOUND, "nobody" },
    { "alone", "backup", MILL_IPC_ERROR_CONFLICT, "expected a failoverswitch" },
    { "demo", "bakcup", MILL_IPC_ERROR_INVALID,
        "got 'bakcup', expected one of primary, backup, silent, automatic" },
    { "demo", "film", MILL_IPC_ERROR_INVALID, "got 'film'" },
    /* The input that it is of is called by another one. */
    { "demo", "mute", MILL_IPC_ERROR_INVALID,
        "got 'mute', expected one of primary, backup, silent, automatic" },
    { "demo", "", MILL_IPC_ERROR_INVALID, "got ''" },
    /* Cut after 64 characters, of which the last has two bytes. */
    { "demo", SIXTY "123\303\251x", MILL_IPC_ERROR_INVALID,
        "got '" SIXTY "123\303\251', expected" },
    { "demo", "silent", MILL_IPC_ERROR_CONFLICT,
        "input 'silent': got one that does not send as it should" },
  };
  g_autoptr (GError) error = NULL;

  start (test, "");
  fixture_start_stream (test->proxy, "alone", ALONE, &error);
  g_assert_no_error (error);
  wait_told (test, "demo input.switched switch primary: ");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) refusal = choose (test, cases[i].stream, cases[i].input);
    g_assert_error (refusal, MILL_IPC_ERROR, cases[i].code);
    g_assert_nonnull (strstr (refusal->message, cases[i].said));
  }
  expect_choice (test, "primary", "automatic");
  g_assert_null (strstr (test->told->str, "input.chosen"));
  g_autoptr (MillStreamReport) alone =
      fixture_get_stream (test->proxy, "alone", NULL);
  g_assert_null (alone->choice);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/worker/inputs/" name, Test, NULL, set_up, function, tear_down)
  ADD ("slate-missing", test_slate_missing);
  ADD ("choice", test_choice);
  ADD ("choice-refused", test_choice_refused);
  return g_test_run ();
}
