/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * A worker hosts graphs: they start, end, fail alone, and go on without a
 * supervisor. The descriptions need no publisher. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/ipc/ipc.h"
#include "fixture.h"

#define ENDLESS                                                  \
  "millrace: 1\nname: endless\nnodes:\n"                         \
  "  src: { element: videotestsrc, props: { is-live: true } }\n" \
  "  out: { element: fakesink, from: [src] }\n"

#define FINITE                                                     \
  "millrace: 1\nname: finite\nnodes:\n"                            \
  "  src: { element: audiotestsrc, props: { num-buffers: 20 } }\n" \
  "  out: { element: fakesink, from: [src] }\n"

/* fakesink's own way to fail in the middle. */
#define FAILING                                                            \
  "millrace: 1\nname: failing\nnodes:\n"                                   \
  "  src: { element: videotestsrc, props: { is-live: true } }\n"           \
  "  mid: { element: identity, from: [src], props: { error-after: 3 } }\n" \
  "  out: { element: fakesink, from: [mid] }\n"

typedef struct
{
  Fixture *fixture;
  FixtureWatch *watch;
  MillWorkerProxy *proxy; /* the watch's */
} Test;

static void
set_up (Test *test, gconstpointer data)
{
  test->fixture = fixture_new (NULL, GPOINTER_TO_UINT (data));
  test->watch = fixture_worker (test->fixture, "w0");
  test->proxy = test->watch->proxy;
}

static void
tear_down (Test *test, gconstpointer data)
{
  fixture_watch_free (test->watch);
  fixture_free (test->fixture);
}

static void
start (Test *test, const gchar *name, const gchar *yaml)
{
  g_autoptr (GError) error = NULL;

  fixture_start_stream (test->proxy, name, yaml, &error);
  g_assert_no_error (error);
}

static void
test_start_and_stop (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  GAsyncResult *slot = NULL;

  start (test, "demo", ENDLESS);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", &error);
  g_assert_no_error (error);
  g_assert_cmpint (report->state, ==, MILL_STREAM_LIVE);
  g_assert_cmpuint (report->generation, ==, 1);
  g_assert_cmpuint (report->epoch_ns, >, 0);
  g_assert_cmpint (report->since, >, 1500000000);
  g_assert_null (report->publisher);
  /* fakesink has `stats`: a node's own numbers come through. */
  g_autoptr (GVariant) out =
      g_variant_lookup_value (report->nodes, "out", G_VARIANT_TYPE_VARDICT);
  guint64 rendered = 0;
  g_assert_nonnull (out);
  g_assert_true (g_variant_lookup (out, "rendered", "t", &rendered));

  mill_worker_proxy_get_graph_async (test->proxy, "demo", fixture_on_result,
      &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  g_autofree gchar *dot =
      mill_worker_proxy_get_graph_finish (test->proxy, result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (dot, "digraph"));
  g_assert_nonnull (strstr (dot, "GstVideoTestSrc"));

  g_assert_true (fixture_stop_stream (test->proxy, "demo", MILL_WORKER_STOP_EOS,
      &error));
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_ENDED);
  g_assert_null (fixture_get_stream (test->proxy, "demo", &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND);
}

static void
test_stop_now (Test *test, gconstpointer data)
{
  start (test, "demo", ENDLESS);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  g_assert_true (fixture_stop_stream (test->proxy, "demo", MILL_WORKER_STOP_NOW,
      NULL));
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_GONE);
}

static void
test_ends_by_itself (Test *test, gconstpointer data)
{
  start (test, "clip", FINITE);
  fixture_watch_wait (test->watch, "clip", MILL_STREAM_ENDED);
}

