/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "catalog.h"

#include <string.h>

#include "engine.h"

#define SUFFIX ".yaml"

struct _MillCatalog
{
  MillStore *store; /* not owned; nullable: the shipped ones alone */
};

MillCatalog *
mill_catalog_new (MillStore *store)
{
  MillCatalog *catalog = g_new0 (MillCatalog, 1);
  catalog->store = store;
  return catalog;
}

void
mill_catalog_free (MillCatalog *catalog)
{
  g_free (catalog);
}

void
mill_catalog_entry_free (MillCatalogEntry *entry)
{
  if (!entry)
    return;
  g_free (entry->name);
  g_free (entry);
}

static MillCatalogEntry *
new_entry (const gchar *name, const MillPipelineRow *row)
{
  MillCatalogEntry *entry = g_new0 (MillCatalogEntry, 1);
  entry->name = g_strdup (name);
  entry->shipped = row == NULL;
  entry->generation = row ? row->generation : 0;
  entry->updated_at = row ? row->updated_at : 0;
  return entry;
}

MillDescription *
mill_catalog_load (MillCatalog *catalog, const gchar *name,
    MillDiagnostics *diagnostics)
{
  g_autoptr (GError) error = NULL;
  if (!catalog->store)
    return mill_description_new_from_file (name, diagnostics);
  g_autoptr (MillPipelineRow) row =
      mill_store_pipelines_get (catalog->store, name, &error);
  if (row)
    return mill_description_new_from_data (row->text, strlen (row->text), name,
        diagnostics);
  if (!g_error_matches (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND)) {
    MillPlace place = { .file = name };
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place, "%s",
        error->message);
    return NULL;
  }
  return mill_description_new_from_file (name, diagnostics);
}

static gboolean
is_shipped (const gchar *name)
{
  g_autofree gchar *file = g_strconcat (name, SUFFIX, NULL);
  g_autofree gchar *path =
      g_build_filename (mill_engine_get_pipelines_dir (), file, NULL);
  return !strchr (name, G_DIR_SEPARATOR) &&
      g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

MillCatalogEntry *
mill_catalog_find (MillCatalog *catalog, const gchar *name, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (MillPipelineRow) row =
      mill_store_pipelines_get (catalog->store, name, &local_error);
  gboolean missing = g_error_matches (local_error, MILL_STORE_ERROR,
      MILL_STORE_ERROR_NOT_FOUND);
  if (row || (missing && is_shipped (name)))
    return new_entry (name, row);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  const MillCatalogEntry *entry_a = *(MillCatalogEntry *const *) a;
  const MillCatalogEntry *entry_b = *(MillCatalogEntry *const *) b;
  return g_strcmp0 (entry_a->name, entry_b->name);
}

static gboolean
has_name (gconstpointer entry, gconstpointer name)
{
  return g_str_equal (((const MillCatalogEntry *) entry)->name, name);
}

static void
add_shipped (GPtrArray *entries)
{
  g_autoptr (GDir) dir = g_dir_open (mill_engine_get_pipelines_dir (), 0, NULL);
  const gchar *file;
  while (dir && (file = g_dir_read_name (dir))) {
    if (!g_str_has_suffix (file, SUFFIX))
      continue;
    g_autofree gchar *name = g_strndup (file, strlen (file) - strlen (SUFFIX));
    if (!g_ptr_array_find_with_equal_func (entries, name, has_name, NULL))
      g_ptr_array_add (entries, new_entry (name, NULL));
  }
}

GPtrArray *
mill_catalog_list (MillCatalog *catalog, GError **error)
{
  g_autoptr (GPtrArray) rows =
      mill_store_pipelines_list (catalog->store, error);
  if (!rows)
    return NULL;
  GPtrArray *entries =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_catalog_entry_free);
  for (guint i = 0; i < rows->len; i++) {
    const MillPipelineRow *row = g_ptr_array_index (rows, i);
    g_ptr_array_add (entries, new_entry (row->name, row));
  }
  add_shipped (entries);
  g_ptr_array_sort (entries, compare_names);
  return entries;
}
