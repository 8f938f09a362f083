/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "http-fetch-url.h"

static gboolean
is_loopback (const gchar *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  return address ? g_inet_address_get_is_loopback (address)
                 : g_ascii_strcasecmp (host, "localhost") == 0;
}

gboolean
mill_http_fetch_url_check (const gchar *url, MillHttpFetchUrlRule rule,
    GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const gchar *scheme = uri ? g_uri_get_scheme (uri) : "";
  const gchar *host = uri ? g_uri_get_host (uri) : NULL;
  gboolean is_http = g_str_equal (scheme, "http");

  if (!host || !*host || (!is_http && !g_str_equal (scheme, "https")))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "got '%s', expected a URL like https://example.org/path", url);
  else if (g_uri_get_userinfo (uri))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "got a URL with a user's name in it, expected one without");
  else if (is_http && rule == MILL_HTTP_FETCH_URL_SAFE && !is_loopback (host))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "got '%s', expected https, or http to this machine ('insecure: true' "
        "allows it)",
        url);
  else
    return TRUE;
  return FALSE;
}
