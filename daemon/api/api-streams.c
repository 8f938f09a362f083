/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "api-stream-params.h"
#include "resources.h"
#include "runner-requests.h"

/* ---- a stream as JSON ---- */

static void
add_publisher (JsonObject *object, const MillPublisher *publisher)
{
  if (!publisher) {
    json_object_set_null_member (object, "publisher");
    return;
  }
  /* Neither name nor query: either may be a stream key. */
  JsonObject *member = json_object_new ();
  mill_api_json_set_text (member, "address", publisher->address);
  mill_api_json_set_text (member, "app", publisher->app);
  mill_api_json_set_time (member, "since", publisher->since * G_USEC_PER_SEC);
  json_object_set_int_member (member, "bytes", (gint64) publisher->bytes);
  json_object_set_object_member (object, "publisher", member);
}

/* The places of the stream for publishers. */
static JsonArray *
inputs_to_json (const MillStreamReport *report)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; report && i < report->inputs->len; i++) {
    const MillInputReport *input = g_ptr_array_index (report->inputs, i);
    JsonObject *object = json_object_new ();
    mill_api_json_set_text (object, "node", input->node);
    mill_api_json_set_text (object, "state", input->state);
    json_object_set_boolean_member (object, "active", input->active);
    add_publisher (object, input->publisher);
    json_array_add_object_element (array, object);
  }
  return array;
}

/* Of a stream that nothing chooses for there is nothing to be said. */
static void
add_choice (JsonObject *object, const MillChoiceReport *choice)
{
  if (!choice) {
    json_object_set_null_member (object, "input");
    return;
  }
  JsonObject *member = json_object_new ();
  JsonArray *inputs = json_array_new ();
  for (guint i = 0; choice->inputs[i]; i++)
    json_array_add_string_element (inputs, choice->inputs[i]);
  json_object_set_string_member (member, "shown", choice->shown);
  json_object_set_string_member (member, "chosen", choice->chosen);
  json_object_set_array_member (member, "choices", inputs);
  json_object_set_object_member (object, "input", member);
}

/* What its publisher sends, as of the last second. */
static void
add_ingest (JsonObject *object, const MillStreamReport *report)
{
  g_autoptr (GVariant) ingest = report ? mill_stream_report_get_ingest (report)
                                       : NULL;
  guint bitrate = 0;
  gdouble fps = 0;
  guint64 interval_ns = 0;

  if (!ingest || !g_variant_lookup (ingest, "bitrate", "u", &bitrate)) {
    json_object_set_null_member (object, "ingest");
    return;
  }
  g_variant_lookup (ingest, "fps", "d", &fps);
  g_variant_lookup (ingest, "keyframe-interval", "t", &interval_ns);
  JsonObject *member = json_object_new ();
  json_object_set_string_member (member, "node", report->ingest);
  json_object_set_int_member (member, "bitrate_bps", bitrate);
  json_object_set_double_member (member, "fps", fps);
  json_object_set_double_member (member, "keyframe_interval_seconds",
      (gdouble) interval_ns * 1e-9);
  json_object_set_object_member (object, "ingest", member);
}

static JsonArray *
renditions_to_json (const MillStreamReport *report)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; report && i < report->renditions->len; i++) {
    const MillRenditionReport *rendition =
        g_ptr_array_index (report->renditions, i);
    JsonObject *object = json_object_new ();
    mill_api_json_set_text (object, "name", rendition->name);
    mill_api_json_set_text (object, "kind", rendition->kind);
    mill_api_json_set_text (object, "codec", rendition->codec);
    json_object_set_int_member (object, "width", rendition->width);
    json_object_set_int_member (object, "height", rendition->height);
    json_object_set_int_member (object, "bitrate_bps",
        (gint64) rendition->bitrate_bps);
    mill_api_json_set_text (object, "state", rendition->state);
    json_array_add_object_element (array, object);
  }
  return array;
}

/* What its publisher should do better. */
static JsonArray *
warnings_to_json (const MillStreamReport *report)
{
  JsonArray *array = json_array_new ();
  g_autoptr (GVariant) ingest = report ? mill_stream_report_get_ingest (report)
                                       : NULL;
  g_autoptr (GVariant) list = ingest
      ? g_variant_lookup_value (ingest, "warnings", G_VARIANT_TYPE ("av"))
      : NULL;
  for (gsize i = 0; list && i < g_variant_n_children (list); i++) {
    g_autoptr (GVariant) boxed = g_variant_get_child_value (list, i);
    g_autoptr (GVariant) item = g_variant_get_variant (boxed);
    JsonObject *object = json_object_new ();
    const gchar *id = NULL;
    const gchar *message = NULL;
    gint64 since = 0;
    g_variant_lookup (item, "id", "&s", &id);
    g_variant_lookup (item, "message", "&s", &message);
    g_variant_lookup (item, "since", "x", &since);
    mill_api_json_set_text (object, "id", id);
    mill_api_json_set_text (object, "message", message);
    mill_api_json_set_time (object, "since", since * G_USEC_PER_SEC);
    json_array_add_object_element (array, object);
  }
  return array;
}

