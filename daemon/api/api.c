/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "api"

#include "api.h"

#include <string.h>

#include "api-events.h"
#include "resources.h"

#define MAX_BODY_BYTES (256 * 1024)

struct _MillApi
{
  SoupServer *server;
  MillRouter *router;
  MillSupervisor *supervisor;
};

const gchar *const mill_api_page_query[] = { "limit", "cursor", NULL };

/* ---- small JSON ---- */

void
mill_api_json_set_text (JsonObject *object, const gchar *name,
    const gchar *text)
{
  if (text) {
    g_autofree gchar *valid = g_utf8_make_valid (text, -1);
    json_object_set_string_member (object, name, valid);
  } else
    json_object_set_null_member (object, name);
}

void
mill_api_json_set_time (JsonObject *object, const gchar *name, gint64 unix_us)
{
  if (unix_us <= 0) {
    json_object_set_null_member (object, name);
    return;
  }
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_utc (unix_us / G_USEC_PER_SEC);
  g_autofree gchar *text = g_date_time_format_iso8601 (time);
  json_object_set_string_member (object, name, text);
}

gboolean
mill_api_pager_take (MillPager *pager, const gchar *name)
{
  if (pager->page.after && g_strcmp0 (name, pager->page.after) <= 0)
    return FALSE;
  if (pager->page.limit > 0 && pager->count == pager->page.limit) {
    pager->more = TRUE;
    return FALSE;
  }
  pager->count++;
  pager->last = name;
  return TRUE;
}

const gchar *
mill_api_pager_next (const MillPager *pager)
{
  return pager->more ? pager->last : NULL;
}

/* ---- a request's way: key, route, schema, handler ---- */

/* Returns: (nullable): the key as sent */
static const gchar *
get_key (SoupServerMessage *message)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  const gchar *key = soup_message_headers_get_one (headers, "X-API-Key");
  const gchar *authorization =
      soup_message_headers_get_one (headers, "Authorization");
  if (key)
    return key;
  return authorization && g_ascii_strncasecmp (authorization, "Bearer ", 7) == 0
      ? authorization + 7
      : NULL;
}

static gboolean
is_allowed (MillApi *api, SoupServerMessage *message, const MillRoute *route)
{
  return (route && route->access == MILL_ACCESS_OPEN) ||
      mill_admin_key_matches (mill_supervisor_get_admin_key (api->supervisor),
          get_key (message));
}

/* Without a key nothing is said, not even which paths there are. */
static void
on_request (SoupServer *server, SoupServerMessage *message, const gchar *path,
    GHashTable *query, gpointer user_data)
{
  MillApi *api = user_data;
  g_auto (MillMatch) match = { 0 };
  if (soup_server_message_get_status (message) != 0)
    return; /* refused by on_headers() */
  mill_router_match (api->router, soup_server_message_get_method (message),
      path, &match);
  const MillRoute *route = match.route;
  gboolean known = route || match.allow;
  g_autofree gchar *allow = g_strdup (match.allow);
  g_autoptr (MillRequest) request =
      mill_request_new (message, &match, api->supervisor);

  if (!is_allowed (api, message, route))
    mill_request_fail_problem (request, MILL_PROBLEM_UNAUTHORIZED,
        "expected the admin key in X-API-Key or as Bearer token; it is in "
        "admin.key of millraced's state directory");
  else if (!known)
    mill_request_fail_problem (request, MILL_PROBLEM_NOT_FOUND,
        "there is nothing at '%.200s', /api/v1/openapi.json has what there is",
        path);
  else if (!route)
    mill_request_fail_problem (request, MILL_PROBLEM_METHOD,
        "got %.20s, expected %s", soup_server_message_get_method (message),
        allow);
  else if (mill_request_read (request, mill_api_openapi_get ()))
    route->handler (request);
}

/* Before the body is read: what is too large is never held in memory, but read
 * and thrown away, after which the answer follows: a client that is cut off in
 * the middle of its sending would not get to see why. */
