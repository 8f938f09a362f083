/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"
#include "kinds.h"

MillExit
mill_cmd_describe (MillCli *cli, gchar **arguments)
{
  MillExit code = MILL_EXIT_USAGE;
  const MillKind *kind = mill_kinds_find (cli, arguments[0]);
  if (kind == NULL)
    return code;
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  if (client == NULL)
    return code;
  g_autofree gchar *path = mill_kinds_path (kind, arguments[1], NULL);
  g_autoptr (JsonNode) answer = NULL;
  code = mill_client_send (client, "GET", path, NULL, &answer);
  if (code == MILL_EXIT_OK && answer != NULL)
    mill_output_object (cli, answer);
  return code;
}
