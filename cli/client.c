/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"

#include <gmodule.h>
#include <stdio.h>
#include <string.h>

#include "client-transport.h"
#include "engine.h"

#define TIMEOUT_S 30
#define MAX_PAGES 10000

struct _MillClient
{
  const MillCli *cli;
  MillClientTransport *transport;
  GUri *server;
  gchar *key; /* nullable */
  gchar *tried; /* (nullable) files that should hold the key and do not */
};

/* ---- key ---- */

static gboolean
is_loopback (GUri *uri)
{
  const gchar *host = g_uri_get_host (uri);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  if (address != NULL)
    return g_inet_address_get_is_loopback (address);
  return g_ascii_strcasecmp (host, "localhost") == 0;
}

/* Where a millraced of this user, and one of the system, keep their key. */
static void
find_admin_key (MillClient *self)
{
  g_autofree gchar *user =
      g_build_filename (g_get_user_state_dir (), "millrace", "admin.key", NULL);
  const gchar *const paths[] = { user, "/var/lib/millrace/admin.key" };
  for (guint i = 0; i < G_N_ELEMENTS (paths) && self->key == NULL; i++) {
    g_autofree gchar *text = NULL;
    if (g_file_get_contents (paths[i], &text, NULL, NULL))
      self->key = g_strdup (g_strstrip (text));
  }
  self->tried = g_strdup_printf ("%s or %s", paths[0], paths[1]);
}

/* Returns: (transfer full) (nullable): NULL after the error was told */
static MillClientTransport *
load_transport (const MillCli *cli)
{
  g_autofree gchar *path = g_build_filename (mill_engine_get_modules_dir (),
      MILL_CLIENT_MODULE, NULL);
  GModule *module = g_module_open (path, G_MODULE_BIND_LOCAL);
  gpointer function = NULL;
  if (module == NULL ||
      !g_module_symbol (module, MILL_CLIENT_FUNCTION, &function)) {
    mill_cli_fail (cli, MILL_EXIT_INTERNAL, "module '%s': %s", path,
        g_module_error ());
    return NULL;
  }
  /* GIO keeps types of what it was loaded with. */
  g_module_make_resident (module);
  return ((MillClientTransportNew) function) (TIMEOUT_S);
}

MillClient *
mill_client_new (const MillCli *cli, MillExit *ret_exit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GUri) server =
      g_uri_parse (cli->server, G_URI_FLAGS_SCHEME_NORMALIZE, &error);
  const gchar *scheme = server != NULL ? g_uri_get_scheme (server) : "";
  if (server == NULL || g_uri_get_host (server) == NULL ||
      (!g_str_equal (scheme, "http") && !g_str_equal (scheme, "https"))) {
    *ret_exit = mill_cli_fail (cli, MILL_EXIT_USAGE,
        "server '%s': expected a URL such as http://127.0.0.1:8081",
        cli->server);
    return NULL;
  }
  MillClientTransport *transport = load_transport (cli);
  if (transport == NULL) {
    *ret_exit = MILL_EXIT_INTERNAL;
    return NULL;
  }
  MillClient *self = g_new0 (MillClient, 1);
  self->cli = cli;
  self->server = g_steal_pointer (&server);
  self->transport = transport;
  self->key = g_strdup (cli->key);
  if (self->key == NULL && is_loopback (self->server))
    find_admin_key (self);
  return self;
}

void
mill_client_free (MillClient *client)
{
  if (client == NULL)
    return;
  client->transport->free (client->transport);
  g_uri_unref (client->server);
  g_free (client->key);
  g_free (client->tried);
  g_free (client);
}

/* ---- errors of the server: RFC 9457; status codes: RFC 9110 15, RFC 6585 4 */

static MillExit
exit_of_status (guint status)
{
  switch (status) {
    case 401: /* Unauthorized */
    case 403: /* Forbidden */
      return MILL_EXIT_NOT_ALLOWED;
    case 404: /* Not Found */
      return MILL_EXIT_NO_INPUT;
    case 429: /* Too Many Requests */
    case 502: /* Bad Gateway */
    case 503: /* Service Unavailable */
    case 504: /* Gateway Timeout */
      return MILL_EXIT_UNAVAILABLE;
    default:
      return status >= 400 && status < 500 ? MILL_EXIT_DATA
                                           : MILL_EXIT_INTERNAL;
  }
}

static const gchar *
get_text (JsonObject *object, const gchar *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name)
                                  : NULL;
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
          json_node_get_value_type (node) == G_TYPE_STRING
      ? json_node_get_string (node)
      : NULL;
}

/* Of an entry of "errors": a text, or an object that says where and what.
 * Returns: (transfer full) */
