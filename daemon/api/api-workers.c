/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "resources.h"

static void
set_state (JsonObject *object, const MillProcessStats *stats)
{
  JsonArray *stalled = json_array_new ();
  for (guint i = 0; stats && i < stats->threads->len; i++) {
    const MillThreadReport *thread = g_ptr_array_index (stats->threads, i);
    if (mill_process_report_thread_is_stalled (thread))
      json_array_add_string_element (stalled, thread->name);
  }
  json_object_set_string_member (object, "state",
      json_array_get_length (stalled) > 0 ? "degraded" : "running");
  json_object_set_array_member (object, "stalled_threads", stalled);
}

/* A process as the fleet sees it; worker and origin look alike here. */
static JsonObject *
to_json (const MillProcessReport *report, const gchar *kind, guint streams,
    const MillProcessStats *stats, gdouble cpu)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", report->id);
  json_object_set_string_member (object, "kind", kind);
  json_object_set_int_member (object, "pid", report->pid);
  json_object_set_int_member (object, "streams", streams);
  mill_api_json_set_time (object, "since", report->since * G_USEC_PER_SEC);
  json_object_set_double_member (object, "cpu", cpu);
  json_object_set_double_member (object, "cpu_seconds",
      stats ? (gdouble) stats->cpu_usec / G_USEC_PER_SEC : 0);
  json_object_set_int_member (object, "memory_bytes",
      stats ? (gint64) stats->memory_bytes : 0);
  set_state (object, stats);
  return object;
}

static void
list_workers (MillRequest *request)
{
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  MillFleet *fleet = mill_supervisor_get_fleet (supervisor);
  MillPager pager = { .page = mill_request_get_page (request) };
  MillOriginProxy *origin = mill_fleet_get_origin (fleet);
  MillWorkerProxy *worker = mill_fleet_get_worker (fleet);
  JsonArray *items = json_array_new ();

  if (origin && mill_api_pager_take (&pager, "origin"))
    json_array_add_object_element (items,
        to_json (mill_origin_proxy_get_report (origin), "origin", 0,
            mill_origin_proxy_get_last_stats (origin),
            mill_fleet_get_origin_cpu (fleet)));
  if (worker && mill_api_pager_take (&pager, mill_worker_proxy_get_id (worker)))
    json_array_add_object_element (items,
        to_json (mill_worker_proxy_get_report (worker), "shared",
            mill_stream_registry_count_running (
                mill_supervisor_get_registry (supervisor)),
            mill_worker_proxy_get_last_stats (worker),
            mill_fleet_get_worker_cpu (fleet)));
  mill_request_reply_list (request, items, mill_api_pager_next (&pager));
}

const MillRoute mill_api_workers_routes[] = {
  { "GET", "/api/v1/workers", MILL_ACCESS_ADMIN, list_workers,
      .query = mill_api_page_query },
  { 0 },
};
