/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "stream-registry.h"

#include <json-glib/json-glib.h>

struct _MillStreamRegistry
{
  MillStore *store; /* not owned */
  gchar *node_id;
  GHashTable *streams; /* name -> MillStream */
  MillStreamWatch watch;
};

static void
insert (MillStreamRegistry *registry, MillStream *stream)
{
  stream->watch = &registry->watch;
  g_hash_table_replace (registry->streams, stream->row->name, stream);
}

void
mill_stream_registry_set_watch (MillStreamRegistry *registry,
    const MillStreamWatch *watch)
{
  registry->watch = *watch;
}

MillStreamRegistry *
mill_stream_registry_new (MillStore *store, const gchar *node_id,
    GError **error)
{
  g_autoptr (GPtrArray) rows = mill_store_streams_list (store, error);
  MillStreamClock clock = mill_stream_clock ();
  if (!rows)
    return NULL;

  MillStreamRegistry *registry = g_new0 (MillStreamRegistry, 1);
  registry->store = store;
  registry->node_id = g_strdup (node_id);
  registry->streams = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      (GDestroyNotify) mill_stream_free);
  while (rows->len > 0)
    insert (registry,
        mill_stream_new (g_ptr_array_steal_index (rows, rows->len - 1),
            &clock));
  return registry;
}

void
mill_stream_registry_free (MillStreamRegistry *registry)
{
  if (!registry)
    return;
  g_hash_table_unref (registry->streams);
  g_free (registry->node_id);
  g_free (registry);
}

MillStream *
mill_stream_registry_find (MillStreamRegistry *registry, const gchar *name)
{
  return g_hash_table_lookup (registry->streams, name);
}

MillStream *
mill_stream_registry_add (MillStreamRegistry *registry, const gchar *name,
    const gchar *app, const gchar *pipeline)
{
  MillStreamClock clock = mill_stream_clock ();
  MillStreamRow *row = g_new0 (MillStreamRow, 1);
  row->name = g_strdup (name);
  row->app = g_strdup (app);
  row->pipeline = g_strdup (pipeline);
  row->params = g_strdup ("{}");
  row->boot_id = g_strdup ("");
  row->node_id = g_strdup (registry->node_id);
  row->created_at = clock.wall_us / G_USEC_PER_SEC;
  MillStream *stream = mill_stream_new (row, &clock);
  insert (registry, stream);
  return stream;
}

gboolean
mill_stream_registry_save (MillStreamRegistry *registry, MillStream *stream,
    GError **error)
{
  stream->row->updated_at = g_get_real_time () / G_USEC_PER_SEC;
  return mill_store_streams_put (registry->store, stream->row, error);
}

gboolean
mill_stream_registry_remove (MillStreamRegistry *registry, MillStream *stream,
    GError **error)
{
  g_autoptr (GError) local_error = NULL;
  /* A stream that was never saved is removed all the same. */
  if (!mill_store_streams_delete (registry->store, stream->row->name,
          &local_error) &&
      !g_error_matches (local_error, MILL_STORE_ERROR,
          MILL_STORE_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local_error));
    return FALSE;
  }
  g_hash_table_remove (registry->streams, stream->row->name);
  return TRUE;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  const MillStream *stream_a = *(MillStream *const *) a;
  const MillStream *stream_b = *(MillStream *const *) b;
  return g_strcmp0 (stream_a->row->name, stream_b->row->name);
}

GPtrArray *
mill_stream_registry_list (MillStreamRegistry *registry)
{
  GPtrArray *streams = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer stream;
  g_hash_table_iter_init (&iter, registry->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    g_ptr_array_add (streams, stream);
  g_ptr_array_sort (streams, compare_names);
  return streams;
}

guint
mill_stream_registry_count_running (MillStreamRegistry *registry)
{
  GHashTableIter iter;
  gpointer stream;
  guint count = 0;
  g_hash_table_iter_init (&iter, registry->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    count += mill_stream_is_running (stream) ? 1 : 0;
  return count;
}

guint
mill_stream_registry_count_parts (MillStreamRegistry *registry)
{
  GHashTableIter iter;
  gpointer stream;
  guint count = 0;
  g_hash_table_iter_init (&iter, registry->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    count += ((const MillStream *) stream)->parts->len;
  return count;
}

GHashTable *
mill_stream_registry_get_params (const MillStream *stream)
{
  GHashTable *params =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (JsonNode) root = json_from_string (stream->row->params, NULL);
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  if (!root || !JSON_NODE_HOLDS_OBJECT (root))
    return params;
  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, &name, &value))
    if (JSON_NODE_HOLDS_VALUE (value) &&
        json_node_get_value_type (value) == G_TYPE_STRING)
      g_hash_table_replace (params, g_strdup (name),
          json_node_dup_string (value));
  return params;
}

void
mill_stream_registry_set_params (MillStream *stream, GHashTable *params)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, params);
  while (g_hash_table_iter_next (&iter, &name, &value))
    json_object_set_string_member (object, name, value);
  json_node_take_object (root, object);
  g_free (stream->row->params);
  stream->row->params = json_to_string (root, FALSE);
}
