/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/stream-report.h"

#include "daemon/ipc/ipc.h"

static const gchar *const STATES[] = {
  [MILL_STREAM_STARTING] = "starting",
  [MILL_STREAM_LIVE] = "live",
  [MILL_STREAM_RECONNECTING] = "reconnecting",
  [MILL_STREAM_STOPPING] = "stopping",
  [MILL_STREAM_FAILED] = "failed",
  [MILL_STREAM_ENDED] = "ended",
  [MILL_STREAM_GONE] = "gone",
};

const gchar *
mill_stream_report_state_to_string (MillStreamState state)
{
  g_return_val_if_fail ((guint) state < G_N_ELEMENTS (STATES), "failed");
  return STATES[state];
}

gboolean
mill_stream_report_state_from_string (const gchar *text,
    MillStreamState *ret_state)
{
  for (guint i = 0; i < G_N_ELEMENTS (STATES); i++) {
    if (g_str_equal (text, STATES[i])) {
      *ret_state = (MillStreamState) i;
      return TRUE;
    }
  }
  return FALSE;
}

/* ---- renditions ---- */

static void
rendition_free (gpointer data)
{
  MillRenditionReport *rendition = data;

  g_free (rendition->name);
  g_free (rendition->kind);
  g_free (rendition->codec);
  g_free (rendition->state);
  g_free (rendition);
}

MillRenditionReport *
mill_stream_report_add_rendition (MillStreamReport *report)
{
  MillRenditionReport *rendition = g_new0 (MillRenditionReport, 1);

  g_ptr_array_add (report->renditions, rendition);
  return rendition;
}

static void
add_rendition_from_variant (MillStreamReport *report, GVariant *variant)
{
  MillRenditionReport *rendition = mill_stream_report_add_rendition (report);

  rendition->name = mill_ipc_lookup_string (variant, "name");
  rendition->kind = mill_ipc_lookup_string (variant, "kind");
  rendition->codec = mill_ipc_lookup_string (variant, "codec");
  rendition->state = mill_ipc_lookup_string (variant, "state");
  g_variant_lookup (variant, "width", "u", &rendition->width);
  g_variant_lookup (variant, "height", "u", &rendition->height);
  g_variant_lookup (variant, "bitrate_bps", "t", &rendition->bitrate_bps);
}

static const gchar *
or_empty (const gchar *text)
{
  return text ? text : "";
}

static GVariant *
rendition_to_variant (const MillRenditionReport *rendition)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", or_empty (rendition->name));
  g_variant_dict_insert (&dict, "kind", "s", or_empty (rendition->kind));
  g_variant_dict_insert (&dict, "codec", "s", or_empty (rendition->codec));
  g_variant_dict_insert (&dict, "state", "s", or_empty (rendition->state));
  g_variant_dict_insert (&dict, "width", "u", rendition->width);
  g_variant_dict_insert (&dict, "height", "u", rendition->height);
  g_variant_dict_insert (&dict, "bitrate_bps", "t", rendition->bitrate_bps);
  return g_variant_dict_end (&dict);
}

/* ---- the report ---- */

MillStreamReport *
mill_stream_report_new (const gchar *name, guint64 generation)
{
  MillStreamReport *report = g_new0 (MillStreamReport, 1);

  report->name = g_strdup (name);
  report->generation = generation;
  report->inputs = mill_input_report_new_list ();
  report->renditions = g_ptr_array_new_with_free_func (rendition_free);
  report->nodes = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  report->last_error = g_strdup ("");
  return report;
}

MillStreamReport *
mill_stream_report_copy (const MillStreamReport *report)
{
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (mill_stream_report_to_variant (report));

  return mill_stream_report_new_from_variant (variant);
}

void
mill_stream_report_free (MillStreamReport *report)
{
  g_free (report->name);
  g_clear_pointer (&report->publisher, mill_publisher_free);
  g_ptr_array_unref (report->inputs);
  mill_choice_report_free (report->choice);
  g_ptr_array_unref (report->renditions);
  g_variant_unref (report->nodes);
  g_free (report->ingest);
  g_free (report->last_error);
  g_free (report);
}

