/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <sqlite3.h>

#include "store.h"

G_BEGIN_DECLS

/* Called for each row; the statement stands on it. */
typedef void (*MillStoreRowFunc) (sqlite3_stmt *row, gpointer user_data);

/* Runs @sql, a string literal, with the arguments that @types names:
 * 's' const gchar * (nullable), 'i' gint64, 'b' GBytes * (nullable).
 * @ret_changes: (nullable): rows written. */
gboolean mill_store_run (MillStore *store, guint *ret_changes, GError **error,
    const gchar *sql, const gchar *types, ...);

/* The same for a query: @func for each row. */
gboolean mill_store_select (MillStore *store, MillStoreRowFunc func,
    gpointer user_data, GError **error, const gchar *sql, const gchar *types,
    ...);

/* Returns: (transfer full) (nullable): NULL for SQL's NULL. */
gchar *mill_store_column_text (sqlite3_stmt *row, gint column);

/* SQL limit for @page: -1 is none. */
gint64 mill_store_page_limit (const MillStorePage *page);

/* One step from a version of the file to the next. */
extern const gchar *const mill_store_migrations[];
guint mill_store_migrations_count (void);

G_END_DECLS
