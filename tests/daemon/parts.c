/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * Parts of a stream in real workers of their own: they are started again when
 * they die or stand still, found again by a second fleet, and gone with their
 * stream. The graph of the part is a whole one here, so that no shared worker
 * is needed. */
#include <signal.h>

#include "daemon/common/peer-server.h"
#include "fixture.h"
#include "part-runner.h"

#define ENDLESS                                                  \
  "millrace: 1\nname: endless\nnodes:\n"                         \
  "  src: { element: videotestsrc, props: { is-live: true } }\n" \
  "  out: { element: fakesink, from: [src] }\n"

#define BROKEN                                                                \
  "millrace: 1\nname: broken\nnodes:\n"                                       \
  "  src: { element: filesrc, props: { location: /nonexistent/film.mp4 } }\n" \
  "  out: { element: fakesink, from: [src] }\n"

/* Stops when identity lets go of the buffer that it holds, as an encoder when it
 * has worked off what it had collected. */
#define SLOW                                                                \
  "millrace: 1\nname: slow\nnodes:\n"                                       \
  "  src: { element: videotestsrc, props: { is-live: true } }\n"            \
  "  hold: { element: identity, from: [src], props: { sleep-time: 2500000 " \
  "} }\n"                                                                   \
  "  out: { element: fakesink, from: [hold] }\n"

#define TURN_MS 50

static const MillRestart policy = { .policy = MILL_RESTART_ON_FAILURE,
  .backoff_min_ms = 10,
  .backoff_max_ms = 20,
  .limit = 3 };

typedef struct
{
  Fixture *fixture;
  MillConfig *config;
  MillStore *store;
  MillStreamRegistry *registry;
  MillFleet *fleet;
  MillPartRunner *runner;
  MillStream *stream;
  guint changes;
} Test;

static void
on_changed (MillStream *stream, gpointer user_data)
{
  ((Test *) user_data)->changes++;
}

static void
start_supervisor (Test *test)
{
  g_autoptr (MillEventLog) events = mill_event_log_new (16, G_MAXSIZE);
  test->fleet = mill_fleet_new (test->config, events);
  test->runner =
      mill_part_runner_new (test->fleet, test->registry, on_changed, test);
}

/* As a millraced that is killed: its processes run on. */
static void
stop_supervisor (Test *test)
{
  g_clear_pointer (&test->runner, mill_part_runner_free);
  mill_fleet_leave (test->fleet);
  g_clear_object (&test->fleet);
}

static void
give_generation (Test *test, guint64 generation, const gchar *yaml)
{
  MillStreamClock clock = mill_stream_clock ();
  MillStreamRun run = { "shared-1", generation, 1, "boot" };
  g_autoptr (MillStreamReport) report =
      mill_stream_report_new ("demo", generation);
  test->stream->policy = policy;
  mill_stream_begin (test->stream, &run, &clock);
  mill_stream_set_parts (test->stream, 2,
      mill_graph_spec_new (yaml, "test.yaml"));
  report->state = MILL_STREAM_LIVE;
  mill_stream_take_report (test->stream, report, &clock);
}

static void
set_up (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  test->fixture = fixture_new (NULL, 0);
  g_autofree gchar *yaml =
      g_strdup_printf ("state_dir: %s\nruntime_dir: %s\nmedia_dir: %s\n",
          test->fixture->state_dir, test->fixture->runtime_dir,
          test->fixture->media_dir);
  test->config =
      mill_config_new_from_data (yaml, strlen (yaml), "c.yaml", diagnostics);
  g_assert_nonnull (test->config);
  g_mkdir_with_parents (test->fixture->state_dir, 0700);
  test->store = mill_store_open ("sqlite:", test->fixture->state_dir, &error);
  g_assert_no_error (error);
  test->registry = mill_stream_registry_new (test->store, "node", &error);
  g_assert_no_error (error);
  test->stream = mill_stream_registry_add (test->registry, "demo", "a", "p");
  start_supervisor (test);
}

static gboolean
has_no_process (gpointer data)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (data);
  return processes->len == 2; /* shared and origin, which were never started */
}

static void
tear_down (Test *test, gconstpointer data)
{
  mill_part_runner_end (test->runner, "demo");
  fixture_wait ("the end of the part's process", has_no_process, test->fleet);
  g_clear_pointer (&test->runner, mill_part_runner_free);
  g_clear_object (&test->fleet);
  mill_stream_registry_free (test->registry);
  mill_store_close (test->store);
  mill_config_unref (test->config);
  fixture_free (test->fixture);
}

