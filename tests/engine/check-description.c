/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* For test-schema.py and test-docs.py: tells what the parser, and with --plan
 * the plan, says about descriptions.
 *
 * Reads texts from standard input, each behind a line with its length in
 * bytes, and answers each with a line: the number of lines that follow. */
#include <stdio.h>
#include <string.h>

#include "engine.h"

static gchar *
check (const gchar *text, gsize size, gboolean with_plan)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlanOptions options = { .allow_missing = TRUE };
  g_autoptr (MillDescription) description = NULL;
  g_autoptr (MillPlan) plan = NULL;

  if (with_plan)
    plan = mill_plan_new_from_data (text, size, "description.yaml", &options,
        diagnostics);
  else
    description = mill_description_new_from_data (text, size,
        "description.yaml", diagnostics);
  return mill_diagnostics_to_string (diagnostics);
}

int
main (int argc, char **argv)
{
  gboolean with_plan = argc > 1 && g_str_equal (argv[1], "--plan");
  unsigned long size;

  if (!mill_engine_init (NULL, NULL, NULL))
    return 1;
  while (scanf ("%lu\n", &size) == 1) {
    g_autofree gchar *text = g_malloc0 (size + 1);
    g_autofree gchar *said = NULL;
    guint n_lines = 0;

    if (fread (text, 1, size, stdin) != size)
      return 1;
    said = check (text, size, with_plan);
    for (const gchar *p = said; *p; p++)
      n_lines += *p == '\n';
    printf ("%u\n%s", n_lines, said);
    fflush (stdout);
  }
  return 0;
}
