/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "api"

#include "request.h"

#include <string.h>

#include "daemon/auth/bounded-json.h"
#include "json-schema.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 1000

struct _MillRequest
{
  gint refs;
  SoupServerMessage *message;
  MillSupervisor *supervisor;
  MillMatch match;
  GHashTable *query; /* name -> text */
  JsonNode *body; /* nullable */
  MillStorePage page;
  gboolean answered;
};

MillRequest *
mill_request_new (SoupServerMessage *message, MillMatch *match,
    MillSupervisor *supervisor)
{
  MillRequest *request = g_new0 (MillRequest, 1);
  request->refs = 1;
  request->message = g_object_ref (message);
  request->supervisor = g_object_ref (supervisor);
  request->match = *match;
  *match = (MillMatch){ 0 };
  request->page.limit = DEFAULT_LIMIT;
  soup_server_message_pause (message);
  return request;
}

MillRequest *
mill_request_ref (MillRequest *request)
{
  request->refs++;
  return request;
}

void
mill_request_unref (MillRequest *request)
{
  if (!request || --request->refs > 0)
    return;
  if (!request->answered)
    g_critical ("request to %s was not answered",
        request->match.route ? request->match.route->path : "nowhere");
  mill_router_match_clear (&request->match);
  g_clear_pointer (&request->query, g_hash_table_unref);
  g_clear_pointer (&request->body, json_node_unref);
  g_object_unref (request->supervisor);
  g_object_unref (request->message);
  g_free (request);
}

MillSupervisor *
mill_request_get_supervisor (MillRequest *request)
{
  return request->supervisor;
}

const gchar *
mill_request_get_param (MillRequest *request, const gchar *name)
{
  return g_hash_table_lookup (request->match.params, name);
}

const gchar *
mill_request_get_query (MillRequest *request, const gchar *name)
{
  return request->query ? g_hash_table_lookup (request->query, name) : NULL;
}

MillStorePage
mill_request_get_page (MillRequest *request)
{
  return request->page;
}

JsonObject *
mill_request_get_body (MillRequest *request)
{
  return request->body ? json_node_get_object (request->body) : NULL;
}

/* ---- answers ---- */

static void
send (MillRequest *request, guint status, const gchar *content_type,
    gchar *text)
{
  SoupServerMessage *message = request->message;
  g_return_if_fail (!request->answered);
  request->answered = TRUE;
  soup_server_message_set_status (message, status, NULL);
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "Cache-Control",
      "no-store");
  soup_server_message_set_response (message, content_type, SOUP_MEMORY_TAKE,
      text, strlen (text));
  soup_server_message_unpause (message);
}

void
mill_request_reply (MillRequest *request, guint status, JsonNode *node)
{
  send (request, status, "application/json", json_to_string (node, FALSE));
  json_node_unref (node);
}

void
mill_request_reply_object (MillRequest *request, guint status,
    JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  mill_request_reply (request, status, node);
}

void
mill_request_reply_list (MillRequest *request, JsonArray *items,
    const gchar *next)
{
  JsonObject *list = json_object_new ();
  json_object_set_array_member (list, "items", items);
  if (next)
    json_object_set_string_member (list, "next", next);
  else
    json_object_set_null_member (list, "next");
  mill_request_reply_object (request, SOUP_STATUS_OK, list);
}

void
mill_request_reply_text (MillRequest *request, const gchar *content_type,
    const gchar *text)
{
  send (request, SOUP_STATUS_OK, content_type, g_strdup (text));
}

void
mill_request_reply_empty (MillRequest *request)
{
  g_return_if_fail (!request->answered);
  request->answered = TRUE;
  soup_server_message_set_status (request->message, SOUP_STATUS_OK, NULL);
  soup_message_headers_set_content_length (
      soup_server_message_get_response_headers (request->message), 0);
  soup_server_message_unpause (request->message);
}

void
mill_request_begin_stream (MillRequest *request, const gchar *content_type)
{
  SoupServerMessage *message = request->message;
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);
  g_return_if_fail (!request->answered);
  request->answered = TRUE;
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_message_headers_replace (headers, "X-Accel-Buffering", "no");
  soup_message_headers_set_content_type (headers, content_type, NULL);
  soup_message_headers_set_encoding (headers, SOUP_ENCODING_CHUNKED);
  /* What was sent is not kept. */
  soup_message_body_set_accumulate (
      soup_server_message_get_response_body (message), FALSE);
}

void
mill_request_leave (MillRequest *request)
{
  g_return_if_fail (!request->answered);
  request->answered = TRUE;
  soup_server_message_unpause (request->message);
}

SoupServerMessage *
mill_request_get_message (MillRequest *request)
{
  return request->message;
}

