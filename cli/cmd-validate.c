/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "commands.h"
#include "load.h"

MillExit
mill_cmd_validate (MillCli *cli, gchar **arguments)
{
  const MillPlanOptions options = {
    .epoch = GST_CLOCK_TIME_NONE,
    .allow_missing = TRUE,
  };
  MillExit result = mill_load_engine (cli);
  if (result != MILL_EXIT_OK)
    return result;
  /* All files, and the code of the first that is wrong. */
  for (gchar **name = arguments; *name != NULL; name++) {
    g_autoptr (MillPlan) plan = NULL;
    MillExit code = mill_load_plan (cli, *name, NULL, &options, &plan);
    if (result == MILL_EXIT_OK)
      result = code;
  }
  return result;
}
