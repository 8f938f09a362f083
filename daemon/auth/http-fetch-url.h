/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  MILL_HTTP_FETCH_URL_SAFE, /* https, or http to this machine */
  MILL_HTTP_FETCH_URL_ANYWHERE, /* http to everywhere too */
} MillHttpFetchUrlRule;

/* Whether @url is one to send a secret to, or to take keys from.
 * Errors: G_IO_ERROR.INVALID_ARGUMENT */
gboolean mill_http_fetch_url_check (const gchar *url, MillHttpFetchUrlRule rule,
    GError **error);

G_END_DECLS
