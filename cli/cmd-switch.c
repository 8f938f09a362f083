/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"

/* The server knows what its inputs are called, and says so. */
MillExit
mill_cmd_switch (MillCli *cli, gchar **arguments)
{
  MillExit code = MILL_EXIT_OK;
  g_autoptr (MillClient) client = mill_client_new (cli, &code);

  if (client == NULL)
    return code;
  JsonObject *choice = json_object_new ();
  json_object_set_string_member (choice, "input", arguments[1]);
  g_autoptr (JsonNode) body = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (body, choice);
  g_autofree gchar *name = g_uri_escape_string (arguments[0], NULL, FALSE);
  g_autofree gchar *path = g_strdup_printf ("streams/%s/input", name);
  return mill_client_send (client, "POST", path, body, NULL);
}
