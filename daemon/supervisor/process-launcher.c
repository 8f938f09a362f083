/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/supervisor/process-launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/common/daemonize.h"
#include "daemon/common/peer-server.h"
#include "daemon/common/post-mortem.h"
#include "daemon/ipc/ipc.h"
#include "daemon/ipc/process-report.h"
#include "engine.h"

#define DEFAULT_ORPHAN_TIMEOUT_S 300
#define DEFAULT_DEADLINE_MS 10000
#define ORIGIN_PREFIX "origin"
#define TAIL_BYTES 4096

struct _MillProcessLauncher
{
  GObject parent;

  /* Main loop. */
  gchar *runtime_dir;
  gchar *state_dir;
  gchar *media_dir;
  gchar *log_level;
  gchar *log_format;
  guint orphan_timeout_s;
  guint deadline_ms;
};

enum
{
  SIGNAL_EXITED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillProcessLauncher, mill_process_launcher, G_TYPE_OBJECT)

/* ---- paths ---- */

gchar *
mill_process_launcher_get_worker_socket (MillProcessLauncher *launcher,
    const gchar *id)
{
  g_autofree gchar *name = g_strconcat (id, MILL_IPC_SOCKET_SUFFIX, NULL);

  return g_build_filename (launcher->runtime_dir, MILL_IPC_WORKERS_DIR, name,
      NULL);
}

gchar *
mill_process_launcher_get_origin_socket (MillProcessLauncher *launcher,
    const gchar *id)
{
  g_autofree gchar *name = g_strconcat (id, MILL_IPC_SOCKET_SUFFIX, NULL);

  return g_build_filename (launcher->runtime_dir, name, NULL);
}

/* The build tree's sibling, or what is installed. */
static gchar *
find_binary (const gchar *name)
{
  return g_build_filename (mill_engine_get_libexec_dir (), name, NULL);
}

/* ---- what runs already ---- */

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

typedef gchar *(*GetSocket) (MillProcessLauncher *launcher, const gchar *id);

static void
add_if_served (MillProcessLauncher *launcher, GPtrArray *ids,
    const gchar *file_name, GetSocket get_socket)
{
  if (!g_str_has_suffix (file_name, MILL_IPC_SOCKET_SUFFIX))
    return;
  g_autofree gchar *id = g_strndup (file_name,
      strlen (file_name) - strlen (MILL_IPC_SOCKET_SUFFIX));
  g_autofree gchar *path = get_socket (launcher, id);
  if (mill_peer_server_is_served (path, NULL)) {
    g_ptr_array_add (ids, g_steal_pointer (&id));
    return;
  }
  g_info ("socket '%s': its process is gone, removing it", path);
  (void) g_unlink (path);
}

/* Of the sockets in @path whose names begin with @prefix. */
static GStrv
scan (MillProcessLauncher *launcher, const gchar *path, const gchar *prefix,
    GetSocket get_socket)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  GPtrArray *ids = g_ptr_array_new ();
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir)))
    if (g_str_has_prefix (name, prefix))
      add_if_served (launcher, ids, name, get_socket);
  g_ptr_array_sort (ids, compare_ids);
  g_ptr_array_add (ids, NULL);
  return (GStrv) g_ptr_array_free (ids, FALSE);
}

GStrv
mill_process_launcher_scan_workers (MillProcessLauncher *launcher)
{
  g_autofree gchar *path =
      g_build_filename (launcher->runtime_dir, MILL_IPC_WORKERS_DIR, NULL);

  return scan (launcher, path, "", mill_process_launcher_get_worker_socket);
}

GStrv
mill_process_launcher_scan_origins (MillProcessLauncher *launcher)
{
  return scan (launcher, launcher->runtime_dir, ORIGIN_PREFIX,
      mill_process_launcher_get_origin_socket);
}

gboolean
mill_process_launcher_is_origin_running (MillProcessLauncher *launcher,
    const gchar *id)
{
  g_autofree gchar *path =
      mill_process_launcher_get_origin_socket (launcher, id);

  return mill_peer_server_is_served (path, NULL);
}

/* ---- last words ---- */

/* The end of a text file, from the beginning of a line. */
static gchar *
read_tail (const gchar *path)
{
  g_autofree gchar *text = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, NULL) || length == 0)
    return NULL;
  const gchar *from = text;
  if (length > TAIL_BYTES) {
    from = text + length - TAIL_BYTES;
    const gchar *line = strchr (from, '\n');
    from = line ? line + 1 : from;
  }
  return g_strchomp (g_utf8_make_valid (from, -1));
}

