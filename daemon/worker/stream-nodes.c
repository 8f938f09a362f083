/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-nodes.h"

#include "daemon/worker/stats-variant.h"

#define RTMP_FACTORY "rtmpserversrc"
#define PACKAGER_FACTORY "cmafsink"
#define LINK_FACTORY "millsrc"

static gchar *
dup_field (const GstStructure *structure, const gchar *name)
{
  const gchar *text = gst_structure_get_string (structure, name);

  return g_strdup (text ? text : "");
}

static guint
get_uint (const GstStructure *structure, const gchar *name)
{
  guint number = 0;

  gst_structure_get_uint (structure, name, &number);
  return number;
}

static void
add_rendition (MillStreamReport *report, const GstStructure *structure)
{
  MillRenditionReport *rendition = mill_stream_report_add_rendition (report);

  rendition->name = dup_field (structure, "name");
  rendition->kind = dup_field (structure, "kind");
  rendition->codec = dup_field (structure, "codec");
  rendition->state = dup_field (structure, "state");
  rendition->width = get_uint (structure, "width");
  rendition->height = get_uint (structure, "height");
  gst_structure_get_uint64 (structure, "bitrate-bps", &rendition->bitrate_bps);
}

static void
add_renditions (MillStreamReport *report, const GstStructure *stats)
{
  const GValue *list = gst_structure_get_value (stats, "renditions");

  if (!list || !GST_VALUE_HOLDS_ARRAY (list))
    return;
  for (guint i = 0; i < gst_value_array_get_size (list); i++) {
    const GValue *item = gst_value_array_get_value (list, i);
    if (GST_VALUE_HOLDS_STRUCTURE (item))
      add_rendition (report, gst_value_get_structure (item));
  }
}

/* How much speaks for telling of @node's publisher: it is what viewers see, or
 * there is one at all. */
static guint
rate_ingest (const MillStreamReport *report, const gchar *node,
    const GstStructure *stats)
{
  if (report->choice && g_str_equal (report->choice->shown, node))
    return 3;
  return g_strcmp0 (gst_structure_get_string (stats, "state"), "live") == 0 ? 2
                                                                            : 1;
}

/* Of several inputs the best; of equal ones the first.
 * @best: its rate, 0 before the first */
static void
choose_ingest (MillStreamReport *report, const gchar *node,
    const GstStructure *stats, guint *best)
{
  guint rate = rate_ingest (report, node, stats);

  if (rate <= *best)
    return;
  *best = rate;
  g_free (report->ingest);
  report->ingest = g_strdup (node);
}

/* Where encoders have one field only (OBS), the name that a publisher asked
 * for is its secret. Nobody who looks at a stream is to see it; what the stream
 * is called, the structure says as "stream". */
static void
remove_secrets (GstStructure *stats, const MillPlanNode *node)
{
  if (g_str_equal (node->factory, RTMP_FACTORY))
    gst_structure_remove_field (stats, "name");
}

void
mill_stream_nodes_read (MillGraph *graph, MillStreamReport *report)
{
  MillPlan *plan = mill_graph_get_plan (graph);
  GPtrArray *nodes =
      mill_plan_get_part_nodes (plan, mill_plan_get_process (plan));
  GVariantBuilder builder;
  guint best = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    GstElement *element = mill_graph_get_node (graph, node->name);
    g_autoptr (GstStructure) stats = element ? mill_stats_variant_read (element)
                                             : NULL;
    if (!stats)
      continue;
    remove_secrets (stats, node);
    g_variant_builder_add (&builder, "{sv}", node->name,
        mill_stats_variant_new (stats));
    if (g_str_equal (node->factory, PACKAGER_FACTORY))
      add_renditions (report, stats);
    /* Of every element that judges a publisher. */
    if (gst_structure_has_field (stats, "warnings"))
      choose_ingest (report, node->name, stats, &best);
  }
  g_variant_unref (report->nodes);
  report->nodes = g_variant_ref_sink (g_variant_builder_end (&builder));
}

gboolean
mill_stream_nodes_is_abandoned (MillGraph *graph)
{
  MillPlan *plan = mill_graph_get_plan (graph);
  GPtrArray *nodes =
      mill_plan_get_part_nodes (plan, mill_plan_get_process (plan));
  gboolean takes = FALSE;

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    gboolean connected = FALSE;
    if (!g_str_equal (node->factory, LINK_FACTORY))
      continue;
    g_autoptr (GstStructure) stats =
        mill_stats_variant_read (mill_graph_get_node (graph, node->name));
    takes = TRUE;
    if (stats && gst_structure_get_boolean (stats, "connected", &connected) &&
        connected)
      return FALSE;
  }
  return takes;
}
