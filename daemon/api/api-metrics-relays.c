/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "api-metrics-relays.h"

#include "api-metrics-streams.h"

#define MAX_TARGETS 2000
#define NANOSECOND 1e-9
/* Only what sends to a server counts what that has acknowledged. */
#define TARGET_FIELD "bytes-acked"

/** A node that sends a stream on. */
typedef struct
{
  const MillStream *stream;
  gchar *node;
  GVariant *stats; /* a{sv} */
} Target;

/** @read: FALSE: there is no such number. */
typedef struct
{
  const gchar *name;
  const gchar *type;
  const gchar *help;
  gboolean (*read) (GVariant *stats, gdouble *ret_number);
} Family;

/* ---- numbers ---- */

static gboolean
read_connected (GVariant *stats, gdouble *ret_number)
{
  const gchar *state = "";

  g_variant_lookup (stats, "state", "&s", &state);
  *ret_number = g_str_equal (state, "live");
  return TRUE;
}

static gboolean
read_bytes (GVariant *stats, gdouble *ret_number)
{
  return mill_api_metrics_streams_read_number (stats, "bytes", ret_number);
}

static gboolean
read_reconnects (GVariant *stats, gdouble *ret_number)
{
  if (!mill_api_metrics_streams_read_number (stats, "connections", ret_number))
    return FALSE;
  *ret_number = MAX (*ret_number - 1, 0);
  return TRUE;
}

static gboolean
read_attempts (GVariant *stats, gdouble *ret_number)
{
  return mill_api_metrics_streams_read_number (stats, "attempts", ret_number);
}

static gboolean
read_dropped (GVariant *stats, gdouble *ret_number)
{
  return mill_api_metrics_streams_read_number (stats, "dropped-frames",
      ret_number);
}

/* Without a connection there is none. */
static gboolean
read_rtt (GVariant *stats, gdouble *ret_number)
{
  if (!mill_api_metrics_streams_read_number (stats, "rtt", ret_number) ||
      *ret_number <= 0)
    return FALSE;
  *ret_number *= NANOSECOND;
  return TRUE;
}

static const Family families[] = {
  { "millrace_relay_connected", "gauge",
      "1 while the server takes the stream that is sent on to it.",
      read_connected },
  { "millrace_relay_sent_bytes_total", "counter", "Bytes sent on.",
      read_bytes },
  { "millrace_relay_reconnects_total", "counter",
      "How often it was connected again.", read_reconnects },
  { "millrace_relay_attempts_total", "counter", "How often it was tried.",
      read_attempts },
  { "millrace_relay_dropped_frames_total", "counter",
      "Frames left out because the server did not take them in time.",
      read_dropped },
  { "millrace_relay_rtt_seconds", "gauge",
      "Round trip of the connection to the server.", read_rtt },
};

/* ---- which there are ---- */

typedef struct
{
  GArray *list; /* (element-type Target) at most MAX_TARGETS */
  guint n_omitted;
} Targets;

static void
clear_target (gpointer data)
{
  Target *target = data;

  g_free (target->node);
  g_variant_unref (target->stats);
}

static void
add_targets (Targets *targets, const MillStream *stream,
    const MillStreamReport *report)
{
  GVariantIter iter;
  const gchar *node;
  GVariant *value;

  g_variant_iter_init (&iter, report->nodes);
  while (g_variant_iter_loop (&iter, "{&sv}", &node, &value)) {
    g_autoptr (GVariant) mark = NULL;
    if (!g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
      continue;
    mark = g_variant_lookup_value (value, TARGET_FIELD, NULL);
    if (!mark)
      continue;
    if (targets->list->len >= MAX_TARGETS) {
      targets->n_omitted++;
      continue;
    }
    Target target = { stream, g_strdup (node), g_variant_ref (value) };
    g_array_append_val (targets->list, target);
  }
}

/* Returns: its list is (transfer full) */
static Targets
list_targets (MillStreamRegistry *registry, const MillProcessReport *process)
{
  Targets targets = { g_array_new (FALSE, FALSE, sizeof (Target)), 0 };

  g_array_set_clear_func (targets.list, clear_target);
  for (guint i = 0; process && i < process->streams->len; i++) {
    const MillStreamReport *report = g_ptr_array_index (process->streams, i);
    MillStream *stream = mill_stream_registry_find (registry, report->name);
    if (stream)
      add_targets (&targets, stream, report);
  }
  return targets;
}

void
mill_api_metrics_relays_add (GString *text, MillStreamRegistry *registry,
    const MillProcessReport *report)
{
  const Targets targets = list_targets (registry, report);
  g_autoptr (GArray) list = targets.list;
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];
  gdouble number;

  for (guint i = 0; i < G_N_ELEMENTS (families); i++) {
    const Family *family = &families[i];
    mill_api_metrics_streams_add_head (text, family->name, family->type,
        family->help);
    for (guint t = 0; t < list->len; t++) {
      const Target *target = &g_array_index (list, Target, t);
      if (!family->read (target->stats, &number))
        continue;
      mill_api_metrics_streams_begin_sample (text, family->name,
          target->stream);
      g_string_append_printf (text, ",node=\"%s\"} %s\n", target->node,
          g_ascii_formatd (digits, sizeof digits, "%.6f", number));
    }
  }
  mill_api_metrics_streams_add_head (text, "millrace_relay_metrics_omitted",
      "gauge", "Servers without samples here, because there are too many.");
  g_string_append_printf (text, "millrace_relay_metrics_omitted %u\n",
      targets.n_omitted);
}
