/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-events.h"

#include "daemon/common/log.h"
#include "daemon/worker/stream-selector.h"

struct _MillStreamEvents
{
  gchar *stream;
  GHashTable *warnings; /* of each node the one that was told last */
  MillStreamEventsTell tell;
  gpointer user_data;
};

MillStreamEvents *
mill_stream_events_new (const gchar *stream, MillStreamEventsTell tell,
    gpointer user_data)
{
  MillStreamEvents *events = g_new0 (MillStreamEvents, 1);

  events->stream = g_strdup (stream);
  events->warnings =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  events->tell = tell;
  events->user_data = user_data;
  return events;
}

void
mill_stream_events_free (MillStreamEvents *events)
{
  if (!events)
    return;
  g_hash_table_unref (events->warnings);
  g_free (events->stream);
  g_free (events);
}

/* Followed by names of details and their texts, and NULL. */
static void G_GNUC_NULL_TERMINATED
tell (MillStreamEvents *events, const gchar *type, ...)
{
  GVariantDict details;
  const gchar *name;
  va_list arguments;

  g_variant_dict_init (&details, NULL);
  va_start (arguments, type);
  while ((name = va_arg (arguments, const gchar *))) {
    const gchar *text = va_arg (arguments, const gchar *);
    g_variant_dict_insert (&details, name, "s", text ? text : "");
  }
  va_end (arguments);
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (g_variant_dict_end (&details));
  events->tell (type, variant, events->user_data);
}

/* ---- warnings ---- */

void
mill_stream_events_warn (MillStreamEvents *events, const gchar *node,
    const gchar *text)
{
  MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, events->stream, "%s: %s", node, text);
  if (g_strcmp0 (g_hash_table_lookup (events->warnings, node), text) == 0)
    return;
  g_hash_table_replace (events->warnings, g_strdup (node), g_strdup (text));
  tell (events, "stream.warning", "node", node, "message", text, NULL);
}

void
mill_stream_events_settle (MillStreamEvents *events, const gchar *node)
{
  g_hash_table_remove (events->warnings, node);
}

/* ---- what elements say ---- */

/* A server takes it, or does not any more, or not yet: the stream goes on, so it
 * is a warning. */
void
mill_stream_events_take_target (MillStreamEvents *events, const gchar *node,
    const GstStructure *structure)
{
  const gchar *state = gst_structure_get_string (structure, "state");
  const gchar *target = gst_structure_get_string (structure, "target");
  const gchar *reason = gst_structure_get_string (structure, "reason");

  if (g_strcmp0 (state, "live") == 0) {
    MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, events->stream, "%s: sends to %s",
        node, target);
    mill_stream_events_settle (events, node);
  } else if (reason && *reason) {
    g_autofree gchar *text = g_strdup_printf ("%s: %s", target, reason);
    mill_stream_events_warn (events, node, text);
  }
}

/* Another input is seen: who publishes has changed for viewers. */
void
mill_stream_events_take_switch (MillStreamEvents *events, MillGraph *graph,
    const gchar *node, const GstStructure *structure)
{
  const gchar *reason = gst_structure_get_string (structure, "reason");
  gint from = 0;
  gint to = 0;

  gst_structure_get_int (structure, "from", &from);
  gst_structure_get_int (structure, "to", &to);
  g_autofree gchar *before = mill_stream_selector_describe (graph, node, from);
  g_autofree gchar *now = mill_stream_selector_describe (graph, node, to);
  MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, events->stream,
      "%s: shows %s after %s: %s", node, now, before, reason);
  tell (events, "input.switched", "node", node, "shows", now, "message", reason,
      NULL);
}

/* A warning on a publisher came or went. */
void
mill_stream_events_take_health (MillStreamEvents *events, const gchar *node,
    const GstStructure *structure)
{
  const gchar *id = gst_structure_get_string (structure, "id");
  const gchar *message = gst_structure_get_string (structure, "message");
  gboolean raised = FALSE;

  gst_structure_get_boolean (structure, "raised", &raised);
  MILL_LOG_STREAM (raised ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO,
      events->stream, "%s: %s%s%s", node, id, raised ? ": " : " is over",
      message);
  tell (events, raised ? "health.warning" : "health.cleared", "warning", id,
      "message", message, "node", node, NULL);
}

/* ---- what an operator does ---- */

/* It lasts: whoever watches the stream is told of it, also when it changes
 * nothing now. */
void
mill_stream_events_choose (MillStreamEvents *events, const gchar *node,
    const gchar *input)
{
  MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, events->stream,
      "%s: an operator has chosen %s", node, input);
  tell (events, "input.chosen", "node", node, "input", input, NULL);
}
