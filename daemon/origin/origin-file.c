/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
mill_origin_file_clear (MillOriginFile *file)
{
  if (file->fd >= 0)
    close (file->fd);
  file->fd = -1;
  if (file->base != NULL)
    munmap (file->base, file->size);
  file->base = NULL;
  g_clear_pointer (&file->text, g_bytes_unref);
  g_clear_pointer (&file->version, g_free);
}

/* @directory is closed. Returns -1 when there is no @name in it. */
static gint
descend (gint directory, const gchar *name, gint flags)
{
  gint fd = openat (directory, name, flags | O_NOFOLLOW | O_CLOEXEC);

  close (directory);
  return fd;
}

/* O_NONBLOCK: should it be a FIFO, opening it must not wait for a writer. */
static gint
open_below (const gchar *media_dir, const gchar *stream, const gchar *file)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);
  gint fd = open (media_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0)
    fd = descend (fd, stream, O_PATH | O_DIRECTORY);
  for (gsize i = 0; fd >= 0 && parts[i] != NULL; i++)
    fd = descend (fd, parts[i],
        parts[i + 1] != NULL ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK);
  return fd;
}

static gint64
get_modified_ns (const struct stat *status)
{
  return status->st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) +
      status->st_mtim.tv_nsec;
}

gboolean
mill_origin_file_is_same (const MillOriginFile *file, const struct stat *status)
{
  return file->inode == status->st_ino && file->device == status->st_dev &&
      file->size == (guint64) status->st_size &&
      file->modified_ns == get_modified_ns (status);
}

gboolean
mill_origin_file_open (const gchar *media_dir, const gchar *stream,
    const gchar *file, MillOriginFile *ret_file)
{
  struct stat status;
  gint fd = open_below (media_dir, stream, file);

  if (fd < 0)
    return FALSE;
  if (fstat (fd, &status) < 0 || !S_ISREG (status.st_mode)) {
    close (fd);
    return FALSE;
  }
  *ret_file = (MillOriginFile){
    .fd = fd,
    .size = status.st_size,
    .device = status.st_dev,
    .inode = status.st_ino,
    .modified_ns = get_modified_ns (&status),
  };
  /* Playlists are replaced by rename: another inode, another time. */
  ret_file->version = g_strdup_printf ("%" G_GINT64_MODIFIER
                                       "x-%" G_GINT64_MODIFIER
                                       "x-%" G_GINT64_MODIFIER "x%08lx",
      (guint64) status.st_ino, (guint64) status.st_size,
      (guint64) status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  return TRUE;
}

GBytes *
mill_origin_file_read (const MillOriginFile *file, guint64 offset, gsize length)
{
  g_autofree guint8 *data = g_malloc (MAX (length, 1));
  gsize done = 0;

  while (done < length) {
    gssize got = pread (file->fd, data + done, length - done, offset + done);

    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return NULL;
    if (got == 0)
      break;
    done += got;
  }
  return g_bytes_new_take (g_steal_pointer (&data), done);
}

GBytes *
mill_origin_file_get_text (MillOriginFile *file)
{
  if (file->text == NULL)
    file->text = mill_origin_file_read (file, 0, file->size);
  return file->text;
}

gconstpointer
mill_origin_file_map (MillOriginFile *file)
{
  gpointer base;

  if (file->base != NULL || file->size == 0)
    return file->base;
  base = mmap (NULL, file->size, PROT_READ, MAP_SHARED, file->fd, 0);
  if (base != MAP_FAILED)
    file->base = base;
  return file->base;
}
