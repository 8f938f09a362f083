/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store-pipelines.h"

#include "store-private.h"

#define COLUMNS \
  "name, text, generation, node_id, owner_key_id, created_at, updated_at"

void
mill_store_pipelines_free_row (MillPipelineRow *row)
{
  if (!row)
    return;
  g_free (row->name);
  g_free (row->text);
  g_free (row->node_id);
  g_free (row->owner_key_id);
  g_free (row);
}

static gboolean
fail_not_found (const gchar *name, GError **error)
{
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND,
      "pipeline '%s' does not exist", name);
  return FALSE;
}

gboolean
mill_store_pipelines_put (MillStore *store, const MillPipelineRow *row,
    GError **error)
{
  return mill_store_run (store, NULL, error,
      "INSERT INTO pipelines (" COLUMNS ") VALUES (?, ?, 1, ?, ?, ?, ?)"
      " ON CONFLICT (name) DO UPDATE SET text = excluded.text,"
      " generation = generation + 1, node_id = excluded.node_id,"
      " owner_key_id = excluded.owner_key_id, updated_at = excluded.updated_at",
      "ssssii", row->name, row->text, row->node_id, row->owner_key_id,
      row->created_at, row->updated_at);
}

gboolean
mill_store_pipelines_delete (MillStore *store, const gchar *name,
    GError **error)
{
  guint changes;
  if (!mill_store_run (store, &changes, error,
          "DELETE FROM pipelines WHERE name = ?", "s", name))
    return FALSE;
  return changes > 0 || fail_not_found (name, error);
}

static void
read_row (sqlite3_stmt *statement, gpointer user_data)
{
  MillPipelineRow *row = g_new0 (MillPipelineRow, 1);
  row->name = mill_store_column_text (statement, 0);
  row->text = mill_store_column_text (statement, 1);
  row->generation = (guint64) sqlite3_column_int64 (statement, 2);
  row->node_id = mill_store_column_text (statement, 3);
  row->owner_key_id = mill_store_column_text (statement, 4);
  row->created_at = sqlite3_column_int64 (statement, 5);
  row->updated_at = sqlite3_column_int64 (statement, 6);
  g_ptr_array_add (user_data, row);
}

MillPipelineRow *
mill_store_pipelines_get (MillStore *store, const gchar *name, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_store_pipelines_free_row);
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT " COLUMNS " FROM pipelines WHERE name = ?", "s", name))
    return NULL;
  if (rows->len == 0) {
    fail_not_found (name, error);
    return NULL;
  }
  return g_ptr_array_steal_index (rows, 0);
}

GPtrArray *
mill_store_pipelines_list (MillStore *store, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_store_pipelines_free_row);
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT " COLUMNS " FROM pipelines ORDER BY name", ""))
    return NULL;
  return g_steal_pointer (&rows);
}
