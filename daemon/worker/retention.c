/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/retention.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETENTION_FILE ".retention"
#define STATE_FILE ".state"
#define INDEX_FILE "live.index"
#define TRASH_PREFIX ".trash-"
#define MAX_TREE_DEPTH_FDS 16

struct _MillRetention
{
  gchar *media_dir;
  GHashTable *timers; /* (element-type filename Timer) */
};

typedef struct
{
  MillRetention *retention;
  gchar *directory;
  guint source_id;
} Timer;

static void
timer_free (gpointer data)
{
  Timer *timer = data;

  if (timer->source_id)
    g_source_remove (timer->source_id);
  g_free (timer->directory);
  g_free (timer);
}

/* ---- deleting ---- */

static gint
remove_entry (const gchar *path, const struct stat *status, gint type,
    struct FTW *walk)
{
  if (g_remove (path) != 0)
    g_warning ("remove '%s': %s", path, g_strerror (errno));
  return 0;
}

/* On a thread of GTask's pool: a long DVR window is thousands of files. */
static void
delete_tree (GTask *task, gpointer source, gpointer task_data,
    GCancellable *cancellable)
{
  nftw (task_data, remove_entry, MAX_TREE_DEPTH_FDS, FTW_DEPTH | FTW_PHYS);
}

static void
delete_later (const gchar *directory)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, g_strdup (directory), g_free);
  g_task_run_in_thread (task, delete_tree);
}

/* A packager holds its directory by a lock on the state file.
 * Returns: a descriptor that holds the lock now, -1 when another does. A
 * directory without the file belongs to nobody; ret_free is TRUE then. */
static gint
lock_state (const gchar *directory, gboolean *ret_free)
{
  g_autofree gchar *path = g_build_filename (directory, STATE_FILE, NULL);
  const gint fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0) {
    *ret_free = errno == ENOENT;
    return -1;
  }
  *ret_free = flock (fd, LOCK_EX | LOCK_NB) == 0;
  return fd;
}

/* Renames first: whoever opens the name from here on makes a new directory,
 * however long the deletion takes. */
static void
take_away (MillRetention *retention, const gchar *directory)
{
  g_autofree gchar *parent = g_path_get_dirname (directory);
  g_autofree gchar *name = g_path_get_basename (directory);
  g_autofree gchar *uuid = g_uuid_string_random ();
  g_autofree gchar *trash_name = g_strconcat (TRASH_PREFIX, uuid, NULL);
  g_autofree gchar *trash = g_build_filename (parent, trash_name, NULL);
  gboolean is_free;
  const gint fd = lock_state (directory, &is_free);

  if (!is_free)
    g_info ("directory '%s': its stream runs elsewhere, keeping it", directory);
  else if (g_rename (directory, trash) != 0)
    g_warning ("remove '%s': %s", directory, g_strerror (errno));
  else {
    g_info ("directory of '%s' removed after its retention time", name);
    delete_later (trash);
  }
  if (fd >= 0)
    close (fd);
}

static gboolean
on_over (gpointer user_data)
{
  Timer *timer = user_data;
  MillRetention *retention = timer->retention;
  g_autofree gchar *directory = g_strdup (timer->directory);

  timer->source_id = 0;
  g_hash_table_remove (retention->timers, directory);
  take_away (retention, directory);
  return G_SOURCE_REMOVE;
}

static void
start_timer (MillRetention *retention, const gchar *directory, guint64 wait_ms)
{
  Timer *timer = g_new0 (Timer, 1);

  timer->retention = retention;
  timer->directory = g_strdup (directory);
  timer->source_id =
      g_timeout_add ((guint) MIN (wait_ms, G_MAXUINT), on_over, timer);
  g_hash_table_replace (retention->timers, timer->directory, timer);
}

/* ---- the interface ---- */

MillRetention *
mill_retention_new (const gchar *media_dir)
{
  MillRetention *retention = g_new0 (MillRetention, 1);

  retention->media_dir = g_strdup (media_dir);
  retention->timers =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, timer_free);
  return retention;
}

void
mill_retention_free (MillRetention *retention)
{
  g_hash_table_unref (retention->timers);
  g_free (retention->media_dir);
  g_free (retention);
}

void
mill_retention_hold (MillRetention *retention, const gchar *directory,
    guint64 retention_ms)
{
  g_autofree gchar *path = g_build_filename (directory, RETENTION_FILE, NULL);
  g_autofree gchar *text =
      g_strdup_printf ("%" G_GUINT64_FORMAT "\n", retention_ms);
  g_autoptr (GError) error = NULL;

  g_hash_table_remove (retention->timers, directory);
  if (retention_ms == 0)
    (void) g_unlink (path);
  else if (!g_file_set_contents (path, text, -1, &error))
    g_debug ("%s", error->message); /* costs disk space after a crash only */
}

void
mill_retention_schedule (MillRetention *retention, const gchar *directory,
    guint64 retention_ms)
{
  if (retention_ms == 0)
    return;
  start_timer (retention, directory, retention_ms);
}

static gint64
newest_change (const gchar *directory)
{
  const gchar *const names[] = { STATE_FILE, INDEX_FILE, RETENTION_FILE };
  gint64 newest = 0;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = g_build_filename (directory, names[i], NULL);
    struct stat status;
    if (stat (path, &status) == 0)
      newest = MAX (newest, (gint64) status.st_mtime);
  }
  return newest;
}

static void
scan_directory (MillRetention *retention, const gchar *directory)
{
  g_autofree gchar *path = g_build_filename (directory, RETENTION_FILE, NULL);
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) ||
      g_hash_table_contains (retention->timers, directory))
    return;
  const guint64 retention_ms = g_ascii_strtoull (text, NULL, 10);
  if (retention_ms == 0)
    return;
  const gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  const gint64 age_s = MAX (now - newest_change (directory), 0);
  const guint64 age_ms = (guint64) age_s * 1000;
  start_timer (retention, directory,
      age_ms < retention_ms ? retention_ms - age_ms : 0);
}

void
mill_retention_scan (MillRetention *retention)
{
  g_autoptr (GDir) dir = g_dir_open (retention->media_dir, 0, NULL);
  const gchar *name;

  if (!dir)
    return; /* no stream was ever written there */
  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *path =
        g_build_filename (retention->media_dir, name, NULL);
    if (g_str_has_prefix (name, TRASH_PREFIX))
      delete_later (path); /* a deletion that was cut short */
    else if (g_file_test (path, G_FILE_TEST_IS_DIR) &&
        !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      scan_directory (retention, path);
  }
}