/* The parts of the run that have a process of their own. */
static JsonArray *
processes_to_json (const MillStream *stream)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < stream->parts->len; i++) {
    const MillPart *part = g_ptr_array_index (stream->parts, i);
    JsonObject *object = json_object_new ();
    json_object_set_string_member (object, "worker", part->id);
    json_object_set_string_member (object, "state",
        mill_part_status_to_string (part->state));
    mill_api_json_set_time (object, "since", part->since);
    json_object_set_int_member (object, "restarts",
        mill_part_get_restarts (part));
    mill_api_json_set_text (object, "last_error", part->last_error);
    json_array_add_object_element (array, object);
  }
  return array;
}

JsonObject *
mill_api_streams_to_json (MillCatalog *catalog, const MillStream *stream,
    const MillStreamReport *report)
{
  const MillStreamRow *row = stream->row;
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "name", row->name);
  mill_api_json_set_text (object, "app", row->app);
  mill_api_json_set_text (object, "pipeline", row->pipeline);
  json_object_set_object_member (object, "params",
      mill_api_stream_params_to_json (catalog, stream));
  mill_api_json_set_text (object, "node", row->node_id);
  json_object_set_string_member (object, "desired",
      row->desired == MILL_DESIRED_RUNNING ? "running" : "stopped");
  json_object_set_string_member (object, "state",
      mill_stream_status_to_string (stream->state));
  mill_api_json_set_time (object, "since", stream->since);
  json_object_set_int_member (object, "generation", (gint64) row->generation);
  add_publisher (object,
      report && report->publisher ? report->publisher : stream->publisher);
  json_object_set_array_member (object, "inputs", inputs_to_json (report));
  add_choice (object, report ? report->choice : NULL);
  add_ingest (object, report);
  json_object_set_array_member (object, "renditions",
      renditions_to_json (report));
  json_object_set_array_member (object, "processes",
      processes_to_json (stream));
  json_object_set_array_member (object, "warnings", warnings_to_json (report));
  json_object_set_int_member (object, "restarts", row->restarts);
  mill_api_json_set_text (object, "last_error", row->last_error);
  return object;
}

/* ---- one stream ---- */

static MillStreamRegistry *
get_registry (MillRequest *request)
{
  return mill_supervisor_get_registry (mill_request_get_supervisor (request));
}

static MillRunner *
get_runner (MillRequest *request)
{
  return mill_supervisor_get_runner (mill_request_get_supervisor (request));
}

static MillCatalog *
get_catalog (MillRequest *request)
{
  return mill_supervisor_get_catalog (mill_request_get_supervisor (request));
}

/* Returns: (nullable): NULL was answered */
static MillStream *
find_stream (MillRequest *request)
{
  const gchar *name = mill_request_get_param (request, "name");
  MillStream *stream = mill_stream_registry_find (get_registry (request), name);
  if (!stream)
    mill_request_fail_problem (request, MILL_PROBLEM_NOT_FOUND,
        "there is no stream '%s'", name);
  return stream;
}

typedef struct
{
  MillRequest *request;
  guint status;
} Answer;

static void
on_report (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Answer *answer = user_data;
  g_autoptr (MillRequest) request = answer->request;
  g_autoptr (MillStreamReport) report =
      mill_worker_proxy_get_stream_finish (MILL_WORKER_PROXY (source), result,
          NULL);
  MillStream *stream = find_stream (request);
  if (stream)
    mill_request_reply_object (request, answer->status,
        mill_api_streams_to_json (get_catalog (request), stream, report));
}

/* A stream whose worker does not answer is shown all the same. */
static void
reply_stream (MillRequest *request, MillStream *stream, guint status)
{
  MillWorkerProxy *worker = mill_runner_get_worker (get_runner (request));
  if (!worker || !stream->row->owner) {
    mill_request_reply_object (request, status,
        mill_api_streams_to_json (get_catalog (request), stream, NULL));
    return;
  }
  Answer *answer = g_new0 (Answer, 1);
  answer->request = mill_request_ref (request);
  answer->status = status;
  mill_worker_proxy_get_stream_async (worker, stream->row->name, on_report,
      answer);
}

