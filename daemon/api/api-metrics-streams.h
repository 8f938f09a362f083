/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "resources.h"

G_BEGIN_DECLS

/* How the publishers of the streams that run do: one sample per stream and
 * family, in the order of names, of so many streams at most.
 * @report: (nullable): what the shared worker describes */
void mill_api_metrics_streams_add (GString *text, MillStreamRegistry *registry,
    const MillProcessReport *report);

/* "# HELP" and "# TYPE". */
void mill_api_metrics_streams_add_head (GString *text, const gchar *name,
    const gchar *type, const gchar *help);

/* "NAME{stream=…,app=…": further labels and the brace follow. */
void mill_api_metrics_streams_begin_sample (GString *text, const gchar *name,
    const MillStream *stream);

/* @dict: an a{sv} of statistics. Returns: FALSE when it has no such number */
gboolean mill_api_metrics_streams_read_number (GVariant *dict,
    const gchar *field, gdouble *ret_number);

G_END_DECLS
