/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"
#include "kinds.h"

/* start, stop and restart: the verb is the action of the API. */
MillExit
mill_cmd_start (MillCli *cli, gchar **arguments)
{
  MillExit code = MILL_EXIT_USAGE;
  const MillKind *kind = mill_kinds_find (cli, arguments[0]);
  if (kind == NULL)
    return code;
  if (!kind->startable)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "%s '%s': only streams can be started, stopped and restarted, expected "
        "`millrace %s stream NAME`",
        kind->singular, arguments[1], cli->verb);
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  if (client == NULL)
    return code;
  g_autofree gchar *path = mill_kinds_path (kind, arguments[1], cli->verb);
  return mill_client_send (client, "POST", path, NULL, NULL);
}
