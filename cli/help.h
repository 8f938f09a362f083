/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* All made from the table of verbs. Returns: (transfer full) */
gchar *mill_help_overview (void);
gchar *mill_help_verb (const MillVerb *verb);
/* Verbs and options as sections of the manual page, reStructuredText. */
gchar *mill_help_manual (void);
gchar *mill_help_completion (void);

G_END_DECLS
