/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkstats.h"

static void
add_rendition_stats (const MillCmafRenditionStats *rendition, GValue *array)
{
  static const gchar *const kinds[] = {
    [MILL_CMAF_VIDEO] = "video",
    [MILL_CMAF_AUDIO] = "audio",
    [MILL_CMAF_TEXT] = "text",
  };
  GValue value = G_VALUE_INIT;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value,
      gst_structure_new ("rendition", "name", G_TYPE_STRING, rendition->name,
          "kind", G_TYPE_STRING, kinds[rendition->kind], "codec", G_TYPE_STRING,
          rendition->codec, "width", G_TYPE_UINT, rendition->width, "height",
          G_TYPE_UINT, rendition->height, "bitrate-bps", G_TYPE_UINT64,
          rendition->bitrate_bps, "state", G_TYPE_STRING, rendition->state,
          "segments", G_TYPE_UINT64, rendition->segments, NULL));
  gst_value_array_append_and_take_value (array, &value);
}

static void
add_upload_stats (const MillStoreStats *stats, GstStructure *structure)
{
  g_autoptr (GstStructure) upload = gst_structure_new ("upload", "uploads",
      G_TYPE_UINT64, stats->uploads, "deletes", G_TYPE_UINT64, stats->deletes,
      "retries", G_TYPE_UINT64, stats->retries, "failures", G_TYPE_UINT64,
      stats->failures, "dropped", G_TYPE_UINT64, stats->dropped, "bytes",
      G_TYPE_UINT64, stats->bytes, "queued", G_TYPE_UINT, stats->queued_objects,
      "queued-bytes", G_TYPE_UINT64, stats->queued_bytes, "latency-ms",
      G_TYPE_UINT64, stats->latency_us / 1000, "max-latency-ms", G_TYPE_UINT64,
      stats->max_latency_us / 1000, "trouble", G_TYPE_STRING, stats->trouble,
      NULL);
  gst_structure_set (structure, "upload", GST_TYPE_STRUCTURE, upload, NULL);
}

GstStructure *
gst_cmaf_sink_stats_new (MillCmafPackager *packager)
{
  GstStructure *structure = gst_structure_new_empty ("stats");
  if (packager == NULL)
    return structure;
  MillCmafStats stats;
  mill_cmaf_packager_get_stats (packager, &stats);
  GValue array = G_VALUE_INIT;
  gst_value_array_init (&array, stats.renditions->len);
  for (guint i = 0; i < stats.renditions->len; i++)
    add_rendition_stats (g_ptr_array_index (stats.renditions, i), &array);
  gst_structure_set (structure, "generation", G_TYPE_UINT64, stats.generation,
      "segments", G_TYPE_UINT64, stats.segments, "bytes", G_TYPE_UINT64,
      stats.bytes, "gaps", G_TYPE_UINT64, stats.gaps, "target-duration",
      G_TYPE_UINT, stats.target_duration_s, "retention-ms", G_TYPE_UINT64,
      stats.retention / GST_MSECOND, "window-shrunk", G_TYPE_UINT64,
      stats.shrunk, NULL);
  gst_structure_take_value (structure, "renditions", &array);
  if (stats.is_remote)
    add_upload_stats (&stats.store, structure);
  mill_cmaf_packager_clear_stats (&stats);
  return structure;
}