static void
read_renditions (MillStreamReport *report, GVariant *variant)
{
  g_autoptr (GVariant) list =
      g_variant_lookup_value (variant, "renditions", G_VARIANT_TYPE ("aa{sv}"));

  if (!list)
    return;
  for (gsize i = 0; i < g_variant_n_children (list); i++) {
    g_autoptr (GVariant) item = g_variant_get_child_value (list, i);
    add_rendition_from_variant (report, item);
  }
}

MillStreamReport *
mill_stream_report_new_from_variant (GVariant *variant)
{
  g_autofree gchar *name = mill_ipc_lookup_string (variant, "name");
  MillStreamReport *report = mill_stream_report_new (name, 0);
  const gchar *state = "starting";

  g_variant_lookup (variant, "generation", "t", &report->generation);
  g_variant_lookup (variant, "epoch", "t", &report->epoch_ns);
  g_variant_lookup (variant, "since", "x", &report->since);
  g_variant_lookup (variant, "state", "&s", &state);
  mill_stream_report_state_from_string (state, &report->state);
  g_free (report->last_error);
  report->last_error = mill_ipc_lookup_string (variant, "last_error");
  g_autoptr (GVariant) publisher =
      g_variant_lookup_value (variant, "publisher", G_VARIANT_TYPE_VARDICT);
  if (publisher)
    report->publisher = mill_publisher_new_from_variant (publisher);
  g_autoptr (GVariant) inputs =
      g_variant_lookup_value (variant, "inputs", G_VARIANT_TYPE ("aa{sv}"));
  if (inputs) {
    g_ptr_array_unref (report->inputs);
    report->inputs = mill_input_report_list_from_variant (inputs);
  }
  g_autoptr (GVariant) choice =
      g_variant_lookup_value (variant, "choice", G_VARIANT_TYPE_VARDICT);
  if (choice)
    report->choice = mill_choice_report_new_from_variant (choice);
  GVariant *nodes =
      g_variant_lookup_value (variant, "nodes", G_VARIANT_TYPE_VARDICT);
  if (nodes) {
    g_variant_unref (report->nodes);
    report->nodes = nodes;
  }
  g_variant_lookup (variant, "ingest", "s", &report->ingest);
  read_renditions (report, variant);
  return report;
}

GVariant *
mill_stream_report_get_ingest (const MillStreamReport *report)
{
  return report->ingest ? g_variant_lookup_value (report->nodes, report->ingest,
                              G_VARIANT_TYPE_VARDICT)
                        : NULL;
}

GVariant *
mill_stream_report_to_variant (const MillStreamReport *report)
{
  GVariantDict dict;
  GVariantBuilder renditions;

  g_variant_builder_init (&renditions, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < report->renditions->len; i++)
    g_variant_builder_add_value (&renditions,
        rendition_to_variant (report->renditions->pdata[i]));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", report->name);
  g_variant_dict_insert (&dict, "generation", "t", report->generation);
  g_variant_dict_insert (&dict, "epoch", "t", report->epoch_ns);
  g_variant_dict_insert (&dict, "since", "x", report->since);
  g_variant_dict_insert (&dict, "state", "s",
      mill_stream_report_state_to_string (report->state));
  g_variant_dict_insert (&dict, "last_error", "s", report->last_error);
  g_variant_dict_insert_value (&dict, "inputs",
      mill_input_report_list_to_variant (report->inputs));
  g_variant_dict_insert_value (&dict, "renditions",
      g_variant_builder_end (&renditions));
  g_variant_dict_insert_value (&dict, "nodes", report->nodes);
  if (report->ingest)
    g_variant_dict_insert (&dict, "ingest", "s", report->ingest);
  if (report->choice)
    g_variant_dict_insert_value (&dict, "choice",
        mill_choice_report_to_variant (report->choice));
  if (report->publisher)
    g_variant_dict_insert_value (&dict, "publisher",
        mill_publisher_to_variant (report->publisher));
  return g_variant_dict_end (&dict);
}