/* @errors: (transfer full) (nullable) */
static void
fail_with (MillRequest *request, const GError *error, JsonArray *errors)
{
  g_autoptr (JsonNode) problem = mill_problem_to_json (error, errors);
  guint status = mill_problem_get_status (error);
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (request->message);
  if (status == SOUP_STATUS_INTERNAL_SERVER_ERROR)
    g_warning ("%s %s: %s", soup_server_message_get_method (request->message),
        request->match.route ? request->match.route->path : "", error->message);
  if (status == SOUP_STATUS_UNAUTHORIZED) /* RFC 9110 §11.6.1 */
    soup_message_headers_replace (headers, "WWW-Authenticate",
        "Bearer realm=\"millrace\"");
  if (request->match.allow) /* RFC 9110 §15.5.6 */
    soup_message_headers_replace (headers, "Allow", request->match.allow);
  send (request, status, "application/problem+json",
      json_to_string (problem, FALSE));
}

void
mill_request_fail (MillRequest *request, const GError *error)
{
  fail_with (request, error, NULL);
}

void
mill_request_fail_problem (MillRequest *request, MillProblem problem,
    const gchar *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autoptr (GError) error =
      g_error_new_valist (MILL_PROBLEM, problem, format, arguments);
  va_end (arguments);
  mill_request_fail (request, error);
}

void
mill_request_fail_errors (MillRequest *request, MillProblem problem,
    const gchar *what, JsonArray *errors)
{
  g_autofree gchar *detail = mill_problem_summarize (what, errors);
  g_autoptr (GError) error =
      g_error_new_literal (MILL_PROBLEM, problem, detail);
  fail_with (request, error, json_array_ref (errors));
}

void
mill_request_fail_member (MillRequest *request, MillProblem problem,
    const gchar *pointer, const gchar *format, ...)
{
  g_autoptr (JsonArray) errors = json_array_new ();
  va_list arguments;
  va_start (arguments, format);
  g_autofree gchar *detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  mill_problem_add_error (errors, pointer, "%s", detail);
  mill_request_fail_errors (request, problem, "body", errors);
}

/* RFC 6901 3: "~" and "/" in a name are escaped. Returns: (transfer full) */
static gchar *
to_params_pointer (const gchar *name)
{
  g_autoptr (GString) pointer = g_string_new (name);
  g_string_replace (pointer, "~", "~0", 0);
  g_string_replace (pointer, "/", "~1", 0);
  return g_strconcat ("/params/", pointer->str, NULL);
}

static JsonObject *
diagnostic_to_json (const MillDiagnostic *diagnostic)
{
  const MillPlace *place = &diagnostic->place;
  g_autofree gchar *pointer = place->param ? to_params_pointer (place->param)
                                           : NULL;
  g_autofree gchar *detail = g_utf8_make_valid (diagnostic->message, -1);
  JsonObject *error = json_object_new ();
  if (pointer) {
    json_object_set_string_member (error, "pointer", pointer);
  } else if (place->line > 0) {
    json_object_set_int_member (error, "line", place->line);
    json_object_set_int_member (error, "column", place->column);
  }
  json_object_set_string_member (error, "detail", detail);
  return error;
}

void
mill_request_fail_diagnostics (MillRequest *request, const gchar *what,
    MillDiagnostics *diagnostics)
{
  GPtrArray *all = mill_diagnostics_get_all (diagnostics);
  g_autoptr (JsonArray) errors = json_array_new ();
  for (guint i = 0; i < all->len; i++) {
    const MillDiagnostic *diagnostic = g_ptr_array_index (all, i);
    if (diagnostic->severity == MILL_SEVERITY_ERROR)
      json_array_add_object_element (errors, diagnostic_to_json (diagnostic));
  }
  mill_request_fail_errors (request, MILL_PROBLEM_DESCRIPTION, what, errors);
}

/* ---- the query ---- */

static void
add_query_error (JsonArray *errors, const gchar *name, const gchar *detail)
{
  g_autofree gchar *valid = g_utf8_make_valid (name, -1);
  JsonObject *error = json_object_new ();
  if (*name)
    json_object_set_string_member (error, "parameter", valid);
  json_object_set_string_member (error, "detail", detail);
  json_array_add_object_element (errors, error);
}

void
mill_request_fail_query (MillRequest *request, const gchar *name,
    const gchar *format, ...)
{
  g_autoptr (JsonArray) errors = json_array_new ();
  va_list arguments;
  va_start (arguments, format);
  g_autofree gchar *detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree gchar *valid = g_utf8_make_valid (detail, -1);
  add_query_error (errors, name, valid);
  mill_request_fail_errors (request, MILL_PROBLEM_INVALID, "query", errors);
}

