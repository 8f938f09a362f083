/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "publish-auth.h"
#include "resources.h"
#include "runner-publish.h"
#include "secret.h"
#include "store-keys.h"

/* A month: what is to be longer is a second key. */
#define MAX_GRACE_S (31 * 24 * 3600)

static void
set_limit (JsonObject *object, const gchar *name, guint64 limit)
{
  if (limit > 0)
    json_object_set_int_member (object, name, (gint64) limit);
  else
    json_object_set_null_member (object, name);
}

static JsonObject *
to_json (const MillKeyRow *row)
{
  JsonArray *addresses = json_array_new ();
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", row->id);
  json_object_set_string_member (object, "name", row->name);
  json_object_set_string_member (object, "app", row->app);
  mill_api_json_set_time (object, "created_at",
      row->created_at * G_USEC_PER_SEC);
  mill_api_json_set_time (object, "expires_at",
      row->expires_at * G_USEC_PER_SEC);
  json_object_set_boolean_member (object, "enabled", row->enabled);
  for (guint i = 0; row->allowed_addresses && row->allowed_addresses[i]; i++)
    json_array_add_string_element (addresses, row->allowed_addresses[i]);
  json_object_set_array_member (object, "allowed_addresses", addresses);
  set_limit (object, "max_bitrate_bps", row->max_bitrate_bps);
  set_limit (object, "max_duration_seconds", row->max_duration_s);
  mill_api_json_set_time (object, "previous_expires_at",
      row->previous_expires_at * G_USEC_PER_SEC);
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

/* ---- what may be changed: POST and PATCH read the same fields; one that is
 *      not there leaves the row as it is. The schema has checked them. ---- */

static gboolean
is_null (JsonObject *body, const gchar *name)
{
  return json_object_get_null_member (body, name);
}

static void
read_expiry (JsonObject *body, MillKeyRow *row)
{
  if (!json_object_has_member (body, "expires_at"))
    return;
  row->expires_at = 0;
  if (is_null (body, "expires_at"))
    return;
  const gchar *text = json_object_get_string_member (body, "expires_at");
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);
  row->expires_at = g_date_time_to_unix (time);
}

static void
read_addresses (JsonObject *body, MillKeyRow *row)
{
  g_autoptr (GStrvBuilder) ranges = g_strv_builder_new ();
  if (!json_object_has_member (body, "allowed_addresses"))
    return;
  JsonArray *array = json_object_get_array_member (body, "allowed_addresses");
  for (guint i = 0; i < json_array_get_length (array); i++)
    g_strv_builder_add (ranges, json_array_get_string_element (array, i));
  g_strfreev (row->allowed_addresses);
  row->allowed_addresses = g_strv_builder_end (ranges);
}

static void
read_limit (JsonObject *body, const gchar *name, guint64 *limit)
{
  if (json_object_has_member (body, name))
    *limit = is_null (body, name)
        ? 0
        : (guint64) json_object_get_int_member (body, name);
}

static void
read_settings (MillRequest *request, MillKeyRow *row)
{
  JsonObject *body = mill_request_get_body (request);
  guint64 duration_s = row->max_duration_s;
  read_expiry (body, row);
  read_addresses (body, row);
  read_limit (body, "max_bitrate_bps", &row->max_bitrate_bps);
  read_limit (body, "max_duration_seconds", &duration_s);
  row->max_duration_s = (guint) duration_s;
  row->enabled = json_object_get_boolean_member_with_default (body, "enabled",
      row->enabled);
}