gchar *
mill_process_launcher_read_last_words (MillProcessLauncher *launcher,
    const gchar *id)
{
  g_autofree gchar *crash =
      mill_daemonize_get_log_path (launcher->state_dir, id, ".crash");
  g_autofree gchar *log =
      mill_daemonize_get_log_path (launcher->state_dir, id, ".log");
  gchar *words = mill_post_mortem_read (crash);

  return words ? words : read_tail (log);
}

/* ---- starting a process ---- */

/* Nothing of ours goes with it: no descriptor, no session, no signal mask, no
 * message socket of the service manager. */
static gchar **
make_environment (void)
{
  gchar **environment = g_get_environ ();

  environment = g_environ_unsetenv (environment, "NOTIFY_SOCKET");
  environment = g_environ_unsetenv (environment, "WATCHDOG_USEC");
  environment = g_environ_unsetenv (environment, "WATCHDOG_PID");
  environment = g_environ_unsetenv (environment, "LISTEN_FDS");
  environment = g_environ_unsetenv (environment, "LISTEN_PID");
  return environment;
}

static void
set_attributes (posix_spawnattr_t *attributes)
{
  sigset_t none;
  sigset_t all;

  sigemptyset (&none);
  sigfillset (&all);
  posix_spawnattr_setsigmask (attributes, &none);
  posix_spawnattr_setsigdefault (attributes, &all);
  posix_spawnattr_setflags (attributes,
      POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static void
set_files (posix_spawn_file_actions_t *actions, const gchar *log_path)
{
  posix_spawn_file_actions_addopen (actions, STDIN_FILENO, "/dev/null",
      O_RDONLY, 0);
  posix_spawn_file_actions_addopen (actions, STDOUT_FILENO, "/dev/null",
      O_WRONLY, 0);
  /* Never a pipe: one whose reader stops would stop the worker. */
  posix_spawn_file_actions_addopen (actions, STDERR_FILENO, log_path,
      O_WRONLY | O_CREAT | O_APPEND, 0640);
  posix_spawn_file_actions_addclosefrom_np (actions, STDERR_FILENO + 1);
}

static GPid
spawn (GStrv argv, const gchar *log_path, GError **error)
{
  g_auto (GStrv) environment = make_environment ();
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  pid_t pid = 0;

  posix_spawnattr_init (&attributes);
  posix_spawn_file_actions_init (&actions);
  set_attributes (&attributes);
  set_files (&actions, log_path);
  const gint code =
      posix_spawn (&pid, argv[0], &actions, &attributes, argv, environment);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  if (code != 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "start '%s': %s", argv[0], g_strerror (code));
    return 0;
  }
  return pid;
}

/* ---- waiting for its socket ---- */

/** One launch; owned by its GTask until that returns, by the child watch for
 * as long as the process lives. */
typedef struct
{
  gatomicrefcount refs;
  MillProcessLauncher *launcher; /* strong */
  gchar *id;
  gchar *socket_path;
  guint pid;
  GTask *task; /* nullable: has returned */
  GFileMonitor *monitor;
  guint deadline_id;
} Launch;

static Launch *
launch_ref (Launch *launch)
{
  g_atomic_ref_count_inc (&launch->refs);
  return launch;
}

static void
launch_unref (gpointer data)
{
  Launch *launch = data;

  if (!g_atomic_ref_count_dec (&launch->refs))
    return;
  g_clear_object (&launch->launcher);
  g_clear_object (&launch->monitor);
  g_free (launch->id);
  g_free (launch->socket_path);
  g_free (launch);
}

/* Ends the waiting, not the process. Returns: (transfer full) (nullable) */
static GTask *
launch_take_task (Launch *launch)
{
  if (launch->monitor) {
    g_signal_handlers_disconnect_by_data (launch->monitor, launch);
    g_file_monitor_cancel (launch->monitor);
  }
  g_clear_handle_id (&launch->deadline_id, g_source_remove);
  return g_steal_pointer (&launch->task);
}

static void
launch_return_if_there (Launch *launch)
{
  /* The name appears when the socket can be connected to (peer-server.h). */
  if (!launch->task || !g_file_test (launch->socket_path, G_FILE_TEST_EXISTS) ||
      !mill_peer_server_is_served (launch->socket_path, NULL))
    return;
  g_autoptr (GTask) task = launch_take_task (launch);
  g_task_return_pointer (task, g_strdup (launch->socket_path), g_free);
}

static void
on_directory_changed (GFileMonitor *monitor, GFile *file, GFile *other,
    GFileMonitorEvent event, gpointer user_data)
{
  launch_return_if_there (user_data);
}

static void
launch_fail (Launch *launch, MillIpcError code, const gchar *what)
{
  g_autoptr (GTask) task = launch_take_task (launch);
  g_autofree gchar *words =
      mill_process_launcher_read_last_words (launch->launcher, launch->id);

  g_task_return_new_error (task, MILL_IPC_ERROR, code, "process '%s' %s%s%s",
      launch->id, what, words ? "; its last words: " : "", words ? words : "");
}

static gboolean
on_deadline (gpointer user_data)
{
  Launch *launch = user_data;

  launch->deadline_id = 0;
  kill ((pid_t) launch->pid, SIGKILL);
  launch_fail (launch, MILL_IPC_ERROR_TIMEOUT,
      "did not serve its socket before the deadline");
  return G_SOURCE_REMOVE;
}

static void
on_exited (GPid pid, gint status, gpointer user_data)
{
  Launch *launch = user_data;

  if (launch->task) {
    g_autofree gchar *what = WIFSIGNALED (status)
        ? g_strdup_printf ("was killed by signal %d", WTERMSIG (status))
        : g_strdup_printf ("ended with status %d before it served its socket",
              WEXITSTATUS (status));
    launch_fail (launch, MILL_IPC_ERROR_EXITED, what);
  }
  g_signal_emit (launch->launcher, signals[SIGNAL_EXITED], 0, launch->id,
      (guint) pid, status);
}

/* The directory is watched before the process starts: no event is missed. */
static gboolean
launch_watch (Launch *launch, GError **error)
{
  g_autofree gchar *dir = g_path_get_dirname (launch->socket_path);
  g_autoptr (GFile) file = g_file_new_for_path (dir);

  if (g_mkdir_with_parents (dir, 0700) != 0) {
    const gint code = errno;
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "make directory '%s': %s", dir, g_strerror (code));
    return FALSE;
  }
  launch->monitor =
      g_file_monitor_directory (file, G_FILE_MONITOR_WATCH_MOVES, NULL, error);
  if (!launch->monitor)
    return FALSE;
  g_file_monitor_set_rate_limit (launch->monitor, 0);
  g_signal_connect (launch->monitor, "changed",
      G_CALLBACK (on_directory_changed), launch);
  return TRUE;
}

