/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Prometheus text format 0.0.4. Names end in their unit, counters in _total. */

#include "daemon/common/self-stats.h"
#include "api-metrics-origins.h"
#include "api-metrics-relays.h"
#include "api-metrics-streams.h"
#include "runner-publish.h"

static void
add_streams (GString *text, MillSupervisor *supervisor)
{
  guint counts[MILL_STATUS_STOPPED + 1] = { 0 };
  guint64 restarts = 0;
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (mill_supervisor_get_registry (supervisor));
  for (guint i = 0; i < streams->len; i++) {
    const MillStream *stream = g_ptr_array_index (streams, i);
    counts[stream->state]++;
    restarts += stream->row->restarts;
  }
  mill_api_metrics_streams_add_head (text, "millrace_streams", "gauge",
      "Streams by state.");
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    g_string_append_printf (text, "millrace_streams{state=\"%s\"} %u\n",
        mill_stream_status_to_string (i), counts[i]);
  mill_api_metrics_streams_add_head (text, "millrace_stream_restarts", "gauge",
      "Restarts of the streams that there are now.");
  g_string_append_printf (text,
      "millrace_stream_restarts %" G_GUINT64_FORMAT "\n", restarts);
}

static void
add_publishes (GString *text, MillRunner *runner)
{
  const gchar *const *reasons = mill_runner_publish_list_reasons ();
  mill_api_metrics_streams_add_head (text, "millrace_publish_requests_total",
      "counter", "Publishers that asked to publish, by result.");
  for (guint i = 0; i < MILL_PUBLISH_N_RESULTS; i++)
    g_string_append_printf (text,
        "millrace_publish_requests_total{result=\"%s\"} %" G_GUINT64_FORMAT
        "\n",
        mill_publish_result_to_string (i),
        mill_runner_publish_get_requests (runner, i));
  mill_api_metrics_streams_add_head (text, "millrace_publish_refused_total",
      "counter", "Publishers that were refused, by reason.");
  for (guint i = 0; reasons[i]; i++)
    g_string_append_printf (text,
        "millrace_publish_refused_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n",
        reasons[i], mill_runner_publish_get_refused (runner, reasons[i]));
  mill_api_metrics_streams_add_head (text, "millrace_publish_ended_total",
      "counter",
      "Streams that were ended because their publisher may not go on.");
  for (guint i = 0; i < MILL_ADMISSION_N_ENDS; i++)
    g_string_append_printf (text,
        "millrace_publish_ended_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n",
        mill_admissions_end_to_string (i),
        mill_runner_publish_get_ended (runner, i));
}

static const gchar *
get_kind (MillProcess *process)
{
  return mill_process_kind_to_string (mill_process_get_kind (process));
}

static void
add_processes (GString *text, MillFleet *fleet)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);
  MillSelfStats self;
  mill_self_stats_get (&self);

  mill_api_metrics_streams_add_head (text, "millrace_process_cpu_seconds_total",
      "counter", "CPU time, user and system.");
  g_string_append_printf (text,
      "millrace_process_cpu_seconds_total{id=\"millraced\","
      "kind=\"supervisor\"} %.6f\n",
      (gdouble) self.cpu_usec / G_USEC_PER_SEC);
  for (guint i = 0; i < processes->len; i++) {
    MillProcess *process = g_ptr_array_index (processes, i);
    const MillProcessStats *stats = mill_process_get_stats (process);
    if (stats)
      g_string_append_printf (text,
          "millrace_process_cpu_seconds_total{id=\"%s\",kind=\"%s\"} %.6f\n",
          mill_process_get_id (process), get_kind (process),
          (gdouble) stats->cpu_usec / G_USEC_PER_SEC);
  }

  mill_api_metrics_streams_add_head (text,
      "millrace_process_resident_memory_bytes", "gauge", "Resident memory.");
  g_string_append_printf (text,
      "millrace_process_resident_memory_bytes{id=\"millraced\","
      "kind=\"supervisor\"} %" G_GUINT64_FORMAT "\n",
      self.memory_bytes);
  for (guint i = 0; i < processes->len; i++) {
    MillProcess *process = g_ptr_array_index (processes, i);
    const MillProcessStats *stats = mill_process_get_stats (process);
    if (stats)
      g_string_append_printf (text,
          "millrace_process_resident_memory_bytes{id=\"%s\",kind=\"%s\"} "
          "%" G_GUINT64_FORMAT "\n",
          mill_process_get_id (process), get_kind (process),
          stats->memory_bytes);
  }
}

