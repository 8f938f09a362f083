/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Ownership of what is in a directory. The lock is a flock on the very file
 * that holds the content. Content is replaced by renaming a file over it that
 * is locked already, so the name never stands for an unlocked file, and who
 * holds a lock on a file that has lost the name has lost the lease.
 *
 * Threads: any; the kernel keeps the lock, nothing else is shared.
 */

#include "store/store-directory-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
is_named (MillStoreDirectory *self, gint fd, const gchar *name)
{
  struct stat held;
  struct stat named;

  /* By name and not through a descriptor: a process that has run out of them
   * still owns what it owns. For the same reason only a name that is certainly
   * gone is lost. */
  if (fstatat (self->fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
    return errno != ENOENT && errno != ENOTDIR;
  return fstat (fd, &held) == 0 && held.st_dev == named.st_dev &&
      held.st_ino == named.st_ino;
}

/* The file of @name, locked when nobody else holds it; -1 with errno, which is
 * EWOULDBLOCK when somebody does. */
static gint
lock_file (MillStoreDirectory *self, const gchar *name)
{
  for (;;) {
    gint fd =
        mill_store_directory_files_open (self, name, O_RDWR | O_CREAT, TRUE);
    gint number;

    if (fd < 0)
      return -1;
    if (flock (fd, LOCK_EX | LOCK_NB) < 0) {
      number = errno;
      close (fd);
      errno = number;
      return -1;
    }
    /* It may have been replaced between open and flock. */
    if (is_named (self, fd, name))
      return fd;
    close (fd);
  }
}

static gint
take_over (MillStoreDirectory *self, const gchar *name, GBytes **ret_content,
    GError **error)
{
  g_autoptr (GBytes) content =
      self->store.klass->get (&self->store, name, G_MAXINT, error);
  g_autoptr (GPtrArray) pieces = NULL;
  gint fd;

  if (content == NULL)
    return -1;
  pieces = mill_store_wrap (content);
  fd = mill_store_directory_files_replace (self, name,
      MILL_STORE_REPLACE_LOCKED, pieces);
  if (fd < 0)
    mill_store_directory_files_fail (self, "taking over", name, error);
  else
    *ret_content = g_steal_pointer (&content);
  return fd;
}

gpointer
mill_store_directory_lease_take (MillStore *store, const gchar *name,
    MillStoreTake how, GBytes **ret_content, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  gint fd = lock_file (self, name);

  if (fd >= 0) {
    *ret_content = mill_store_directory_files_read (fd, G_MAXINT);
    if (*ret_content != NULL)
      return MILL_STORE_DIRECTORY_HANDLE (fd);
    mill_store_directory_files_fail (self, "reading", name, error);
    close (fd);
    return NULL;
  }
  if (errno != EWOULDBLOCK) {
    mill_store_directory_files_fail (self, "taking", name, error);
    return NULL;
  }
  if (how == MILL_STORE_TAKE_FREE) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_HELD,
        "taking '%s/%s': another packager holds it", store->location, name);
    return NULL;
  }
  fd = take_over (self, name, ret_content, error);
  return fd < 0 ? NULL : MILL_STORE_DIRECTORY_HANDLE (fd);
}

static gboolean
check_named (MillStoreDirectory *self, gint held, const gchar *name,
    GError **error)
{
  if (is_named (self, held, name))
    return TRUE;
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST,
      "writing '%s/%s': another packager has taken over, or it was removed",
      self->store.location, name);
  return FALSE;
}

gboolean
mill_store_directory_lease_write (MillStore *store, gpointer handle,
    const gchar *name, GBytes *content, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  g_autoptr (GPtrArray) pieces = mill_store_wrap (content);
  gint held = MILL_STORE_DIRECTORY_FD (handle);
  gint fd;

  if (!check_named (self, held, name, error))
    return FALSE;
  fd = mill_store_directory_files_replace (self, name,
      MILL_STORE_REPLACE_LOCKED, pieces);
  if (fd < 0)
    return mill_store_directory_files_fail (self, "writing", name, error);
  /* The handle stays what it is and stands for the new file from here on; the
   * lock goes with the open file, and dup3 closes the old one. */
  if (dup3 (fd, held, O_CLOEXEC) < 0) {
    mill_store_directory_files_fail (self, "keeping", name, error);
    close (fd);
    return FALSE;
  }
  close (fd);
  return TRUE;
}

gboolean
mill_store_directory_lease_append (MillStore *store, gpointer handle,
    const gchar *name, GBytes *content, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  gint held = MILL_STORE_DIRECTORY_FD (handle);
  off_t end = lseek (held, 0, SEEK_END);
  struct iovec vector;
  gsize size;

  if (!check_named (self, held, name, error))
    return FALSE;
  vector.iov_base = (gpointer) g_bytes_get_data (content, &size);
  vector.iov_len = size;
  if (end >= 0 && mill_store_directory_files_write (held, &vector, 1))
    return TRUE;
  mill_store_directory_files_fail (self, "adding to", name, error);
  if (end >= 0 && ftruncate (held, end) < 0)
    g_prefix_error (error, "(and it cannot be cut back: %s) ",
        g_strerror (errno));
  return FALSE;
}

gboolean
mill_store_directory_lease_is_held (MillStore *store, gpointer handle,
    const gchar *name)
{
  return is_named ((MillStoreDirectory *) store,
      MILL_STORE_DIRECTORY_FD (handle), name);
}

void
mill_store_directory_lease_release (MillStore *store, gpointer handle)
{
  close (MILL_STORE_DIRECTORY_FD (handle));
}
