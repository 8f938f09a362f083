/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "store/store-private.h"

/* Nothing here calls fsync: media that a power cut took is history for a live
 * stream, and made again for a VOD. */

typedef struct
{
  MillStore store;
  gint fd; /* of the directory; every name is resolved from it */
  gint n_temporaries; /* atomic; makes their names unique */
  guint32 salt; /* so does this, among stores and processes */
} Directory;

/* A handle is a file descriptor, plus one to tell 0 from NULL. */
#define HANDLE(fd) GINT_TO_POINTER ((fd) + 1)
#define HANDLE_FD(handle) (GPOINTER_TO_INT (handle) - 1)

/* ---- errors ---- */

static MillStoreError
code_from_errno (gint number)
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

static gboolean
fail_errno (GError **error, const gchar *what, const Directory *self,
    const gchar *name)
{
  gint number = errno;

  g_set_error (error, MILL_STORE_ERROR, code_from_errno (number),
      "%s '%s/%s': %s", what, self->store.location, name, g_strerror (number));
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

static void
close_parent (Directory *self, gint parent)
{
  gint number = errno;

  if (parent >= 0 && parent != self->fd)
    close (parent);
  errno = number;
}

/* The directory that holds the last component of @name, for close_parent();
 * symbolic links are not followed. @ret_base points into @name. Returns -1
 * with errno. */
static gint
open_parent (Directory *self, const gchar *name, gboolean make,
    const gchar **ret_base)
{
  const gchar *at = name;
  const gchar *slash;
  gint fd = self->fd;

  while (fd >= 0 && (slash = strchr (at, '/')) != NULL) {
    g_autofree gchar *component = g_strndup (at, slash - at);
    gint next = open_component (fd, component, make);

    close_parent (self, fd);
    fd = next;
    at = slash + 1;
  }
  *ret_base = at;
  return fd;
}

static gint
open_file (Directory *self, const gchar *name, gint flags, gboolean make)
{
  const gchar *base;
  gint parent = open_parent (self, name, make, &base);
  gint fd;

  if (parent < 0)
    return -1;
  fd = openat (parent, base, flags | O_NOFOLLOW | O_CLOEXEC, 0644);
  close_parent (self, parent);
  return fd;
}

/* ---- writing ---- */

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

/* Returns FALSE with errno. */
static gboolean
write_vectors (gint fd, struct iovec *vectors, guint n_vectors)
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
write_bytes (gint fd, GBytes *content)
{
  struct iovec vector;
  gsize size;

  vector.iov_base = (gpointer) g_bytes_get_data (content, &size);
  vector.iov_len = size;
  return write_vectors (fd, &vector, 1);
}

/* Makes a file of @content beside @base, to be renamed over it; where @lock,
 * under a lock. Returns it open, or -1 with errno. */
static gint
make_temporary (Directory *self, gint parent, const gchar *base,
    GBytes *content, gchar **ret_name)
{
  /* 255 bytes are the longest name; a dot keeps it from being served. */
  g_autofree gchar *name = g_strdup_printf (".%.200s.%08x-%x.tmp", base,
      self->salt, (guint) g_atomic_int_add (&self->n_temporaries, 1));
  gint fd = openat (parent, name,
      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  gint number;

  if (fd < 0)
    return -1;
  /* Nobody else can hold the lock of a new file; a lease needs it, and to
   * others it does no harm. */
  if (flock (fd, LOCK_EX | LOCK_NB) < 0 || !write_bytes (fd, content)) {
    number = errno;
    unlinkat (parent, name, 0);
    close (fd);
    errno = number;
    return -1;
  }
  *ret_name = g_steal_pointer (&name);
  return fd;
}

/* Returns the new file open and locked, or -1 with errno. */
static gint
replace_file (Directory *self, const gchar *name, GBytes *content)
{
  g_autofree gchar *temporary = NULL;
  const gchar *base;
  gint parent = open_parent (self, name, TRUE, &base);
  gint fd = -1;
  gint number;

  if (parent < 0)
    return -1;
  fd = make_temporary (self, parent, base, content, &temporary);
  if (fd >= 0 && renameat (parent, temporary, parent, base) < 0) {
    number = errno;
    unlinkat (parent, temporary, 0);
    close (fd);
    errno = number;
    fd = -1;
  }
  close_parent (self, parent);
  return fd;
}

static gboolean
directory_put (MillStore *store, const gchar *name, GBytes *content,
    GError **error)
{
  Directory *self = (Directory *) store;
  gint fd = replace_file (self, name, content);

  if (fd < 0)
    return fail_errno (error, "putting", self, name);
  close (fd);
  return TRUE;
}

/* ---- whole objects ---- */

/* Returns NULL with errno (EMSGSIZE: more than @max_bytes). */
static GBytes *
read_all (gint fd, gsize max_bytes)
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

static GBytes *
directory_get (MillStore *store, const gchar *name, gsize max_bytes,
    GError **error)
{
  Directory *self = (Directory *) store;
  gint fd = open_file (self, name, O_RDONLY, FALSE);
  GBytes *content;

  if (fd < 0) {
    fail_errno (error, "getting", self, name);
    return NULL;
  }
  content = read_all (fd, max_bytes);
  if (content == NULL)
    fail_errno (error, "getting", self, name);
  close (fd);
  return content;
}

static gboolean
directory_stat (MillStore *store, const gchar *name, guint64 *ret_size,
    GError **error)
{
  Directory *self = (Directory *) store;
  struct stat status;
  gint fd = open_file (self, name, O_PATH, FALSE);

  if (fd < 0)
    return fail_errno (error, "looking up", self, name);
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode)) {
    if (ret_size != NULL)
      *ret_size = status.st_size;
    close (fd);
    return TRUE;
  }
  close (fd);
  errno = ENOENT; /* a directory or a link is no object */
  return fail_errno (error, "looking up", self, name);
}

