/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store-streams.h"

#include "store-private.h"

static const gchar *const desired_names[] = { "running", "stopped" };
static const gchar *const phase_names[] = { "idle", "running", "ended",
  "failed" };

static guint
find_name (const gchar *const *names, guint n_names, const gchar *name)
{
  for (guint i = 0; i < n_names; i++)
    if (g_strcmp0 (names[i], name) == 0)
      return i;
  return 0;
}

void
mill_store_streams_free_row (MillStreamRow *row)
{
  if (!row)
    return;
  g_free (row->name);
  g_free (row->app);
  g_free (row->pipeline);
  g_free (row->params);
  g_free (row->owner);
  g_free (row->boot_id);
  g_free (row->last_error);
  g_free (row->node_id);
  g_free (row->owner_key_id);
  g_free (row->lease_owner);
  g_free (row->run_text);
  g_free (row->run_file);
  g_free (row);
}

gboolean
mill_store_streams_put (MillStore *store, const MillStreamRow *row,
    GError **error)
{
  return mill_store_run (store, NULL, error,
      "INSERT OR REPLACE INTO streams (name, app, pipeline, params, declared,"
      " desired, phase, owner, generation, epoch, boot_id, restarts,"
      " last_error, node_id, owner_key_id, lease_owner, lease_expires,"
      " created_at, updated_at, run_text, run_file)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      "ssssisssiisissssiiiss", row->name, row->app, row->pipeline,
      row->params ? row->params : "{}", (gint64) row->declared,
      desired_names[row->desired], phase_names[row->phase], row->owner,
      (gint64) row->generation, (gint64) row->epoch, row->boot_id,
      (gint64) row->restarts, row->last_error, row->node_id, row->owner_key_id,
      row->lease_owner, row->lease_expires, row->created_at, row->updated_at,
      row->run_text, row->run_file);
}

gboolean
mill_store_streams_delete (MillStore *store, const gchar *name, GError **error)
{
  guint changes;
  if (!mill_store_run (store, &changes, error,
          "DELETE FROM streams WHERE name = ?", "s", name))
    return FALSE;
  if (changes == 0) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND,
        "stream '%s' does not exist", name);
    return FALSE;
  }
  return TRUE;
}

static void
read_row (sqlite3_stmt *statement, gpointer user_data)
{
  MillStreamRow *row = g_new0 (MillStreamRow, 1);
  row->name = mill_store_column_text (statement, 0);
  row->app = mill_store_column_text (statement, 1);
  row->pipeline = mill_store_column_text (statement, 2);
  row->params = mill_store_column_text (statement, 3);
  row->declared = sqlite3_column_int (statement, 4) != 0;
  row->desired = find_name (desired_names, G_N_ELEMENTS (desired_names),
      (const gchar *) sqlite3_column_text (statement, 5));
  row->phase = find_name (phase_names, G_N_ELEMENTS (phase_names),
      (const gchar *) sqlite3_column_text (statement, 6));
  row->owner = mill_store_column_text (statement, 7);
  row->generation = (guint64) sqlite3_column_int64 (statement, 8);
  row->epoch = (guint64) sqlite3_column_int64 (statement, 9);
  row->boot_id = mill_store_column_text (statement, 10);
  row->restarts = (guint) sqlite3_column_int (statement, 11);
  row->last_error = mill_store_column_text (statement, 12);
  row->node_id = mill_store_column_text (statement, 13);
  row->owner_key_id = mill_store_column_text (statement, 14);
  row->lease_owner = mill_store_column_text (statement, 15);
  row->lease_expires = sqlite3_column_int64 (statement, 16);
  row->created_at = sqlite3_column_int64 (statement, 17);
  row->updated_at = sqlite3_column_int64 (statement, 18);
  row->run_text = mill_store_column_text (statement, 19);
  row->run_file = mill_store_column_text (statement, 20);
  g_ptr_array_add (user_data, row);
}

GPtrArray *
mill_store_streams_list (MillStore *store, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_store_streams_free_row);
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT name, app, pipeline, params, declared, desired, phase,"
          " owner, generation, epoch, boot_id, restarts, last_error, node_id,"
          " owner_key_id, lease_owner, lease_expires, created_at, updated_at,"
          " run_text, run_file"
          " FROM streams ORDER BY name",
          ""))
    return NULL;
  return g_steal_pointer (&rows);
}