static void
read_parameter (MillRequest *request, const gchar *name, const gchar *value,
    JsonArray *errors)
{
  const gchar *const *known = request->match.route->query;
  guint64 limit;
  if (!known || !g_strv_contains (known, name)) {
    g_autofree gchar *list = known ? g_strjoinv (", ", (gchar **) known) : NULL;
    g_autofree gchar *detail =
        g_strdup_printf ("unknown parameter, expected %s%s",
            known ? "one of " : "none here", known ? list : "");
    add_query_error (errors, name, detail);
    return;
  }
  if (g_str_equal (name, "limit")) {
    if (g_ascii_string_to_unsigned (value, 10, 1, MAX_LIMIT, &limit, NULL))
      request->page.limit = (guint) limit;
    else
      add_query_error (errors, name, "expected a whole number from 1 to 1000");
    return;
  }
  if (g_str_equal (name, "cursor") &&
      (strlen (value) > 128 || !g_utf8_validate (value, -1, NULL))) {
    add_query_error (errors, name, "expected the `next` of the page before");
    return;
  }
  g_hash_table_replace (request->query, g_strdup (name), g_strdup (value));
}

static gboolean
read_query (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonArray) errors = json_array_new ();
  const gchar *text =
      g_uri_get_query (soup_server_message_get_uri (request->message));
  GUriParamsIter iter;
  gchar *name;
  gchar *value;

  request->query =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_uri_params_iter_init (&iter, text ? text : "", -1, "&",
      G_URI_PARAMS_WWW_FORM);
  while (g_uri_params_iter_next (&iter, &name, &value, &error)) {
    read_parameter (request, name, value, errors);
    g_free (name);
    g_free (value);
  }
  request->page.after = g_hash_table_lookup (request->query, "cursor");
  if (!error && json_array_get_length (errors) == 0)
    return TRUE;
  if (error)
    add_query_error (errors, "", error->message);
  mill_request_fail_errors (request, MILL_PROBLEM_INVALID, "query", errors);
  return FALSE;
}

/* ---- the body ---- */

static JsonNode *
parse_json (const gchar *text, gsize size, GError **error)
{
  g_autoptr (GError) fault = NULL;
  JsonNode *node = mill_bounded_json_parse_object (text, size, &fault);
  if (node)
    return node;
  /* json-glib has a file's name in it, "<data>:". */
  gboolean located = g_str_has_prefix (fault->message, "<data>:");
  g_set_error (error, MILL_PROBLEM, MILL_PROBLEM_INVALID, "body: %s%s",
      fault->message + (located ? strlen ("<data>:") : 0),
      located ? ", expected an object of JSON" : "");
  return NULL;
}

/* YAML of a description comes as it is; to the rest it looks like
 * {"text": …}. */
static JsonNode *
wrap_text (const gchar *text, gsize size, GError **error)
{
  if (!g_utf8_validate (text, (gssize) size, NULL)) {
    g_set_error_literal (error, MILL_PROBLEM, MILL_PROBLEM_INVALID,
        "body: got bytes that are no UTF-8, expected YAML");
    return NULL;
  }
  g_autofree gchar *copy = g_strndup (text, size);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "text", copy);
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
parse_body (MillRequest *request, GError **error)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (request->message);
  SoupMessageBody *body =
      soup_server_message_get_request_body (request->message);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  gsize size;
  const gchar *text = g_bytes_get_data (bytes, &size);
  const gchar *type = soup_message_headers_get_content_type (headers, NULL);

  if (g_strcmp0 (type, "application/json") == 0)
    return parse_json (size > 0 ? text : "", size, error);
  gboolean takes_yaml =
      g_str_equal (request->match.route->body, "PipelineInput");
  if (g_strcmp0 (type, "application/yaml") == 0 && takes_yaml)
    return wrap_text (size > 0 ? text : "", size, error);
  g_set_error (error, MILL_PROBLEM, MILL_PROBLEM_MEDIA_TYPE,
      "header Content-Type: got %s%.60s%s, expected %sapplication/json",
      type ? "'" : "", type ? type : "none", type ? "'" : "",
      takes_yaml ? "application/yaml or " : "");
  return NULL;
}

static gboolean
read_body (MillRequest *request, JsonObject *openapi)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonArray) errors = json_array_new ();
  JsonObject *schema =
      mill_json_schema_find (openapi, request->match.route->body);
  request->body = parse_body (request, &error);
  if (!request->body) {
    mill_request_fail (request, error);
    return FALSE;
  }
  mill_json_schema_check (openapi, schema, request->body, errors);
  if (json_array_get_length (errors) == 0)
    return TRUE;
  mill_request_fail_errors (request, MILL_PROBLEM_INVALID, "body", errors);
  return FALSE;
}

gboolean
mill_request_read (MillRequest *request, JsonObject *openapi)
{
  return read_query (request) &&
      (!request->match.route->body || read_body (request, openapi));
}
