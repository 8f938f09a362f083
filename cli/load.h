/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cli.h"
#include "plan.h"

G_BEGIN_DECLS

/* Starts the engine. */
MillExit mill_load_engine (const MillCli *cli);

/* Starts it for one description; no other may be planned then.
 * @name: a file, or the name of a shipped description */
MillExit mill_load_engine_for (const MillCli *cli, const gchar *name);

/* Reads and plans a description; every mistake and warning goes to standard
 * error.
 * @name: a file, or the name of a shipped description
 * @settings: (nullable): "name=value" from --set
 * @options: with params NULL
 * @ret_plan: (transfer full): set with MILL_EXIT_OK only */
MillExit mill_load_plan (const MillCli *cli, const gchar *name,
    gchar **settings, const MillPlanOptions *options, MillPlan **ret_plan);

G_END_DECLS
