/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The key in what a secret file holds: base64 behind "whsec_", as the tools of
 * Standard Webhooks write it, else the bytes themselves.
 * Returns: (transfer full) (nullable): NULL when it is shorter than 24 bytes */
GBytes *mill_webhook_signature_read_key (GBytes *secret, GError **error);

/* The header webhook-signature of Standard Webhooks 1.0: "v1," and the base64
 * of HMAC-SHA256 over "ID.TIMESTAMP.BODY".
 * @timestamp: Unix seconds
 * Returns: (transfer full) */
gchar *mill_webhook_signature_make (GBytes *key, const gchar *id,
    gint64 timestamp, const gchar *body);

G_END_DECLS
