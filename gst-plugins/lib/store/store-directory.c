/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * A store that is a directory: each object is a file of its name.
 *
 * Threads: any, several at once; nothing is shared but what is constant.
 */

#include "store/store-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "store/store-directory-private.h"

/* ---- whole objects ---- */

static gboolean
directory_put (MillStore *store, const gchar *name, GPtrArray *pieces,
    GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  gint fd = mill_store_directory_files_replace (self, name,
      MILL_STORE_REPLACE_PLAIN, pieces);

  if (fd < 0)
    return mill_store_directory_files_fail (self, "putting", name, error);
  close (fd);
  return TRUE;
}

static gboolean
directory_patch (MillStore *store, const gchar *name, guint64 offset,
    GBytes *content, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  gint fd = mill_store_directory_files_open (self, name, O_WRONLY, FALSE);
  struct iovec vector;
  gsize size;
  gboolean done;

  vector.iov_base = (gpointer) g_bytes_get_data (content, &size);
  vector.iov_len = size;
  done = fd >= 0 && lseek (fd, (off_t) offset, SEEK_SET) >= 0 &&
      mill_store_directory_files_write (fd, &vector, 1);
  if (!done)
    mill_store_directory_files_fail (self, "writing into", name, error);
  if (fd >= 0)
    close (fd);
  return done;
}

static GBytes *
directory_get (MillStore *store, const gchar *name, gsize max_bytes,
    GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  gint fd = mill_store_directory_files_open (self, name, O_RDONLY, FALSE);
  GBytes *content;

  if (fd < 0) {
    mill_store_directory_files_fail (self, "getting", name, error);
    return NULL;
  }
  content = mill_store_directory_files_read (fd, max_bytes);
  if (content == NULL)
    mill_store_directory_files_fail (self, "getting", name, error);
  close (fd);
  return content;
}

static gboolean
directory_stat (MillStore *store, const gchar *name, guint64 *ret_size,
    GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  struct stat status;
  gint fd = mill_store_directory_files_open (self, name, O_PATH, FALSE);

  if (fd < 0)
    return mill_store_directory_files_fail (self, "looking up", name, error);
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode)) {
    if (ret_size != NULL)
      *ret_size = status.st_size;
    close (fd);
    return TRUE;
  }
  close (fd);
  errno = ENOENT; /* a directory or a link is no object */
  return mill_store_directory_files_fail (self, "looking up", name, error);
}

static gboolean
directory_remove (MillStore *store, const gchar *name, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  const gchar *base;
  gint parent =
      mill_store_directory_files_open_parent (self, name, FALSE, &base);
  gboolean done;

  if (parent < 0)
    return errno == ENOENT ||
        mill_store_directory_files_fail (self, "removing", name, error);
  done = unlinkat (parent, base, 0) == 0 || errno == ENOENT ||
      (errno == EISDIR && unlinkat (parent, base, AT_REMOVEDIR) == 0) ||
      mill_store_directory_files_fail (self, "removing", name, error);
  mill_store_directory_files_close_parent (self, parent);
  return done;
}

static GPtrArray *
directory_list (MillStore *store, const gchar *name, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  gint fd = mill_store_directory_files_open (self, name[0] == '\0' ? "." : name,
      O_RDONLY | O_DIRECTORY, FALSE);
  DIR *stream = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *entry;

  if (stream == NULL) {
    mill_store_directory_files_fail (self, "listing", name, error);
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  while ((entry = readdir (stream)) != NULL) {
    if (g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, ".."))
      continue;
    g_ptr_array_add (names,
        g_strconcat (entry->d_name, entry->d_type == DT_DIR ? "/" : "", NULL));
  }
  closedir (stream);
  return g_steal_pointer (&names);
}

/* ---- objects that are appended to ---- */

