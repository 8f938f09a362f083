/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <string.h>

#include "plan.h"
#include "resources.h"
#include "store-pipelines.h"

static const gchar *const type_names[] = {
  [MILL_PARAM_STRING] = "string",
  [MILL_PARAM_INTEGER] = "integer",
  [MILL_PARAM_NUMBER] = "number",
  [MILL_PARAM_BOOLEAN] = "boolean",
};

static JsonObject *
to_json (const MillCatalogEntry *entry)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "name", entry->name);
  json_object_set_string_member (object, "source",
      entry->shipped ? "shipped" : "stored");
  json_object_set_int_member (object, "generation", (gint64) entry->generation);
  mill_api_json_set_time (object, "updated_at",
      entry->updated_at * G_USEC_PER_SEC);
  return object;
}

static JsonArray *
params_to_json (MillDescription *description)
{
  GPtrArray *params = mill_description_get_params (description);
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < params->len; i++) {
    const MillParam *param = g_ptr_array_index (params, i);
    JsonObject *object = json_object_new ();
    json_object_set_string_member (object, "name", param->name);
    json_object_set_string_member (object, "type", type_names[param->type]);
    json_object_set_boolean_member (object, "required", param->required);
    json_object_set_boolean_member (object, "secret", param->secret);
    mill_api_json_set_text (object, "default", param->default_value);
    mill_api_json_set_text (object, "summary", param->summary);
    json_array_add_object_element (array, object);
  }
  return array;
}

static MillCatalog *
get_catalog (MillRequest *request)
{
  return mill_supervisor_get_catalog (mill_request_get_supervisor (request));
}

static void
reply_pipeline (MillRequest *request, guint status, const gchar *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillCatalogEntry) entry =
      mill_catalog_find (get_catalog (request), name, &error);
  if (!entry) {
    mill_request_fail (request, error);
    return;
  }
  g_autoptr (MillDescription) description =
      mill_catalog_load (get_catalog (request), name, diagnostics);
  if (!description) {
    mill_request_fail_diagnostics (request, name, diagnostics);
    return;
  }
  JsonObject *object = to_json (entry);
  mill_api_json_set_text (object, "summary",
      mill_description_get_summary (description));
  json_object_set_array_member (object, "params", params_to_json (description));
  mill_api_json_set_text (object, "text",
      mill_description_get_text (description));
  mill_request_reply_object (request, status, object);
}

static void
get_pipeline (MillRequest *request)
{
  reply_pipeline (request, SOUP_STATUS_OK,
      mill_request_get_param (request, "name"));
}

static void
list_pipelines (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  MillPager pager = { .page = mill_request_get_page (request) };
  g_autoptr (GPtrArray) entries =
      mill_catalog_list (get_catalog (request), &error);
  if (!entries) {
    mill_request_fail (request, error);
    return;
  }
  JsonArray *items = json_array_new ();
  for (guint i = 0; i < entries->len; i++) {
    const MillCatalogEntry *entry = g_ptr_array_index (entries, i);
    if (mill_api_pager_take (&pager, entry->name))
      json_array_add_object_element (items, to_json (entry));
  }
  mill_request_reply_list (request, items, mill_api_pager_next (&pager));
}

/* Everything that can be known before a stream gives the parameters values: what
 * cannot be read and what cannot be planned, in one answer. */
static gboolean
check_text (MillRequest *request, const gchar *name, const gchar *text)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_with_mistakes (text, strlen (text), name,
          diagnostics);
  const gchar *own = description ? mill_description_get_name (description)
                                 : NULL;
  if (own && !g_str_equal (own, name))
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR,
        mill_description_get_name_place (description),
        "name: got '%.80s', expected '%s' as in the path", own, name);
  if (description) {
    MillPlanOptions options = { .epoch = GST_CLOCK_TIME_NONE,
      .allow_missing = TRUE };
    g_autoptr (MillPlan) plan =
        mill_plan_new (description, &options, diagnostics);
  }
  if (mill_diagnostics_get_n_errors (diagnostics) == 0)
    return TRUE;
  mill_request_fail_diagnostics (request, name, diagnostics);
  return FALSE;
}

static void
put_pipeline (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  const gchar *name = mill_request_get_param (request, "name");
  const gchar *text =
      json_object_get_string_member (mill_request_get_body (request), "text");
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (!mill_publish_auth_is_name (name)) {
    mill_request_fail_problem (request, MILL_PROBLEM_INVALID,
        "name in the path: expected 1 to 64 of A-Z a-z 0-9 _ -");
    return;
  }
  if (!check_text (request, name, text))
    return;
  g_autoptr (MillCatalogEntry) before =
      mill_catalog_find (get_catalog (request), name, NULL);
  MillPipelineRow row = { .name = (gchar *) name,
    .text = (gchar *) text,
    .node_id = mill_supervisor_get_node (supervisor)->id,
    .owner_key_id = (gchar *)
        mill_admin_key_get_id (mill_supervisor_get_admin_key (supervisor)),
    .created_at = now,
    .updated_at = now };
  if (!mill_store_pipelines_put (mill_supervisor_get_store (supervisor), &row,
          &error)) {
    mill_request_fail (request, error);
    return;
  }
  reply_pipeline (request,
      before && !before->shipped ? SOUP_STATUS_OK : SOUP_STATUS_CREATED, name);
}

static gboolean
is_used (MillRequest *request, const gchar *name)
{
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (mill_supervisor_get_registry (supervisor));
  for (guint i = 0; i < streams->len; i++) {
    const MillStream *stream = g_ptr_array_index (streams, i);
    if (stream->row->declared && g_str_equal (stream->row->pipeline, name))
      return TRUE;
  }
  return FALSE;
}

static void
delete_pipeline (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  const gchar *name = mill_request_get_param (request, "name");
  g_autoptr (MillCatalogEntry) entry =
      mill_catalog_find (get_catalog (request), name, &error);
  if (!entry)
    mill_request_fail (request, error);
  else if (entry->shipped)
    mill_request_fail_problem (request, MILL_PROBLEM_CONFLICT,
        "pipeline '%s' came with millrace and cannot be deleted", name);
  else if (is_used (request, name))
    mill_request_fail_problem (request, MILL_PROBLEM_CONFLICT,
        "pipeline '%s' is used by a stream, delete that first", name);
  else if (
      !mill_store_pipelines_delete (
          mill_supervisor_get_store (mill_request_get_supervisor (request)),
          name, &error))
    mill_request_fail (request, error);
  else
    mill_request_reply_empty (request);
}

const MillRoute mill_api_pipelines_routes[] = {
  { "GET", "/api/v1/pipelines", MILL_ACCESS_ADMIN, list_pipelines,
      .query = mill_api_page_query },
  { "GET", "/api/v1/pipelines/{name}", MILL_ACCESS_ADMIN, get_pipeline },
  { "PUT", "/api/v1/pipelines/{name}", MILL_ACCESS_ADMIN, put_pipeline,
      .body = "PipelineInput" },
  { "DELETE", "/api/v1/pipelines/{name}", MILL_ACCESS_ADMIN, delete_pipeline },
  { 0 },
};
