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
#define MALLOC_ARENAS 2

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

static gboolean
redirect_log (const gchar *state_dir, const gchar *id, GError **error)
{
  g_autofree gchar *path = mill_daemonize_get_log_path (state_dir, id, ".log");
  g_autofree gchar *old = g_strconcat (path, ".1", NULL);
  g_autofree gchar *dir = g_path_get_dirname (path);
  struct stat status;

  if (g_mkdir_with_parents (dir, 0750) != 0) {
    set_errno_error (error, "make directory", dir);
    return FALSE;
  }
  if (stat (path, &status) == 0 && status.st_size > LOG_ROTATE_BYTES)
    (void) g_rename (path, old);
  return redirect (STDERR_FILENO, path, O_WRONLY | O_CREAT | O_APPEND, error);
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
