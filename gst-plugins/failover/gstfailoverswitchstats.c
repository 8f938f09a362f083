/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "gstfailoverswitch-private.h"

static const gchar *
get_slate_state_locked (const GstFailoverSwitch *self)
{
  if (self->slate)
    return "ready";
  /* Also while it is tried again. */
  if (self->slate_error)
    return "failed";
  return self->next_slate ? "preparing" : "none";
}

static void
add_input (GValue *array, const MillFailoverInput *input, gboolean active)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value,
      gst_structure_new ("input", "priority", G_TYPE_UINT, input->priority,
          "state", G_TYPE_STRING,
          mill_failover_health_state_to_string (input->health.state), "active",
          G_TYPE_BOOLEAN, active, "fps", G_TYPE_DOUBLE,
          input->health.millifps / 1000.0, "kept-bytes", G_TYPE_UINT64,
          (guint64) input->gop.bytes, "overflows", G_TYPE_UINT,
          input->gop.overflows, NULL));
  gst_value_array_append_and_take_value (array, &value);
}

static gint
compare_inputs (gconstpointer a, gconstpointer b)
{
  const MillFailoverInput *first = *(const MillFailoverInput *const *) a;
  const MillFailoverInput *second = *(const MillFailoverInput *const *) b;

  return (first->priority > second->priority) -
      (first->priority < second->priority);
}

GstStructure *
gst_failover_switch_stats_new (GstFailoverSwitch *self)
{
  GstStructure *stats = gst_structure_new_empty ("failoverswitch");
  GValue inputs = G_VALUE_INIT;

  g_value_init (&inputs, GST_TYPE_ARRAY);
  g_mutex_lock (&self->lock);
  g_autoptr (GPtrArray) sorted = g_ptr_array_copy (self->inputs, NULL, NULL);
  g_ptr_array_set_free_func (sorted, NULL);
  g_ptr_array_sort (sorted, compare_inputs);
  for (guint i = 0; i < sorted->len; i++) {
    const MillFailoverInput *input = sorted->pdata[i];
    add_input (&inputs, input, self->active == (gint) input->index);
  }
  gst_structure_set (stats, "active", G_TYPE_INT,
      gst_failover_switch_decide_get_priority_locked (self, self->active),
      "chosen", G_TYPE_INT,
      self->wanted < 0
          ? -1
          : gst_failover_switch_decide_get_priority_locked (self, self->wanted),
      "switches", G_TYPE_UINT, self->n_switches, "last-reason", G_TYPE_STRING,
      self->n_switches > 0
          ? mill_failover_policy_reason_to_string (self->last_reason)
          : "",
      "last-gap", G_TYPE_UINT64, (guint64) MAX (self->last_gap, 0), "lead",
      G_TYPE_UINT64, (guint64) self->lead, "slate", G_TYPE_STRING,
      get_slate_state_locked (self), "slate-frames", G_TYPE_UINT64,
      self->slate_frames, NULL);
  g_mutex_unlock (&self->lock);
  gst_structure_take_value (stats, "inputs", &inputs);
  return stats;
}
