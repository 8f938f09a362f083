/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "publisher.h"

G_BEGIN_DECLS

/** A node of a stream that takes a publisher. */
typedef struct
{
  gchar *node;
  gchar *state; /* waiting: never had one; live; away: it may come back */
  MillPublisher *publisher; /* nullable: the one it has, or had */
  gboolean active; /* viewers see it */
} MillInputReport;

#define MILL_INPUT_WAITING "waiting"
#define MILL_INPUT_LIVE "live"
#define MILL_INPUT_AWAY "away"

/* Returns: (transfer full) (element-type MillInputReport) */
GPtrArray *mill_input_report_new_list (void);

/* Everything empty; @list has it.
 * Returns: (transfer none) */
MillInputReport *mill_input_report_add (GPtrArray *list);

/* How many of @list are in @state. */
guint mill_input_report_count (const GPtrArray *list, const gchar *state);

/* As the aa{sv} of org.millrace.Worker1.
 * Returns: (transfer full); to_variant: floating */
GPtrArray *mill_input_report_list_from_variant (GVariant *variant);
GVariant *mill_input_report_list_to_variant (const GPtrArray *list);

G_END_DECLS
