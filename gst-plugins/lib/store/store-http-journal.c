/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-http-journal.h"

#include <string.h>

#define NAME ".objects"
#define MAX_BYTES (64 * 1024 * 1024)
/* Lines that say nothing any more, beyond which the file is written anew. */
#define DEAD_LINES 4096

struct _MillStoreHttpJournal
{
  MillStore *local;

  GMutex lock; /* everything below */
  GHashTable *names; /* set of utf8 */
  MillStoreObject *file;
  GString *unwritten;
  guint n_dead;
};

static void
read_line (MillStoreHttpJournal *self, const gchar *line)
{
  if (line[0] == '+' && line[1] != '\0')
    g_hash_table_add (self->names, g_strdup (line + 1));
  else if (line[0] == '-')
    g_hash_table_remove (self->names, line + 1);
}

static gboolean
read_file (MillStoreHttpJournal *self, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GBytes) content =
      mill_store_get (self->local, NAME, MAX_BYTES, &failure);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  const gchar *data;
  gsize size;

  if (content == NULL) {
    if (g_error_matches (failure, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
  }
  data = g_bytes_get_data (content, &size);
  text = g_strndup (size > 0 ? data : "", size);
  lines = g_strsplit (text, "\n", -1);
  /* What follows the last line end was cut off by a crash: a name that was
   * not sent yet. */
  for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++)
    read_line (self, lines[i]);
  return TRUE;
}

static gboolean
compact_locked (MillStoreHttpJournal *self, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GBytes) content = NULL;
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_string_append_printf (text, "+%s\n", (const gchar *) name);
  content = g_bytes_new (text->str, text->len);
  if (!mill_store_put (self->local, NAME, content, error))
    return FALSE;
  g_clear_pointer (&self->file, mill_store_object_unref);
  self->file = mill_store_object_new (self->local, NAME, MILL_STORE_APPEND);
  g_string_set_size (self->unwritten, 0);
  self->n_dead = 0;
  return TRUE;
}

MillStoreHttpJournal *
mill_store_http_journal_open (MillStore *local, GError **error)
{
  g_autoptr (MillStoreHttpJournal) self = g_new0 (MillStoreHttpJournal, 1);

  g_mutex_init (&self->lock);
  self->local = mill_store_ref (local);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->unwritten = g_string_new (NULL);
  if (!read_file (self, error) || !compact_locked (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
mill_store_http_journal_free (MillStoreHttpJournal *self)
{
  g_clear_pointer (&self->file, mill_store_object_unref);
  g_hash_table_unref (self->names);
  g_string_free (self->unwritten, TRUE);
  mill_store_unref (self->local);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* What cannot be written here costs an object that nobody deletes after a
 * crash: no reason to stop the stream. A file that had an error takes no more;
 * the next compaction makes another. */
static void
write_locked (MillStoreHttpJournal *self)
{
  MillStoreChunk *chunk;
  g_autoptr (GBytes) lines = NULL;

  if (self->n_dead > DEAD_LINES && compact_locked (self, NULL))
    return;
  chunk = mill_store_chunk_new (1);
  lines = g_bytes_new (self->unwritten->str, self->unwritten->len);
  mill_store_chunk_add_bytes (chunk, lines);
  if (!mill_store_object_append (self->file, chunk, NULL))
    self->n_dead = DEAD_LINES + 1;
  g_string_set_size (self->unwritten, 0);
  mill_store_chunk_free (chunk);
}

void
mill_store_http_journal_add (MillStoreHttpJournal *self, const gchar *name)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!g_hash_table_add (self->names, g_strdup (name)))
    return;
  g_string_append_printf (self->unwritten, "+%s\n", name);
  write_locked (self);
}

void
mill_store_http_journal_remove (MillStoreHttpJournal *self, const gchar *name)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!g_hash_table_remove (self->names, name))
    return;
  g_string_append_printf (self->unwritten, "-%s\n", name);
  self->n_dead += 2;
}

GPtrArray *
mill_store_http_journal_list (MillStoreHttpJournal *self,
    const gchar *directory)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autofree gchar *prefix =
      g_strconcat (directory, directory[0] != '\0' ? "/" : "", NULL);
  g_autoptr (GHashTable) found =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->names);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    const gchar *rest = (const gchar *) name + strlen (prefix);
    const gchar *slash;
    if (!g_str_has_prefix (name, prefix))
      continue;
    slash = strchr (rest, '/');
    g_hash_table_add (found,
        slash != NULL ? g_strndup (rest, slash + 1 - rest) : g_strdup (rest));
  }
  g_hash_table_iter_init (&iter, found);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (list, g_strdup (name));
  return list;
}
