/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "stream-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#define MAX_DESCRIPTORS 16

gboolean
mill_stream_directory_exists (const gchar *media_dir, const gchar *stream)
{
  g_autofree gchar *path = g_build_filename (media_dir, stream, NULL);
  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

static int
remove_entry (const char *path, const struct stat *info, int type,
    struct FTW *place)
{
  if (remove (path) < 0 && errno != ENOENT)
    g_warning ("remove '%s': %s", path, g_strerror (errno));
  return 0;
}

static void
remove_tree (GTask *task, gpointer source, gpointer path,
    GCancellable *cancellable)
{
  nftw (path, remove_entry, MAX_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

/* A stream of this name may start the next moment and make its directory
 * again, so the old one goes under a name of its own: it begins with a dot,
 * which is neither served nor a stream's name. */
void
mill_stream_directory_remove (const gchar *media_dir, const gchar *stream)
{
  g_autofree gchar *path = g_build_filename (media_dir, stream, NULL);
  g_autofree gchar *trash = g_strdup_printf ("%s/.removed-%s-%" G_GINT64_FORMAT,
      media_dir, stream, g_get_real_time ());
  if (g_rename (path, trash) < 0) {
    if (errno != ENOENT)
      g_warning ("remove '%s': %s", path, g_strerror (errno));
    return;
  }
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);
  g_task_set_task_data (task, g_steal_pointer (&trash), g_free);
  g_task_run_in_thread (task, remove_tree);
}