static gboolean
directory_rename (MillStore *store, const gchar *from, const gchar *to,
    GError **error)
{
  Directory *self = (Directory *) store;
  const gchar *from_base;
  const gchar *to_base;
  gint from_parent = open_parent (self, from, FALSE, &from_base);
  gint to_parent = open_parent (self, to, TRUE, &to_base);
  gboolean done = FALSE;

  if (from_parent >= 0 && to_parent >= 0 &&
      renameat (from_parent, from_base, to_parent, to_base) == 0)
    done = TRUE;
  else
    fail_errno (error, "renaming", self, from);
  close_parent (self, from_parent);
  close_parent (self, to_parent);
  return done;
}

static gboolean
directory_remove (MillStore *store, const gchar *name, GError **error)
{
  Directory *self = (Directory *) store;
  const gchar *base;
  gint parent = open_parent (self, name, FALSE, &base);
  gboolean done;

  if (parent < 0)
    return errno == ENOENT || fail_errno (error, "removing", self, name);
  done = unlinkat (parent, base, 0) == 0 || errno == ENOENT ||
      (errno == EISDIR && unlinkat (parent, base, AT_REMOVEDIR) == 0) ||
      fail_errno (error, "removing", self, name);
  close_parent (self, parent);
  return done;
}

static GPtrArray *
directory_list (MillStore *store, const gchar *name, GError **error)
{
  Directory *self = (Directory *) store;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  gint fd = open_file (self, name[0] == '\0' ? "." : name,
      O_RDONLY | O_DIRECTORY, FALSE);
  DIR *stream = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *entry;

  if (stream == NULL) {
    fail_errno (error, "listing", self, name);
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
  Directory *self = (Directory *) store;
  /* O_APPEND: should two write all the same, they do not overwrite. */
  gint flags = O_WRONLY | O_APPEND | O_CREAT;
  gint fd = open_file (self, name,
      mode == MILL_STORE_NEW ? flags | O_EXCL : flags, TRUE);
  struct stat status;

  if (fd < 0 || fstat (fd, &status) < 0) {
    fail_errno (error, "opening", self, name);
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  *ret_size = status.st_size;
  return HANDLE (fd);
}

static gboolean
directory_append (MillStore *store, gpointer handle, const gchar *name,
    guint64 offset, struct iovec *vectors, guint n_vectors, GError **error)
{
  Directory *self = (Directory *) store;
  gint fd = HANDLE_FD (handle);

  if (write_vectors (fd, vectors, n_vectors))
    return TRUE;
  fail_errno (error, "appending to", self, name);
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
  if (close (HANDLE_FD (handle)) == 0 || errno == EINTR)
    return TRUE;
  return fail_errno (error, "closing", (Directory *) store, name);
}

/* ---- ownership ----
 *
 * The lock is a flock on the very file that holds the content. Content is
 * replaced by renaming a file over it that is locked already, so the name
 * never stands for an unlocked file, and who holds a lock on a file that has
 * lost the name has lost the lease. */

static gboolean
is_named (Directory *self, gint fd, const gchar *name)
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
lock_file (Directory *self, const gchar *name)
{
  for (;;) {
    gint fd = open_file (self, name, O_RDWR | O_CREAT, TRUE);
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
take_over (Directory *self, const gchar *name, GBytes **ret_content,
    GError **error)
{
  g_autoptr (GBytes) content =
      directory_get (&self->store, name, G_MAXINT, error);
  gint fd;

  if (content == NULL)
    return -1;
  fd = replace_file (self, name, content);
  if (fd < 0)
    fail_errno (error, "taking over", self, name);
  else
    *ret_content = g_steal_pointer (&content);
  return fd;
}

static gpointer
directory_take (MillStore *store, const gchar *name, MillStoreTake how,
    GBytes **ret_content, GError **error)
{
  Directory *self = (Directory *) store;
  gint fd = lock_file (self, name);

  if (fd >= 0) {
    *ret_content = read_all (fd, G_MAXINT);
    if (*ret_content != NULL)
      return HANDLE (fd);
    fail_errno (error, "reading", self, name);
    close (fd);
    return NULL;
  }
  if (errno != EWOULDBLOCK) {
    fail_errno (error, "taking", self, name);
    return NULL;
  }
  if (how == MILL_STORE_TAKE_FREE) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_HELD,
        "taking '%s/%s': another packager holds it", store->location, name);
    return NULL;
  }
  fd = take_over (self, name, ret_content, error);
  return fd < 0 ? NULL : HANDLE (fd);
}

static gboolean
directory_write_taken (MillStore *store, gpointer handle, const gchar *name,
    GBytes *content, GError **error)
{
  Directory *self = (Directory *) store;
  gint held = HANDLE_FD (handle);
  gint fd;

  if (!is_named (self, held, name)) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST,
        "writing '%s/%s': another packager has taken over, or it was removed",
        store->location, name);
    return FALSE;
  }
  fd = replace_file (self, name, content);
  if (fd < 0)
    return fail_errno (error, "writing", self, name);
  /* The handle stays what it is and stands for the new file from here on; the
   * lock goes with the open file, and dup3 closes the old one. */
  if (dup3 (fd, held, O_CLOEXEC) < 0) {
    fail_errno (error, "keeping", self, name);
    close (fd);
    return FALSE;
  }
  close (fd);
  return TRUE;
}

