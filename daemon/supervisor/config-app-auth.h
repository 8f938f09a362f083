/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config-reader.h"

G_BEGIN_DECLS

/* The part of an application that says who may publish to it. */

/* Returns: whether @entry is of that part; mistakes in it are reported */
gboolean mill_config_app_auth_read (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry);

/* When all entries of an application are read: what is missing, or does not
 * go together. */
void mill_config_app_auth_finish (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *section);

/* Frees what it has read. */
void mill_config_app_auth_clear (MillApp *app);

/* What the settings of an application's tokens, or webhook, are, as YAML:
 * equal texts are equal settings. Returns: (transfer full) (nullable) */
gchar *mill_config_app_auth_describe_jwt (const MillApp *app);
gchar *mill_config_app_auth_describe_webhook (const MillApp *app);

/* ", auth: …" and what else there is, as YAML. */
void mill_config_app_auth_append (GString *text, const MillApp *app);

G_END_DECLS
