/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-plan.h"

#include <string.h>

#include "daemon/ipc/ipc.h"

/* Parameters that every description may declare and a worker knows. */
static GHashTable *
complete_params (MillDescription *description,
    const MillWorkerStreamOptions *options)
{
  GHashTable *params =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GPtrArray *declared = mill_description_get_params (description);
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  for (guint i = 0; i < declared->len; i++) {
    const MillParam *param = declared->pdata[i];
    if (g_str_equal (param->name, "stream"))
      g_hash_table_insert (params, g_strdup ("stream"),
          g_strdup (options->name));
    else if (g_str_equal (param->name, "output"))
      g_hash_table_insert (params, g_strdup ("output"),
          g_build_filename (options->media_dir, options->name, NULL));
  }
  g_hash_table_iter_init (&iter, options->graph->params);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_replace (params, g_strdup (name), g_strdup (value));
  return params;
}

MillPlan *
mill_stream_plan_new (const MillWorkerStreamOptions *options, GError **error)
{
  const MillGraphSpec *spec = options->graph;
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_data (spec->description,
          strlen (spec->description), spec->file, diagnostics);
  MillPlan *plan = NULL;

  if (description) {
    g_autoptr (GHashTable) params = complete_params (description, options);
    const MillPlanOptions plan_options = {
      .params = params,
      .epoch = spec->epoch_ns ? spec->epoch_ns : GST_CLOCK_TIME_NONE,
      .one_process = spec->one_process,
      .process = spec->process,
      .stream = options->name,
      .links_dir = options->links_dir,
    };
    plan = mill_plan_new (description, &plan_options, diagnostics);
  }
  if (!plan) {
    g_autofree gchar *text = mill_diagnostics_to_string (diagnostics);
    g_set_error_literal (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DESCRIPTION,
        g_strchomp (text));
  }
  return plan;
}
