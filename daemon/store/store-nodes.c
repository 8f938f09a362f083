/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store-nodes.h"

#include "store-private.h"

void
mill_store_nodes_free_row (MillNodeRow *row)
{
  if (!row)
    return;
  g_free (row->id);
  g_free (row->host);
  g_free (row->boot_id);
  g_free (row);
}

gboolean
mill_store_nodes_put (MillStore *store, const MillNodeRow *row, GError **error)
{
  return mill_store_run (store, NULL, error,
      "INSERT OR REPLACE INTO nodes (id, host, boot_id, since, seen_at)"
      " VALUES (?, ?, ?, ?, ?)",
      "sssii", row->id, row->host, row->boot_id, row->since, row->seen_at);
}

static void
read_row (sqlite3_stmt *statement, gpointer user_data)
{
  MillNodeRow *row = g_new0 (MillNodeRow, 1);
  row->id = mill_store_column_text (statement, 0);
  row->host = mill_store_column_text (statement, 1);
  row->boot_id = mill_store_column_text (statement, 2);
  row->since = sqlite3_column_int64 (statement, 3);
  row->seen_at = sqlite3_column_int64 (statement, 4);
  g_ptr_array_add (user_data, row);
}

GPtrArray *
mill_store_nodes_list (MillStore *store, const MillStorePage *page,
    GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_store_nodes_free_row);
  if (!mill_store_select (store, read_row, rows, error,
          "SELECT id, host, boot_id, since, seen_at FROM nodes WHERE id > ?"
          " ORDER BY id LIMIT ?",
          "si", page && page->after ? page->after : "",
          mill_store_page_limit (page)))
    return NULL;
  return g_steal_pointer (&rows);
}