static MillPart *
get_part (Test *test)
{
  return mill_stream_find_part (test->stream, 1);
}

static guint
get_pid (Test *test)
{
  g_autofree gchar *path =
      mill_process_launcher_get_worker_socket (test->fixture->launcher,
          "demo.1");
  guint pid = 0;
  mill_peer_server_is_served (path, &pid);
  return pid;
}

static gboolean
is_running (gpointer data)
{
  return get_part (data)->state == MILL_PART_RUNNING;
}

static gboolean
is_down (gpointer data)
{
  return get_part (data)->state != MILL_PART_RUNNING;
}

static gboolean
is_failed (gpointer data)
{
  return get_part (data)->state == MILL_PART_FAILED;
}

static void
start_and_wait (Test *test)
{
  give_generation (test, 1, ENDLESS);
  mill_part_runner_start (test->runner, test->stream, MILL_PART_RUNNER_START);
  g_assert_cmpint (test->stream->state, ==, MILL_STATUS_STARTING);
  fixture_wait ("the part", is_running, test);
  g_assert_cmpint (test->stream->state, ==, MILL_STATUS_LIVE);
}

static gboolean
on_turn (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

/* @limit_ms: by turns of this process's own loop: on a busy machine, whose
 * processor neither it nor the part gets, no time passes */
static void
assert_restarted_after (Test *test, gint number, guint limit_ms)
{
  const guint pid = get_pid (test);
  g_assert_cmpuint (pid, >, 1);
  guint turns = 0;
  const guint clock = g_timeout_add (TURN_MS, on_turn, &turns);
  kill ((pid_t) pid, number);
  fixture_wait ("the part to be missed", is_down, test);
  g_assert_cmpint (test->stream->state, ==, MILL_STATUS_DEGRADED);
  fixture_wait ("the part's return", is_running, test);
  g_source_remove (clock);
  g_test_message ("back after %u ms", turns * TURN_MS);
  g_assert_cmpuint (turns * TURN_MS, <, limit_ms);
  g_assert_cmpint (test->stream->state, ==, MILL_STATUS_LIVE);
  g_assert_cmpuint (get_pid (test), !=, pid);
  g_assert_cmpuint (mill_part_get_restarts (get_part (test)), ==, 1);
  g_assert_nonnull (get_part (test)->last_error);
}

static void
test_killed (Test *test, gconstpointer data)
{
  start_and_wait (test);
  assert_restarted_after (test, SIGKILL, 3000);
}

/* A stopped process keeps its socket open and answers nobody. */
static void
test_frozen (Test *test, gconstpointer data)
{
  start_and_wait (test);
  assert_restarted_after (test, SIGSTOP, 6000);
  /* it could still say where it stood */
  g_assert_nonnull (strstr (get_part (test)->last_error, "SIGABRT"));
}

static gboolean
is_over (gpointer data)
{
  return g_get_monotonic_time () > *(gint64 *) data;
}

/* A supervisor that was held up finds answers that wait for it, and must not
 * take them for silence. */
static void
test_supervisor_pauses (Test *test, gconstpointer data)
{
  start_and_wait (test);
  const guint pid = get_pid (test);
  kill ((pid_t) pid, SIGSTOP); /* so that a question is open */
  gint64 until = g_get_monotonic_time () + 800 * 1000;
  fixture_wait ("a question", is_over, &until);
  kill ((pid_t) pid, SIGCONT);
  g_usleep (3 * G_USEC_PER_SEC); /* it is answered now, and nobody reads it */
  until = g_get_monotonic_time () + 1200 * 1000;
  fixture_wait ("a few more", is_over, &until);
  g_assert_cmpuint (get_pid (test), ==, pid);
  g_assert_cmpint (get_part (test)->state, ==, MILL_PART_RUNNING);
}

static void
test_adopted (Test *test, gconstpointer data)
{
  start_and_wait (test);
  const guint pid = get_pid (test);
  stop_supervisor (test);
  give_generation (test, 1, ENDLESS);
  start_supervisor (test);
  mill_part_runner_start (test->runner, test->stream, MILL_PART_RUNNER_ADOPT);
  g_assert_cmpint (get_part (test)->state, ==, MILL_PART_RUNNING);
  /* that it is watched again shows that it was taken */
  test->changes = 0;
  while (test->changes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (get_pid (test), ==, pid);
  g_assert_cmpuint (mill_part_get_restarts (get_part (test)), ==, 0);
  assert_restarted_after (test, SIGKILL, 3000);
}

/* It died while no supervisor ran. */
static void
test_adopted_too_late (Test *test, gconstpointer data)
{
  start_and_wait (test);
  const guint pid = get_pid (test);
  stop_supervisor (test);
  kill ((pid_t) pid, SIGKILL);
  fixture_wait_gone (test->fixture, "demo.1");
  give_generation (test, 1, ENDLESS);
  start_supervisor (test);
  mill_part_runner_start (test->runner, test->stream, MILL_PART_RUNNER_ADOPT);
  fixture_wait ("its absence to be seen", is_down, test);
  g_assert_cmpint (test->stream->state, ==, MILL_STATUS_DEGRADED);
  fixture_wait ("the part", is_running, test);
  g_assert_cmpint (test->stream->state, ==, MILL_STATUS_LIVE);
}

/* The publisher came back to a new shared worker: nothing of the old run may
 * feed the new one. */
static void
test_next_run_has_its_own (Test *test, gconstpointer data)
{
  start_and_wait (test);
  const guint pid = get_pid (test);
  give_generation (test, 2, ENDLESS);
  mill_part_runner_start (test->runner, test->stream, MILL_PART_RUNNER_START);
  fixture_wait ("the part of the next run", is_running, test);
  g_assert_cmpuint (get_pid (test), !=, pid);
  g_assert_cmpuint (mill_part_get_restarts (get_part (test)), ==, 0);
}

/* An orphan of another run is no part of this one. */
static void
test_older_orphan_makes_room (Test *test, gconstpointer data)
{
  start_and_wait (test);
  const guint pid = get_pid (test);
  stop_supervisor (test);
  give_generation (test, 2, ENDLESS);
  start_supervisor (test);
  mill_part_runner_start (test->runner, test->stream, MILL_PART_RUNNER_START);
  fixture_wait ("the part of the next run", is_running, test);
  g_assert_cmpuint (get_pid (test), !=, pid);
}

/* It takes its time to end, as an encoder does: that is no crash. */
static void
test_slow_end_is_awaited (Test *test, gconstpointer data)
{
  give_generation (test, 1, SLOW);
  mill_part_runner_start (test->runner, test->stream, MILL_PART_RUNNER_START);
  fixture_wait ("the part", is_running, test);
  mill_part_runner_end (test->runner, "demo");
  fixture_wait ("the end of the part's process", has_no_process, test->fleet);
  g_autofree gchar *words =
      mill_process_launcher_read_last_words (test->fixture->launcher, "demo.1");
  g_assert_nonnull (words);
  g_assert_null (strstr (words, "SIGABRT"));
  g_assert_nonnull (strstr (words, "gone stream=demo"));
}

static void
test_crash_loop_fails (Test *test, gconstpointer data)
{
  give_generation (test, 1, BROKEN);
  mill_part_runner_start (test->runner, test->stream, MILL_PART_RUNNER_START);
  fixture_wait ("the part to be given up", is_failed, test);
  g_assert_cmpint (test->stream->state, ==, MILL_STATUS_DEGRADED);
  g_assert_cmpuint (get_part (test)->starts, ==, policy.limit);
  g_assert_nonnull (strstr (get_part (test)->last_error, "film.mp4"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* That a worker died is a warning, and what is tested. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(path, func) g_test_add (path, Test, NULL, set_up, func, tear_down)
  ADD ("/parts/killed", test_killed);
  ADD ("/parts/frozen", test_frozen);
  ADD ("/parts/supervisor-pauses", test_supervisor_pauses);
  ADD ("/parts/adopted", test_adopted);
  ADD ("/parts/adopted-too-late", test_adopted_too_late);
  ADD ("/parts/next-run", test_next_run_has_its_own);
  ADD ("/parts/older-orphan", test_older_orphan_makes_room);
  ADD ("/parts/slow-end", test_slow_end_is_awaited);
  ADD ("/parts/crash-loop", test_crash_loop_fails);
  return g_test_run ();
}