static void
add_threads (GString *text, MillProcess *process)
{
  const MillProcessStats *stats = mill_process_get_stats (process);
  for (guint i = 0; stats && i < stats->threads->len; i++) {
    const MillThreadReport *thread = g_ptr_array_index (stats->threads, i);
    g_string_append_printf (text,
        "millrace_thread_turn_seconds{id=\"%s\",kind=\"%s\","
        "thread=\"%s\"} %.6f\n",
        mill_process_get_id (process), get_kind (process), thread->name,
        (gdouble) thread->turn_usec / G_USEC_PER_SEC);
  }
}

static void
add_turns (GString *text, MillFleet *fleet)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);

  mill_api_metrics_streams_add_head (text, "millrace_thread_turn_seconds",
      "gauge",
      "Age of what a media thread is doing now; over 2 it stands still.");
  for (guint i = 0; i < processes->len; i++)
    add_threads (text, g_ptr_array_index (processes, i));
}

static void
add_counts (GString *text, MillFleet *fleet)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);
  guint counts[MILL_PROCESS_ORIGIN + 1] = { 0 };
  for (guint i = 0; i < processes->len; i++) {
    MillProcess *process = g_ptr_array_index (processes, i);
    if (mill_process_get_report (process))
      counts[mill_process_get_kind (process)]++;
  }
  mill_api_metrics_streams_add_head (text, "millrace_processes", "gauge",
      "Processes that are connected, by kind.");
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    g_string_append_printf (text, "millrace_processes{kind=\"%s\"} %u\n",
        mill_process_kind_to_string (i), counts[i]);
}

static void
add_daemon (GString *text, MillSupervisor *supervisor)
{
  MillFleet *fleet = mill_supervisor_get_fleet (supervisor);
  mill_api_metrics_streams_add_head (text, "millrace_process_restarts_total",
      "counter", "Starts of a worker or origin after the first.");
  g_string_append_printf (text, "millrace_process_restarts_total %u\n",
      mill_fleet_get_restarts (fleet));
  mill_api_metrics_streams_add_head (text, "millrace_start_time_seconds",
      "gauge", "Start of millraced, Unix time.");
  g_string_append_printf (text,
      "millrace_start_time_seconds %" G_GINT64_FORMAT "\n",
      mill_supervisor_get_node (supervisor)->since);
  mill_api_metrics_streams_add_head (text, "millrace_ready", "gauge",
      "1 when /readyz says so.");
  g_string_append_printf (text, "millrace_ready %d\n",
      mill_supervisor_check_ready (supervisor, NULL) ? 1 : 0);
  mill_api_metrics_streams_add_head (text, "millrace_build_info", "gauge",
      "Version; always 1.");
  g_string_append (text,
      "millrace_build_info{version=\"" MILL_VERSION "\"} 1\n");
}

static void
add_certificates (GString *text, MillFleet *fleet)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);

  mill_api_metrics_streams_add_head (text,
      "millrace_tls_certificate_expiry_timestamp_seconds", "gauge",
      "End of the RTMPS certificate that is shown, Unix time.");
  for (guint i = 0; i < processes->len; i++) {
    MillProcess *process = g_ptr_array_index (processes, i);
    const MillProcessStats *stats = mill_process_get_stats (process);
    if (stats && stats->tls_not_after > 0)
      g_string_append_printf (text,
          "millrace_tls_certificate_expiry_timestamp_seconds{id=\"%s\"} "
          "%" G_GINT64_FORMAT "\n",
          mill_process_get_id (process), stats->tls_not_after);
  }
  mill_api_metrics_streams_add_head (text, "millrace_tls_certificate_stale",
      "gauge", "1 when its files have changed but cannot be used.");
  for (guint i = 0; i < processes->len; i++) {
    MillProcess *process = g_ptr_array_index (processes, i);
    const MillProcessStats *stats = mill_process_get_stats (process);
    if (stats && stats->tls_not_after > 0)
      g_string_append_printf (text,
          "millrace_tls_certificate_stale{id=\"%s\"} %d\n",
          mill_process_get_id (process), stats->tls_is_stale);
  }
}

