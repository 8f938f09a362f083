/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/choice-report.h"

#include "daemon/ipc/ipc.h"

void
mill_choice_report_free (MillChoiceReport *report)
{
  if (!report)
    return;
  g_free (report->shown);
  g_free (report->chosen);
  g_strfreev (report->inputs);
  g_free (report);
}

MillChoiceReport *
mill_choice_report_new_from_variant (GVariant *variant)
{
  MillChoiceReport *report = g_new0 (MillChoiceReport, 1);

  report->shown = mill_ipc_lookup_string (variant, "shown");
  report->chosen = mill_ipc_lookup_string (variant, "chosen");
  if (!g_variant_lookup (variant, "inputs", "^as", &report->inputs))
    report->inputs = g_new0 (gchar *, 1);
  return report;
}

GVariant *
mill_choice_report_to_variant (const MillChoiceReport *report)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "shown", "s", report->shown);
  g_variant_dict_insert (&dict, "chosen", "s", report->chosen);
  g_variant_dict_insert (&dict, "inputs", "^as", report->inputs);
  return g_variant_dict_end (&dict);
}
