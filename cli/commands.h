/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* What each verb runs, and its options: cmd-<verb>.c. */

extern const GOptionEntry mill_cmd_run_options[];
MillExit mill_cmd_run (MillCli *cli, gchar **arguments);

MillExit mill_cmd_validate (MillCli *cli, gchar **arguments);

extern const GOptionEntry mill_cmd_explain_options[];
MillExit mill_cmd_explain (MillCli *cli, gchar **arguments);

MillExit mill_cmd_elements (MillCli *cli, gchar **arguments);

MillExit mill_cmd_presets (MillCli *cli, gchar **arguments);

MillExit mill_cmd_get (MillCli *cli, gchar **arguments);
MillExit mill_cmd_describe (MillCli *cli, gchar **arguments);
MillExit mill_cmd_delete (MillCli *cli, gchar **arguments);

/* start, stop, restart: cmd-start.c */
MillExit mill_cmd_start (MillCli *cli, gchar **arguments);

MillExit mill_cmd_switch (MillCli *cli, gchar **arguments);

extern const GOptionEntry mill_cmd_cue_options[];
MillExit mill_cmd_cue (MillCli *cli, gchar **arguments);

extern const GOptionEntry mill_cmd_events_options[];
MillExit mill_cmd_events (MillCli *cli, gchar **arguments);

extern const GOptionEntry mill_cmd_logs_options[];
MillExit mill_cmd_logs (MillCli *cli, gchar **arguments);

extern const GOptionEntry mill_cmd_top_options[];
MillExit mill_cmd_top (MillCli *cli, gchar **arguments);

extern const GOptionEntry mill_cmd_stream_keys_options[];
MillExit mill_cmd_stream_keys (MillCli *cli, gchar **arguments);

MillExit mill_cmd_help (MillCli *cli, gchar **arguments);

G_END_DECLS
