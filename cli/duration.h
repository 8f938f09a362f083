/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text: a whole number and its unit, s, m, h or d: "90s", "24h", "30d".
 * Returns: FALSE when it is none, or 0; @ret_seconds untouched */
gboolean mill_duration_parse (const gchar *text, gint64 *ret_seconds);

G_END_DECLS
