/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-files.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Open at a time, one descriptor each; beyond it are those being sent. The last
 * segments of some hundred renditions, which is what live viewers ask for. */
#define MAX_FILES 1024

#define MAX_KEY 640 /* a name of a stream, and of a file below it */

struct _MillOriginFiles
{
  gchar *media_dir;
  gint directory; /* -1: is not there yet */
  GHashTable *entries; /* "stream/file" -> Entry */
  GQueue by_use; /* of Entry, the one used last in front */
};

typedef struct
{
  gchar *key;
  MillOriginFile *file; /* of g_rc_box */
  GList link; /* in by_use */
} Entry;

MillOriginFile *
mill_origin_files_hold (MillOriginFile *file)
{
  return g_rc_box_acquire (file);
}

void
mill_origin_files_release (MillOriginFile *file)
{
  g_rc_box_release_full (file, (GDestroyNotify) mill_origin_file_clear);
}

static void
free_entry (Entry *entry)
{
  mill_origin_files_release (entry->file);
  g_free (entry->key);
  g_free (entry);
}

static void
drop (MillOriginFiles *self, Entry *entry)
{
  g_queue_unlink (&self->by_use, &entry->link);
  g_hash_table_remove (self->entries, entry->key);
}

/* The way to it was walked without symbolic links when it was opened; that its
 * name leads to the same file now is all that has to be known. */
static gboolean
is_current (MillOriginFiles *self, const Entry *entry)
{
  struct stat status;

  if (self->directory < 0 ||
      fstatat (self->directory, entry->key, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return FALSE;
  return mill_origin_file_is_same (entry->file, &status);
}

/* Takes @file. */
static Entry *
add (MillOriginFiles *self, const gchar *key, MillOriginFile *file)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->key = g_strdup (key);
  entry->file = file;
  entry->link.data = entry;
  g_hash_table_insert (self->entries, entry->key, entry);
  g_queue_push_head_link (&self->by_use, &entry->link);
  while (self->by_use.length > MAX_FILES)
    drop (self, self->by_use.tail->data);
  return entry;
}

static Entry *
open_entry (MillOriginFiles *self, const gchar *key, const gchar *stream,
    const gchar *name)
{
  MillOriginFile *file = g_rc_box_new0 (MillOriginFile);

  file->fd = -1;
  if (self->directory < 0)
    self->directory = open (self->media_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!mill_origin_file_open (self->media_dir, stream, name, file)) {
    mill_origin_files_release (file);
    return NULL;
  }
  return add (self, key, file);
}

MillOriginFile *
mill_origin_files_get (MillOriginFiles *self, const gchar *stream,
    const gchar *file)
{
  gchar key[MAX_KEY];
  Entry *entry;

  if (g_snprintf (key, sizeof (key), "%s/%s", stream, file) >=
      (gint) sizeof (key))
    return NULL;
  entry = g_hash_table_lookup (self->entries, key);
  if (entry != NULL && !is_current (self, entry)) {
    drop (self, entry);
    /* The media directory itself may be another one. */
    if (self->directory >= 0)
      close (self->directory);
    self->directory = -1;
    entry = NULL;
  }
  if (entry == NULL)
    entry = open_entry (self, key, stream, file);
  if (entry == NULL)
    return NULL;
  g_queue_unlink (&self->by_use, &entry->link);
  g_queue_push_head_link (&self->by_use, &entry->link);
  return mill_origin_files_hold (entry->file);
}

gboolean
mill_origin_files_has_stream (MillOriginFiles *self, const gchar *stream)
{
  g_autofree gchar *path = g_build_filename (self->media_dir, stream, NULL);
  struct stat status;

  return lstat (path, &status) == 0 && S_ISDIR (status.st_mode);
}

guint
mill_origin_files_count (MillOriginFiles *self, guint *ret_n_mapped,
    guint64 *ret_mapped_bytes)
{
  *ret_n_mapped = 0;
  *ret_mapped_bytes = 0;
  for (GList *link = self->by_use.head; link != NULL; link = link->next) {
    const MillOriginFile *file = ((Entry *) link->data)->file;

    if (file->base == NULL)
      continue;
    (*ret_n_mapped)++;
    *ret_mapped_bytes += file->size;
  }
  return self->by_use.length;
}

MillOriginFiles *
mill_origin_files_new (const gchar *media_dir)
{
  MillOriginFiles *self = g_new0 (MillOriginFiles, 1);

  self->media_dir = g_strdup (media_dir);
  self->directory = -1;
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      (GDestroyNotify) free_entry);
  g_queue_init (&self->by_use);
  return self;
}

void
mill_origin_files_free (MillOriginFiles *self)
{
  g_hash_table_unref (self->entries);
  if (self->directory >= 0)
    close (self->directory);
  g_free (self->media_dir);
  g_free (self);
}
