/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store.h"

G_BEGIN_DECLS

/** A host that runs millraced on this store. */
typedef struct
{
  gchar *id; /* the machine's, one way hashed */
  gchar *host;
  gchar *boot_id;
  gint64 since; /* this millraced started */
  gint64 seen_at;
} MillNodeRow;

void mill_store_nodes_free_row (MillNodeRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillNodeRow, mill_store_nodes_free_row)

gboolean mill_store_nodes_put (MillStore *store, const MillNodeRow *row,
    GError **error);
/* Returns: (transfer full) (nullable) (element-type MillNodeRow): by id */
GPtrArray *mill_store_nodes_list (MillStore *store, const MillStorePage *page,
    GError **error);

G_END_DECLS