static gboolean
check_app (MillRequest *request, const gchar *app)
{
  const MillConfig *config =
      mill_supervisor_get_config (mill_request_get_supervisor (request));
  if (mill_config_find_app (config, app))
    return TRUE;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; i < config->apps->len; i++)
    g_strv_builder_add (builder,
        ((const MillApp *) g_ptr_array_index (config->apps, i))->name);
  g_auto (GStrv) names = g_strv_builder_end (builder);
  g_autofree gchar *list = g_strjoinv (", ", names);
  const gchar *nearest =
      mill_diagnostics_nearest (app, (const gchar *const *) names);
  mill_request_fail_member (request, MILL_PROBLEM_CONFLICT, "/app",
      "there is no application '%s' in the configuration of millraced, expected "
      "one of its apps: %s%s%s%s",
      app, list, nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
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

  row->enabled = TRUE;
  if (!check_app (request, app))
    return;
  read_settings (request, row);
  row->id = mill_secret_generate_id ("key_");
  row->app = g_strdup (app);
  row->name = g_strdup (json_object_get_string_member (body, "name"));
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

/* Whom the key has let in is judged by what it says now. */
static void
recheck (MillRequest *request, const MillKeyRow *row)
{
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  mill_runner_publish_recheck_key (mill_supervisor_get_runner (supervisor),
      row->id, row->app);
}

static MillKeyRow *
find_row (MillRequest *request, GError **error)
{
  return mill_store_keys_get (get_store (request),
      mill_request_get_param (request, "id"), error);
}

static void
change_key (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillKeyRow) row = find_row (request, &error);
  if (row)
    read_settings (request, row);
  if (!row || !mill_store_keys_update (get_store (request), row, &error)) {
    mill_request_fail (request, error);
    return;
  }
  recheck (request, row);
  mill_request_reply_object (request, SOUP_STATUS_OK, to_json (row));
}

/* @ret_until: Unix seconds; 0: no longer at all
 * Returns: FALSE when it was answered */
static gboolean
read_grace (MillRequest *request, gint64 *ret_until)
{
  const gchar *text = mill_request_get_query (request, "grace_seconds");
  guint64 grace_s = 0;
  if (text &&
      !g_ascii_string_to_unsigned (text, 10, 0, MAX_GRACE_S, &grace_s, NULL)) {
    mill_request_fail_query (request, "grace_seconds",
        "got '%.60s', expected a whole number from 0 to %d", text, MAX_GRACE_S);
    return FALSE;
  }
  *ret_until =
      grace_s > 0 ? g_get_real_time () / G_USEC_PER_SEC + (gint64) grace_s : 0;
  return TRUE;
}

static void
rotate_key (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  const gchar *id = mill_request_get_param (request, "id");
  gint64 until;
  if (!read_grace (request, &until))
    return;
  g_autofree gchar *secret =
      mill_secret_generate (MILL_PUBLISH_AUTH_KEY_PREFIX);
  g_autoptr (GBytes) hash = mill_secret_hash (secret);
  g_autoptr (MillKeyRow) row = NULL;
  if (mill_store_keys_rotate (get_store (request), id, hash, until, &error))
    row = find_row (request, &error);
  if (!row) {
    mill_request_fail (request, error);
    return;
  }
  recheck (request, row);
  JsonObject *object = to_json (row);
  json_object_set_string_member (object, "key", secret);
  mill_request_reply_object (request, SOUP_STATUS_OK, object);
}

static void
delete_key (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillKeyRow) row = find_row (request, &error);
  if (!row || !mill_store_keys_delete (get_store (request), row->id, &error)) {
    mill_request_fail (request, error);
    return;
  }
  recheck (request, row);
  mill_request_reply_empty (request);
}

static const gchar *const rotate_query[] = { "grace_seconds", NULL };

const MillRoute mill_api_stream_keys_routes[] = {
  { "GET", "/api/v1/stream-keys", MILL_ACCESS_ADMIN, list_keys,
      .query = mill_api_page_query },
  { "POST", "/api/v1/stream-keys", MILL_ACCESS_ADMIN, create_key,
      .body = "StreamKeyInput" },
  { "GET", "/api/v1/stream-keys/{id}", MILL_ACCESS_ADMIN, get_key },
  { "PATCH", "/api/v1/stream-keys/{id}", MILL_ACCESS_ADMIN, change_key,
      .body = "StreamKeyPatch" },
  { "DELETE", "/api/v1/stream-keys/{id}", MILL_ACCESS_ADMIN, delete_key },
  { "POST", "/api/v1/stream-keys/{id}/rotate", MILL_ACCESS_ADMIN, rotate_key,
      .query = rotate_query },
  { 0 },
};
