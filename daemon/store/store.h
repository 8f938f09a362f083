/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What an installation wants and remembers, in one SQLite file: the only
 * place where SQL is known. Rows go in and out as the structs of the
 * store-*.h files.
 *
 * Threads: the main loop's only. Every write is one small transaction in WAL
 * mode, so a call returns within the time of one append to a file. */
typedef struct _MillStore MillStore;

#define MILL_STORE_ERROR (mill_store_error_quark ())
GQuark mill_store_error_quark (void);

/**
 * MillStoreError:
 * @MILL_STORE_ERROR_OPEN: the file cannot be opened, or its URL is not known
 * @MILL_STORE_ERROR_CORRUPT: the file is no database, or a damaged one
 * @MILL_STORE_ERROR_VERSION: the file was written by a newer millrace
 * @MILL_STORE_ERROR_READONLY: the file or its directory cannot be written
 * @MILL_STORE_ERROR_FULL: the disk is full
 * @MILL_STORE_ERROR_EXISTS: a row of that name is there already
 * @MILL_STORE_ERROR_NOT_FOUND: there is no such row
 * @MILL_STORE_ERROR_FAILED: anything else SQLite reports
 */
typedef enum
{
  MILL_STORE_ERROR_OPEN,
  MILL_STORE_ERROR_CORRUPT,
  MILL_STORE_ERROR_VERSION,
  MILL_STORE_ERROR_READONLY,
  MILL_STORE_ERROR_FULL,
  MILL_STORE_ERROR_EXISTS,
  MILL_STORE_ERROR_NOT_FOUND,
  MILL_STORE_ERROR_FAILED,
} MillStoreError;

/* @url: "sqlite:" for @state_dir/millrace.db, "sqlite:PATH", or
 *   "sqlite::memory:" (tests).
 * Brings an older file to the current version first; a file of a newer
 * version is refused, untouched.
 * Returns: (transfer full) (nullable) */
MillStore *mill_store_open (const gchar *url, const gchar *state_dir,
    GError **error);
void mill_store_close (MillStore *store);

/* Whether @url names a store this build has. Errors: MILL_STORE_ERROR.OPEN. */
gboolean mill_store_check_url (const gchar *url, GError **error);

/* A number never given before in the life of this store; segment URIs carry
 * it, so it may not repeat even when a stream was deleted in between. */
gboolean mill_store_next_generation (MillStore *store, guint64 *ret_generation,
    GError **error);

/* Whether the store answers and can be written: what readiness means. */
gboolean mill_store_ping (MillStore *store, GError **error);

/** A page of a list in the order of its key. */
typedef struct
{
  const gchar *after; /* nullable: the last key of the page before */
  guint limit; /* 0: all */
} MillStorePage;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStore, mill_store_close)

G_END_DECLS