/* ---- listeners: labels are processes, kinds and bounds, never who came ---- */

typedef void (*ListenerFunc) (GString *text, const gchar *id,
    const MillListenerReport *listener);

static void
add_came (GString *text, const gchar *id, const MillListenerReport *listener)
{
  g_string_append_printf (text,
      "millrace_rtmp_connections_total{id=\"%s\",listener=\"%s\"} "
      "%" G_GUINT64_FORMAT "\n",
      id, listener->kind, listener->connections);
}

static void
add_pending (GString *text, const gchar *id, const MillListenerReport *listener)
{
  g_string_append_printf (text,
      "millrace_rtmp_pending_connections{id=\"%s\",listener=\"%s\"} %u\n", id,
      listener->kind, listener->pending);
}

static void
add_closed (GString *text, const gchar *id, const MillListenerReport *listener)
{
  GVariantIter iter;
  const gchar *reason;
  guint64 count;
  if (!listener->closed)
    return;
  g_variant_iter_init (&iter, listener->closed);
  while (g_variant_iter_next (&iter, "{&st}", &reason, &count))
    g_string_append_printf (text,
        "millrace_rtmp_closed_total{id=\"%s\",listener=\"%s\","
        "reason=\"%s\"} %" G_GUINT64_FORMAT "\n",
        id, listener->kind, reason, count);
}

static void
add_each_listener (GString *text, MillFleet *fleet, ListenerFunc add)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);
  for (guint i = 0; i < processes->len; i++) {
    MillProcess *process = g_ptr_array_index (processes, i);
    const MillProcessStats *stats = mill_process_get_stats (process);
    for (guint j = 0; stats && j < stats->listeners->len; j++)
      add (text, mill_process_get_id (process),
          g_ptr_array_index (stats->listeners, j));
  }
}

static void
add_listeners (GString *text, MillFleet *fleet)
{
  mill_api_metrics_streams_add_head (text, "millrace_rtmp_connections_total",
      "counter", "Connections that came to a listener.");
  add_each_listener (text, fleet, add_came);
  mill_api_metrics_streams_add_head (text, "millrace_rtmp_pending_connections",
      "gauge", "Connections that are open and do not publish.");
  add_each_listener (text, fleet, add_pending);
  mill_api_metrics_streams_add_head (text, "millrace_rtmp_closed_total",
      "counter", "Connections that a bound has closed, by bound.");
  add_each_listener (text, fleet, add_closed);
}

/* @report: (nullable): of the shared worker */
static void
reply_metrics (MillRequest *request, const MillProcessReport *report)
{
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  MillFleet *fleet = mill_supervisor_get_fleet (supervisor);
  g_autoptr (GString) text = g_string_new (NULL);
  add_streams (text, supervisor);
  mill_api_metrics_streams_add (text, mill_supervisor_get_registry (supervisor),
      report);
  mill_api_metrics_relays_add (text, mill_supervisor_get_registry (supervisor),
      report);
  add_publishes (text, mill_supervisor_get_runner (supervisor));
  add_counts (text, fleet);
  add_processes (text, fleet);
  add_turns (text, fleet);
  add_listeners (text, fleet);
  add_certificates (text, fleet);
  mill_api_metrics_origins_add (text, fleet);
  add_daemon (text, supervisor);
  mill_request_reply_text (request, "text/plain; version=0.0.4; charset=utf-8",
      text->str);
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillRequest) request = user_data;
  g_autoptr (MillProcessReport) report =
      mill_worker_proxy_describe_finish (MILL_WORKER_PROXY (source), result,
          NULL);
  reply_metrics (request, report);
}

/* A worker that does not answer takes only its streams' numbers along. */
static void
get_metrics (MillRequest *request)
{
  MillWorkerProxy *worker = mill_runner_get_worker (
      mill_supervisor_get_runner (mill_request_get_supervisor (request)));
  if (worker)
    mill_worker_proxy_describe_async (worker, on_described,
        mill_request_ref (request));
  else
    reply_metrics (request, NULL);
}

const MillRoute mill_api_metrics_routes[] = {
  { "GET", "/metrics", MILL_ACCESS_ADMIN, get_metrics },
  { 0 },
};
