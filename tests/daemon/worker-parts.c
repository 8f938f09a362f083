/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * Two workers run one stream: its isolated part may die and be replaced while
 * the shared one goes on, and ends with it. */
#include <signal.h>

#include "daemon/common/peer-server.h"
#include "fixture.h"

#define STREAM                                                           \
  "millrace: 1\nname: cut\nnodes:\n"                                     \
  "  picture: { element: videotestsrc, props: { is-live: true } }\n"     \
  "  size: { element: capsfilter, from: [picture], props: { caps: "      \
  "\"video/x-raw,format=I420,width=64,height=36,framerate=60/1\" } }\n"  \
  "  in: { element: x264enc, from: [size], props: { tune: zerolatency, " \
  "speed-preset: ultrafast, key-int-max: 10 } }\n"                       \
  "  part: { element: h264parse, from: [in], isolate: true }\n"          \
  "  back: { element: fakesink, from: [part] }\n"
#define SHARED "shared-1"
#define ISOLATED "s.1"
#define DEADLINE_S 20

typedef struct
{
  Fixture *fixture;
  FixtureWatch *shared;
  FixtureWatch *isolated;
  guint64 epoch_ns;
} Test;

static void
start_part (Test *test, FixtureWatch *watch, guint process)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (STREAM, "cut.yaml");
  const MillWorkerStart start = { .stream = "s",
    .generation = 1,
    .graph = spec };
  g_autoptr (GError) error = NULL;
  GAsyncResult *slot = NULL;

  spec->one_process = FALSE;
  spec->process = process;
  spec->epoch_ns = test->epoch_ns;
  mill_worker_proxy_start_stream_async (watch->proxy, &start, fixture_on_result,
      &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  mill_worker_proxy_start_stream_finish (watch->proxy, result, &error);
  g_assert_no_error (error);
  fixture_watch_wait (watch, "s", MILL_STREAM_LIVE);
}

static void
start_isolated (Test *test)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = NULL;
  GAsyncResult *slot = NULL;

  g_clear_pointer (&test->isolated, fixture_watch_free);
  mill_process_launcher_launch_isolated_async (test->fixture->launcher,
      ISOLATED, NULL, fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  path = mill_process_launcher_launch_finish (test->fixture->launcher, result,
      &error);
  g_assert_no_error (error);
  g_hash_table_replace (test->fixture->launched, g_strdup (ISOLATED), NULL);
  test->isolated = fixture_connect (test->fixture, ISOLATED, &error);
  g_assert_no_error (error);
  start_part (test, test->isolated, 1);
}

static void
set_up (Test *test, gconstpointer data)
{
  test->fixture = fixture_new (NULL, GPOINTER_TO_UINT (data));
  test->epoch_ns = (guint64) g_get_monotonic_time () * 1000;
  test->shared = fixture_worker (test->fixture, SHARED);
  start_part (test, test->shared, 0);
  start_isolated (test);
}

static void
tear_down (Test *test, gconstpointer data)
{
  fixture_watch_free (test->shared);
  fixture_watch_free (test->isolated);
  fixture_free (test->fixture);
}

/* What has come back from the isolated part, ever. */
static guint64
count_back (Test *test)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->shared->proxy, "s", &error);
  g_autoptr (GVariant) stats = NULL;
  guint64 buffers = 0;

  g_assert_no_error (error);
  g_assert_cmpint (report->state, ==, MILL_STREAM_LIVE);
  g_assert_cmpuint (report->epoch_ns, ==, test->epoch_ns);
  stats = g_variant_lookup_value (report->nodes, "link:part",
      G_VARIANT_TYPE_VARDICT);
  g_assert_nonnull (stats);
  g_variant_lookup (stats, "buffers", "t", &buffers);
  return buffers;
}

static void
wait_more (Test *test)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_S * G_USEC_PER_SEC;
  guint64 until = count_back (test) + 20;

  while (count_back (test) < until)
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
}

static void
end_process (Test *test, gint number)
{
  g_autofree gchar *path =
      mill_process_launcher_get_worker_socket (test->fixture->launcher,
          ISOLATED);
  guint pid = 0;

  g_assert_true (mill_peer_server_is_served (path, &pid));
  kill ((pid_t) pid, number);
  fixture_wait_gone (test->fixture, ISOLATED);
}

/* However it goes, the shared part does not take it for the end. */
static void
test_replaced (Test *test, gconstpointer data)
{
  const gint ways[] = { SIGKILL, SIGTERM };

  wait_more (test);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    end_process (test, ways[i]);
    start_isolated (test);
    wait_more (test);
  }
}

static void
test_ends_with_stream (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  wait_more (test);
  fixture_stop_stream (test->shared->proxy, "s", MILL_WORKER_STOP_EOS, &error);
  g_assert_no_error (error);
  fixture_watch_wait (test->shared, "s", MILL_STREAM_ENDED);
  fixture_wait_gone (test->fixture, ISOLATED);
}

/* Nobody sends EOS to a part that is stopped at once. */
static void
test_stopped (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_stop_stream (test->isolated->proxy, "s", MILL_WORKER_STOP_NOW,
      &error);
  g_assert_no_error (error);
  fixture_wait_gone (test->fixture, ISOLATED);
}

/* It outlives a supervisor, not supervisor and stream: nobody else would end
 * it. */
static void
test_abandoned (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  mill_worker_proxy_disconnect (test->isolated->proxy);
  wait_more (test);
  const gint64 until = g_get_monotonic_time () + 2500 * 1000;
  while (g_get_monotonic_time () < until) /* longer than orphan-timeout */
    wait_more (test);
  fixture_stop_stream (test->shared->proxy, "s", MILL_WORKER_STOP_NOW, &error);
  g_assert_no_error (error);
  fixture_wait_gone (test->fixture, ISOLATED);
}

#define ADD(name, func, orphan_timeout_s)  \
  g_test_add ("/worker-parts/" name, Test, \
      GUINT_TO_POINTER (orphan_timeout_s), set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("replaced", test_replaced, 0);
  ADD ("ends-with-stream", test_ends_with_stream, 0);
  ADD ("stopped", test_stopped, 0);
  ADD ("abandoned", test_abandoned, 1);
  return g_test_run ();
}
