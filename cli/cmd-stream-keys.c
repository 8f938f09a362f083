/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"
#include "duration.h"
#include "kinds.h"

#define NEVER "never"
#define NONE "none"
#define ANYWHERE "anywhere"

static gchar *arg_app;
static gchar *arg_expires;
static gchar **arg_allow;
static gchar *arg_max_bitrate;
static gchar *arg_max_duration;
static gchar *arg_grace;

const GOptionEntry mill_cmd_stream_keys_options[] = {
  { "app", 0, 0, G_OPTION_ARG_STRING, &arg_app,
      "create: the application that the key is for", "APP" },
  { "expires", 0, 0, G_OPTION_ARG_STRING, &arg_expires,
      "create, set: when the key stops working: in 90s, 45m, 24h or 30d, at a "
      "time (ISO 8601 with time zone), or never",
      "WHEN" },
  { "allow", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arg_allow,
      "create, set: a network (10.0.0.0/8) or an address that may publish with "
      "it; may be given several times; anywhere takes them all away",
      "NETWORK" },
  { "max-bitrate", 0, 0, G_OPTION_ARG_STRING, &arg_max_bitrate,
      "create, set: bit/s in the mean of 10 s above which the stream is ended; "
      "6000k, 8M, or none",
      "RATE" },
  { "max-duration", 0, 0, G_OPTION_ARG_STRING, &arg_max_duration,
      "create, set: how long a stream may run: 90m, 4h, or none", "TIME" },
  { "grace", 0, 0, G_OPTION_ARG_STRING, &arg_grace,
      "rotate: how long the secret before stays good too: 10m, 24h", "TIME" },
  { NULL },
};

/* ---- the fields of a key, as the options say them ---- */

/* Whether @text may be a time; the server knows which ones it takes. */
static gboolean
is_time (const gchar *text)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);
  return time != NULL;
}

static gboolean
add_expires (MillCli *cli, JsonObject *object)
{
  gint64 seconds;
  if (arg_expires == NULL)
    return TRUE;
  if (g_str_equal (arg_expires, NEVER)) {
    json_object_set_null_member (object, "expires_at");
    return TRUE;
  }
  if (is_time (arg_expires)) {
    json_object_set_string_member (object, "expires_at", arg_expires);
    return TRUE;
  }
  if (!mill_duration_parse (arg_expires, &seconds)) {
    mill_cli_fail (cli, MILL_EXIT_USAGE,
        "option '--expires': got '%s', expected how long from now (90s, 45m, "
        "24h, 30d), a time with its zone (2030-01-31T18:00:00Z), or never",
        arg_expires);
    return FALSE;
  }
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) then = g_date_time_add_seconds (now, (gdouble) seconds);
  g_autofree gchar *text =
      then ? g_date_time_format (then, "%Y-%m-%dT%H:%M:%SZ") : NULL;
  if (text == NULL) {
    mill_cli_fail (cli, MILL_EXIT_USAGE, "--expires: '%s' is too long",
        arg_expires);
    return FALSE;
  }
  json_object_set_string_member (object, "expires_at", text);
  return TRUE;
}

static void
add_allow (JsonObject *object)
{
  if (arg_allow == NULL)
    return;
  JsonArray *ranges = json_array_new ();
  for (guint i = 0; arg_allow[i]; i++)
    if (!g_str_equal (arg_allow[i], ANYWHERE))
      json_array_add_string_element (ranges, arg_allow[i]);
  json_object_set_array_member (object, "allowed_addresses", ranges);
}

/* "2500000", "6000k", "8M" */
static gboolean
parse_bitrate (const gchar *text, gint64 *ret_bps)
{
  gchar *end;
  guint64 number = g_ascii_strtoull (text, &end, 10);
  guint64 factor = 1;
  if (*end == 'k')
    factor = 1000;
  else if (*end == 'M')
    factor = 1000 * 1000;
  if (end == text || !g_ascii_isdigit (*text) || number == 0 ||
      number > G_MAXINT64 / factor || (factor > 1 ? end[1] : end[0]) != '\0')
    return FALSE;
  *ret_bps = (gint64) (number * factor);
  return TRUE;
}

static gboolean
add_limit (MillCli *cli, JsonObject *object, const gchar *field,
    const gchar *text, gboolean (*parse) (const gchar *, gint64 *))
{
  gint64 value;
  if (text == NULL)
    return TRUE;
  if (g_str_equal (text, NONE)) {
    json_object_set_null_member (object, field);
    return TRUE;
  }
  if (!parse (text, &value)) {
    mill_cli_fail (cli, MILL_EXIT_USAGE,
        "%s: got '%s', expected a number with its unit, or none", field, text);
    return FALSE;
  }
  json_object_set_int_member (object, field, value);
  return TRUE;
}

