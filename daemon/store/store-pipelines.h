/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store.h"

G_BEGIN_DECLS

/** A description kept by PUT; it goes before a shipped one of that name. */
typedef struct
{
  gchar *name;
  gchar *text; /* YAML as sent */
  guint64 generation; /* counts its changes */
  gchar *node_id;
  gchar *owner_key_id; /* nullable */
  gint64 created_at;
  gint64 updated_at;
} MillPipelineRow;

void mill_store_pipelines_free_row (MillPipelineRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPipelineRow, mill_store_pipelines_free_row)

/* Inserts, or changes the text of that name and counts its generation up. */
gboolean mill_store_pipelines_put (MillStore *store, const MillPipelineRow *row,
    GError **error);
/* Errors: NOT_FOUND */
gboolean mill_store_pipelines_delete (MillStore *store, const gchar *name,
    GError **error);
/* Returns: (transfer full) (nullable): NULL with NOT_FOUND when there is none */
MillPipelineRow *mill_store_pipelines_get (MillStore *store, const gchar *name,
    GError **error);
/* Returns: (transfer full) (nullable) (element-type MillPipelineRow): by name */
GPtrArray *mill_store_pipelines_list (MillStore *store, GError **error);

G_END_DECLS
