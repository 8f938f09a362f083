/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "record-faststart.h"

#define TRIES_MAX 100000

struct _MillRecordFile
{
  gchar *location;
  GDateTime *began;
  gchar *part;
  guint number;
  gint fd; /* of part: has its lock while this lives */
};

static void
set_errno (GError **error, const gchar *path, gint code)
{
  g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code),
      "recording '%s': got %s, expected a new file", path, g_strerror (code));
}

static void
replace (GString *text, const gchar *field, const gchar *value)
{
  g_string_replace (text, field, value, 0);
}

/* The name with @number, which is 0 for a name without. */
static gchar *
make_name (const MillRecordFile *self, guint number)
{
  g_autoptr (GString) name = g_string_new (self->location);
  g_autofree gchar *date = g_date_time_format (self->began, "%Y%m%d");
  g_autofree gchar *time = g_date_time_format (self->began, "%H%M%S");
  g_autofree gchar *digits = g_strdup_printf ("%u", number);
  gboolean counts = strstr (name->str, "{n}") != NULL;
  replace (name, "{date}", date);
  replace (name, "{time}", time);
  replace (name, "{n}", digits);
  const gchar *base = strrchr (name->str, '/');
  const gchar *dot = strrchr (base != NULL ? base : name->str, '.');
  if (!counts && number > 0) {
    g_autofree gchar *added = g_strdup_printf ("-%u", number);
    g_string_insert (name, dot != NULL ? dot - name->str : -1, added);
  }
  return g_strdup (name->str);
}

static gboolean
reserve (MillRecordFile *self, GError **error)
{
  self->number = strstr (self->location, "{n}") != NULL ? 1 : 0;
  for (guint i = 0; i < TRIES_MAX; i++, self->number++) {
    g_autofree gchar *name = make_name (self, self->number);
    g_autofree gchar *part = g_strconcat (name, ".part", NULL);
    if (g_file_test (name, G_FILE_TEST_EXISTS))
      continue;
    self->fd = open (part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (self->fd < 0 && errno == EEXIST)
      continue;
    if (self->fd < 0) {
      set_errno (error, part, errno);
      return FALSE;
    }
    flock (self->fd, LOCK_EX | LOCK_NB);
    self->part = g_steal_pointer (&part);
    return TRUE;
  }
  set_errno (error, self->location, EEXIST);
  return FALSE;
}

/* Who writes a recording has its lock. */
static gboolean
is_left (const gchar *path)
{
  gint fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  gboolean left = flock (fd, LOCK_SH | LOCK_NB) == 0;
  close (fd);
  return left;
}

GPtrArray *
mill_record_file_find_left (const gchar *location)
{
  GPtrArray *left = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *dirname = g_path_get_dirname (location);
  g_autofree gchar *base = g_path_get_basename (location);
  g_autoptr (GString) glob = g_string_new (base);
  replace (glob, "{date}", "*");
  replace (glob, "{time}", "*");
  replace (glob, "{n}", "*");
  gchar *dot = strrchr (glob->str, '.');
  g_string_insert (glob, dot != NULL ? dot - glob->str : -1, "*");
  g_string_append (glob, ".part*");
  g_autoptr (GDir) dir = g_dir_open (dirname, 0, NULL);
  const gchar *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (dirname, name, NULL);
    if (g_pattern_match_simple (glob->str, name) && is_left (path))
      g_ptr_array_add (left, g_steal_pointer (&path));
  }
  return left;
}

MillRecordFile *
mill_record_file_new (const gchar *location, GError **error)
{
  g_autoptr (MillRecordFile) self = g_new0 (MillRecordFile, 1);
  self->fd = -1;
  self->location = g_strdup (location);
  self->began = g_date_time_new_now_utc ();
  g_autofree gchar *dirname = g_path_get_dirname (location);
  if (g_mkdir_with_parents (dirname, 0777) != 0) {
    set_errno (error, dirname, errno);
    return NULL;
  }
  if (!reserve (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
mill_record_file_free (MillRecordFile *self)
{
  if (self->part != NULL && lseek (self->fd, 0, SEEK_END) == 0)
    unlink (self->part);
  if (self->fd >= 0)
    close (self->fd);
  g_clear_pointer (&self->began, g_date_time_unref);
  g_free (self->location);
  g_free (self->part);
  g_free (self);
}

const gchar *
mill_record_file_get_part (const MillRecordFile *self)
{
  return self->part;
}

gint
mill_record_file_get_fd (const MillRecordFile *self)
{
  return self->fd;
}

/* Somebody may have taken the name meanwhile: then it is the next. */
static gchar *
publish (MillRecordFile *self, const gchar *from, GError **error)
{
  for (guint i = 0; i < TRIES_MAX; i++, self->number++) {
    g_autofree gchar *name = make_name (self, self->number);
    if (renameat2 (AT_FDCWD, from, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
      return g_steal_pointer (&name);
    if (errno == EEXIST)
      continue;
    /* A file system that cannot tell both at once. */
    if (errno == EINVAL && link (from, name) == 0) {
      unlink (from);
      return g_steal_pointer (&name);
    }
    if (errno != EEXIST) {
      set_errno (error, name, errno);
      return NULL;
    }
  }
  set_errno (error, self->part, EEXIST);
  return NULL;
}

/* Returns: (nullable): the path of the copy that has its index in front */
static gchar *
make_copy (MillRecordFile *self, GError **error)
{
  g_autofree gchar *path = g_strconcat (self->part, ".tmp", NULL);
  gint fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    set_errno (error, path, errno);
    return NULL;
  }
  flock (fd, LOCK_EX | LOCK_NB);
  gboolean ok = mill_record_faststart (self->fd, fd, error);
  if (ok && fsync (fd) != 0) {
    set_errno (error, path, errno);
    ok = FALSE;
  }
  close (fd);
  if (!ok)
    unlink (path);
  return ok ? g_steal_pointer (&path) : NULL;
}

gchar *
mill_record_file_finish (MillRecordFile *self, gboolean faststart,
    GError **warning, GError **error)
{
  g_autofree gchar *copy = faststart ? make_copy (self, warning) : NULL;
  if (copy == NULL && fsync (self->fd) != 0) {
    set_errno (error, self->part, errno);
    return NULL;
  }
  g_autofree gchar *path =
      publish (self, copy != NULL ? copy : self->part, error);
  if (path == NULL)
    return NULL;
  if (copy != NULL)
    unlink (self->part);
  g_clear_pointer (&self->part, g_free);
  return g_steal_pointer (&path);
}