static gchar *
describe_problem (JsonNode *entry)
{
  static const gchar *const places[] = { "pointer", "parameter", "field",
    "place", "name" };
  static const gchar *const texts[] = { "detail", "message", "title" };
  if (JSON_NODE_HOLDS_VALUE (entry) &&
      json_node_get_value_type (entry) == G_TYPE_STRING)
    return json_node_dup_string (entry);
  if (!JSON_NODE_HOLDS_OBJECT (entry))
    return json_to_string (entry, FALSE);
  JsonObject *object = json_node_get_object (entry);
  const gchar *place = NULL;
  const gchar *text = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (places) && place == NULL; i++)
    place = get_text (object, places[i]);
  for (guint i = 0; i < G_N_ELEMENTS (texts) && text == NULL; i++)
    text = get_text (object, texts[i]);
  if (text == NULL)
    return json_to_string (entry, FALSE);
  if (json_object_has_member (object, "line"))
    return g_strdup_printf ("line %" G_GINT64_FORMAT
                            ", column %" G_GINT64_FORMAT ": %s",
        json_object_get_int_member_with_default (object, "line", 0),
        json_object_get_int_member_with_default (object, "column", 0), text);
  return g_strconcat (place != NULL ? place : "", place != NULL ? ": " : "",
      text, NULL);
}

/* All mistakes, but that which @detail ends with has been told. */
static void
print_problems (JsonArray *errors, const gchar *detail)
{
  for (guint i = 0; i < json_array_get_length (errors); i++) {
    g_autofree gchar *text =
        describe_problem (json_array_get_element (errors, i));
    g_autofree gchar *shown = mill_cli_make_printable (text, "");
    if (!g_str_has_suffix (detail, text))
      fprintf (stderr, "  %s\n", shown);
  }
}

static MillExit
fail_status (MillClient *self, const MillClientAnswer *head, JsonNode *answer)
{
  JsonObject *problem = answer != NULL && JSON_NODE_HOLDS_OBJECT (answer)
      ? json_node_get_object (answer)
      : NULL;
  const gchar *detail = get_text (problem, "detail");
  const gchar *title = get_text (problem, "title");
  if (detail == NULL)
    detail = title != NULL ? title : head->reason;
  MillExit code = mill_cli_fail (self->cli, exit_of_status (head->status),
      "%s (%s, HTTP %u)", detail != NULL ? detail : "no reason given",
      self->cli->server, head->status);
  JsonNode *errors =
      problem != NULL ? json_object_get_member (problem, "errors") : NULL;
  if (errors != NULL && JSON_NODE_HOLDS_ARRAY (errors))
    print_problems (json_node_get_array (errors), detail != NULL ? detail : "");
  if (code == MILL_EXIT_NOT_ALLOWED && self->key == NULL)
    fprintf (stderr, "  no key was sent: give --key or MILLRACE_KEY%s%s\n",
        self->tried != NULL ? ", or be a user who can read " : "",
        self->tried != NULL ? self->tried : "");
  return code;
}

/* ---- requests ---- */

static gboolean
send_request (MillClient *self, const MillClientRequest *request,
    const gchar *path, MillClientAnswer *ret_answer, GError **error)
{
  MillClientRequest whole = *request;
  g_autofree gchar *base = g_uri_to_string (self->server);
  g_autofree gchar *url = g_strconcat (base,
      g_str_has_suffix (base, "/") ? "" : "/", "api/v1/", path, NULL);
  whole.url = url;
  whole.key = self->key;
  return self->transport->send (self->transport, &whole, ret_answer, error);
}

static GBytes *
to_bytes (JsonNode *body)
{
  gchar *json = body != NULL ? json_to_string (body, FALSE) : NULL;
  return json != NULL ? g_bytes_new_take (json, strlen (json)) : NULL;
}

/* Returns: (transfer full) (nullable) */
static GBytes *
read_all (GInputStream *input, GError **error)
{
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  if (g_output_stream_splice (memory, input,
          G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error) < 0)
    return NULL;
  return g_memory_output_stream_steal_as_bytes (
      G_MEMORY_OUTPUT_STREAM (memory));
}

static gboolean
is_success (guint status)
{
  return status >= 200 && status < 300;
}

/* Returns: (transfer full) (nullable): NULL when it is no JSON */
static JsonNode *
parse_answer (GBytes *bytes)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);
  if (size == 0 || !json_parser_load_from_data (parser, data, size, NULL))
    return NULL;
  return json_parser_steal_root (parser);
}

