/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "load.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

static MillExit
start_engine (const MillCli *cli, const MillDescription *description)
{
  g_autoptr (GError) error = NULL;
  if (mill_engine_init_for (description, &error))
    return MILL_EXIT_OK;
  return mill_cli_fail (cli, MILL_EXIT_INTERNAL, "GStreamer: %s",
      error->message);
}

MillExit
mill_load_engine (const MillCli *cli)
{
  return start_engine (cli, NULL);
}

MillExit
mill_load_engine_for (const MillCli *cli, const gchar *name)
{
  /* Its mistakes are told with those of the plan. */
  g_autoptr (MillDiagnostics) unused = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_file (name, unused);
  return start_engine (cli, description);
}

static MillExit
parse_settings (const MillCli *cli, gchar **settings, GHashTable *params)
{
  for (gchar **setting = settings; setting != NULL && *setting; setting++) {
    const gchar *equals = strchr (*setting, '=');
    if (equals == NULL || equals == *setting)
      return mill_cli_fail (cli, MILL_EXIT_USAGE,
          "option '--set': got '%s', expected NAME=VALUE", *setting);
    g_hash_table_insert (params, g_strndup (*setting, equals - *setting),
        g_strdup (equals + 1));
  }
  return MILL_EXIT_OK;
}

/* A description that is not there, or nobody may read, is another cause than a
 * wrong one; so is a directory of them. */
static gboolean
is_missing (const gchar *name)
{
  g_autofree gchar *file = g_strconcat (name, ".yaml", NULL);
  g_autofree gchar *shipped =
      g_build_filename (mill_engine_get_pipelines_dir (), file, NULL);
  return !g_file_test (shipped, G_FILE_TEST_EXISTS) &&
      (g_file_test (name, G_FILE_TEST_IS_DIR) || g_access (name, R_OK) != 0);
}

MillExit
mill_load_plan (const MillCli *cli, const gchar *name, gchar **settings,
    const MillPlanOptions *options, MillPlan **ret_plan)
{
  g_autoptr (GHashTable) params =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  MillExit code = parse_settings (cli, settings, params);
  if (code != MILL_EXIT_OK)
    return code;
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlanOptions with_params = *options;
  with_params.params = params;
  g_autoptr (MillPlan) plan =
      mill_plan_new_from_file (name, &with_params, diagnostics);
  g_autofree gchar *text = mill_diagnostics_to_string (diagnostics);
  fputs (text, stderr);
  if (plan == NULL)
    return is_missing (name) ? MILL_EXIT_NO_INPUT : MILL_EXIT_DATA;
  *ret_plan = g_steal_pointer (&plan);
  return MILL_EXIT_OK;
}