static gpointer
directory_open (MillStore *store, const gchar *name, MillStoreMode mode,
    guint64 *ret_size, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  /* O_APPEND: should two write all the same, they do not overwrite. */
  gint flags = O_WRONLY | O_APPEND | O_CREAT;
  gint fd = mill_store_directory_files_open (self, name,
      mode == MILL_STORE_NEW ? flags | O_EXCL : flags, TRUE);
  struct stat status = { .st_size = 0 };

  if (fd < 0 || (mode != MILL_STORE_NEW && fstat (fd, &status) < 0)) {
    mill_store_directory_files_fail (self, "opening", name, error);
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  *ret_size = status.st_size;
  return MILL_STORE_DIRECTORY_HANDLE (fd);
}

static gboolean
directory_append (MillStore *store, gpointer handle, const gchar *name,
    guint64 offset, struct iovec *vectors, guint n_vectors, GError **error)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;
  gint fd = MILL_STORE_DIRECTORY_FD (handle);

  if (mill_store_directory_files_write (fd, vectors, n_vectors))
    return TRUE;
  mill_store_directory_files_fail (self, "appending to", name, error);
  if (ftruncate (fd, offset) < 0)
    g_prefix_error (error, "(and it cannot be cut back: %s) ",
        g_strerror (errno));
  return FALSE;
}

static gboolean
directory_close (MillStore *store, gpointer handle, const gchar *name,
    GError **error)
{
  /* Linux closes the descriptor whatever close() says, also on EINTR; what it
   * may report is an error of earlier writes (NFS, quota). */
  if (close (MILL_STORE_DIRECTORY_FD (handle)) == 0 || errno == EINTR)
    return TRUE;
  return mill_store_directory_files_fail ((MillStoreDirectory *) store,
      "closing", name, error);
}

static gboolean
directory_measure (MillStore *store, guint64 *ret_free, guint64 *ret_total)
{
  struct statfs status;

  /* Some have no sizes (ramfs). */
  if (fstatfs (((MillStoreDirectory *) store)->fd, &status) < 0 ||
      status.f_blocks == 0)
    return FALSE;
  *ret_free = (guint64) status.f_bavail * (guint64) status.f_bsize;
  *ret_total = (guint64) status.f_blocks * (guint64) status.f_bsize;
  return TRUE;
}

/* ---- the store ---- */

/* One that has something in it stays, whoever put it there. */
static void
directory_withdraw (MillStore *store)
{
  if (((MillStoreDirectory *) store)->is_made)
    g_rmdir (store->location);
}

static void
directory_finalize (MillStore *store)
{
  MillStoreDirectory *self = (MillStoreDirectory *) store;

  close (self->fd);
  g_free (self->store.location);
  g_free (self);
}

static const MillStoreClass directory_class = {
  .finalize = directory_finalize,
  .put = directory_put,
  .patch = directory_patch,
  .get = directory_get,
  .stat = directory_stat,
  .remove = directory_remove,
  .list = directory_list,
  .open = directory_open,
  .append = directory_append,
  .close = directory_close,
  .take = mill_store_directory_lease_take,
  .write_taken = mill_store_directory_lease_write,
  .append_taken = mill_store_directory_lease_append,
  .is_taken = mill_store_directory_lease_is_held,
  .release = mill_store_directory_lease_release,
  .measure = directory_measure,
  .withdraw = directory_withdraw,
};

static gboolean
is_memory (gint fd)
{
  struct statfs status;

  if (fstatfs (fd, &status) < 0)
    return FALSE;
  return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}

MillStore *
mill_store_directory_new (const gchar *path, GError **error)
{
  MillStoreDirectory *self;
  gboolean is_made = !g_file_test (path, G_FILE_TEST_EXISTS);
  gint fd = -1;

  if (g_mkdir_with_parents (path, 0755) == 0)
    fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    g_set_error (error, MILL_STORE_ERROR,
        mill_store_directory_files_code (errno), "opening directory '%s': %s",
        path, g_strerror (errno));
    return NULL;
  }
  self = g_new0 (MillStoreDirectory, 1);
  self->store.klass = &directory_class;
  self->store.n_refs = 1;
  self->store.location = g_strdup (path);
  self->store.is_memory = is_memory (fd);
  self->fd = fd;
  self->salt = g_random_int ();
  self->is_made = is_made;
  return &self->store;
}
