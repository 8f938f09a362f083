/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stats-variant.h"

static GVariant *convert_value (const GValue *value);

static GVariant *
convert_text (const GValue *value)
{
  g_autofree gchar *text = G_VALUE_HOLDS_STRING (value)
      ? g_value_dup_string (value)
      : gst_value_serialize (value);

  /* D-Bus carries UTF-8 only; elements may repeat what came over a network. */
  return g_variant_new_take_string (g_utf8_make_valid (text ? text : "", -1));
}

static GVariant *
convert_sequence (const GValue *value)
{
  const gboolean array = GST_VALUE_HOLDS_ARRAY (value);
  const guint size = array ? gst_value_array_get_size (value)
                           : gst_value_list_get_size (value);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < size; i++)
    g_variant_builder_add (&builder, "v",
        convert_value (array ? gst_value_array_get_value (value, i)
                             : gst_value_list_get_value (value, i)));
  return g_variant_builder_end (&builder);
}

/* Recursive: structures hold values, values hold structures. */
static GVariant *
convert_value (const GValue *value)
{
  switch (G_VALUE_TYPE (value)) {
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (g_value_get_boolean (value));
    case G_TYPE_INT:
      return g_variant_new_int32 (g_value_get_int (value));
    case G_TYPE_UINT:
      return g_variant_new_uint32 (g_value_get_uint (value));
    case G_TYPE_INT64:
      return g_variant_new_int64 (g_value_get_int64 (value));
    case G_TYPE_UINT64:
      return g_variant_new_uint64 (g_value_get_uint64 (value));
    case G_TYPE_FLOAT:
      return g_variant_new_double (g_value_get_float (value));
    case G_TYPE_DOUBLE:
      return g_variant_new_double (g_value_get_double (value));
    default:
      break;
  }
  if (GST_VALUE_HOLDS_STRUCTURE (value) && gst_value_get_structure (value))
    return mill_stats_variant_new (gst_value_get_structure (value));
  if (GST_VALUE_HOLDS_ARRAY (value) || GST_VALUE_HOLDS_LIST (value))
    return convert_sequence (value);
  return convert_text (value);
}

static gboolean
add_field (GQuark field, const GValue *value, gpointer user_data)
{
  g_variant_builder_add (user_data, "{sv}", g_quark_to_string (field),
      convert_value (value));
  return TRUE;
}

GVariant *
mill_stats_variant_new (const GstStructure *stats)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  gst_structure_foreach (stats, add_field, &builder);
  return g_variant_builder_end (&builder);
}

GstStructure *
mill_stats_variant_read (GstElement *element)
{
  GParamSpec *spec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), "stats");
  GstStructure *stats = NULL;

  if (spec && spec->value_type == GST_TYPE_STRUCTURE &&
      (spec->flags & G_PARAM_READABLE))
    g_object_get (element, "stats", &stats, NULL);
  return stats;
}
