/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/common/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_ROTATE_BYTES (8 * 1024 * 1024)
#define LOG_CHECK_S 30
#define MALLOC_ARENAS 2

/* Of this process, once it is detached; nullable. */
static gchar *log_path;

static void
set_errno_error (GError **error, const gchar *what, const gchar *subject)
{
  const gint code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s '%s': %s",
      what, subject, g_strerror (code));
}

gchar *
mill_daemonize_get_log_path (const gchar *state_dir, const gchar *id,
    const gchar *suffix)
{
  g_autofree gchar *name = g_strconcat (id, suffix, NULL);

  return g_build_filename (state_dir, "logs", name, NULL);
}

/* Puts @path, opened with @flags, in the place of descriptor @target. */
static gboolean
redirect (gint target, const gchar *path, gint flags, GError **error)
{
  const gint fd = open (path, flags | O_CLOEXEC, 0640);

  if (fd < 0) {
    set_errno_error (error, "open", path);
    return FALSE;
  }
  /* The duplicate made by dup2() is not close-on-exec. */
  const gboolean done = dup2 (fd, target) >= 0;
  if (!done)
    set_errno_error (error, "redirect to", path);
  close (fd);
  return done;
}

void
mill_daemonize_rotate_log (void)
{
  struct stat status;

  if (!log_path || fstat (STDERR_FILENO, &status) != 0 ||
      status.st_size <= LOG_ROTATE_BYTES)
    return;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *old = g_strconcat (log_path, ".1", NULL);
  if (g_rename (log_path, old) != 0 ||
      !redirect (STDERR_FILENO, log_path, O_WRONLY | O_CREAT | O_APPEND,
          &error))
    g_warning ("a new log '%s' could not be begun: %s", log_path,
        error ? error->message : g_strerror (errno));
}

static gboolean
on_log_check (gpointer user_data)
{
  mill_daemonize_rotate_log ();
  return G_SOURCE_CONTINUE;
}

static gboolean
redirect_log (const gchar *state_dir, const gchar *id, GError **error)
{
  g_autofree gchar *path = mill_daemonize_get_log_path (state_dir, id, ".log");
  g_autofree gchar *dir = g_path_get_dirname (path);

  if (g_mkdir_with_parents (dir, 0750) != 0) {
    set_errno_error (error, "make directory", dir);
    return FALSE;
  }
  if (!redirect (STDERR_FILENO, path, O_WRONLY | O_CREAT | O_APPEND, error))
    return FALSE;
  g_free (log_path);
  log_path = g_steal_pointer (&path);
  mill_daemonize_rotate_log ();
  g_timeout_add_seconds (LOG_CHECK_S, on_log_check, NULL);
  return TRUE;
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit (RLIMIT_NOFILE, &limit);
  }
}

gboolean
mill_daemonize_detach (const gchar *state_dir, const gchar *id, GError **error)
{
  mallopt (M_ARENA_MAX, MALLOC_ARENAS);
  signal (SIGPIPE, SIG_IGN);
  prctl (PR_SET_PDEATHSIG, 0);
  raise_descriptor_limit ();
  /* A launcher has made the session already; started by hand we lead a
   * process group at most. */
  if (getsid (0) != getpid ())
    (void) setsid ();
  if (!redirect (STDIN_FILENO, "/dev/null", O_RDONLY, error) ||
      !redirect (STDOUT_FILENO, "/dev/null", O_WRONLY, error))
    return FALSE;
  return !state_dir || redirect_log (state_dir, id, error);
}