static gboolean
add_settings (MillCli *cli, JsonObject *object)
{
  add_allow (object);
  return add_expires (cli, object) &&
      add_limit (cli, object, "max_bitrate_bps", arg_max_bitrate,
          parse_bitrate) &&
      add_limit (cli, object, "max_duration_seconds", arg_max_duration,
          mill_duration_parse);
}

/* ---- the actions ---- */

/* The secret is part of the answer, and of no later one. */
static MillExit
send (MillCli *cli, MillClient *client, const gchar *method, const gchar *path,
    JsonNode *body)
{
  g_autoptr (JsonNode) answer = NULL;
  MillExit code = mill_client_send (client, method, path, body, &answer);
  if (code == MILL_EXIT_OK && answer != NULL)
    mill_output_object (cli, answer);
  return code;
}

static MillExit
create (MillCli *cli, MillClient *client, const MillKind *kind,
    const gchar *name)
{
  g_autoptr (JsonNode) body = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  json_node_take_object (body, object);
  json_object_set_string_member (object, "name", name);
  if (arg_app != NULL)
    json_object_set_string_member (object, "app", arg_app);
  if (!add_settings (cli, object))
    return MILL_EXIT_USAGE;
  return send (cli, client, "POST", kind->name, body);
}

typedef enum
{
  CHANGE_SETTINGS,
  CHANGE_ENABLE,
  CHANGE_DISABLE,
} Change;

static MillExit
change (MillCli *cli, MillClient *client, const gchar *path, Change what)
{
  g_autoptr (JsonNode) body = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  json_node_take_object (body, object);
  if (what != CHANGE_SETTINGS)
    json_object_set_boolean_member (object, "enabled", what == CHANGE_ENABLE);
  else if (!add_settings (cli, object))
    return MILL_EXIT_USAGE;
  if (json_object_get_size (object) == 0)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "set: expected --expires, --allow, --max-bitrate or --max-duration");
  return send (cli, client, "PATCH", path, body);
}

static MillExit
rotate (MillCli *cli, MillClient *client, const gchar *path)
{
  gint64 grace_s = 0;
  if (arg_grace != NULL && !mill_duration_parse (arg_grace, &grace_s))
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "--grace: got '%s', expected a time like 10m or 24h", arg_grace);
  g_autofree gchar *query = arg_grace != NULL
      ? g_strdup_printf ("?grace_seconds=%" G_GINT64_FORMAT, grace_s)
      : g_strdup ("");
  g_autofree gchar *whole = g_strconcat (path, "/rotate", query, NULL);
  return send (cli, client, "POST", whole, NULL);
}

static MillExit
list (MillCli *cli, MillClient *client, const MillKind *kind)
{
  g_autoptr (JsonArray) items = NULL;
  MillExit code = mill_client_list (client, kind->name, &items);
  if (code == MILL_EXIT_OK)
    mill_output_list (cli, items, kind->columns);
  return code;
}

static gboolean
is_action (gchar **arguments, const gchar *action, gboolean has_name)
{
  return g_str_equal (arguments[0], action) &&
      (arguments[1] != NULL) == has_name;
}

static MillExit
act_on (MillCli *cli, MillClient *client, gchar **arguments, const gchar *path)
{
  if (is_action (arguments, "get", TRUE))
    return send (cli, client, "GET", path, NULL);
  if (is_action (arguments, "set", TRUE))
    return change (cli, client, path, CHANGE_SETTINGS);
  if (is_action (arguments, "enable", TRUE))
    return change (cli, client, path, CHANGE_ENABLE);
  if (is_action (arguments, "disable", TRUE))
    return change (cli, client, path, CHANGE_DISABLE);
  if (is_action (arguments, "rotate", TRUE))
    return rotate (cli, client, path);
  if (is_action (arguments, "delete", TRUE))
    return send (cli, client, "DELETE", path, NULL);
  return mill_cli_fail (cli, MILL_EXIT_USAGE,
      "got '%s%s%s', expected list, create NAME, or one of get, set, enable, "
      "disable, rotate and delete with an ID",
      arguments[0], arguments[1] != NULL ? " " : "",
      arguments[1] != NULL ? arguments[1] : "");
}

MillExit
mill_cmd_stream_keys (MillCli *cli, gchar **arguments)
{
  MillExit code;
  const MillKind *kind = mill_kinds_find (cli, "stream-keys");
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  if (client == NULL)
    return code;
  if (is_action (arguments, "list", FALSE))
    return list (cli, client, kind);
  if (is_action (arguments, "create", TRUE))
    return create (cli, client, kind, arguments[1]);
  g_autofree gchar *path =
      arguments[1] != NULL ? mill_kinds_path (kind, arguments[1], NULL) : NULL;
  return act_on (cli, client, arguments, path);
}
