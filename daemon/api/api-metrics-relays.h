/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "resources.h"

G_BEGIN_DECLS

/* How the servers do that streams are sent on to: one sample per node and
 * family, of so many nodes at most.
 * @report: (nullable): what the shared worker describes */
void mill_api_metrics_relays_add (GString *text, MillStreamRegistry *registry,
    const MillProcessReport *report);

G_END_DECLS
