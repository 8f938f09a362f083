/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-metrics.h"

#include "daemon/common/self-stats.h"

static const gchar *const kind_names[MILL_ORIGIN_N_REQUESTS] = {
  [MILL_ORIGIN_REQUEST_OTHER] = "other",
  [MILL_ORIGIN_REQUEST_PLAYLIST] = "playlist",
  [MILL_ORIGIN_REQUEST_MPD] = "mpd",
  [MILL_ORIGIN_REQUEST_INIT] = "init",
  [MILL_ORIGIN_REQUEST_SEGMENT] = "segment",
  [MILL_ORIGIN_REQUEST_PART] = "part",
};

/* Upper bounds; a part is late for a player beyond its own duration, which is
 * 200 to 1000 ms. */
static const gint64 delay_bounds_us[MILL_ORIGIN_N_DELAYS] = { 1000, 2000, 5000,
  10000, 20000, 50000, 100000, 200000, 500000, 1000000 };

void
mill_origin_metrics_add_delay (MillOriginMetrics *metrics, gint64 delay_us)
{
  guint bucket = 0;

  delay_us = MAX (delay_us, 0); /* a clock was set back */
  while (bucket < MILL_ORIGIN_N_DELAYS && delay_us > delay_bounds_us[bucket])
    bucket++;
  metrics->delays[bucket]++;
  metrics->delay_sum_us += delay_us;
}

guint64
mill_origin_metrics_count_requests (const MillOriginMetrics *metrics)
{
  guint64 sum = 0;

  for (guint kind = 0; kind < MILL_ORIGIN_N_REQUESTS; kind++) {
    for (guint i = 0; i < MILL_ORIGIN_N_CLASSES; i++)
      sum += metrics->requests[kind][i];
  }
  return sum;
}

/* ---- text ---- */

static void
print_head (GString *out, const gchar *name, const gchar *type,
    const gchar *help)
{
  g_string_append_printf (out,
      "# HELP millrace_origin_%s %s\n# TYPE millrace_origin_%s %s\n", name,
      help, name, type);
}

static void
print_one (GString *out, const gchar *name, const gchar *type,
    const gchar *help, guint64 value)
{
  print_head (out, name, type, help);
  g_string_append_printf (out, "millrace_origin_%s %" G_GUINT64_FORMAT "\n",
      name, value);
}

/* All of 2xx to 5xx, so that a rate of none is 0 and not missing. */
static void
print_requests (GString *out, const MillOriginMetrics *metrics)
{
  print_head (out, "requests_total", "counter",
      "Answers sent, by what was asked for and status.");
  for (guint kind = 0; kind < MILL_ORIGIN_N_REQUESTS; kind++) {
    for (guint i = 1; i < MILL_ORIGIN_N_CLASSES; i++)
      g_string_append_printf (out,
          "millrace_origin_requests_total{kind=\"%s\",class=\"%uxx\"} "
          "%" G_GUINT64_FORMAT "\n",
          kind_names[kind], i + 1, metrics->requests[kind][i]);
  }
}

static void
print_seconds (GString *out, gint64 us)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (out,
      g_ascii_formatd (text, sizeof (text), "%.9g",
          us / (gdouble) G_USEC_PER_SEC));
}

static void
print_delays (GString *out, const MillOriginMetrics *metrics)
{
  guint64 count = 0;

  print_head (out, "part_delay_seconds", "histogram",
      "From the write of a part to the answer of those who waited for it.");
  for (guint i = 0; i < MILL_ORIGIN_N_DELAYS; i++) {
    count += metrics->delays[i];
    g_string_append (out, "millrace_origin_part_delay_seconds_bucket{le=\"");
    print_seconds (out, delay_bounds_us[i]);
    g_string_append_printf (out, "\"} %" G_GUINT64_FORMAT "\n", count);
  }
  count += metrics->delays[MILL_ORIGIN_N_DELAYS];
  g_string_append_printf (out,
      "millrace_origin_part_delay_seconds_bucket{le=\"+Inf\"} "
      "%" G_GUINT64_FORMAT "\nmillrace_origin_part_delay_seconds_sum ",
      count);
  print_seconds (out, metrics->delay_sum_us);
  g_string_append_printf (out,
      "\nmillrace_origin_part_delay_seconds_count %" G_GUINT64_FORMAT "\n",
      count);
}

static void
print_waiting (GString *out, const MillOriginMetrics *metrics)
{
  print_one (out, "requests_in_flight", "gauge", "Being answered.",
      metrics->in_flight);
  print_one (out, "requests_waiting", "gauge",
      "Of these, waiting for what is to come.", metrics->waiting);
  print_one (out, "requests_waited_total", "counter",
      "That had to wait for what was to come.", metrics->waited);
  print_one (out, "wake_ups_total", "counter",
      "Turns in which something new let waiting requests go.",
      metrics->wake_ups);
}

gchar *
mill_origin_metrics_print (const MillOriginMetrics *metrics,
    const MillOriginGauges *gauges)
{
  GString *out = g_string_new (NULL);
  MillSelfStats stats;

  mill_self_stats_get (&stats);
  print_requests (out, metrics);
  print_one (out, "sent_bytes_total", "counter", "Bytes of bodies sent.",
      metrics->bytes);
  print_one (out, "connections", "gauge", "Connections open.",
      gauges->connections);
  print_one (out, "connections_refused_total", "counter",
      "Closed at once, because there were too many.", metrics->refused);
  print_one (out, "slow_readers_ended_total", "counter",
      "Connections ended because the answer was not taken.",
      metrics->slow_ended);
  print_waiting (out, metrics);
  print_delays (out, metrics);
  print_one (out, "gzip_cache_bytes", "gauge", "Compressed texts kept.",
      gauges->gzip_bytes);
  print_one (out, "open_files", "gauge", "Files kept open.",
      gauges->open_files);
  print_one (out, "mapped_files", "gauge", "Media files mapped.",
      gauges->mapped_files);
  print_one (out, "mapped_bytes", "gauge", "Bytes of these.",
      gauges->mapped_bytes);
  print_one (out, "resident_memory_bytes", "gauge", "Of the process.",
      stats.memory_bytes);
  print_one (out, "cpu_microseconds_total", "counter", "Of the process.",
      stats.cpu_usec);
  return g_string_free (out, FALSE);
}
