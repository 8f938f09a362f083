/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What can be looked at in one stream: statistics, graph, log. */

#include <string.h>

#include "resources.h"

#define MAX_SVG_BYTES (8 * 1024 * 1024)

/* Returns: (nullable): NULL was answered */
static MillStream *
find_stream (MillRequest *request)
{
  const gchar *name = mill_request_get_param (request, "name");
  MillStream *stream = mill_stream_registry_find (
      mill_supervisor_get_registry (mill_request_get_supervisor (request)),
      name);
  if (!stream)
    mill_request_fail_problem (request, MILL_PROBLEM_NOT_FOUND,
        "there is no stream '%s'", name);
  return stream;
}

/* Returns: (nullable): NULL was answered */
static MillWorkerProxy *
find_worker (MillRequest *request, const MillStream *stream)
{
  MillWorkerProxy *worker = mill_runner_get_worker (
      mill_supervisor_get_runner (mill_request_get_supervisor (request)));
  if (worker && stream->row->owner)
    return worker;
  mill_request_fail_problem (request, MILL_PROBLEM_CONFLICT,
      "stream '%s' does not run", stream->row->name);
  return NULL;
}

/* ---- stats ---- */

static void
on_report (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStreamReport) report =
      mill_worker_proxy_get_stream_finish (MILL_WORKER_PROXY (source), result,
          &error);
  if (!report) {
    mill_request_fail (request, error);
    return;
  }
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "name", report->name);
  json_object_set_int_member (object, "generation",
      (gint64) report->generation);
  json_object_set_int_member (object, "epoch_ns", (gint64) report->epoch_ns);
  json_object_set_member (object, "nodes",
      json_gvariant_serialize (report->nodes));
  mill_request_reply_object (request, SOUP_STATUS_OK, object);
}

static void
get_stats (MillRequest *request)
{
  MillStream *stream = find_stream (request);
  MillWorkerProxy *worker = stream ? find_worker (request, stream) : NULL;
  if (worker)
    mill_worker_proxy_get_stream_async (worker, stream->row->name, on_report,
        mill_request_ref (request));
}

/* ---- graph.svg: Graphviz draws it, when it is installed ---- */

static void
on_drawn (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *svg = NULL;
  GSubprocess *dot = G_SUBPROCESS (source);
  if (!g_subprocess_communicate_utf8_finish (dot, result, &svg, NULL, &error))
    mill_request_fail (request, error);
  else if (!g_subprocess_get_successful (dot) || !svg || !*svg ||
      strlen (svg) > MAX_SVG_BYTES)
    mill_request_fail_problem (request, MILL_PROBLEM_NOT_IMPLEMENTED,
        "Graphviz could not draw this graph");
  else
    mill_request_reply_text (request, "image/svg+xml", svg);
}

static void
draw (MillRequest *request, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) dot =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE |
              G_SUBPROCESS_FLAGS_STDOUT_PIPE |
              G_SUBPROCESS_FLAGS_STDERR_SILENCE,
          &error, "dot", "-Tsvg", NULL);
  if (!dot)
    mill_request_fail_problem (request, MILL_PROBLEM_NOT_IMPLEMENTED,
        "the program 'dot' cannot be run, expected Graphviz to be installed");
  else
    g_subprocess_communicate_utf8_async (dot, text, NULL, on_drawn,
        mill_request_ref (request));
}

static void
on_graph (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text =
      mill_worker_proxy_get_graph_finish (MILL_WORKER_PROXY (source), result,
          &error);
  if (text)
    draw (request, text);
  else
    mill_request_fail (request, error);
}

static void
get_graph (MillRequest *request)
{
  MillStream *stream = find_stream (request);
  MillWorkerProxy *worker = stream ? find_worker (request, stream) : NULL;
  if (worker)
    mill_worker_proxy_get_graph_async (worker, stream->row->name, on_graph,
        mill_request_ref (request));
}

/* ---- logs ---- */

static void
get_logs (MillRequest *request)
{
  MillStream *stream = find_stream (request);
  if (!stream)
    return;
  JsonArray *items = json_array_new ();
  for (GList *link = stream->log.head; link; link = link->next) {
    const MillStreamLogEntry *entry = link->data;
    JsonObject *object = json_object_new ();
    mill_api_json_set_time (object, "time", entry->time_us);
    json_object_set_string_member (object, "level", entry->level);
    mill_api_json_set_text (object, "message", entry->message);
    json_array_add_object_element (items, object);
  }
  mill_request_reply_list (request, items, NULL);
}

#define STREAM "/api/v1/streams/{name}"

const MillRoute mill_api_stream_views_routes[] = {
  { "GET", STREAM "/stats", MILL_ACCESS_ADMIN, get_stats },
  { "GET", STREAM "/graph.svg", MILL_ACCESS_ADMIN, get_graph },
  { "GET", STREAM "/logs", MILL_ACCESS_ADMIN, get_logs },
  { 0 },
};
