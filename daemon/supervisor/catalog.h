/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "description.h"
#include "store-pipelines.h"

G_BEGIN_DECLS

/** The descriptions this installation can run: those kept by PUT, then those
 * that came with millrace. */
typedef struct _MillCatalog MillCatalog;

typedef struct
{
  gchar *name;
  gboolean shipped;
  guint64 generation; /* 0 for a shipped one */
  gint64 updated_at; /* Unix seconds; 0 for a shipped one */
} MillCatalogEntry;

/* @store: (nullable): where there is none, mill_catalog_load() alone may follow,
 * and finds what came with millrace */
MillCatalog *mill_catalog_new (MillStore *store);
void mill_catalog_free (MillCatalog *catalog);

/* @name: of a description, or (in the configuration) a path.
 * Returns: (transfer full) (nullable): NULL when @diagnostics got an error. */
MillDescription *mill_catalog_load (MillCatalog *catalog, const gchar *name,
    MillDiagnostics *diagnostics);

/* What mill_catalog_load() would find. Returns: (transfer full) (nullable):
 * NULL with MILL_STORE_ERROR.NOT_FOUND */
MillCatalogEntry *mill_catalog_find (MillCatalog *catalog, const gchar *name,
    GError **error);

/* Returns: (transfer full) (nullable) (element-type MillCatalogEntry): by
 * name */
GPtrArray *mill_catalog_list (MillCatalog *catalog, GError **error);

void mill_catalog_entry_free (MillCatalogEntry *entry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCatalog, mill_catalog_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCatalogEntry, mill_catalog_entry_free)

G_END_DECLS
