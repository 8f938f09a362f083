/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "config-secrets.h"

#include "description.h"

gboolean
mill_config_secrets_has (const MillApp *app, const gchar *param)
{
  /* Its mistakes are told when it is run. */
  g_autoptr (MillDiagnostics) ignored = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_file (app->pipeline, ignored);
  if (!description)
    return TRUE;
  GPtrArray *params = mill_description_get_params (description);
  for (guint i = 0; i < params->len; i++) {
    const MillParam *declared = g_ptr_array_index (params, i);
    if (g_str_equal (declared->name, param))
      return declared->secret;
  }
  return TRUE;
}
