/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"

G_BEGIN_DECLS

/* Whether what @app says for @param may be a secret: it is shown only when the
 * description of the application can be read and declares it as none. Those
 * that are kept by PUT are in the store, which is not looked into. */
gboolean mill_config_secrets_has (const MillApp *app, const gchar *param);

G_END_DECLS