static void
on_headers (SoupServer *server, SoupServerMessage *message, const gchar *path,
    GHashTable *query, gpointer user_data)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  SoupEncoding encoding = soup_message_headers_get_encoding (headers);
  MillProblem problem;

  if (encoding == SOUP_ENCODING_CONTENT_LENGTH &&
      soup_message_headers_get_content_length (headers) > MAX_BODY_BYTES)
    problem = MILL_PROBLEM_TOO_LARGE;
  else if (encoding == SOUP_ENCODING_CHUNKED)
    problem = MILL_PROBLEM_LENGTH_REQUIRED;
  else
    return;
  g_autoptr (GError) error = g_error_new (MILL_PROBLEM, problem,
      "body: expected a Content-Length of at most %d", MAX_BODY_BYTES);
  g_autoptr (JsonNode) body = mill_problem_to_json (error, NULL);
  gchar *text = json_to_string (body, FALSE);
  soup_message_body_set_accumulate (
      soup_server_message_get_request_body (message), FALSE);
  soup_server_message_set_status (message, mill_problem_get_status (error),
      NULL);
  soup_server_message_set_response (message, "application/problem+json",
      SOUP_MEMORY_TAKE, text, strlen (text));
}

/* ---- life ---- */

MillApi *
mill_api_new (MillSupervisor *supervisor)
{
  static const MillRoute *const tables[] = {
    mill_api_cues_routes,
    mill_api_events_routes,
    mill_api_health_routes,
    mill_api_metrics_routes,
    mill_api_nodes_routes,
    mill_api_openapi_routes,
    mill_api_pipelines_routes,
    mill_api_presets_routes,
    mill_api_stream_keys_routes,
    mill_api_streams_routes,
    mill_api_stream_views_routes,
    mill_api_workers_routes,
  };
  MillApi *api = g_new0 (MillApi, 1);
  api->supervisor = g_object_ref (supervisor);
  api->router = mill_router_new ();
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    mill_router_add (api->router, tables[i]);
  api->server = soup_server_new ("server-header", "millrace", NULL);
  soup_server_add_early_handler (api->server, NULL, on_headers, api, NULL);
  soup_server_add_handler (api->server, NULL, on_request, api, NULL);
  /* A path of its own is all that libsoup upgrades. What is compressed could
   * not be bounded. */
  soup_server_add_handler (api->server, MILL_API_EVENTS_PATH, on_request, api,
      NULL);
  soup_server_remove_websocket_extension (api->server,
      SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
  soup_server_add_websocket_handler (api->server, MILL_API_EVENTS_PATH, NULL,
      NULL, mill_api_events_on_websocket, supervisor, NULL);
  return api;
}

void
mill_api_free (MillApi *api)
{
  if (!api)
    return;
  soup_server_disconnect (api->server);
  g_object_unref (api->server);
  mill_router_free (api->router);
  g_object_unref (api->supervisor);
  g_free (api);
}

static GSocketAddress *
resolve (const gchar *address, GError **error)
{
  g_autoptr (GSocketConnectable) connectable =
      g_network_address_parse (address, 0, error);
  if (!connectable)
    return NULL;
  g_autoptr (GSocketAddressEnumerator) enumerator =
      g_socket_connectable_enumerate (connectable);
  GSocketAddress *found =
      g_socket_address_enumerator_next (enumerator, NULL, error);
  if (!found && error && !*error)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "'%s' has no address",
        address);
  return found;
}

gchar *
mill_api_listen (MillApi *api, const gchar *address, GError **error)
{
  g_autoptr (GSocketAddress) wanted = resolve (address, error);
  if (!wanted || !soup_server_listen (api->server, wanted, 0, error)) {
    g_prefix_error (error, "api: listen on '%s': ", address);
    return NULL;
  }
  g_autoptr (GSList) listeners = soup_server_get_listeners (api->server);
  g_autoptr (GSocketAddress) bound =
      g_socket_get_local_address (listeners->data, error);
  return bound ? g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (bound))
               : NULL;
}
