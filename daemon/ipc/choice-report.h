/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In place of the name of an input. */
#define MILL_CHOICE_AUTOMATIC "automatic"
#define MILL_CHOICE_SLATE "slate"
#define MILL_CHOICE_NOTHING "nothing"

/** Which of several inputs a stream shows, and who chose that. */
typedef struct
{
  gchar *shown; /* one of inputs, SLATE or NOTHING */
  gchar *chosen; /* one of inputs, or AUTOMATIC */
  gchar **inputs; /* nodes, the first choice first */
} MillChoiceReport;

void mill_choice_report_free (MillChoiceReport *report);

/* As the a{sv} of org.millrace.Worker1.
 * Returns: (transfer full); to_variant: floating */
MillChoiceReport *mill_choice_report_new_from_variant (GVariant *variant);
GVariant *mill_choice_report_to_variant (const MillChoiceReport *report);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillChoiceReport, mill_choice_report_free)

G_END_DECLS
