/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-location.h"

#include <string.h>

#include "store/store.h"

#define DEFAULT_REGION "us-east-1"
/* Names of S3's buckets: 3 to 63 of [a-z0-9.-]. */
#define MIN_BUCKET 3
#define MAX_BUCKET 63

/* What may be shown of a URL: not who uses it, nor its query. */
static gchar *
redact (const gchar *text)
{
  const gchar *end = text + strcspn (text, "?#");
  const gchar *start = strstr (text, "://");
  const gchar *host;
  const gchar *at = NULL;

  if (start == NULL || start >= end)
    return g_strndup (text, end - text);
  host = start + strlen ("://");
  for (const gchar *c = host; c < end && *c != '/'; c++)
    if (*c == '@')
      at = c + 1;
  if (at == NULL)
    return g_strndup (text, end - text);
  return g_strdup_printf ("%.*s%.*s", (gint) (host - text), text,
      (gint) (end - at), at);
}

static gboolean
refuse (const gchar *text, const gchar *got, const gchar *expected,
    GError **error)
{
  g_autofree gchar *shown = redact (text);
  g_autofree gchar *escaped = g_strescape (shown, NULL);

  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NAME,
      "location '%s': got %s, expected %s", escaped, got, expected);
  return FALSE;
}

/* ---- paths ---- */

static gboolean
is_plain (const gchar *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  for (const gchar *at = path; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at) || *at == '\\')
      return FALSE;
  for (guint i = 0; parts[i] != NULL; i++)
    if (parts[i][0] == '\0' || g_str_equal (parts[i], ".") ||
        g_str_equal (parts[i], ".."))
      return FALSE;
  return TRUE;
}

/* @path with exactly what needs it encoded, as signatures want it; NULL when it
 * is none to put objects under. "" stays that, "/" too. */
static gchar *
normalise_path (const gchar *path)
{
  g_autofree gchar *decoded = g_uri_unescape_string (path, "/");
  gsize length;

  if (decoded == NULL || !g_utf8_validate (decoded, -1, NULL))
    return NULL;
  length = strlen (decoded);
  if (length > 0 && decoded[length - 1] == '/')
    decoded[length - 1] = '\0';
  if (decoded[0] == '\0')
    return g_strdup ("");
  if (decoded[0] != '/' || decoded[1] == '\0' || !is_plain (decoded + 1))
    return NULL;
  return g_uri_escape_string (decoded, "/", FALSE);
}

gchar *
mill_store_location_join (const gchar *url, const gchar *name)
{
  g_autofree gchar *escaped = g_uri_escape_string (name, "/", FALSE);

  return g_strconcat (url, "/", escaped, NULL);
}

/* ---- URLs ---- */

