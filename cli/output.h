/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>

#include "cli.h"

G_BEGIN_DECLS

/** A column of a table: a heading, and where its text is in an item. */
typedef struct
{
  const gchar *title;
  const gchar *member; /* "publisher.address" goes into an object */
} MillColumn;

/* Objects as lines, their members below each other; what a terminal would obey
 * is not in it.
 * @columns: the last has no title. Returns: (transfer full) */
gchar *mill_output_table (JsonArray *items, const MillColumn *columns);

/* Prints a list of objects.
 * @columns: the last has no title */
void mill_output_list (const MillCli *cli, JsonArray *items,
    const MillColumn *columns);

/* Prints one thing: as YAML also where a table was asked for. */
void mill_output_object (const MillCli *cli, JsonNode *node);

G_END_DECLS
