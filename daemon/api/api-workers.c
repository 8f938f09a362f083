/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <string.h>

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

static guint
count_streams (MillSupervisor *supervisor, MillProcess *process)
{
  switch (mill_process_get_kind (process)) {
    case MILL_PROCESS_SHARED:
      return mill_stream_registry_count_running (
          mill_supervisor_get_registry (supervisor));
    case MILL_PROCESS_ISOLATED:
      return 1;
    case MILL_PROCESS_ORIGIN:
      break;
  }
  return 0;
}

/* An isolated worker is named STREAM.PROCESS; names of streams have no dot. */
static void
set_stream (JsonObject *object, MillProcess *process)
{
  const gchar *id = mill_process_get_id (process);
  if (mill_process_get_kind (process) != MILL_PROCESS_ISOLATED) {
    json_object_set_null_member (object, "stream");
    return;
  }
  g_autofree gchar *stream = g_strndup (id, strcspn (id, "."));
  json_object_set_string_member (object, "stream", stream);
}

static JsonObject *
to_json (MillSupervisor *supervisor, MillProcess *process)
{
  const MillProcessReport *report = mill_process_get_report (process);
  const MillProcessStats *stats = mill_process_get_stats (process);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", report->id);
  json_object_set_string_member (object, "kind",
      mill_process_kind_to_string (mill_process_get_kind (process)));
  json_object_set_int_member (object, "pid", report->pid);
  json_object_set_int_member (object, "streams",
      count_streams (supervisor, process));
  set_stream (object, process);
  mill_api_json_set_time (object, "since", report->since * G_USEC_PER_SEC);
  json_object_set_double_member (object, "cpu", mill_process_get_cpu (process));
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
  MillPager pager = { .page = mill_request_get_page (request) };
  g_autoptr (GPtrArray) processes =
      mill_fleet_list (mill_supervisor_get_fleet (supervisor));
  JsonArray *items = json_array_new ();

  for (guint i = 0; i < processes->len; i++) {
    MillProcess *process = g_ptr_array_index (processes, i);
    if (mill_process_get_report (process) &&
        mill_api_pager_take (&pager, mill_process_get_id (process)))
      json_array_add_object_element (items, to_json (supervisor, process));
  }
  mill_request_reply_list (request, items, mill_api_pager_next (&pager));
}

const MillRoute mill_api_workers_routes[] = {
  { "GET", "/api/v1/workers", MILL_ACCESS_ADMIN, list_workers,
      .query = mill_api_page_query },
  { 0 },
};
