/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config-reader.h"

G_BEGIN_DECLS

/* The part of an application that says who may publish to it. */

/* Returns: whether @entry is of that part; mistakes in it are reported */
gboolean mill_config_app_auth_read (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry);

/* ", auth: …" and what else there is, as YAML. */
void mill_config_app_auth_append (GString *text, const MillApp *app);

G_END_DECLS
