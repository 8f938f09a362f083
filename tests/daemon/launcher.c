/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * Workers are started so that they outlive who started them, and are found
 * again. A user would notice: after a crash or an upgrade of millraced every
 * stream would stop, or run twice. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/common/peer-server.h"
#include "daemon/ipc/ipc.h"
#include "fixture.h"

#define ENDLESS                                                  \
  "millrace: 1\nname: endless\nnodes:\n"                         \
  "  src: { element: videotestsrc, props: { is-live: true } }\n" \
  "  out: { element: fakesink, from: [src] }\n"

static const gchar *self_path;

static guint
get_pid (FixtureWatch *watch)
{
  return mill_worker_proxy_get_report (watch->proxy)->pid;
}

static gchar *
read_fd (guint pid, guint fd)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/%u/fd/%u", pid, fd);

  return g_file_read_link (path, NULL);
}

static void
test_detached (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  g_autoptr (FixtureWatch) watch = fixture_worker (fixture, "w0");
  const guint pid = get_pid (watch);
  g_autofree gchar *in = read_fd (pid, 0);
  g_autofree gchar *out = read_fd (pid, 1);
  g_autofree gchar *err = read_fd (pid, 2);
  g_autofree gchar *log =
      g_build_filename (fixture->state_dir, "logs", "w0.log", NULL);

  g_assert_cmpint (getsid ((pid_t) pid), ==, (gint) pid);
  g_assert_cmpstr (in, ==, "/dev/null");
  g_assert_cmpstr (out, ==, "/dev/null");
  g_assert_cmpstr (err, ==, log);
  fixture_free (fixture);
}

/* None of our descriptors goes along: an inherited listening socket would keep
 * its port taken, an inherited pipe its reader waiting. */
static void
test_no_descriptor_inherited (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  gint ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  g_autofree gchar *ours = read_fd ((guint) getpid (), (guint) ends[1]);
  g_autoptr (FixtureWatch) watch = fixture_worker (fixture, "w0");
  const guint pid = get_pid (watch);
  for (guint fd = 0; fd < 256; fd++) {
    g_autofree gchar *theirs = read_fd (pid, fd);
    g_assert_cmpstr (theirs, !=, ours);
  }
  close (ends[0]);
  close (ends[1]);
  fixture_free (fixture);
}

static void
test_launch_twice_is_one_process (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  g_autoptr (FixtureWatch) first = fixture_worker (fixture, "w0");
  g_autoptr (FixtureWatch) second = fixture_worker (fixture, "w0");

  g_assert_cmpuint (get_pid (first), ==, get_pid (second));
  fixture_free (fixture);
}

static void
test_scan (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  g_autoptr (FixtureWatch) b = fixture_worker (fixture, "b");
  g_autoptr (FixtureWatch) a = fixture_worker (fixture, "a");
  g_autoptr (FixtureWatch) dead = fixture_worker (fixture, "dead");
  g_autofree gchar *stale =
      mill_process_launcher_get_worker_socket (fixture->launcher, "dead");

  kill ((pid_t) get_pid (dead), SIGKILL);
  fixture_watch_wait_lost (dead);
  fixture_wait_gone (fixture, "dead");
  g_assert_true (g_file_test (stale, G_FILE_TEST_EXISTS));
  g_auto (GStrv) ids = mill_process_launcher_scan_workers (fixture->launcher);
  g_assert_cmpuint (g_strv_length (ids), ==, 2);
  g_assert_cmpstr (ids[0], ==, "a");
  g_assert_cmpstr (ids[1], ==, "b");
  g_assert_false (g_file_test (stale, G_FILE_TEST_EXISTS));
  /* The name of a dead worker can be used again. */
  g_autoptr (FixtureWatch) again = fixture_worker (fixture, "dead");
  g_assert_cmpuint (get_pid (again), !=, get_pid (dead));
  fixture_free (fixture);
}

