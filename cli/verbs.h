/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* All verbs in the order of the manual; the last has no name. */
extern const MillVerb mill_verbs[];

/* Returns: (transfer none) (nullable) */
const MillVerb *mill_verbs_find (const gchar *name);

/* The verb that was probably meant. Returns: (transfer none) (nullable) */
const gchar *mill_verbs_nearest (const gchar *name);

G_END_DECLS