static gboolean
launch_start (Launch *launch, GStrv argv, GError **error)
{
  MillProcessLauncher *launcher = launch->launcher;
  g_autofree gchar *log =
      mill_daemonize_get_log_path (launcher->state_dir, launch->id, ".log");
  g_autofree gchar *log_dir = g_path_get_dirname (log);

  if (g_mkdir_with_parents (log_dir, 0750) != 0) {
    const gint code = errno;
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "make directory '%s': %s", log_dir, g_strerror (code));
    return FALSE;
  }
  if (!launch_watch (launch, error))
    return FALSE;
  const GPid pid = spawn (argv, log, error);
  if (pid == 0)
    return FALSE;
  launch->pid = (guint) pid;
  g_info ("started '%s' as process %d", launch->id, (gint) pid);
  /* The watch also reaps it, for as long as this process lives; after that
   * it is init's. */
  g_child_watch_add_full (G_PRIORITY_DEFAULT, pid, on_exited,
      launch_ref (launch), launch_unref);
  launch->deadline_id = g_timeout_add_full (G_PRIORITY_DEFAULT,
      launcher->deadline_ms, on_deadline, launch_ref (launch), launch_unref);
  return TRUE;
}

static GPtrArray *
common_arguments (MillProcessLauncher *launcher, const gchar *binary,
    const gchar *socket_path)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  const gchar *const pairs[] = {
    "--socket",
    socket_path,
    "--state-dir",
    launcher->state_dir,
    "--media-dir",
    launcher->media_dir,
    "--log-level",
    launcher->log_level,
    "--log-format",
    launcher->log_format,
  };

  g_ptr_array_add (argv, find_binary (binary));
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    g_ptr_array_add (argv, g_strdup (pairs[i]));
  return argv;
}

