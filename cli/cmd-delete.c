/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"
#include "kinds.h"

MillExit
mill_cmd_delete (MillCli *cli, gchar **arguments)
{
  MillExit code = MILL_EXIT_USAGE;
  const MillKind *kind = mill_kinds_find (cli, arguments[0]);
  if (kind == NULL)
    return code;
  if (!kind->deletable)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "%s '%s': %s cannot be deleted, expected streams, stream-keys or "
        "pipelines",
        kind->singular, arguments[1], kind->name);
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  if (client == NULL)
    return code;
  g_autofree gchar *path = mill_kinds_path (kind, arguments[1], NULL);
  return mill_client_send (client, "DELETE", path, NULL, NULL);
}
