/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-outputs.h"

#include "daemon/worker/stats-variant.h"

#define PACKAGER_FACTORY "cmafsink"

static void
output_free (gpointer data)
{
  MillStreamOutput *output = data;

  g_free (output->directory);
  g_free (output);
}

/* An asset is kept until somebody deletes it. */
static gboolean
is_asset (GstElement *packager)
{
  g_auto (GValue) mode = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (packager), "mode", &mode);
  if (!G_VALUE_HOLDS_ENUM (&mode))
    return FALSE;
  const GEnumValue *value =
      g_enum_get_value (g_type_class_peek (G_VALUE_TYPE (&mode)),
          g_value_get_enum (&mode));
  return value && g_str_equal (value->value_nick, "vod");
}

/* Returns: (transfer full) (nullable): NULL when it is sent to a server: what is
 * there is not ours to delete when the stream is over. */
static gchar *
get_directory (GstElement *packager)
{
  g_autofree gchar *location = NULL;
  g_autofree gchar *scheme = NULL;

  g_object_get (packager, "location", &location, NULL);
  if (!location)
    return NULL;
  scheme = g_uri_parse_scheme (location);
  if (!scheme)
    return g_steal_pointer (&location);
  return g_str_equal (scheme, "file")
      ? g_filename_from_uri (location, NULL, NULL)
      : NULL;
}

static void
add_output (GPtrArray *outputs, GstElement *packager)
{
  g_autoptr (GstStructure) stats = mill_stats_variant_read (packager);
  g_autofree gchar *directory = get_directory (packager);

  if (!directory)
    return;
  MillStreamOutput *output = g_new0 (MillStreamOutput, 1);

  output->directory = g_steal_pointer (&directory);
  if (stats && !is_asset (packager))
    gst_structure_get_uint64 (stats, "retention-ms", &output->retention_ms);
  g_ptr_array_add (outputs, output);
}

GPtrArray *
mill_stream_outputs_read (MillGraph *graph)
{
  g_autoptr (GPtrArray) nodes =
      mill_graph_get_nodes_by_factory (graph, PACKAGER_FACTORY);
  GPtrArray *outputs = g_ptr_array_new_with_free_func (output_free);

  for (guint i = 0; i < nodes->len; i++)
    add_output (outputs, nodes->pdata[i]);
  return outputs;
}