static void
test_refusals (Test *test, gconstpointer data)
{
  const struct
  {
    const gchar *name;
    const gchar *yaml;
    gint code;
    const gchar *text;
  } cases[] = {
    { "demo", ENDLESS, MILL_IPC_ERROR_EXISTS, "expected none" },
    { "no/slash", ENDLESS, MILL_IPC_ERROR_INVALID, "no/slash" },
    { "", ENDLESS, MILL_IPC_ERROR_INVALID, "expected 1 to 64" },
    { "bad", "millrace: 1\nname: bad\nnodes:\n  a: { element: nosuch }\n",
        MILL_IPC_ERROR_DESCRIPTION, "test.yaml:4:" },
    { "bad", "millrace: [", MILL_IPC_ERROR_DESCRIPTION,
        "test.yaml:2:1: error: not YAML" },
    /* Passes the plan, fails when it starts. */
    { "bad",
        "millrace: 1\nname: bad\nnodes:\n"
        "  src: { element: filesrc, props: { location: /nonexistent } }\n"
        "  out: { element: fakesink, from: [src] }\n",
        MILL_IPC_ERROR_FAILED, "/nonexistent" },
  };

  start (test, "demo", ENDLESS);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (fixture_start_stream (test->proxy, cases[i].name,
        cases[i].yaml, &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, MILL_IPC_ERROR, cases[i].code);
    g_assert_nonnull (strstr (error->message, cases[i].text));
    g_assert_null (strstr (error->message, "GDBus.Error"));
  }
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_assert_nonnull (report);
}

/* One stream's failure is told and leaves its neighbour alone. */
static void
test_fails_alone (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  start (test, "good", ENDLESS);
  fixture_watch_wait (test->watch, "good", MILL_STREAM_LIVE);
  start (test, "bad", FAILING);
  const MillStreamReport *told =
      fixture_watch_wait (test->watch, "bad", MILL_STREAM_FAILED);
  g_assert_nonnull (strstr (told->last_error, "mid"));
  /* It stays to say why, with its picture, until it is stopped. */
  g_autoptr (MillStreamReport) bad =
      fixture_get_stream (test->proxy, "bad", &error);
  g_assert_no_error (error);
  g_assert_cmpint (bad->state, ==, MILL_STREAM_FAILED);
  g_assert_cmpstr (bad->last_error, ==, told->last_error);
  g_autoptr (MillStreamReport) good =
      fixture_get_stream (test->proxy, "good", &error);
  g_assert_cmpint (good->state, ==, MILL_STREAM_LIVE);
  /* A new start takes its place. */
  start (test, "bad", ENDLESS);
  fixture_watch_wait (test->watch, "bad", MILL_STREAM_LIVE);
}

