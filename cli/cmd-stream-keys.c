/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"
#include "kinds.h"

static gchar *arg_app;
static gchar *arg_expires;

const GOptionEntry mill_cmd_stream_keys_options[] = {
  { "app", 0, 0, G_OPTION_ARG_STRING, &arg_app,
      "create: the application that the key is for", "APP" },
  { "expires", 0, 0, G_OPTION_ARG_STRING, &arg_expires,
      "create: when the key stops working, ISO 8601 with time zone", "TIME" },
  { NULL },
};

static gboolean
is_action (gchar **arguments, const gchar *action, gboolean has_name)
{
  return g_str_equal (arguments[0], action) &&
      (arguments[1] != NULL) == has_name;
}

/* The secret is part of the answer, and of no later one. */
static MillExit
print_answer (MillCli *cli, MillExit code, JsonNode *answer)
{
  if (code == MILL_EXIT_OK && answer != NULL)
    mill_output_object (cli, answer);
  return code;
}

static MillExit
create (MillCli *cli, MillClient *client, const MillKind *kind,
    const gchar *name)
{
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (JsonNode) body = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  json_node_take_object (body, object);
  json_object_set_string_member (object, "name", name);
  if (arg_app != NULL)
    json_object_set_string_member (object, "app", arg_app);
  if (arg_expires != NULL)
    json_object_set_string_member (object, "expires_at", arg_expires);
  MillExit code = mill_client_send (client, "POST", kind->name, body, &answer);
  return print_answer (cli, code, answer);
}

static MillExit
act (MillCli *cli, MillClient *client, const gchar *method, const gchar *path)
{
  g_autoptr (JsonNode) answer = NULL;
  MillExit code = mill_client_send (client, method, path, NULL, &answer);
  return print_answer (cli, code, answer);
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
  g_autofree gchar *rotate =
      g_strconcat (path != NULL ? path : "", "/rotate", NULL);
  if (is_action (arguments, "get", TRUE))
    return act (cli, client, "GET", path);
  if (is_action (arguments, "rotate", TRUE))
    return act (cli, client, "POST", rotate);
  if (is_action (arguments, "delete", TRUE))
    return act (cli, client, "DELETE", path);
  return mill_cli_fail (cli, MILL_EXIT_USAGE,
      "got '%s%s%s', expected list, create NAME, get ID, rotate ID or delete "
      "ID",
      arguments[0], arguments[1] != NULL ? " " : "",
      arguments[1] != NULL ? arguments[1] : "");
}