/* Whoever reads the log of millraced learns why the worker did not start. */
static void
test_failed_start_tells_why (void)
{
  g_autofree gchar *root = g_dir_make_tmp ("millrace-XXXXXX", NULL);
  const MillProcessLauncherOptions options = {
    .runtime_dir = root,
    .state_dir = root,
    .media_dir = root,
    .log_level = "loud",
  };
  g_autoptr (MillProcessLauncher) launcher =
      mill_process_launcher_new (&options);
  GAsyncResult *slot = NULL;
  g_autoptr (GError) error = NULL;

  mill_process_launcher_launch_worker_async (launcher, "w0", NULL,
      fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  g_assert_null (mill_process_launcher_launch_finish (launcher, result,
      &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXITED);
  g_assert_nonnull (strstr (error->message, "status 64"));
  g_assert_nonnull (strstr (error->message, "log level 'loud'"));
  g_autofree gchar *command = g_strdup_printf ("rm -r '%s'", root);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
}

typedef struct
{
  gboolean seen;
  guint pid;
  gint status;
} Exit;

static void
on_exited (MillProcessLauncher *launcher, const gchar *id, guint pid,
    gint status, Exit *seen)
{
  *seen = (Exit){ TRUE, pid, status };
}

static gboolean
is_seen (gpointer data)
{
  return ((Exit *) data)->seen;
}

/* No zombie stays while the launcher lives. */
static void
test_children_are_reaped (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  g_autoptr (FixtureWatch) watch = fixture_worker (fixture, "w0");
  const guint pid = get_pid (watch);
  Exit seen = { FALSE };

  g_signal_connect (fixture->launcher, "exited", G_CALLBACK (on_exited), &seen);
  kill ((pid_t) pid, SIGKILL);
  fixture_wait ("the child's end", is_seen, &seen);
  g_assert_cmpuint (seen.pid, ==, pid);
  g_assert_true (WIFSIGNALED (seen.status));
  g_assert_cmpint (kill ((pid_t) pid, 0), ==, -1);
  fixture_free (fixture);
}

/* ---- kill -9 of the supervisor ---- */

/* The supervisor that dies: this program again, with --helper ROOT. */
static gint
run_helper (const gchar *root)
{
  Fixture *fixture = fixture_new (root, 0);
  g_autoptr (FixtureWatch) watch = fixture_worker (fixture, "w0");
  g_autoptr (GError) error = NULL;

  g_assert_true (fixture_start_stream (watch->proxy, "endless", ENDLESS,
      &error));
  fixture_watch_wait (watch, "endless", MILL_STREAM_LIVE);
  g_assert_cmpint (write (STDOUT_FILENO, "live\n", 5), ==, 5);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
  return 1;
}

static void
test_outlives_kill_9 (void)
{
  g_autofree gchar *root = g_dir_make_tmp ("millrace-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) helper =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, self_path,
          "--helper", root, NULL);
  g_assert_no_error (error);
  g_autoptr (GDataInputStream) lines =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (helper));
  g_autofree gchar *line =
      g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  g_assert_cmpstr (line, ==, "live");

  g_subprocess_force_exit (helper); /* SIGKILL */
  g_assert_true (g_subprocess_wait (helper, NULL, NULL));
  Fixture *fixture = fixture_new (root, 0);
  g_auto (GStrv) ids = mill_process_launcher_scan_workers (fixture->launcher);
  g_assert_cmpuint (g_strv_length (ids), ==, 1);
  g_autoptr (FixtureWatch) watch = fixture_connect (fixture, ids[0], &error);
  g_assert_no_error (error);
  const MillProcessReport *report = mill_worker_proxy_get_report (watch->proxy);
  g_assert_cmpuint (report->protocol, ==, MILL_IPC_PROTOCOL);
  g_assert_cmpstr (report->id, ==, "w0");
  g_assert_cmpuint (report->streams->len, ==, 1);
  const MillStreamReport *stream = report->streams->pdata[0];
  g_assert_cmpstr (stream->name, ==, "endless");
  g_assert_cmpuint (stream->generation, ==, 1);
  g_assert_cmpint (stream->state, ==, MILL_STREAM_LIVE);
  g_assert_cmpuint (stream->epoch_ns, >, 0);
  /* The successor is its supervisor in full. */
  g_assert_true (fixture_stop_stream (watch->proxy, "endless",
      MILL_WORKER_STOP_EOS, &error));
  fixture_watch_wait (watch, "endless", MILL_STREAM_ENDED);
  fixture_free (fixture);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--helper") == 0)
    return run_helper (argv[2]);
  self_path = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/launcher/detached", test_detached);
  g_test_add_func ("/launcher/no-descriptor-inherited",
      test_no_descriptor_inherited);
  g_test_add_func ("/launcher/twice-is-one-process",
      test_launch_twice_is_one_process);
  g_test_add_func ("/launcher/scan", test_scan);
  g_test_add_func ("/launcher/failed-start-tells-why",
      test_failed_start_tells_why);
  g_test_add_func ("/launcher/children-are-reaped", test_children_are_reaped);
  g_test_add_func ("/launcher/outlives-kill-9", test_outlives_kill_9);
  return g_test_run ();
}
