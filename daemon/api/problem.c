/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "problem.h"

#include <gio/gio.h>

#include "daemon/ipc/ipc.h"
#include "runner.h"
#include "store.h"

G_DEFINE_QUARK (mill_problem, mill_problem)

typedef struct
{
  GQuark (*domain) (void);
  gint code;
  guint status;
  const gchar *type; /* last part of the type URN */
  const gchar *title;
  const gchar *detail; /* nullable: instead of the error's own */
} Mapping;

static const Mapping mappings[] = {
  { mill_problem_quark, MILL_PROBLEM_INVALID, 400, "invalid",
      "The request does not fit its schema" },
  { mill_problem_quark, MILL_PROBLEM_UNAUTHORIZED, 401, "unauthorized",
      "A valid key is required" },
  { mill_problem_quark, MILL_PROBLEM_NOT_FOUND, 404, "not-found",
      "There is no such thing" },
  { mill_problem_quark, MILL_PROBLEM_METHOD, 405, "method",
      "This method is not allowed here" },
  { mill_problem_quark, MILL_PROBLEM_CONFLICT, 409, "conflict",
      "Its state does not allow that" },
  { mill_problem_quark, MILL_PROBLEM_LENGTH_REQUIRED, 411, "length-required",
      "A Content-Length is required" },
  { mill_problem_quark, MILL_PROBLEM_TOO_LARGE, 413, "too-large",
      "The body is too large" },
  { mill_problem_quark, MILL_PROBLEM_MEDIA_TYPE, 415, "media-type",
      "This media type is not accepted here" },
  { mill_problem_quark, MILL_PROBLEM_DESCRIPTION, 422, "description",
      "The description has mistakes" },
  { mill_problem_quark, MILL_PROBLEM_NOT_IMPLEMENTED, 501, "not-implemented",
      "This installation cannot do that" },
  { mill_problem_quark, MILL_PROBLEM_UNAVAILABLE, 503, "unavailable",
      "Not available just now" },

  { mill_store_error_quark, MILL_STORE_ERROR_NOT_FOUND, 404, "not-found",
      "There is no such thing" },
  { mill_store_error_quark, MILL_STORE_ERROR_EXISTS, 409, "conflict",
      "It exists already" },
  { mill_store_error_quark, MILL_STORE_ERROR_READONLY, 503, "store",
      "The store cannot be written" },
  { mill_store_error_quark, MILL_STORE_ERROR_FULL, 507, "store-full",
      "The disk of the store is full" },

  { mill_runner_error_quark, MILL_RUNNER_ERROR_NO_WORKER, 503, "no-worker",
      "No worker is connected just now" },
  { mill_runner_error_quark, MILL_RUNNER_ERROR_PIPELINE, 409, "pipeline",
      "The pipeline cannot run" },
  { mill_runner_error_quark, MILL_RUNNER_ERROR_STATE, 409, "conflict",
      "Its state does not allow that" },

  { mill_ipc_error_quark, MILL_IPC_ERROR_NOT_FOUND, 409, "not-running",
      "The stream does not run" },
  { mill_ipc_error_quark, MILL_IPC_ERROR_CONFLICT, 409, "conflict",
      "Its state does not allow that" },
  { mill_ipc_error_quark, MILL_IPC_ERROR_INVALID, 400, "invalid",
      "The request does not fit its schema" },
  { mill_ipc_error_quark, MILL_IPC_ERROR_TIMEOUT, 503, "timeout",
      "The worker did not answer in time" },
  { g_io_error_quark, G_IO_ERROR_CLOSED, 503, "no-worker",
      "No worker is connected just now" },
  /* A worker lives on through upgrades. */
  { g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_METHOD, 501, "old-worker",
      "The worker is too old for that",
      "the worker is older than millraced and cannot do that: restart millraced "
      "when no stream matters, which drains the worker and starts a new one" },
};

/* What no line names is our fault, not the client's. */
static const Mapping fallback = { NULL, 0, 500, "internal",
  "Something went wrong in the daemon" };

static const Mapping *
find_mapping (const GError *error)
{
  for (guint i = 0; i < G_N_ELEMENTS (mappings); i++)
    if (g_error_matches (error, mappings[i].domain (), mappings[i].code))
      return &mappings[i];
  return &fallback;
}

guint
mill_problem_get_status (const GError *error)
{
  return find_mapping (error)->status;
}

JsonNode *
mill_problem_to_json (const GError *error, JsonArray *errors)
{
  const Mapping *mapping = find_mapping (error);
  g_autoptr (JsonObject) problem = json_object_new ();
  g_autofree gchar *type =
      g_strdup_printf ("urn:millrace:problem:%s", mapping->type);
  g_autofree gchar *detail = mapping->detail
      ? g_strdup (mapping->detail)
      : mill_ipc_error_get_message (error);
  g_autofree gchar *valid = g_utf8_make_valid (detail, -1);

  json_object_set_string_member (problem, "type", type);
  json_object_set_string_member (problem, "title", mapping->title);
  json_object_set_int_member (problem, "status", mapping->status);
  json_object_set_string_member (problem, "detail", valid);
  json_object_set_array_member (problem, "errors",
      errors ? errors : json_array_new ());
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, problem);
  return node;
}

void
mill_problem_add_error (JsonArray *errors, const gchar *pointer,
    const gchar *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree gchar *detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree gchar *valid = g_utf8_make_valid (detail, -1);
  JsonObject *error = json_object_new ();
  if (pointer)
    json_object_set_string_member (error, "pointer", pointer);
  json_object_set_string_member (error, "detail", valid);
  json_array_add_object_element (errors, error);
}

static const gchar *
get_text (JsonObject *error, const gchar *name)
{
  return json_object_get_string_member_with_default (error, name, NULL);
}

gchar *
mill_problem_summarize (const gchar *what, JsonArray *errors)
{
  g_autoptr (GString) text = g_string_new (what);
  guint n = json_array_get_length (errors);
  if (n == 0)
    return g_strdup (what);
  JsonObject *first = json_array_get_object_element (errors, 0);
  const gchar *place = get_text (first, "pointer");
  if (!place)
    place = get_text (first, "parameter");
  g_string_append (text, ": ");
  if (n > 1)
    g_string_append_printf (text, "%u mistakes, the first: ", n);
  if (json_object_has_member (first, "line"))
    g_string_append_printf (text,
        "line %" G_GINT64_FORMAT ", column %" G_GINT64_FORMAT ": ",
        json_object_get_int_member (first, "line"),
        json_object_get_int_member (first, "column"));
  else if (place && *place)
    g_string_append_printf (text, "%s: ", place);
  g_string_append (text, get_text (first, "detail"));
  return g_strdup (text->str);
}
