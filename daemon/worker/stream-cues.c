/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-cues.h"

#include "daemon/ipc/ipc.h"

#define CUE_SIGNAL "cue"

/* A tag has a type of its own among values; the rest is what it is. */
static void
add_field (GstStructure *structure, const gchar *key, GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING)) {
    g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (value);
    gst_structure_set (structure, key, G_TYPE_BYTES, bytes, NULL);
  } else {
    g_auto (GValue) converted = G_VALUE_INIT;
    g_dbus_gvariant_to_gvalue (value, &converted);
    gst_structure_set_value (structure, key, &converted);
  }
}

static GstStructure *
to_structure (GVariant *cue)
{
  GstStructure *structure = gst_structure_new_empty (CUE_SIGNAL);
  GVariantIter iter;
  const gchar *key;
  GVariant *value;

  g_variant_iter_init (&iter, cue);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    add_field (structure, key, value);
  return structure;
}

static MillIpcError
to_code (const gchar *code)
{
  if (g_strcmp0 (code, "not-live") == 0)
    return MILL_IPC_ERROR_NOT_FOUND;
  if (g_strcmp0 (code, "invalid") == 0)
    return MILL_IPC_ERROR_INVALID;
  return MILL_IPC_ERROR_CONFLICT;
}

static gboolean
hand_to (GstElement *packager, const GstStructure *cue, GError **error)
{
  g_autoptr (GstStructure) answer = NULL;
  gboolean taken = FALSE;

  g_signal_emit_by_name (packager, CUE_SIGNAL, cue, &answer);
  if (answer && gst_structure_get_boolean (answer, "taken", &taken) && taken)
    return TRUE;
  const gchar *message = answer ? gst_structure_get_string (answer, "message")
                                : NULL;
  g_set_error_literal (error, MILL_IPC_ERROR,
      to_code (answer ? gst_structure_get_string (answer, "code") : NULL),
      message ? message : "cue: got no answer, expected one");
  return FALSE;
}

gboolean
mill_stream_cues_take (MillGraph *graph, GVariant *cue, GError **error)
{
  g_autoptr (GPtrArray) packagers =
      mill_graph_get_nodes_by_factory (graph, "cmafsink");
  g_autoptr (GstStructure) structure = to_structure (cue);
  gboolean taken = packagers->len > 0;

  if (packagers->len == 0)
    g_set_error_literal (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
        "cue: got a graph without a packager, expected a cmafsink in the "
        "stream's shared process");
  for (guint i = 0; taken && i < packagers->len; i++)
    taken = hand_to (packagers->pdata[i], structure, error);
  return taken;
}