static gboolean
directory_is_taken (MillStore *store, gpointer handle, const gchar *name)
{
  return is_named ((Directory *) store, HANDLE_FD (handle), name);
}

static void
directory_release (MillStore *store, gpointer handle)
{
  close (HANDLE_FD (handle));
}

/* ---- the store ---- */

static void
directory_finalize (MillStore *store)
{
  Directory *self = (Directory *) store;

  close (self->fd);
  g_free (self->store.location);
  g_free (self);
}

static const MillStoreClass directory_class = {
  .finalize = directory_finalize,
  .put = directory_put,
  .get = directory_get,
  .stat = directory_stat,
  .rename = directory_rename,
  .remove = directory_remove,
  .list = directory_list,
  .open = directory_open,
  .append = directory_append,
  .close = directory_close,
  .take = directory_take,
  .write_taken = directory_write_taken,
  .is_taken = directory_is_taken,
  .release = directory_release,
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
  Directory *self;
  gint fd = -1;

  if (g_mkdir_with_parents (path, 0755) == 0)
    fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    g_set_error (error, MILL_STORE_ERROR, code_from_errno (errno),
        "opening directory '%s': %s", path, g_strerror (errno));
    return NULL;
  }
  self = g_new0 (Directory, 1);
  self->store.klass = &directory_class;
  self->store.n_refs = 1;
  self->store.location = g_strdup (path);
  self->store.is_memory = is_memory (fd);
  self->fd = fd;
  self->salt = g_random_int ();
  return &self->store;
}