/* GUri has decoded @host: what was "%2F" is a slash by now. */
static gboolean
is_host (const gchar *host)
{
  if (strchr (host, ':') != NULL)
    return g_hostname_is_ip_address (host);
  return host[0] != '\0' &&
      host[strspn (host, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-._")] ==
      '\0';
}

static GUri *
split (const gchar *text, GError **error)
{
  g_autoptr (GUri) uri =
      g_uri_parse (text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD, NULL);

  if (uri == NULL || g_uri_get_host (uri) == NULL ||
      !is_host (g_uri_get_host (uri))) {
    refuse (text, "no host", "a URL such as https://host/path", error);
    return NULL;
  }
  if (g_uri_get_userinfo (uri) != NULL) {
    refuse (text, "a user or password",
        "none: secrets come from the file that credentials names", error);
    return NULL;
  }
  if (g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL) {
    refuse (text, "a query or fragment", "a URL that ends in its path", error);
    return NULL;
  }
  return g_steal_pointer (&uri);
}

static gchar *
parse_http (const gchar *text, GError **error)
{
  g_autoptr (GUri) uri = split (text, error);
  g_autofree gchar *path = NULL;
  const gchar *host;
  gboolean is_v6;
  gint port;

  if (uri == NULL)
    return NULL;
  path = normalise_path (g_uri_get_path (uri));
  if (path == NULL) {
    refuse (text, "a path with empty, '.' or '..' components or bad escapes",
        "a plain path", error);
    return NULL;
  }
  host = g_uri_get_host (uri);
  is_v6 = strchr (host, ':') != NULL;
  port = g_uri_get_port (uri);
  if (port <= 0)
    return g_strdup_printf (is_v6 ? "%s://[%s]%s" : "%s://%s%s",
        g_uri_get_scheme (uri), host, path);
  return g_strdup_printf (is_v6 ? "%s://[%s]:%d%s" : "%s://%s:%d%s",
      g_uri_get_scheme (uri), host, port, path);
}

static gboolean
is_http (const gchar *scheme)
{
  return g_str_equal (scheme, "http") || g_str_equal (scheme, "https");
}

static gboolean
is_bucket (const gchar *name)
{
  gsize length = strlen (name);

  return length >= MIN_BUCKET && length <= MAX_BUCKET &&
      strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length &&
      strstr (name, "..") == NULL;
}

static gchar *
find_endpoint (const gchar *endpoint, const gchar *region, GError **error)
{
  g_autofree gchar *scheme = NULL;

  if (endpoint == NULL || *endpoint == '\0')
    return g_strdup_printf ("https://s3.%s.amazonaws.com",
        region != NULL && *region != '\0' ? region : DEFAULT_REGION);
  scheme = g_uri_parse_scheme (endpoint);
  if (scheme != NULL && is_http (scheme))
    return parse_http (endpoint, error);
  refuse (endpoint, "no http URL", "the endpoint's http:// or https:// URL",
      error);
  return NULL;
}

/* s3://bucket/prefix is {endpoint}/bucket/prefix. */
static gchar *
parse_s3 (const gchar *text, const gchar *endpoint, const gchar *region,
    GError **error)
{
  g_autoptr (GUri) uri = split (text, error);
  g_autofree gchar *path = NULL;
  g_autofree gchar *server = NULL;

  if (uri == NULL)
    return NULL;
  path = normalise_path (g_uri_get_path (uri));
  if (path == NULL || g_uri_get_port (uri) > 0 ||
      !is_bucket (g_uri_get_host (uri))) {
    refuse (text, "something else", "s3://bucket/prefix", error);
    return NULL;
  }
  server = find_endpoint (endpoint, region, error);
  if (server == NULL)
    return NULL;
  return g_strdup_printf ("%s/%s%s", server, g_uri_get_host (uri), path);
}

gboolean
mill_store_location_parse (const gchar *text, const gchar *endpoint,
    const gchar *region, MillStoreLocation *ret_location, GError **error)
{
  g_auto (MillStoreLocation) found = { 0 };
  g_autofree gchar *scheme = g_uri_parse_scheme (text);
  g_autofree gchar *got = NULL;

  if (scheme == NULL) {
    found.path = g_strdup (text);
  } else if (g_str_equal (scheme, "file")) {
    found.path = g_filename_from_uri (text, NULL, NULL);
  } else if (g_str_equal (scheme, "s3")) {
    found.is_s3 = TRUE;
    found.url = parse_s3 (text, endpoint, region, error);
    if (found.url == NULL)
      return FALSE;
  } else if (is_http (scheme)) {
    found.url = parse_http (text, error);
    if (found.url == NULL)
      return FALSE;
  }
  if (found.path == NULL && found.url == NULL) {
    got = g_strdup_printf ("scheme '%s'", scheme);
    return refuse (text, got,
        "a directory or a file://, http://, https:// or s3:// URL", error);
  }
  *ret_location = found;
  found = (MillStoreLocation){ 0 };
  return TRUE;
}

void
mill_store_location_clear (MillStoreLocation *location)
{
  g_clear_pointer (&location->path, g_free);
  g_clear_pointer (&location->url, g_free);
}
