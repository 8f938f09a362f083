/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "description-private.h"

#include "engine.h"
#include "yaml-node.h"

#include <errno.h>
#include <string.h>

static MillDescription *
description_new (const gchar *data, gsize size, const gchar *file_name)
{
  MillDescription *self = g_new0 (MillDescription, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->file = g_strdup (file_name);
  self->text = g_strndup (data ? data : "", size);
  return self;
}

MillDescription *
mill_description_new_with_mistakes (const gchar *data, gsize size,
    const gchar *file_name, MillDiagnostics *diagnostics)
{
  g_autoptr (MillDescription) self = description_new (data, size, file_name);
  MillPlace start = { self->file, 1, 1 };

  if (strlen (self->text) != size) {
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &start,
        "a zero byte at offset %" G_GSIZE_FORMAT ", expected UTF-8 text",
        strlen (self->text));
    return NULL;
  }
  if (!mill_description_reader_read (self, diagnostics))
    return NULL;
  return g_steal_pointer (&self);
}

MillDescription *
mill_description_new_from_data (const gchar *data, gsize size,
    const gchar *file_name, MillDiagnostics *diagnostics)
{
  guint n_errors = mill_diagnostics_get_n_errors (diagnostics);
  g_autoptr (MillDescription) self =
      mill_description_new_with_mistakes (data, size, file_name, diagnostics);

  if (mill_diagnostics_get_n_errors (diagnostics) > n_errors)
    return NULL;
  return g_steal_pointer (&self);
}

/* "live-ladder" is a shipped description; what has a slash, a suffix or
 * exists here is a path. */
static gchar *
find_file (const gchar *name_or_path)
{
  g_autofree gchar *file_name = NULL;
  g_autofree gchar *shipped = NULL;

  if (strchr (name_or_path, '/') || strchr (name_or_path, '.') ||
      g_file_test (name_or_path, G_FILE_TEST_IS_REGULAR))
    return g_strdup (name_or_path);
  file_name = g_strconcat (name_or_path, ".yaml", NULL);
  shipped =
      g_build_filename (mill_engine_get_pipelines_dir (), file_name, NULL);
  if (g_file_test (shipped, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&shipped);
  return NULL;
}

/* By name in strcmp() order. */
static gint
compare_names (gconstpointer a, gconstpointer b, gpointer unused)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

GStrv
mill_description_list_shipped (void)
{
  g_autoptr (GDir) dir = g_dir_open (mill_engine_get_pipelines_dir (), 0, NULL);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  const gchar *entry;
  GStrv list;

  while (dir && (entry = g_dir_read_name (dir))) {
    if (g_str_has_suffix (entry, ".yaml")) {
      g_autofree gchar *name = g_strndup (entry, strlen (entry) - 5);

      g_strv_builder_add (names, name);
    }
  }
  list = g_strv_builder_end (names);
  g_qsort_with_data (list, g_strv_length (list), sizeof *list, compare_names,
      NULL);
  return list;
}

static void
report_missing (const gchar *name, MillDiagnostics *diagnostics)
{
  g_auto (GStrv) shipped = mill_description_list_shipped ();
  g_autofree gchar *list = g_strjoinv (", ", shipped);
  const gchar *nearest =
      mill_diagnostics_nearest (name, (const gchar *const *) shipped);
  MillPlace place = { name, 0, 0 };

  mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place,
      "no such file and no shipped description, expected a path or one of %s"
      "%s%s%s",
      list, nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
}

gchar *
mill_description_load (const gchar *name_or_path, gsize *ret_size,
    gchar **ret_path, MillDiagnostics *diagnostics)
{
  g_autofree gchar *path = find_file (name_or_path);
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) error = NULL;
  MillPlace place = { path, 0, 0 };

  if (!path) {
    report_missing (name_or_path, diagnostics);
    return NULL;
  }
  if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place,
        "got a directory, expected a description: name its files, %s/*.yaml",
        path);
    return NULL;
  }
  file = g_mapped_file_new (path, FALSE, &error);
  if (!file) {
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place,
        "cannot be read, expected a description that user '%s' may read: %s",
        g_get_user_name (), error->message);
    return NULL;
  }
  /* The YAML reader would say the same; a huge file never comes into memory. */
  if (!mill_yaml_node_check_size (g_mapped_file_get_length (file), path,
          diagnostics))
    return NULL;
  *ret_size = g_mapped_file_get_length (file);
  *ret_path = g_steal_pointer (&path);
  return g_memdup2 (*ret_size > 0 ? g_mapped_file_get_contents (file) : "",
      *ret_size > 0 ? *ret_size : 1);
}

MillDescription *
mill_description_new_from_file (const gchar *name_or_path,
    MillDiagnostics *diagnostics)
{
  g_autofree gchar *path = NULL;
  g_autofree gchar *data = NULL;
  gsize size;

  data = mill_description_load (name_or_path, &size, &path, diagnostics);
  if (!data)
    return NULL;
  return mill_description_new_from_data (data, size, path, diagnostics);
}

MillDescription *
mill_description_ref (MillDescription *description)
{
  g_atomic_ref_count_inc (&description->ref_count);
  return description;
}

void
mill_description_unref (MillDescription *description)
{
  if (!g_atomic_ref_count_dec (&description->ref_count))
    return;
  g_clear_pointer (&description->params, g_ptr_array_unref);
  g_clear_pointer (&description->nodes, g_ptr_array_unref);
  g_free (description->name);
  g_free (description->summary);
  g_free (description->text);
  g_free (description->file);
  g_free (description);
}

const gchar *
mill_description_get_name (const MillDescription *description)
{
  return description->name;
}

const MillPlace *
mill_description_get_name_place (const MillDescription *description)
{
  return &description->name_place;
}

const gchar *
mill_description_get_summary (const MillDescription *description)
{
  return description->summary;
}

const gchar *
mill_description_get_file (const MillDescription *description)
{
  return description->file;
}

const gchar *
mill_description_get_text (const MillDescription *description)
{
  return description->text;
}

GPtrArray *
mill_description_get_params (const MillDescription *description)
{
  return description->params;
}

GPtrArray *
mill_description_get_nodes (const MillDescription *description)
{
  return description->nodes;
}

const MillRestart *
mill_description_get_restart (const MillDescription *description)
{
  return &description->restart;
}
