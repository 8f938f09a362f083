/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A worker runs for months: if its log were never begun anew, it would fill the
 * disk of whoever has busy publishers. */
#include "daemon/common/daemonize.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024 * 1024)

/* What only a process of its own can do to itself. */
static int
run_detached (const gchar *state_dir)
{
  g_autofree gchar *text = g_strnfill (MIB - 1, 'x');

  if (!mill_daemonize_detach (state_dir, "w", NULL))
    return 1;
  for (guint i = 0; i < 8; i++)
    g_printerr ("%s\n", text);
  mill_daemonize_rotate_log ();
  g_printerr ("full, but not over it\n");
  mill_daemonize_rotate_log ();
  g_printerr ("in the new one\n");
  mill_daemonize_rotate_log ();
  return 0;
}

static gchar *
read_log (const gchar *state_dir, const gchar *suffix)
{
  g_autofree gchar *path = mill_daemonize_get_log_path (state_dir, "w", suffix);
  gchar *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_unlink (path);
  return text;
}

static void
test_log_is_begun_anew (void)
{
  g_autofree gchar *state_dir = g_dir_make_tmp ("mill-log-XXXXXX", NULL);
  pid_t child = fork ();
  int status;

  if (child == 0)
    _exit (run_detached (state_dir));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_autofree gchar *now = read_log (state_dir, ".log");
  g_autofree gchar *before = read_log (state_dir, ".log.1");
  g_assert_cmpstr (now, ==, "in the new one\n");
  g_assert_true (g_str_has_suffix (before, "full, but not over it\n"));
  g_autofree gchar *logs = g_build_filename (state_dir, "logs", NULL);
  g_rmdir (logs);
  g_rmdir (state_dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/daemonize/log-is-begun-anew", test_log_is_begun_anew);
  return g_test_run ();
}
