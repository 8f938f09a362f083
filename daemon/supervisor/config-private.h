/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"
#include "yaml-node.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_CONFIG_ADDRESS, /* gchar *, nullable HOST:PORT */
  MILL_CONFIG_URL, /* gchar *, nullable */
  MILL_CONFIG_PATH, /* gchar * */
  MILL_CONFIG_FILE, /* gchar *, nullable absolute path */
  MILL_CONFIG_STORE, /* gchar * */
  MILL_CONFIG_NETWORKS, /* gchar **, address ranges */
  MILL_CONFIG_NUMBER, /* guint */
  MILL_CONFIG_CHOICE, /* gint, index of one of choices */
} MillConfigKind;

/** One setting: the reader, the printer and the comparison of reloads all go
 * by this table. */
typedef struct
{
  const gchar *section; /* nullable: top level */
  const gchar *name;
  MillConfigKind kind;
  gsize offset; /* in MillConfig */
  guint minimum;
  guint maximum;
  const gchar *const *choices;
  gboolean restart; /* takes effect at the next start */
  gboolean unavailable; /* known, not built yet */
} MillConfigKey;

extern const MillConfigKey mill_config_keys[];

void mill_config_app_free (MillApp *app);

/* A YAML double-quoted scalar; JSON's escapes are a subset of its. */
void mill_config_append_quoted (GString *text, const gchar *value);

/* Reads @data over the defaults in @config. */
void mill_config_yaml_read (MillConfig *config, const gchar *data, gsize size,
    MillDiagnostics *diagnostics);

/* Whether certificate and key can be used, when there are any; where there is
 * rtmps there must be. @root: where the settings stand */
void mill_config_tls_check (const MillConfig *config, const MillYamlNode *root,
    MillDiagnostics *diagnostics);

G_END_DECLS
