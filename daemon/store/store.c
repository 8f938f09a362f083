/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

/* Another process (a backup, the sqlite3 shell) may hold the file briefly;
 * longer than this is an error to report, not a reason to block the loop. */
#define BUSY_TIMEOUT_MS 500

struct _MillStore
{
  sqlite3 *db;
  gchar *path;
  GHashTable *statements; /* const gchar *sql (by address) -> sqlite3_stmt */
};

G_DEFINE_QUARK (mill_store_error, mill_store_error)

/* ---- errors ---- */

static MillStoreError
map_code (gint code)
{
  switch (code & 0xff) {
    case SQLITE_CANTOPEN:
      return MILL_STORE_ERROR_OPEN;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return MILL_STORE_ERROR_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return MILL_STORE_ERROR_READONLY;
    case SQLITE_FULL:
      return MILL_STORE_ERROR_FULL;
    case SQLITE_CONSTRAINT:
      return MILL_STORE_ERROR_EXISTS;
    default:
      return MILL_STORE_ERROR_FAILED;
  }
}

static const gchar *
map_advice (MillStoreError code)
{
  switch (code) {
    case MILL_STORE_ERROR_OPEN:
      return ", expected a file this user may create and write";
    case MILL_STORE_ERROR_CORRUPT:
      return ", expected an SQLite database; restore it from a backup or move "
             "it away to begin with an empty store";
    case MILL_STORE_ERROR_READONLY:
      return ", expected a file and directory this user may write";
    case MILL_STORE_ERROR_FULL:
      return ", expected free space on its disk";
    default:
      return "";
  }
}

/* Always FALSE, so that a caller can return it. */
static gboolean
report (MillStore *store, gint code, GError **error)
{
  MillStoreError mapped = map_code (code);
  g_set_error (error, MILL_STORE_ERROR, mapped, "store '%s': got \"%s\"%s",
      store->path, store->db ? sqlite3_errmsg (store->db) : "out of memory",
      map_advice (mapped));
  return FALSE;
}

/* ---- statements ---- */

static gboolean
execute (MillStore *store, const gchar *sql, GError **error)
{
  gint code = sqlite3_exec (store->db, sql, NULL, NULL, NULL);
  return code == SQLITE_OK || report (store, code, error);
}

static sqlite3_stmt *
prepare (MillStore *store, const gchar *sql, GError **error)
{
  sqlite3_stmt *statement = g_hash_table_lookup (store->statements, sql);
  if (statement)
    return statement;
  gint code = sqlite3_prepare_v3 (store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
      &statement, NULL);
  if (code != SQLITE_OK) {
    report (store, code, error);
    return NULL;
  }
  g_hash_table_insert (store->statements, (gpointer) sql, statement);
  return statement;
}

static void
bind (sqlite3_stmt *statement, const gchar *types, va_list arguments)
{
  for (gint i = 0; types[i]; i++) {
    switch (types[i]) {
      case 's':
        sqlite3_bind_text (statement, i + 1, va_arg (arguments, const gchar *),
            -1, SQLITE_TRANSIENT);
        break;
      case 'i':
        sqlite3_bind_int64 (statement, i + 1, va_arg (arguments, gint64));
        break;
      case 'b': {
        GBytes *bytes = va_arg (arguments, GBytes *);
        gsize size = 0;
        gconstpointer data = bytes ? g_bytes_get_data (bytes, &size) : NULL;
        sqlite3_bind_blob64 (statement, i + 1, data, size, SQLITE_TRANSIENT);
        break;
      }
      default:
        g_assert_not_reached ();
    }
  }
}

static gboolean
step_all (MillStore *store, sqlite3_stmt *statement, MillStoreRowFunc func,
    gpointer user_data, GError **error)
{
  gint code;
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    if (func)
      func (statement, user_data);
  gboolean done = code == SQLITE_DONE || report (store, code, error);
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return done;
}

gboolean
mill_store_run (MillStore *store, guint *ret_changes, GError **error,
    const gchar *sql, const gchar *types, ...)
{
  sqlite3_stmt *statement = prepare (store, sql, error);
  if (!statement)
    return FALSE;
  va_list arguments;
  va_start (arguments, types);
  bind (statement, types, arguments);
  va_end (arguments);
  if (!step_all (store, statement, NULL, NULL, error))
    return FALSE;
  if (ret_changes)
    *ret_changes = (guint) sqlite3_changes (store->db);
  return TRUE;
}

gboolean
mill_store_select (MillStore *store, MillStoreRowFunc func, gpointer user_data,
    GError **error, const gchar *sql, const gchar *types, ...)
{
  sqlite3_stmt *statement = prepare (store, sql, error);
  if (!statement)
    return FALSE;
  va_list arguments;
  va_start (arguments, types);
  bind (statement, types, arguments);
  va_end (arguments);
  return step_all (store, statement, func, user_data, error);
}

gchar *
mill_store_column_text (sqlite3_stmt *row, gint column)
{
  return g_strdup ((const gchar *) sqlite3_column_text (row, column));
}

gint64
mill_store_page_limit (const MillStorePage *page)
{
  return page && page->limit > 0 ? (gint64) page->limit : -1;
}

