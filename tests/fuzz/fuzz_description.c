/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A description arrives over REST from whoever has a key: whatever it says, it
 * is read and planned in bounds, and what has no mistake has a plan. */

#include "engine.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
const gchar *__lsan_default_suppressions (void);

/* libFYAML 0.7 and 0.8 leak 4 KB of a scalar in which nine quotes or more are
 * doubled. What of libFYAML's we forget to free the engine's tests tell. */
const gchar *
__lsan_default_suppressions (void)
{
  return "leak:libfyaml\n";
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlanOptions options = { .allow_missing = TRUE };
  g_autoptr (MillPlan) plan = NULL;

  if (!gst_is_initialized ())
    gst_init (NULL, NULL);
  plan = mill_plan_new_from_data ((const gchar *) data, size, "fuzz.yaml",
      &options, diagnostics);
  g_assert_cmpint (plan == NULL, ==,
      mill_diagnostics_get_n_errors (diagnostics) > 0);
  g_free (mill_diagnostics_to_string (diagnostics));
  if (plan) {
    g_free (mill_plan_to_text (plan));
    g_free (mill_plan_to_launch (plan));
  }
  return 0;
}