static void
test_failed_is_forgotten_by_stop (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  start (test, "bad", FAILING);
  fixture_watch_wait (test->watch, "bad", MILL_STREAM_FAILED);
  g_assert_true (fixture_stop_stream (test->proxy, "bad", MILL_WORKER_STOP_EOS,
      &error));
  g_assert_null (fixture_get_stream (test->proxy, "bad", &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND);
}

static void
test_params (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (
      "millrace: 1\nname: p\nparams:\n"
      "  stream: { type: string, required: true }\n"
      "  output: { type: string, required: true }\n"
      "  pattern: { type: string, required: true }\nnodes:\n"
      "  src: { element: videotestsrc, props: { is-live: true,\n"
      "         pattern: \"${pattern}\" } }\n"
      "  out: { element: filesink, from: [src],\n"
      "         props: { location: \"${output}-${stream}\" } }\n",
      "p.yaml");
  const MillWorkerStart start_options = { "demo", 7, spec };
  g_autoptr (GError) error = NULL;
  GAsyncResult *slot = NULL;
  g_autofree gchar *written =
      g_strdup_printf ("%s/demo-demo", test->fixture->media_dir);

  g_mkdir_with_parents (test->fixture->media_dir, 0700);
  mill_graph_spec_set_param (spec, "pattern", "ball");
  spec->epoch_ns = (guint64) g_get_monotonic_time () * 1000;
  mill_worker_proxy_start_stream_async (test->proxy, &start_options,
      fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  g_assert_true (mill_worker_proxy_start_stream_finish (test->proxy, result,
      &error));
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", &error);
  g_assert_cmpuint (report->generation, ==, 7);
  g_assert_cmpuint (report->epoch_ns, ==, spec->epoch_ns);
  g_assert_true (g_file_test (written, G_FILE_TEST_IS_REGULAR));
}

/* ---- the process ---- */

typedef struct
{
  gboolean seen;
  gint status;
} Exit;

static void
on_exited (MillProcessLauncher *launcher, const gchar *id, guint pid,
    gint status, Exit *seen)
{
  *seen = (Exit){ TRUE, status };
}

static gboolean
is_seen (gpointer data)
{
  return ((Exit *) data)->seen;
}

static gint
wait_exit (Test *test, Exit *seen)
{
  fixture_wait ("the worker's exit", is_seen, seen);
  return seen->status;
}

static void
test_sigterm_ends_streams (Test *test, gconstpointer data)
{
  Exit seen = { FALSE };

  g_signal_connect (test->fixture->launcher, "exited", G_CALLBACK (on_exited),
      &seen);
  start (test, "a", ENDLESS);
  start (test, "b", ENDLESS);
  fixture_watch_wait (test->watch, "a", MILL_STREAM_LIVE);
  fixture_watch_wait (test->watch, "b", MILL_STREAM_LIVE);
  kill ((pid_t) mill_worker_proxy_get_report (test->proxy)->pid, SIGTERM);
  fixture_watch_wait (test->watch, "a", MILL_STREAM_ENDED);
  fixture_watch_wait (test->watch, "b", MILL_STREAM_ENDED);
  g_assert_cmpint (wait_exit (test, &seen), ==, 0);
  fixture_watch_wait_lost (test->watch);
}

static void
test_drain (Test *test, gconstpointer data)
{
  Exit seen = { FALSE };
  g_autoptr (GError) error = NULL;
  GAsyncResult *slot = NULL;

  g_signal_connect (test->fixture->launcher, "exited", G_CALLBACK (on_exited),
      &seen);
  start (test, "last", ENDLESS);
  fixture_watch_wait (test->watch, "last", MILL_STREAM_LIVE);
  mill_worker_proxy_drain_async (test->proxy, fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  g_assert_true (mill_worker_proxy_drain_finish (test->proxy, result, &error));
  g_assert_false (fixture_start_stream (test->proxy, "more", ENDLESS, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DRAINING);
  g_assert_false (seen.seen);
  g_assert_true (fixture_stop_stream (test->proxy, "last", MILL_WORKER_STOP_EOS,
      NULL));
  g_assert_cmpint (wait_exit (test, &seen), ==, 0);
}

/* orphan-timeout 1: without a stream it ends, with one it stays. */
static void
test_orphan (Test *test, gconstpointer data)
{
  Exit seen = { FALSE };
  g_autoptr (GError) error = NULL;

  g_signal_connect (test->fixture->launcher, "exited", G_CALLBACK (on_exited),
      &seen);
  /* Before the worker has begun: how long we wait for its answer is not a part of
   * what the clip takes. */
  const gint64 from = g_get_monotonic_time ();
  /* About twice the time-out long, then nothing is left. */
  start (test, "clip",
      "millrace: 1\nname: clip\nnodes:\n"
      "  src: { element: audiotestsrc, props: { is-live: true, "
      "num-buffers: 100 } }\n"
      "  out: { element: fakesink, from: [src] }\n");
  mill_worker_proxy_disconnect (test->proxy);
  g_assert_cmpint (wait_exit (test, &seen), ==, 0);
  g_assert_cmpint (g_get_monotonic_time () - from, >, 3 * G_USEC_PER_SEC);
}

/* What a millraced that could not start leaves behind is gone soon, whatever
 * orphan-timeout (300) says. */
static void
test_unused (Test *test, gconstpointer data)
{
  Exit seen = { FALSE };

  g_signal_connect (test->fixture->launcher, "exited", G_CALLBACK (on_exited),
      &seen);
  mill_worker_proxy_disconnect (test->proxy);
  g_assert_cmpint (wait_exit (test, &seen), ==, 0);
}

/* A supervisor that hangs does not keep its successor out. */
static void
test_newer_supervisor_replaces (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  start (test, "demo", ENDLESS);
  g_autoptr (FixtureWatch) newer =
      fixture_connect (test->fixture, "w0", &error);
  g_assert_no_error (error);
  fixture_watch_wait_lost (test->watch);
  g_assert_cmpuint (mill_worker_proxy_get_report (newer->proxy)->streams->len,
      ==, 1);
  g_assert_false (fixture_start_stream (test->proxy, "more", ENDLESS, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_stats (Test *test, gconstpointer data)
{
  GAsyncResult *slot = NULL;

  /* One call more than the poll at connecting, so its answer is there. */
  mill_worker_proxy_describe_async (test->proxy, fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  g_autoptr (MillProcessReport) report =
      mill_worker_proxy_describe_finish (test->proxy, result, NULL);
  g_assert_cmpstr (report->media_dir, ==, test->fixture->media_dir);
  const MillProcessStats *stats =
      mill_peer_link_get_last_stats (mill_worker_proxy_get_link (test->proxy));
  g_assert_nonnull (stats);
  g_assert_cmpuint (stats->cpu_usec, >, 0);
  g_assert_cmpuint (stats->memory_bytes, >, 1000000);
}

static gboolean
is_silent (gpointer data)
{
  return ((FixtureWatch *) data)->silence_usec > 0;
}

static void
test_unresponsive (Test *test, gconstpointer data)
{
  const pid_t pid = (pid_t) mill_worker_proxy_get_report (test->proxy)->pid;

  kill (pid, SIGSTOP);
  fixture_wait ("the report of silence", is_silent, test->watch);
  g_assert_cmpuint (test->watch->silence_usec, >, G_USEC_PER_SEC);
  kill (pid, SIGCONT);
  start (test, "demo", ENDLESS);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
}

/* What a crash leaves says where and with which streams. */
static void
test_post_mortem (Test *test, gconstpointer data)
{
  Exit seen = { FALSE };

  g_signal_connect (test->fixture->launcher, "exited", G_CALLBACK (on_exited),
      &seen);
  start (test, "first", ENDLESS);
  start (test, "second", ENDLESS);
  kill ((pid_t) mill_worker_proxy_get_report (test->proxy)->pid, SIGSEGV);
  const gint status = wait_exit (test, &seen);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGSEGV);
  g_autofree gchar *words =
      mill_process_launcher_read_last_words (test->fixture->launcher, "w0");
  g_test_message ("%s", words);
  g_assert_nonnull (strstr (words, "signal: SIGSEGV"));
  g_assert_nonnull (strstr (words, "streams: first second"));
  g_assert_nonnull (strstr (words, "millrace-worker("));
}

static void
on_stream_event (MillWorkerProxy *proxy, const MillWorkerEvent *event,
    gchar **ret_told)
{
  const gchar *node = NULL;
  const gchar *message = NULL;

  g_variant_lookup (event->details, "node", "&s", &node);
  g_variant_lookup (event->details, "message", "&s", &message);
  g_free (*ret_told);
  *ret_told = g_strdup_printf ("%s %s %s: %s", event->stream, event->type, node,
      message);
}

static gboolean
is_told (gpointer data)
{
  return *(gchar **) data != NULL;
}

/* What an element warns of is not in a log alone: here a film that lacks its
 * end, as a recorder's disk or a slate's file would be. */
static void
test_warning_is_an_event (Test *test, gconstpointer data)
{
  g_autofree gchar *path =
      g_build_filename (test->fixture->root, "film.mp4", NULL);
  g_autofree gchar *told = NULL;
  g_autofree gchar *yaml =
      g_strdup_printf ("millrace: 1\nname: short\nnodes:\n"
                       "  src: { element: filesrc, props: { location: %s } }\n"
                       "  out: { element: fakesink, from: [src] }\n",
          path);

  g_assert_true (g_file_set_contents (path,
      "\0\0\0\020ftypisom\0\0\0\0\0\0\1\0mdat", 24, NULL));
  g_signal_connect (test->proxy, "stream-event", G_CALLBACK (on_stream_event),
      &told);
  start (test, "short", yaml);
  fixture_wait ("the warning", is_told, &told);
  g_assert_true (g_str_has_prefix (told, "short stream.warning src: file '"));
  g_assert_nonnull (strstr (told, "got 24 bytes, expected 272"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function, timeout)                                     \
  g_test_add ("/worker/streams/" name, Test, GUINT_TO_POINTER (timeout), \
      set_up, function, tear_down)
  ADD ("start-and-stop", test_start_and_stop, 0);
  ADD ("stop-now", test_stop_now, 0);
  ADD ("ends-by-itself", test_ends_by_itself, 0);
  ADD ("refusals", test_refusals, 0);
  ADD ("fails-alone", test_fails_alone, 0);
  ADD ("failed-is-forgotten-by-stop", test_failed_is_forgotten_by_stop, 0);
  ADD ("params", test_params, 0);
  ADD ("sigterm-ends-streams", test_sigterm_ends_streams, 0);
  ADD ("drain", test_drain, 0);
  ADD ("orphan", test_orphan, 1);
  ADD ("unused", test_unused, 0);
  ADD ("newer-supervisor-replaces", test_newer_supervisor_replaces, 0);
  ADD ("stats", test_stats, 0);
  ADD ("warning-is-an-event", test_warning_is_an_event, 0);
  ADD ("unresponsive", test_unresponsive, 0);
  ADD ("post-mortem", test_post_mortem, 0);
  return g_test_run ();
}
