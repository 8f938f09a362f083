/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Files beneath the directory of a store. No symbolic link is followed, on the
 * way to a file or at its end.
 *
 * Nothing here calls fsync: media that a power cut took is history for a live
 * stream, and made again for a VOD.
 *
 * Threads: any, several at once.
 */

#include "store/store-directory-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- errors ---- */

MillStoreError
mill_store_directory_files_code (gint number)
{
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return MILL_STORE_ERROR_NOT_FOUND;
    case EEXIST:
      return MILL_STORE_ERROR_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return MILL_STORE_ERROR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
      return MILL_STORE_ERROR_DENIED;
    default:
      /* ELOOP, a symbolic link on the way, among them. */
      return MILL_STORE_ERROR_FAILED;
  }
}

gboolean
mill_store_directory_files_fail (MillStoreDirectory *self, const gchar *what,
    const gchar *name, GError **error)
{
  gint number = errno;

  g_set_error (error, MILL_STORE_ERROR,
      mill_store_directory_files_code (number), "%s '%s/%s': %s", what,
      self->store.location, name, g_strerror (number));
  return FALSE;
}

/* ---- paths ---- */

/* Every segment and playlist of every stream comes through here: no call to
 * the kernel that is not needed. */

static gint
open_component (gint parent, const gchar *name, gboolean make)
{
  gint flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  gint fd = openat (parent, name, flags);

  if (fd >= 0 || errno != ENOENT || !make)
    return fd;
  if (mkdirat (parent, name, 0755) < 0 && errno != EEXIST)
    return -1;
  return openat (parent, name, flags);
}

void
mill_store_directory_files_close_parent (MillStoreDirectory *self, gint parent)
{
  gint number = errno;

  if (parent >= 0 && parent != self->fd)
    close (parent);
  errno = number;
}

gint
mill_store_directory_files_open_parent (MillStoreDirectory *self,
    const gchar *name, gboolean make, const gchar **ret_base)
{
  const gchar *at = name;
  const gchar *slash;
  gint fd = self->fd;

  while (fd >= 0 && (slash = strchr (at, '/')) != NULL) {
    g_autofree gchar *component = g_strndup (at, slash - at);
    gint next = open_component (fd, component, make);

    mill_store_directory_files_close_parent (self, fd);
    fd = next;
    at = slash + 1;
  }
  *ret_base = at;
  return fd;
}

gint
mill_store_directory_files_open (MillStoreDirectory *self, const gchar *name,
    gint flags, gboolean make)
{
  const gchar *base;
  gint parent =
      mill_store_directory_files_open_parent (self, name, make, &base);
  gint fd;

  if (parent < 0)
    return -1;
  fd = openat (parent, base, flags | O_NOFOLLOW | O_CLOEXEC, 0644);
  mill_store_directory_files_close_parent (self, parent);
  return fd;
}

/* ---- content ---- */

/* Moves past @done bytes of @vectors; returns the first that is left. */
static struct iovec *
advance_vectors (struct iovec *vectors, guint *n_vectors, gsize done)
{
  while (*n_vectors > 0 && done >= vectors->iov_len) {
    done -= vectors->iov_len;
    vectors++;
    (*n_vectors)--;
  }
  if (*n_vectors > 0) {
    vectors->iov_base = (gchar *) vectors->iov_base + done;
    vectors->iov_len -= done;
  }
  return vectors;
}

gboolean
mill_store_directory_files_write (gint fd, struct iovec *vectors,
    guint n_vectors)
{
  vectors = advance_vectors (vectors, &n_vectors, 0);
  while (n_vectors > 0) {
    gssize written = writev (fd, vectors, MIN (n_vectors, IOV_MAX));

    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return FALSE;
    vectors = advance_vectors (vectors, &n_vectors, written);
  }
  return TRUE;
}

static gboolean
write_pieces (gint fd, GPtrArray *pieces)
{
  g_autofree struct iovec *vectors = g_new (struct iovec, pieces->len);

  for (guint i = 0; i < pieces->len; i++)
    vectors[i].iov_base =
        (gpointer) g_bytes_get_data (pieces->pdata[i], &vectors[i].iov_len);
  return mill_store_directory_files_write (fd, vectors, pieces->len);
}

/* Makes a file of @pieces beside @base, to be renamed over it. Returns it
 * open, or -1 with errno. */
static gint
make_temporary (MillStoreDirectory *self, gint parent, const gchar *base,
    MillStoreReplace how, GPtrArray *pieces, gchar **ret_name)
{
  /* 255 bytes are the longest name; a dot keeps it from being served. */
  g_autofree gchar *name = g_strdup_printf (".%.200s.%08x-%x.tmp", base,
      self->salt, (guint) g_atomic_int_add (&self->n_temporaries, 1));
  gint fd = openat (parent, name,
      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  gint number;

  if (fd < 0)
    return -1;
  /* Nobody else can hold the lock of a new file. */
  if ((how == MILL_STORE_REPLACE_LOCKED && flock (fd, LOCK_EX | LOCK_NB) < 0) ||
      !write_pieces (fd, pieces)) {
    number = errno;
    unlinkat (parent, name, 0);
    close (fd);
    errno = number;
    return -1;
  }
  *ret_name = g_steal_pointer (&name);
  return fd;
}

gint
mill_store_directory_files_replace (MillStoreDirectory *self, const gchar *name,
    MillStoreReplace how, GPtrArray *pieces)
{
  g_autofree gchar *temporary = NULL;
  const gchar *base;
  gint parent =
      mill_store_directory_files_open_parent (self, name, TRUE, &base);
  gint fd = -1;
  gint number;

  if (parent < 0)
    return -1;
  fd = make_temporary (self, parent, base, how, pieces, &temporary);
  if (fd >= 0 && renameat (parent, temporary, parent, base) < 0) {
    number = errno;
    unlinkat (parent, temporary, 0);
    close (fd);
    errno = number;
    fd = -1;
  }
  mill_store_directory_files_close_parent (self, parent);
  return fd;
}

GBytes *
mill_store_directory_files_read (gint fd, gsize max_bytes)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  guint8 block[16384];
  gssize got;

  do {
    got = read (fd, block, sizeof (block));
    if (got < 0 && errno != EINTR)
      return NULL;
    if (got > 0)
      g_byte_array_append (content, block, got);
    if (content->len > max_bytes) {
      errno = EMSGSIZE;
      return NULL;
    }
  } while (got != 0);
  return g_byte_array_free_to_bytes (g_steal_pointer (&content));
}