/* ---- opening ---- */

static void
read_integer (sqlite3_stmt *row, gpointer user_data)
{
  *(gint64 *) user_data = sqlite3_column_int64 (row, 0);
}

/* Each step is one transaction together with its version number, so that a
 * power cut leaves the file at one version or the next. */
static gboolean
migrate_step (MillStore *store, guint version, GError **error)
{
  g_autofree gchar *script =
      g_strdup_printf ("BEGIN IMMEDIATE; %s PRAGMA user_version = %u; COMMIT;",
          mill_store_migrations[version], version + 1);
  if (execute (store, script, error))
    return TRUE;
  g_prefix_error (error, "upgrade to version %u: ", version + 1);
  sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

static gboolean
migrate (MillStore *store, GError **error)
{
  gint64 version = 0;
  guint known = mill_store_migrations_count ();

  if (!mill_store_select (store, read_integer, &version, error,
          "PRAGMA user_version", ""))
    return FALSE;
  if (version < 0 || version > known) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_VERSION,
        "store '%s': got version %" G_GINT64_FORMAT
        ", expected at most %u; it was written by a newer millrace",
        store->path, version, known);
    return FALSE;
  }
  for (guint step = (guint) version; step < known; step++)
    if (!migrate_step (store, step, error))
      return FALSE;
  return TRUE;
}

gboolean
mill_store_check_url (const gchar *url, GError **error)
{
  if (g_str_has_prefix (url, "sqlite:"))
    return TRUE;
  if (g_str_has_prefix (url, "postgresql:") ||
      g_str_has_prefix (url, "postgres:"))
    g_set_error_literal (error, MILL_STORE_ERROR, MILL_STORE_ERROR_OPEN,
        "a postgresql store is not yet available, expected 'sqlite:' or "
        "'sqlite:PATH'");
  else
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_OPEN,
        "got '%s', expected 'sqlite:' or 'sqlite:PATH'", url);
  return FALSE;
}

static gchar *
resolve_path (const gchar *url, const gchar *state_dir)
{
  const gchar *path = url + strlen ("sqlite:");
  if (*path == '\0')
    return g_build_filename (state_dir, "millrace.db", NULL);
  if (g_str_equal (path, ":memory:") || g_path_is_absolute (path))
    return g_strdup (path);
  return g_build_filename (state_dir, path, NULL);
}

/* It has secrets of others, as keys of servers that streams are sent on to: for
 * its owner alone, whatever the umask and the directory say. SQLite gives its other
 * files the mode of this one; those that a crash has left have an older one. What
 * cannot be opened here SQLite will say more of. */
static void
keep_private (const MillStore *store)
{
  static const gchar *const suffixes[] = { "", "-wal", "-shm" };

  if (g_str_equal (store->path, ":memory:"))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    g_autofree gchar *path = g_strconcat (store->path, suffixes[i], NULL);
    gint flags = O_RDWR | O_CLOEXEC | (i == 0 ? O_CREAT : 0);
    gint fd = g_open (path, flags, 0600);
    struct stat info;
    if (fd < 0)
      continue;
    /* Of another owner, who has let us write it: as that one wants it. */
    if (fstat (fd, &info) == 0 && fchmod (fd, info.st_mode & S_IRWXU) < 0)
      g_debug ("%s: mode stays: %s", path, g_strerror (errno));
    g_close (fd, NULL);
  }
}

MillStore *
mill_store_open (const gchar *url, const gchar *state_dir, GError **error)
{
  if (!mill_store_check_url (url, error))
    return NULL;

  g_autoptr (MillStore) store = g_new0 (MillStore, 1);
  store->path = resolve_path (url, state_dir);
  store->statements = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) sqlite3_finalize);

  keep_private (store);
  gint code = sqlite3_open_v2 (store->path, &store->db,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
  if (code != SQLITE_OK) {
    report (store, code, error);
    return NULL;
  }
  sqlite3_busy_timeout (store->db, BUSY_TIMEOUT_MS);
  sqlite3_extended_result_codes (store->db, 1);
  /* NORMAL: in WAL mode a power cut may lose the last transactions, never the
   * consistency of the file. A lost generation number is harmless after a
   * reboot only because media_dir's state files carry it too. */
  if (!execute (store,
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
          "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
          error) ||
      !migrate (store, error))
    return NULL;
  return g_steal_pointer (&store);
}

void
mill_store_close (MillStore *store)
{
  if (!store)
    return;
  g_clear_pointer (&store->statements, g_hash_table_unref);
  sqlite3_close (store->db);
  g_free (store->path);
  g_free (store);
}

/* ---- what belongs to no table of its own ---- */

gboolean
mill_store_next_generation (MillStore *store, guint64 *ret_generation,
    GError **error)
{
  gint64 value = 0;
  if (!mill_store_select (store, read_integer, &value, error,
          "UPDATE counters SET value = value + 1 WHERE name = 'generation' "
          "RETURNING value",
          ""))
    return FALSE;
  *ret_generation = (guint64) value;
  return TRUE;
}

gboolean
mill_store_ping (MillStore *store, GError **error)
{
  return execute (store, "BEGIN IMMEDIATE; ROLLBACK;", error);
}
