/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/graph-spec.h"

#include "daemon/ipc/ipc.h"

MillGraphSpec *
mill_graph_spec_new (const gchar *description, const gchar *file)
{
  MillGraphSpec *spec = g_new0 (MillGraphSpec, 1);

  spec->description = g_strdup (description);
  spec->file = g_strdup (file);
  spec->one_process = TRUE;
  spec->params =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return spec;
}

void
mill_graph_spec_free (MillGraphSpec *spec)
{
  g_free (spec->description);
  g_free (spec->file);
  g_hash_table_unref (spec->params);
  g_free (spec);
}

void
mill_graph_spec_set_param (MillGraphSpec *spec, const gchar *name,
    const gchar *value)
{
  g_hash_table_replace (spec->params, g_strdup (name), g_strdup (value));
}

MillGraphSpec *
mill_graph_spec_new_from_variant (GVariant *variant, GError **error)
{
  const gchar *description;

  if (!g_variant_lookup (variant, "description", "&s", &description)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "graph: got no 'description', expected the text of one");
    return NULL;
  }
  const gchar *file = "description";
  g_variant_lookup (variant, "file", "&s", &file);
  MillGraphSpec *spec = mill_graph_spec_new (description, file);
  g_variant_lookup (variant, "epoch", "t", &spec->epoch_ns);
  spec->one_process =
      !g_variant_lookup (variant, "process", "u", &spec->process);
  g_autoptr (GVariant) params =
      g_variant_lookup_value (variant, "params", G_VARIANT_TYPE ("a{ss}"));
  if (params) {
    GVariantIter iter;
    const gchar *name;
    const gchar *value;
    g_variant_iter_init (&iter, params);
    while (g_variant_iter_next (&iter, "{&s&s}", &name, &value))
      mill_graph_spec_set_param (spec, name, value);
  }
  return spec;
}

GVariant *
mill_graph_spec_to_variant (const MillGraphSpec *spec)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  if (spec) {
    GVariantBuilder params;
    GHashTableIter iter;
    gpointer name;
    gpointer value;
    g_variant_builder_init (&params, G_VARIANT_TYPE ("a{ss}"));
    g_hash_table_iter_init (&iter, spec->params);
    while (g_hash_table_iter_next (&iter, &name, &value))
      g_variant_builder_add (&params, "{ss}", name, value);
    g_variant_dict_insert (&dict, "description", "s", spec->description);
    g_variant_dict_insert (&dict, "file", "s", spec->file ? spec->file : "");
    g_variant_dict_insert (&dict, "epoch", "t", spec->epoch_ns);
    g_variant_dict_insert_value (&dict, "params",
        g_variant_builder_end (&params));
    if (!spec->one_process)
      g_variant_dict_insert (&dict, "process", "u", spec->process);
  }
  return g_variant_dict_end (&dict);
}