static MillExit
fail_connection (MillClient *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    return mill_cli_fail (self->cli, MILL_EXIT_USAGE,
        "server '%s': expected a URL such as http://127.0.0.1:8081",
        self->cli->server);
  return mill_cli_fail (self->cli, MILL_EXIT_UNAVAILABLE,
      "server '%s': %s; is millraced running there? (--server, "
      "MILLRACE_SERVER)",
      self->cli->server, error->message);
}

MillExit
mill_client_send (MillClient *client, const gchar *method, const gchar *path,
    JsonNode *body, JsonNode **ret_answer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) json = to_bytes (body);
  g_auto (MillClientAnswer) head = { 0 };
  const MillClientRequest request = {
    .method = method,
    .accept = "application/json, application/problem+json",
    .body = json,
  };
  if (!send_request (client, &request, path, &head, &error))
    return fail_connection (client, error);
  g_autoptr (GBytes) bytes = read_all (head.body, &error);
  if (bytes == NULL)
    return fail_connection (client, error);
  g_autoptr (JsonNode) answer = parse_answer (bytes);
  if (!is_success (head.status))
    return fail_status (client, &head, answer);
  if (answer == NULL && g_bytes_get_size (bytes) > 0)
    return mill_cli_fail (client->cli, MILL_EXIT_UNAVAILABLE,
        "server '%s': got an answer that is no JSON, expected the REST API of "
        "millraced",
        client->cli->server);
  if (ret_answer != NULL)
    *ret_answer = g_steal_pointer (&answer);
  return MILL_EXIT_OK;
}

/* ---- what has no end ---- */

MillExit
mill_client_follow (MillClient *client, const gchar *path,
    MillClientLineFunc on_line, gpointer user_data, gboolean *ret_connected)
{
  g_autoptr (GError) error = NULL;
  g_auto (MillClientAnswer) head = { 0 };
  const MillClientRequest request = {
    .method = "GET",
    .accept = "text/event-stream, application/problem+json",
  };
  if (!send_request (client, &request, path, &head, &error))
    return fail_connection (client, error);
  if (!is_success (head.status)) {
    g_autoptr (GBytes) bytes = read_all (head.body, NULL);
    g_autoptr (JsonNode) answer = bytes != NULL ? parse_answer (bytes) : NULL;
    return fail_status (client, &head, answer);
  }
  *ret_connected = TRUE;
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (head.body);
  for (;;) {
    g_autofree gchar *line =
        g_data_input_stream_read_line_utf8 (lines, NULL, NULL, NULL);
    if (line == NULL || !on_line (line, user_data))
      return MILL_EXIT_OK;
  }
}

/* ---- lists ---- */

static MillExit
fail_list (MillClient *self, const gchar *path)
{
  return mill_cli_fail (self->cli, MILL_EXIT_UNAVAILABLE,
      "server '%s': got no list for '%s', expected the REST API of millraced",
      self->cli->server, path);
}

/* @ret_next: (transfer full): nullable */
static MillExit
add_page (MillClient *self, const gchar *path, const gchar *cursor,
    JsonArray *items, gchar **ret_next)
{
  g_autofree gchar *escaped =
      cursor != NULL ? g_uri_escape_string (cursor, NULL, FALSE) : NULL;
  g_autofree gchar *page = g_strconcat (path, "?limit=100",
      escaped != NULL ? "&cursor=" : NULL, escaped, NULL);
  g_autoptr (JsonNode) answer = NULL;
  MillExit code = mill_client_send (self, "GET", page, NULL, &answer);
  if (code != MILL_EXIT_OK)
    return code;
  JsonObject *list = answer != NULL && JSON_NODE_HOLDS_OBJECT (answer)
      ? json_node_get_object (answer)
      : NULL;
  JsonNode *node = list != NULL ? json_object_get_member (list, "items") : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return fail_list (self, path);
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    json_array_add_element (items, json_array_dup_element (array, i));
  *ret_next = g_strdup (get_text (list, "next"));
  return MILL_EXIT_OK;
}

MillExit
mill_client_list (MillClient *client, const gchar *path, JsonArray **ret_items)
{
  g_autoptr (JsonArray) items = json_array_new ();
  g_autofree gchar *cursor = NULL;
  for (guint page = 0; page == 0 || cursor != NULL; page++) {
    g_autofree gchar *next = NULL;
    MillExit code = add_page (client, path, cursor, items, &next);
    if (code != MILL_EXIT_OK)
      return code;
    /* A cursor that does not move would ask for ever. */
    if (page == MAX_PAGES || (next != NULL && g_strcmp0 (next, cursor) == 0))
      return fail_list (client, path);
    g_free (cursor);
    cursor = g_steal_pointer (&next);
  }
  *ret_items = g_steal_pointer (&items);
  return MILL_EXIT_OK;
}
