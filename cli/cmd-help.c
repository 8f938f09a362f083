/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "commands.h"
#include "help.h"
#include "verbs.h"

MillExit
mill_cmd_help (MillCli *cli, gchar **arguments)
{
  g_autofree gchar *text = NULL;
  if (arguments[0] == NULL) {
    text = mill_help_overview ();
  } else {
    const MillVerb *verb = mill_verbs_find (arguments[0]);
    if (verb == NULL)
      return mill_cli_fail (cli, MILL_EXIT_USAGE,
          "unknown verb '%s', expected one of `millrace help`", arguments[0]);
    text = mill_help_verb (verb);
  }
  mill_cli_print (text);
  return MILL_EXIT_OK;
}