static void
get_stream (MillRequest *request)
{
  MillStream *stream = find_stream (request);
  if (stream)
    reply_stream (request, stream, SOUP_STATUS_OK);
}

/* ---- the list: what the workers say is asked for at once ---- */

static const MillStreamReport *
find_report (const MillProcessReport *process, const gchar *name)
{
  for (guint i = 0; process && i < process->streams->len; i++) {
    const MillStreamReport *report = g_ptr_array_index (process->streams, i);
    if (g_str_equal (report->name, name))
      return report;
  }
  return NULL;
}

static void
reply_list (MillRequest *request, const MillProcessReport *report)
{
  MillPager pager = { .page = mill_request_get_page (request) };
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (get_registry (request));
  JsonArray *items = json_array_new ();
  for (guint i = 0; i < streams->len; i++) {
    const MillStream *stream = g_ptr_array_index (streams, i);
    if (mill_api_pager_take (&pager, stream->row->name))
      json_array_add_object_element (items,
          mill_api_streams_to_json (get_catalog (request), stream,
              find_report (report, stream->row->name)));
  }
  mill_request_reply_list (request, items, mill_api_pager_next (&pager));
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillRequest) request = user_data;
  g_autoptr (MillProcessReport) report =
      mill_worker_proxy_describe_finish (MILL_WORKER_PROXY (source), result,
          NULL);
  reply_list (request, report);
}

static void
list_streams (MillRequest *request)
{
  MillWorkerProxy *worker = mill_runner_get_worker (get_runner (request));
  if (worker)
    mill_worker_proxy_describe_async (worker, on_described,
        mill_request_ref (request));
  else
    reply_list (request, NULL);
}

/* ---- changes ---- */

/* Whether what is wanted of it now is another thing than what runs. */
static gboolean
update_row (MillStream *stream, JsonObject *body, const gchar *params,
    const gchar *owner_key_id)
{
  MillStreamRow *row = stream->row;
  const gchar *pipeline = json_object_get_string_member (body, "pipeline");
  gboolean differs = !row->declared || !g_str_equal (row->pipeline, pipeline) ||
      !g_str_equal (row->params, params);
  g_free (row->app);
  row->app =
      g_strdup (json_object_get_string_member_with_default (body, "app", NULL));
  g_free (row->pipeline);
  row->pipeline = g_strdup (pipeline);
  g_free (row->params);
  row->params = g_strdup (params);
  row->declared = TRUE;
  g_free (row->owner_key_id);
  row->owner_key_id = g_strdup (owner_key_id);
  return differs;
}

static gboolean
apply_desired (MillRequest *request, MillStream *stream, gboolean differs,
    GError **error)
{
  JsonObject *body = mill_request_get_body (request);
  const gchar *desired =
      json_object_get_string_member_with_default (body, "desired", "running");
  if (g_str_equal (desired, "stopped"))
    return mill_runner_requests_stop (get_runner (request), stream, error);
  if (differs && mill_stream_is_running (stream))
    return mill_runner_requests_restart (get_runner (request), stream, error);
  return mill_runner_requests_start (get_runner (request), stream, error);
}

static void
fail_no_pipeline (MillRequest *request, const gchar *name)
{
  g_autoptr (GPtrArray) entries =
      mill_catalog_list (get_catalog (request), NULL);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; entries && i < entries->len; i++)
    g_strv_builder_add (builder,
        ((MillCatalogEntry *) g_ptr_array_index (entries, i))->name);
  g_auto (GStrv) known = g_strv_builder_end (builder);
  const gchar *nearest =
      mill_diagnostics_nearest (name, (const gchar *const *) known);
  mill_request_fail_member (request, MILL_PROBLEM_CONFLICT, "/pipeline",
      "there is no pipeline '%s', expected one of /api/v1/pipelines%s%s%s",
      name, nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
}

/* The description is planned before anything is kept, so that a refused PUT
 * changes nothing. */
static gboolean
check_plan (MillRequest *request, const gchar *params)
{
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  MillStreamRow row = { .params = (gchar *) params };
  MillStream stream = { .row = &row };
  g_autoptr (GHashTable) table = mill_stream_registry_get_params (&stream);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillRunRequest run = {
    .pipeline = json_object_get_string_member (mill_request_get_body (request),
        "pipeline"),
    .stream = mill_request_get_param (request, "name"),
    .media_dir = mill_supervisor_get_config (supervisor)->media_dir,
    .runtime_dir = mill_supervisor_get_config (supervisor)->runtime_dir,
    .params = table
  };
  g_autoptr (MillCatalogEntry) entry =
      mill_catalog_find (mill_supervisor_get_catalog (supervisor), run.pipeline,
          NULL);
  if (!entry) {
    fail_no_pipeline (request, run.pipeline);
    return FALSE;
  }
  g_autoptr (MillRunSpec) spec =
      mill_run_spec_new (mill_supervisor_get_catalog (supervisor), &run,
          diagnostics);
  if (!spec)
    mill_request_fail_diagnostics (request, run.pipeline, diagnostics);
  return spec != NULL;
}

