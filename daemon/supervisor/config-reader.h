/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"
#include "yaml-node.h"

G_BEGIN_DECLS

/* What the readers of the parts of a configuration file share. All of them go
 * on after a mistake, so that one run reports all of them. */

typedef struct
{
  MillConfig *config;
  MillDiagnostics *diagnostics;
} MillConfigReader;

/* One "key: value". */
typedef struct
{
  const gchar *name;
  const MillPlace *place;
  const MillYamlNode *value;
} MillConfigEntry;

void mill_config_reader_report (MillConfigReader *reader,
    const MillPlace *place, const gchar *format, ...) G_GNUC_PRINTF (3, 4);
/* @known: ended by NULL; the nearest of them is proposed */
void mill_config_reader_report_unknown (MillConfigReader *reader,
    const MillConfigEntry *entry, const gchar *where,
    const gchar *const *known);

MillConfigEntry mill_config_reader_get_entry (const MillYamlNode *mapping,
    guint i);

/* FALSE when there is nothing to read, reported if it is a mistake. */
gboolean mill_config_reader_expect_mapping (MillConfigReader *reader,
    const MillYamlNode *node, const gchar *what);
/* Returns: (nullable): NULL was reported */
const gchar *mill_config_reader_expect_text (MillConfigReader *reader,
    const MillConfigEntry *entry);
/* A list of texts. @ret_values: (transfer full)
 * Returns: FALSE was reported */
gboolean mill_config_reader_expect_list (MillConfigReader *reader,
    const MillConfigEntry *entry, gchar ***ret_values);
/* Returns: index of @text in @choices; -1 was reported */
gint mill_config_reader_find_choice (MillConfigReader *reader,
    const MillConfigEntry *entry, const gchar *text,
    const gchar *const *choices);

G_END_DECLS
