/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* The options that every verb knows, for parsing and for their description. */
extern const GOptionEntry mill_options_global[];

/* Takes the options before the verb from @argv.
 * Errors: G_OPTION_ERROR */
gboolean mill_options_parse_front (gint *argc, gchar ***argv, GError **error);

/* Takes the options of @verb, and global ones, from the rest.
 * Errors: G_OPTION_ERROR */
gboolean mill_options_parse_verb (const MillVerb *verb, gint *argc,
    gchar ***argv, GError **error);

gboolean mill_options_wants_help (void);
gboolean mill_options_wants_version (void);
/* Whether -o was given. */
gboolean mill_options_has_output (void);

/* Fills @cli from options, environment and defaults.
 * Errors: G_OPTION_ERROR for a format that does not exist */
gboolean mill_options_fill (MillCli *cli, GError **error);

/* "-o, --output table|json|yaml". Returns: (transfer full) */
gchar *mill_options_describe (const GOptionEntry *entry);

G_END_DECLS