static void
put_stream (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  const gchar *name = mill_request_get_param (request, "name");
  JsonObject *body = mill_request_get_body (request);
  MillStream *stream = mill_stream_registry_find (get_registry (request), name);
  g_autofree gchar *params = mill_api_stream_params_from_json (body, stream);

  if (!mill_publish_auth_is_name (name)) {
    mill_request_fail_problem (request, MILL_PROBLEM_INVALID,
        "name in the path: expected 1 to 64 of A-Z a-z 0-9 _ -");
    return;
  }
  if (!check_plan (request, params))
    return;
  gboolean created = stream == NULL;
  if (created)
    stream = mill_stream_registry_add (get_registry (request), name, NULL,
        json_object_get_string_member (body, "pipeline"));
  const gchar *owner = mill_admin_key_get_id (
      mill_supervisor_get_admin_key (mill_request_get_supervisor (request)));
  gboolean differs = update_row (stream, body, params, owner) && !created;
  if (apply_desired (request, stream, differs, &error))
    reply_stream (request, stream,
        created ? SOUP_STATUS_CREATED : SOUP_STATUS_OK);
  else
    mill_request_fail (request, error);
}

static void
delete_stream (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  MillStream *stream = find_stream (request);
  if (!stream)
    return;
  if (mill_runner_requests_delete (get_runner (request), stream, &error))
    mill_request_reply_empty (request);
  else
    mill_request_fail (request, error);
}

static void
change_stream (MillRequest *request,
    gboolean (*change) (MillRunner *, MillStream *, GError **))
{
  g_autoptr (GError) error = NULL;
  MillStream *stream = find_stream (request);
  if (!stream)
    return;
  if (change (get_runner (request), stream, &error))
    reply_stream (request, stream, SOUP_STATUS_OK);
  else
    mill_request_fail (request, error);
}

static void
start_stream (MillRequest *request)
{
  change_stream (request, mill_runner_requests_start);
}

static void
stop_stream (MillRequest *request)
{
  change_stream (request, mill_runner_requests_stop);
}

static void
restart_stream (MillRequest *request)
{
  change_stream (request, mill_runner_requests_restart);
}

/* ---- which input is shown ---- */

static void
on_switched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  MillStream *stream = find_stream (request);

  if (!mill_worker_proxy_switch_input_finish (MILL_WORKER_PROXY (source),
          result, &error) &&
      stream)
    mill_request_fail (request, error);
  else if (stream)
    reply_stream (request, stream, SOUP_STATUS_OK);
}

static void
post_input (MillRequest *request)
{
  MillStream *stream = find_stream (request);
  MillWorkerProxy *worker = mill_runner_get_worker (get_runner (request));

  if (!stream)
    return;
  if (!worker || !stream->row->owner) {
    mill_request_fail_problem (request, MILL_PROBLEM_CONFLICT,
        "stream '%s': got another input, expected one that runs",
        stream->row->name);
    return;
  }
  mill_worker_proxy_switch_input_async (worker, stream->row->name,
      json_object_get_string_member (mill_request_get_body (request), "input"),
      on_switched, mill_request_ref (request));
}

#define STREAM "/api/v1/streams/{name}"

const MillRoute mill_api_streams_routes[] = {
  { "GET", "/api/v1/streams", MILL_ACCESS_ADMIN, list_streams,
      .query = mill_api_page_query },
  { "GET", STREAM, MILL_ACCESS_ADMIN, get_stream },
  { "PUT", STREAM, MILL_ACCESS_ADMIN, put_stream, .body = "StreamInput" },
  { "DELETE", STREAM, MILL_ACCESS_ADMIN, delete_stream },
  { "POST", STREAM "/input", MILL_ACCESS_ADMIN, post_input,
      .body = "InputChoice" },
  { "POST", STREAM "/start", MILL_ACCESS_ADMIN, start_stream },
  { "POST", STREAM "/stop", MILL_ACCESS_ADMIN, stop_stream },
  { "POST", STREAM "/restart", MILL_ACCESS_ADMIN, restart_stream },
  { 0 },
};
