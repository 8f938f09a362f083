/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <unistd.h>

#include "daemon/common/self-stats.h"
#include "resources.h"

static void
add_self (JsonObject *object, MillSupervisor *supervisor)
{
  MillSelfStats stats;
  mill_self_stats_get (&stats);
  json_object_set_int_member (object, "pid", getpid ());
  json_object_set_int_member (object, "streams",
      mill_stream_registry_count_running (
          mill_supervisor_get_registry (supervisor)));
  json_object_set_double_member (object, "cpu_seconds",
      (gdouble) stats.cpu_usec / G_USEC_PER_SEC);
  json_object_set_int_member (object, "memory_bytes",
      (gint64) stats.memory_bytes);
}

/* What only the node itself knows is null for the others. */
static JsonObject *
to_json (const MillNodeRow *row, MillSupervisor *supervisor)
{
  static const gchar *const own[] = { "pid", "streams", "cpu_seconds",
    "memory_bytes" };
  JsonObject *object = json_object_new ();
  gboolean self =
      g_str_equal (row->id, mill_supervisor_get_node (supervisor)->id);
  json_object_set_string_member (object, "id", row->id);
  json_object_set_string_member (object, "kind", "node");
  mill_api_json_set_text (object, "host", row->host);
  mill_api_json_set_time (object, "since", row->since * G_USEC_PER_SEC);
  mill_api_json_set_time (object, "seen_at", row->seen_at * G_USEC_PER_SEC);
  if (self)
    add_self (object, supervisor);
  else
    for (guint i = 0; i < G_N_ELEMENTS (own); i++)
      json_object_set_null_member (object, own[i]);
  return object;
}

static void
list_nodes (MillRequest *request)
{
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  MillPager pager = { .page = mill_request_get_page (request) };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows =
      mill_store_nodes_list (mill_supervisor_get_store (supervisor), NULL,
          &error);
  if (!rows) {
    mill_request_fail (request, error);
    return;
  }
  JsonArray *items = json_array_new ();
  for (guint i = 0; i < rows->len; i++) {
    const MillNodeRow *row = g_ptr_array_index (rows, i);
    if (mill_api_pager_take (&pager, row->id))
      json_array_add_object_element (items, to_json (row, supervisor));
  }
  mill_request_reply_list (request, items, mill_api_pager_next (&pager));
}

const MillRoute mill_api_nodes_routes[] = {
  { "GET", "/api/v1/nodes", MILL_ACCESS_ADMIN, list_nodes,
      .query = mill_api_page_query },
  { 0 },
};
