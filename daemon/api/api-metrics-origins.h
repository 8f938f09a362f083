/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "fleet.h"

G_BEGIN_DECLS

/** Appends what each origin's own /metrics says, with its id as a label: on the
 * port that they share, one of them answers, and nobody knows which. */
void mill_api_metrics_origins_add (GString *text, MillFleet *fleet);

/** @metrics: (nullable): Prometheus text. Appends its samples of the family @name
 * to @text, with the label id. */
void mill_api_metrics_origins_add_family (GString *text, const gchar *metrics,
    const gchar *name, const gchar *id);

G_END_DECLS
