/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "output.h"

G_BEGIN_DECLS

/** A kind of thing that the server has. */
typedef struct
{
  const gchar *name; /* plural, also the path below /api/v1 */
  const gchar *singular;
  gboolean deletable;
  gboolean startable; /* knows start, stop and restart */
  const MillColumn *columns;
} MillKind;

/* @name: plural or singular
 * Returns: (transfer none) (nullable): NULL after an error was told */
const MillKind *mill_kinds_find (const MillCli *cli, const gchar *name);

/* "streams/NAME[/action]", escaped. Returns: (transfer full) */
gchar *mill_kinds_path (const MillKind *kind, const gchar *name,
    const gchar *action);

G_END_DECLS
