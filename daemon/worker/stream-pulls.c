/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-pulls.h"

#define PULL_FACTORY "rtmpclientsrc"
#define STATE_MESSAGE "rtmp-client-state"

struct _MillStreamPulls
{
  GHashTable *live; /* (element-type utf8): names of nodes that give media */
  GHashTable *nodes; /* (element-type utf8) all of them */
};

static void
count_source (const GValue *value, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static guint
count_sources (GstBin *pipeline)
{
  GstIterator *sources = gst_bin_iterate_sources (pipeline);
  guint n_sources = 0;

  gst_iterator_foreach (sources, count_source, &n_sources);
  gst_iterator_free (sources);
  return n_sources;
}

MillStreamPulls *
mill_stream_pulls_new (MillGraph *graph)
{
  g_autoptr (GPtrArray) sources =
      mill_graph_get_nodes_by_factory (graph, PULL_FACTORY);

  if (sources->len == 0 ||
      count_sources (GST_BIN (mill_graph_get_pipeline (graph))) != sources->len)
    return NULL;
  MillStreamPulls *pulls = g_new0 (MillStreamPulls, 1);
  pulls->live = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  pulls->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < sources->len; i++)
    g_hash_table_add (pulls->nodes,
        gst_object_get_name (GST_OBJECT (sources->pdata[i])));
  return pulls;
}

void
mill_stream_pulls_free (MillStreamPulls *pulls)
{
  if (!pulls)
    return;
  g_hash_table_unref (pulls->live);
  g_hash_table_unref (pulls->nodes);
  g_free (pulls);
}

gboolean
mill_stream_pulls_take (MillStreamPulls *pulls, const gchar *node,
    const GstStructure *structure, gchar **ret_reason)
{
  const gchar *reason = gst_structure_get_string (structure, "reason");

  if (!gst_structure_has_name (structure, STATE_MESSAGE) || !node ||
      !g_hash_table_contains (pulls->nodes, node))
    return FALSE;
  if (g_strcmp0 (gst_structure_get_string (structure, "state"), "live") == 0)
    g_hash_table_add (pulls->live, g_strdup (node));
  else
    g_hash_table_remove (pulls->live, node);
  *ret_reason = reason && *reason ? g_strdup (reason) : NULL;
  return TRUE;
}

gboolean
mill_stream_pulls_are_live (const MillStreamPulls *pulls)
{
  return g_hash_table_size (pulls->live) > 0;
}
