/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"
#include "kinds.h"

static MillExit
get_list (MillCli *cli, MillClient *client, const MillKind *kind)
{
  g_autoptr (JsonArray) items = NULL;
  MillExit code = mill_client_list (client, kind->name, &items);
  if (code == MILL_EXIT_OK)
    mill_output_list (cli, items, kind->columns);
  return code;
}

/* One thing in a table is a table with one line. */
static MillExit
get_one (MillCli *cli, MillClient *client, const MillKind *kind,
    const gchar *name)
{
  g_autofree gchar *path = mill_kinds_path (kind, name, NULL);
  g_autoptr (JsonNode) answer = NULL;
  MillExit code = mill_client_send (client, "GET", path, NULL, &answer);
  if (code != MILL_EXIT_OK || answer == NULL)
    return code;
  if (cli->output == MILL_OUTPUT_TABLE) {
    g_autoptr (JsonArray) items = json_array_new ();
    json_array_add_element (items, g_steal_pointer (&answer));
    mill_output_list (cli, items, kind->columns);
  } else {
    mill_output_object (cli, answer);
  }
  return MILL_EXIT_OK;
}

MillExit
mill_cmd_get (MillCli *cli, gchar **arguments)
{
  MillExit code = MILL_EXIT_USAGE;
  const MillKind *kind = mill_kinds_find (cli, arguments[0]);
  if (kind == NULL)
    return code;
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  if (client == NULL)
    return code;
  if (arguments[1] == NULL)
    return get_list (cli, client, kind);
  return get_one (cli, client, kind, arguments[1]);
}