/* Takes @task and @arguments. */
static void
launch (GTask *task, const gchar *id, const gchar *socket_path,
    GPtrArray *arguments)
{
  g_autoptr (GPtrArray) argv = arguments;
  GError *error = NULL;

  if (mill_peer_server_is_served (socket_path, NULL) &&
      g_file_test (socket_path, G_FILE_TEST_EXISTS)) {
    g_task_return_pointer (task, g_strdup (socket_path), g_free);
    g_object_unref (task);
    return;
  }
  /* What a process that was killed has left looks like a socket that is there
   * as soon as its successor holds the lock, and nobody listens on it yet. */
  if (!mill_peer_server_is_served (socket_path, NULL))
    (void) g_unlink (socket_path);
  Launch *state = g_new0 (Launch, 1);
  g_atomic_ref_count_init (&state->refs);
  state->launcher = g_object_ref (g_task_get_source_object (task));
  state->id = g_strdup (id);
  state->socket_path = g_strdup (socket_path);
  state->task = task;
  g_ptr_array_add (argv, NULL);
  if (!launch_start (state, (GStrv) argv->pdata, &error)) {
    g_autoptr (GTask) failed = launch_take_task (state);
    g_task_return_error (failed, error);
  }
  launch_unref (state);
}

/* Takes @task. */
static void
launch_worker (GTask *task, const gchar *id, MillWorkerKind kind)
{
  MillProcessLauncher *launcher = g_task_get_source_object (task);
  g_autofree gchar *socket_path =
      mill_process_launcher_get_worker_socket (launcher, id);
  GPtrArray *argv = common_arguments (launcher, "millrace-worker", socket_path);

  g_ptr_array_add (argv, g_strdup ("--id"));
  g_ptr_array_add (argv, g_strdup (id));
  g_ptr_array_add (argv, g_strdup ("--kind"));
  g_ptr_array_add (argv, g_strdup (mill_process_report_kind_to_string (kind)));
  g_ptr_array_add (argv, g_strdup ("--orphan-timeout"));
  g_ptr_array_add (argv, g_strdup_printf ("%u", launcher->orphan_timeout_s));
  launch (task, id, socket_path, argv);
}

void
mill_process_launcher_launch_worker_async (MillProcessLauncher *launcher,
    const gchar *id, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  launch_worker (g_task_new (launcher, cancellable, callback, user_data), id,
      MILL_WORKER_SHARED);
}

void
mill_process_launcher_launch_isolated_async (MillProcessLauncher *launcher,
    const gchar *id, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  launch_worker (g_task_new (launcher, cancellable, callback, user_data), id,
      MILL_WORKER_ISOLATED);
}

void
mill_process_launcher_launch_origin_async (MillProcessLauncher *launcher,
    const gchar *id, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  g_autofree gchar *socket_path =
      mill_process_launcher_get_origin_socket (launcher, id);
  GPtrArray *argv = common_arguments (launcher, "millrace-origin", socket_path);

  g_ptr_array_add (argv, g_strdup ("--id"));
  g_ptr_array_add (argv, g_strdup (id));
  launch (g_task_new (launcher, cancellable, callback, user_data), id,
      socket_path, argv);
}

gchar *
mill_process_launcher_launch_finish (MillProcessLauncher *launcher,
    GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, launcher), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- type ---- */

MillProcessLauncher *
mill_process_launcher_new (const MillProcessLauncherOptions *options)
{
  MillProcessLauncher *launcher =
      g_object_new (MILL_TYPE_PROCESS_LAUNCHER, NULL);

  launcher->runtime_dir = g_strdup (options->runtime_dir);
  launcher->state_dir = g_strdup (options->state_dir);
  launcher->media_dir = g_strdup (options->media_dir);
  launcher->log_level =
      g_strdup (options->log_level ? options->log_level : "info");
  launcher->log_format =
      g_strdup (options->log_format ? options->log_format : "text");
  launcher->orphan_timeout_s = options->orphan_timeout_s
      ? options->orphan_timeout_s
      : DEFAULT_ORPHAN_TIMEOUT_S;
  launcher->deadline_ms = options->deadline_ms ? options->deadline_ms
                                               : DEFAULT_DEADLINE_MS;
  return launcher;
}

static void
mill_process_launcher_finalize (GObject *object)
{
  MillProcessLauncher *launcher = MILL_PROCESS_LAUNCHER (object);

  g_free (launcher->runtime_dir);
  g_free (launcher->state_dir);
  g_free (launcher->media_dir);
  g_free (launcher->log_level);
  g_free (launcher->log_format);
  G_OBJECT_CLASS (mill_process_launcher_parent_class)->finalize (object);
}

static void
mill_process_launcher_class_init (MillProcessLauncherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_process_launcher_finalize;
  signals[SIGNAL_EXITED] = g_signal_new ("exited", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3, G_TYPE_STRING,
      G_TYPE_UINT, G_TYPE_INT);
}

static void
mill_process_launcher_init (MillProcessLauncher *launcher)
{
}
