/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * Directories of ended streams go, in time and never too early: a disk does
 * not fill up, a viewer can finish, a running stream keeps its files. */
#include "daemon/worker/retention.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>
#include <utime.h>

#define DEADLINE_S 20

typedef struct
{
  gchar *media_dir;
  MillRetention *retention;
} Test;

static void
set_up (Test *test, gconstpointer data)
{
  test->media_dir = g_dir_make_tmp ("millrace-XXXXXX", NULL);
  test->retention = mill_retention_new (test->media_dir);
}

static void
tear_down (Test *test, gconstpointer data)
{
  g_autofree gchar *command = g_strdup_printf ("rm -r '%s'", test->media_dir);

  mill_retention_free (test->retention);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (test->media_dir);
}

static gchar *
put (const gchar *dir, const gchar *name, const gchar *content, gint64 age_s)
{
  gchar *path = g_build_filename (dir, name, NULL);
  const time_t then = (time_t) (g_get_real_time () / G_USEC_PER_SEC - age_s);
  const struct utimbuf times = { then, then };

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  g_assert_cmpint (utime (path, &times), ==, 0);
  return path;
}

/* A stream directory whose files are @age_s old. */
static gchar *
make_stream (Test *test, const gchar *name, const gchar *retention,
    gint64 age_s)
{
  gchar *dir = g_build_filename (test->media_dir, name, NULL);
  g_autofree gchar *rendition = g_build_filename (dir, "v720", NULL);

  g_assert_cmpint (g_mkdir_with_parents (rendition, 0755), ==, 0);
  g_free (put (dir, "master.m3u8", "#EXTM3U\n", age_s));
  g_free (put (dir, ".state", "{}", age_s));
  g_free (put (rendition, "1-0.m4s", "media", age_s));
  if (retention)
    g_free (put (dir, ".retention", retention, age_s));
  return dir;
}

static gboolean
on_deadline (gpointer user_data)
{
  g_error ("waited %d s for %s to go", DEADLINE_S, (gchar *) user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_look (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static gboolean
has_entries (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  return g_dir_read_name (dir) != NULL;
}

/* Also what was renamed for deletion is gone. */
static void
wait_empty (Test *test)
{
  const guint deadline =
      g_timeout_add_seconds (DEADLINE_S, on_deadline, test->media_dir);
  const guint look = g_timeout_add (20, on_look, NULL);

  while (has_entries (test->media_dir))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
  g_source_remove (look);
}

static gboolean
on_time (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets timers of up to @ms fire: timers of one loop fire in their order. */
static void
run_timers (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_time, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_schedule (Test *test, gconstpointer data)
{
  g_autofree gchar *dir = make_stream (test, "demo", NULL, 0);

  mill_retention_hold (test->retention, dir, 100);
  mill_retention_schedule (test->retention, dir, 100);
  g_assert_true (g_file_test (dir, G_FILE_TEST_IS_DIR));
  wait_empty (test);
}

/* A stream that starts again keeps its directory. */
static void
test_hold_cancels (Test *test, gconstpointer data)
{
  g_autofree gchar *dir = make_stream (test, "demo", NULL, 0);

  mill_retention_schedule (test->retention, dir, 50);
  mill_retention_hold (test->retention, dir, 50);
  run_timers (150);
  g_assert_true (g_file_test (dir, G_FILE_TEST_IS_DIR));
}

static void
test_for_ever (Test *test, gconstpointer data)
{
  g_autofree gchar *dir = make_stream (test, "vod", NULL, 1000000);

  mill_retention_hold (test->retention, dir, 0);
  mill_retention_schedule (test->retention, dir, 0);
  mill_retention_scan (test->retention);
  run_timers (100);
  g_assert_true (g_file_test (dir, G_FILE_TEST_IS_DIR));
}

/* Another worker's packager holds the state file. */
static void
test_locked_stays (Test *test, gconstpointer data)
{
  g_autofree gchar *dir = make_stream (test, "demo", "60000\n", 1000);
  g_autofree gchar *state = g_build_filename (dir, ".state", NULL);
  const gint fd = open (state, O_RDWR | O_CLOEXEC);

  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  mill_retention_scan (test->retention);
  run_timers (100);
  g_assert_true (g_file_test (state, G_FILE_TEST_EXISTS));
  close (fd);
  mill_retention_scan (test->retention);
  wait_empty (test);
}

/* What a crashed worker left goes by its age. */
static void
test_scan_removes_what_is_over (Test *test, gconstpointer data)
{
  g_autofree gchar *old = make_stream (test, "old", "60000\n", 61);
  g_autofree gchar *trash = make_stream (test, ".trash-1", NULL, 0);

  mill_retention_scan (test->retention);
  wait_empty (test);
}

static void
test_scan_keeps_the_rest (Test *test, gconstpointer data)
{
  g_autofree gchar *fresh = make_stream (test, "fresh", "60000\n", 10);
  g_autofree gchar *foreign = make_stream (test, "foreign", NULL, 1000000);
  g_autofree gchar *odd = make_stream (test, "odd", "soon\n", 1000000);
  g_autofree gchar *target = g_dir_make_tmp ("millrace-XXXXXX", NULL);
  g_autofree gchar *link = g_build_filename (test->media_dir, "link", NULL);
  g_autofree gchar *file = put (target, ".retention", "1\n", 1000000);

  g_assert_cmpint (symlink (target, link), ==, 0);
  mill_retention_scan (test->retention);
  run_timers (100);
  g_assert_true (g_file_test (fresh, G_FILE_TEST_IS_DIR));
  g_assert_true (g_file_test (foreign, G_FILE_TEST_IS_DIR));
  g_assert_true (g_file_test (odd, G_FILE_TEST_IS_DIR));
  g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS));
  g_remove (file);
  g_rmdir (target);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                            \
  g_test_add ("/worker/retention/" name, Test, NULL, set_up, function, \
      tear_down)
  ADD ("schedule", test_schedule);
  ADD ("hold-cancels", test_hold_cancels);
  ADD ("for-ever", test_for_ever);
  ADD ("locked-stays", test_locked_stays);
  ADD ("scan-removes-what-is-over", test_scan_removes_what_is_over);
  ADD ("scan-keeps-the-rest", test_scan_keeps_the_rest);
  return g_test_run ();
}
