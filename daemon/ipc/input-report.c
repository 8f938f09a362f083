/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/input-report.h"

#include "daemon/ipc/ipc.h"

static void
input_free (gpointer data)
{
  MillInputReport *input = data;

  g_free (input->node);
  g_free (input->state);
  g_clear_pointer (&input->publisher, mill_publisher_free);
  g_free (input);
}

GPtrArray *
mill_input_report_new_list (void)
{
  return g_ptr_array_new_with_free_func (input_free);
}

MillInputReport *
mill_input_report_add (GPtrArray *list)
{
  MillInputReport *input = g_new0 (MillInputReport, 1);

  g_ptr_array_add (list, input);
  return input;
}

guint
mill_input_report_count (const GPtrArray *list, const gchar *state)
{
  guint count = 0;

  for (guint i = 0; i < list->len; i++)
    count += g_str_equal (((MillInputReport *) list->pdata[i])->state, state);
  return count;
}

GPtrArray *
mill_input_report_list_from_variant (GVariant *variant)
{
  GPtrArray *list = mill_input_report_new_list ();

  for (gsize i = 0; i < g_variant_n_children (variant); i++) {
    g_autoptr (GVariant) item = g_variant_get_child_value (variant, i);
    g_autoptr (GVariant) publisher =
        g_variant_lookup_value (item, "publisher", G_VARIANT_TYPE_VARDICT);
    MillInputReport *input = mill_input_report_add (list);
    input->node = mill_ipc_lookup_string (item, "node");
    input->state = mill_ipc_lookup_string (item, "state");
    g_variant_lookup (item, "active", "b", &input->active);
    if (publisher)
      input->publisher = mill_publisher_new_from_variant (publisher);
  }
  return list;
}

static GVariant *
input_to_variant (const MillInputReport *input)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "node", "s", input->node);
  g_variant_dict_insert (&dict, "state", "s", input->state);
  g_variant_dict_insert (&dict, "active", "b", input->active);
  if (input->publisher)
    g_variant_dict_insert_value (&dict, "publisher",
        mill_publisher_to_variant (input->publisher));
  return g_variant_dict_end (&dict);
}

GVariant *
mill_input_report_list_to_variant (const GPtrArray *list)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < list->len; i++)
    g_variant_builder_add_value (&builder, input_to_variant (list->pdata[i]));
  return g_variant_builder_end (&builder);
}
