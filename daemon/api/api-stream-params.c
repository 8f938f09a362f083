/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "api-stream-params.h"

static gboolean
is_secret (MillDescription *description, const gchar *name)
{
  if (!description)
    return TRUE;
  GPtrArray *params = mill_description_get_params (description);
  for (guint i = 0; i < params->len; i++) {
    const MillParam *param = g_ptr_array_index (params, i);
    if (g_str_equal (param->name, name))
      return param->secret;
  }
  return FALSE;
}

JsonObject *
mill_api_stream_params_to_json (MillCatalog *catalog, const MillStream *stream)
{
  g_autoptr (GHashTable) params = mill_stream_registry_get_params (stream);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description = NULL;
  JsonObject *object = json_object_new ();
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  if (g_hash_table_size (params) > 0 && stream->row->pipeline)
    description =
        mill_catalog_load (catalog, stream->row->pipeline, diagnostics);
  g_hash_table_iter_init (&iter, params);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    gboolean hidden = *(gchar *) value && is_secret (description, name);
    json_object_set_string_member (object, name,
        hidden ? MILL_SECRET_MASK : value);
  }
  return object;
}

gchar *
mill_api_stream_params_from_json (JsonObject *body, const MillStream *stream)
{
  if (!json_object_has_member (body, "params"))
    return g_strdup ("{}");

  g_autoptr (JsonNode) node =
      json_node_copy (json_object_get_member (body, "params"));
  JsonObject *params = json_node_get_object (node);
  g_autoptr (GHashTable) known =
      stream ? mill_stream_registry_get_params (stream) : NULL;
  g_autoptr (GList) names = json_object_get_members (params);
  for (GList *l = names; known && l; l = l->next) {
    const gchar *old = g_hash_table_lookup (known, l->data);
    const gchar *value = json_object_get_string_member (params, l->data);
    if (old && g_str_equal (value, MILL_SECRET_MASK))
      json_object_set_string_member (params, l->data, old);
  }
  return json_to_string (node, FALSE);
}
