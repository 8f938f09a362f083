/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store/store-private.h"

G_BEGIN_DECLS

/*
 * The inside of a store that is a directory, shared by the files that it is
 * made of: store-directory (objects), store-directory-lease (who owns them) and
 * store-directory-files (the system calls that both need). Nothing else
 * includes it.
 *
 * Threads: any, several at once.
 */

typedef struct
{
  MillStore store;
  gint fd; /* of the directory; every name is resolved from it */
  gint n_temporaries; /* atomic; makes their names unique */
  guint32 salt; /* so does this, among stores and processes */
  gboolean is_made; /* by this one */
} MillStoreDirectory;

/* A handle is a file descriptor, plus one to tell 0 from NULL. */
#define MILL_STORE_DIRECTORY_HANDLE(fd) GINT_TO_POINTER ((fd) + 1)
#define MILL_STORE_DIRECTORY_FD(handle) (GPOINTER_TO_INT (handle) - 1)

/* ---- store-directory-files.c: what fails without a GError sets errno ---- */

/** Returns: what errno @number means to who has a store */
MillStoreError mill_store_directory_files_code (gint number);

/* Makes an error of errno. @what: as in "reading". Returns: FALSE */
gboolean mill_store_directory_files_fail (MillStoreDirectory *self,
    const gchar *what, const gchar *name, GError **error);

/* The directory that holds the last component of @name, for close_parent();
 * symbolic links are not followed. @make: directories that are missing.
 * @ret_base points into @name. Returns: -1 on failure */
gint mill_store_directory_files_open_parent (MillStoreDirectory *self,
    const gchar *name, gboolean make, const gchar **ret_base);
/* Keeps errno. */
void mill_store_directory_files_close_parent (MillStoreDirectory *self,
    gint parent);

/* @flags: of open(). Returns: the file, -1 on failure */
gint mill_store_directory_files_open (MillStoreDirectory *self,
    const gchar *name, gint flags, gboolean make);

/* Writes all of @vectors, which are changed. */
gboolean mill_store_directory_files_write (gint fd, struct iovec *vectors,
    guint n_vectors);

/* What a lease is known by is locked before anybody can open it. */
typedef enum
{
  MILL_STORE_REPLACE_PLAIN,
  MILL_STORE_REPLACE_LOCKED,
} MillStoreReplace;

/* Puts @pieces (element-type GBytes) in the place of what is there, at once.
 * Returns: the new file open, -1 on failure */
gint mill_store_directory_files_replace (MillStoreDirectory *self,
    const gchar *name, MillStoreReplace how, GPtrArray *pieces);

/* Returns: (transfer full) (nullable): the rest of the file; NULL with EMSGSIZE
 * when it is more than @max_bytes */
GBytes *mill_store_directory_files_read (gint fd, gsize max_bytes);

/* ---- store-directory-lease.c: as in MillStoreClass ---- */

gpointer mill_store_directory_lease_take (MillStore *store, const gchar *name,
    MillStoreTake how, GBytes **ret_content, GError **error);
gboolean mill_store_directory_lease_write (MillStore *store, gpointer handle,
    const gchar *name, GBytes *content, GError **error);
gboolean mill_store_directory_lease_append (MillStore *store, gpointer handle,
    const gchar *name, GBytes *content, GError **error);
gboolean mill_store_directory_lease_is_held (MillStore *store, gpointer handle,
    const gchar *name);
void mill_store_directory_lease_release (MillStore *store, gpointer handle);

G_END_DECLS
