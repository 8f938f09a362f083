/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store-keys.h"

#include "store-private.h"

#define COLUMNS                                                          \
  "id, app, name, enabled, created_at, expires_at, generation, node_id," \
  " owner_key_id, allowed_addresses, max_bitrate_bps, max_duration_s"
/* What is written at the insertion is all that COLUMNS has. */
#define READ COLUMNS ", previous_expires_at, "

void
mill_store_keys_free_row (MillKeyRow *row)
{
  if (!row)
    return;
  g_free (row->id);
  g_free (row->app);
  g_free (row->name);
  g_free (row->node_id);
  g_free (row->owner_key_id);
  g_strfreev (row->allowed_addresses);
  g_free (row);
}

static gboolean
fail_not_found (const gchar *what, GError **error)
{
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND,
      "stream key%s%s%s does not exist", what ? " '" : "", what ? what : "",
      what ? "'" : "");
  return FALSE;
}

/* Returns: (transfer full): none of them has a blank */
static gchar *
join (gchar **addresses)
{
  return addresses ? g_strjoinv (" ", addresses) : g_strdup ("");
}

gboolean
mill_store_keys_insert (MillStore *store, const MillKeyRow *row, GBytes *hash,
    GError **error)
{
  g_autofree gchar *addresses = join (row->allowed_addresses);
  /* NULLIF: "never" is NULL in the file, so that SQL can compare the rest. */
  return mill_store_run (store, NULL, error,
      "INSERT INTO stream_keys (" COLUMNS ", hash)"
      " VALUES (?, ?, ?, ?, ?, NULLIF (?, 0), ?, ?, ?, ?, ?, ?, ?)",
      "sssiiiisssiib", row->id, row->app, row->name, (gint64) row->enabled,
      row->created_at, row->expires_at, (gint64) row->generation, row->node_id,
      row->owner_key_id, addresses, (gint64) row->max_bitrate_bps,
      (gint64) row->max_duration_s, hash);
}

gboolean
mill_store_keys_rotate (MillStore *store, const gchar *id, GBytes *hash,
    gint64 previous_expires_at, GError **error)
{
  guint changes;
  if (!mill_store_run (store, &changes, error,
          "UPDATE stream_keys SET hash = ?1, generation = generation + 1,"
          " previous_hash = IIF (?2 > 0, hash, NULL),"
          " previous_expires_at = NULLIF (?2, 0) WHERE id = ?3",
          "bis", hash, previous_expires_at, id))
    return FALSE;
  return changes > 0 || fail_not_found (id, error);
}

gboolean
mill_store_keys_update (MillStore *store, const MillKeyRow *row, GError **error)
{
  guint changes;
  g_autofree gchar *addresses = join (row->allowed_addresses);
  if (!mill_store_run (store, &changes, error,
          "UPDATE stream_keys SET enabled = ?, expires_at = NULLIF (?, 0),"
          " allowed_addresses = ?, max_bitrate_bps = ?, max_duration_s = ?"
          " WHERE id = ?",
          "iisiis", (gint64) row->enabled, row->expires_at, addresses,
          (gint64) row->max_bitrate_bps, (gint64) row->max_duration_s, row->id))
    return FALSE;
  return changes > 0 || fail_not_found (row->id, error);
}

gboolean
mill_store_keys_delete (MillStore *store, const gchar *id, GError **error)
{
  guint changes;
  if (!mill_store_run (store, &changes, error,
          "DELETE FROM stream_keys WHERE id = ?", "s", id))
    return FALSE;
  return changes > 0 || fail_not_found (id, error);
}

static void
read_row (sqlite3_stmt *statement, gpointer user_data)
{
  MillKeyRow *row = g_new0 (MillKeyRow, 1);
  row->id = mill_store_column_text (statement, 0);
  row->app = mill_store_column_text (statement, 1);
  row->name = mill_store_column_text (statement, 2);
  row->enabled = sqlite3_column_int (statement, 3) != 0;
  row->created_at = sqlite3_column_int64 (statement, 4);
  row->expires_at = sqlite3_column_int64 (statement, 5);
  row->generation = (guint64) sqlite3_column_int64 (statement, 6);
  row->node_id = mill_store_column_text (statement, 7);
  row->owner_key_id = mill_store_column_text (statement, 8);
  g_autofree gchar *addresses = mill_store_column_text (statement, 9);
  row->allowed_addresses = g_strsplit (addresses, " ", -1);
  row->max_bitrate_bps = (guint64) sqlite3_column_int64 (statement, 10);
  row->max_duration_s = (guint) sqlite3_column_int64 (statement, 11);
  row->previous_expires_at = sqlite3_column_int64 (statement, 12);
  row->matched_previous = sqlite3_column_int (statement, 13) != 0;
  g_ptr_array_add (user_data, row);
}

static GPtrArray *
new_rows (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_store_keys_free_row);
}

static MillKeyRow *
take_only (GPtrArray *rows, const gchar *what, GError **error)
{
  if (rows->len == 0) {
    fail_not_found (what, error);
    return NULL;
  }
  return g_ptr_array_steal_index (rows, 0);
}

MillKeyRow *
mill_store_keys_get (MillStore *store, const gchar *id, GError **error)
{
  g_autoptr (GPtrArray) rows = new_rows ();
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT " READ "0 FROM stream_keys WHERE id = ?", "s", id))
    return NULL;
  return take_only (rows, id, error);
}

MillKeyRow *
mill_store_keys_find (MillStore *store, GBytes *hash, GError **error)
{
  g_autoptr (GPtrArray) rows = new_rows ();
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT " READ "hash <> ?1 FROM stream_keys"
          " WHERE hash = ?1 OR previous_hash = ?1",
          "b", hash))
    return NULL;
  return take_only (rows, NULL, error);
}

GPtrArray *
mill_store_keys_list (MillStore *store, const MillStorePage *page,
    GError **error)
{
  g_autoptr (GPtrArray) rows = new_rows ();
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT " READ "0 FROM stream_keys WHERE id > ?"
          " ORDER BY id LIMIT ?",
          "si", page && page->after ? page->after : "",
          mill_store_page_limit (page)))
    return NULL;
  return g_steal_pointer (&rows);
}
