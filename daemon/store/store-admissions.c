/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store-admissions.h"

#include "store-private.h"

#define COLUMNS                                                          \
  "stream, generation, key_id, key_generation, address, since, ends_at," \
  " max_bitrate_bps, node_id, owner_key_id"

MillAdmissionRow *
mill_store_admissions_copy_row (const MillAdmissionRow *row)
{
  MillAdmissionRow *copy = g_new0 (MillAdmissionRow, 1);
  *copy = *row;
  copy->stream = g_strdup (row->stream);
  copy->key_id = g_strdup (row->key_id);
  copy->address = g_strdup (row->address);
  copy->node_id = g_strdup (row->node_id);
  copy->owner_key_id = g_strdup (row->owner_key_id);
  return copy;
}

void
mill_store_admissions_free_row (MillAdmissionRow *row)
{
  if (!row)
    return;
  g_free (row->stream);
  g_free (row->key_id);
  g_free (row->address);
  g_free (row->node_id);
  g_free (row->owner_key_id);
  g_free (row);
}

gboolean
mill_store_admissions_put (MillStore *store, const MillAdmissionRow *row,
    GError **error)
{
  return mill_store_run (store, NULL, error,
      "INSERT OR REPLACE INTO admissions (" COLUMNS ")"
      " VALUES (?, ?, ?, ?, ?, ?, NULLIF (?, 0), ?, ?, ?)",
      "sisisiiiss", row->stream, (gint64) row->generation, row->key_id,
      (gint64) row->key_generation, row->address, row->since, row->ends_at,
      (gint64) row->max_bitrate_bps, row->node_id, row->owner_key_id);
}

gboolean
mill_store_admissions_delete (MillStore *store, const gchar *stream,
    const gchar *address, GError **error)
{
  return mill_store_run (store, NULL, error,
      "DELETE FROM admissions WHERE stream = ? AND address = ?", "ss", stream,
      address);
}

static void
read_row (sqlite3_stmt *statement, gpointer user_data)
{
  MillAdmissionRow *row = g_new0 (MillAdmissionRow, 1);
  row->stream = mill_store_column_text (statement, 0);
  row->generation = (guint64) sqlite3_column_int64 (statement, 1);
  row->key_id = mill_store_column_text (statement, 2);
  row->key_generation = (guint64) sqlite3_column_int64 (statement, 3);
  row->address = mill_store_column_text (statement, 4);
  row->since = sqlite3_column_int64 (statement, 5);
  row->ends_at = sqlite3_column_int64 (statement, 6);
  row->max_bitrate_bps = (guint64) sqlite3_column_int64 (statement, 7);
  row->node_id = mill_store_column_text (statement, 8);
  row->owner_key_id = mill_store_column_text (statement, 9);
  g_ptr_array_add (user_data, row);
}

GPtrArray *
mill_store_admissions_list (MillStore *store, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_store_admissions_free_row);
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT " COLUMNS " FROM admissions ORDER BY stream, address", ""))
    return NULL;
  return g_steal_pointer (&rows);
}
