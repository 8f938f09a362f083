/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "publish-auth.h"
#include "resources.h"
#include "secret.h"
#include "store-keys.h"

static JsonObject *
to_json (const MillKeyRow *row)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", row->id);
  json_object_set_string_member (object, "name", row->name);
  json_object_set_string_member (object, "app", row->app);
  mill_api_json_set_time (object, "created_at",
      row->created_at * G_USEC_PER_SEC);
  mill_api_json_set_time (object, "expires_at",
      row->expires_at * G_USEC_PER_SEC);
  json_object_set_boolean_member (object, "enabled", row->enabled);
  return object;
}

static MillStore *
get_store (MillRequest *request)
{
  return mill_supervisor_get_store (mill_request_get_supervisor (request));
}

static void
list_keys (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  MillPager pager = { .page = mill_request_get_page (request) };
  /* One more than asked for tells whether there is a next page. */
  MillStorePage page = { pager.page.after, pager.page.limit + 1 };
  g_autoptr (GPtrArray) rows =
      mill_store_keys_list (get_store (request), &page, &error);
  if (!rows) {
    mill_request_fail (request, error);
    return;
  }
  JsonArray *items = json_array_new ();
  for (guint i = 0; i < rows->len; i++) {
    const MillKeyRow *row = g_ptr_array_index (rows, i);
    if (mill_api_pager_take (&pager, row->id))
      json_array_add_object_element (items, to_json (row));
  }
  mill_request_reply_list (request, items, mill_api_pager_next (&pager));
}

static void
get_key (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillKeyRow) row = mill_store_keys_get (get_store (request),
      mill_request_get_param (request, "id"), &error);
  if (row)
    mill_request_reply_object (request, SOUP_STATUS_OK, to_json (row));
  else
    mill_request_fail (request, error);
}

/* @ret_seconds: 0 for never
 * Returns: FALSE when it was answered */
static gboolean
read_expiry (MillRequest *request, JsonObject *body, gint64 *ret_seconds)
{
  const gchar *text = json_object_has_member (body, "expires_at") &&
          !json_object_get_null_member (body, "expires_at")
      ? json_object_get_string_member (body, "expires_at")
      : NULL;
  *ret_seconds = 0;
  if (!text)
    return TRUE;
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);
  if (time && g_date_time_to_unix (time) > 0) {
    *ret_seconds = g_date_time_to_unix (time);
    return TRUE;
  }
  mill_request_fail_problem (request, MILL_PROBLEM_INVALID,
      "'expires_at': got '%s', expected a date and time with its zone as in "
      "RFC 3339",
      text);
  return FALSE;
}

static gboolean
check_app (MillRequest *request, const gchar *app)
{
  const MillConfig *config =
      mill_supervisor_get_config (mill_request_get_supervisor (request));
  if (mill_config_find_app (config, app))
    return TRUE;
  mill_request_fail_problem (request, MILL_PROBLEM_CONFLICT,
      "'app': there is no application '%s' in the configuration", app);
  return FALSE;
}

static void
create_key (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  JsonObject *body = mill_request_get_body (request);
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  const gchar *app = json_object_get_string_member (body, "app");
  g_autoptr (MillKeyRow) row = g_new0 (MillKeyRow, 1);

  if (!check_app (request, app) ||
      !read_expiry (request, body, &row->expires_at))
    return;
  row->id = mill_secret_generate_id ("key_");
  row->app = g_strdup (app);
  row->name = g_strdup (json_object_get_string_member (body, "name"));
  row->enabled =
      json_object_get_boolean_member_with_default (body, "enabled", TRUE);
  row->created_at = g_get_real_time () / G_USEC_PER_SEC;
  row->generation = 1;
  row->node_id = g_strdup (mill_supervisor_get_node (supervisor)->id);
  row->owner_key_id = g_strdup (
      mill_admin_key_get_id (mill_supervisor_get_admin_key (supervisor)));

  g_autofree gchar *secret =
      mill_secret_generate (MILL_PUBLISH_AUTH_KEY_PREFIX);
  g_autoptr (GBytes) hash = mill_secret_hash (secret);
  if (!mill_store_keys_insert (get_store (request), row, hash, &error)) {
    mill_request_fail (request, error);
    return;
  }
  JsonObject *object = to_json (row);
  json_object_set_string_member (object, "key", secret);
  mill_request_reply_object (request, SOUP_STATUS_CREATED, object);
}

static void
rotate_key (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  const gchar *id = mill_request_get_param (request, "id");
  g_autofree gchar *secret =
      mill_secret_generate (MILL_PUBLISH_AUTH_KEY_PREFIX);
  g_autoptr (GBytes) hash = mill_secret_hash (secret);
  g_autoptr (MillKeyRow) row =
      mill_store_keys_get (get_store (request), id, &error);
  if (!row || !mill_store_keys_rotate (get_store (request), id, hash, &error)) {
    mill_request_fail (request, error);
    return;
  }
  JsonObject *object = to_json (row);
  json_object_set_string_member (object, "key", secret);
  mill_request_reply_object (request, SOUP_STATUS_OK, object);
}

static void
delete_key (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  if (mill_store_keys_delete (get_store (request),
          mill_request_get_param (request, "id"), &error))
    mill_request_reply_empty (request);
  else
    mill_request_fail (request, error);
}

const MillRoute mill_api_stream_keys_routes[] = {
  { "GET", "/api/v1/stream-keys", MILL_ACCESS_ADMIN, list_keys,
      .query = mill_api_page_query },
  { "POST", "/api/v1/stream-keys", MILL_ACCESS_ADMIN, create_key,
      .body = "StreamKeyInput" },
  { "GET", "/api/v1/stream-keys/{id}", MILL_ACCESS_ADMIN, get_key },
  { "DELETE", "/api/v1/stream-keys/{id}", MILL_ACCESS_ADMIN, delete_key },
  { "POST", "/api/v1/stream-keys/{id}/rotate", MILL_ACCESS_ADMIN, rotate_key },
  { 0 },
};
