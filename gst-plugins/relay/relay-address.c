/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-address.h"

#include <string.h>

#define EXPECTED "expected rtmp[s]://HOST[:PORT]/APP/NAME"

/* IANA's port for macromedia-fcs, the default of the RTMP URL scheme. */
#define DEFAULT_PORT 1935
/* What services take for rtmps:// without a port: that of HTTPS. */
#define DEFAULT_SECURE_PORT 443

/* Of a secret, so that a name like "live" does not blot out words. */
#define MIN_SECRET 4

#define MASK "***"

static void
set_invalid (GError **error, const gchar *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "location: %s, " EXPECTED, what);
}

/* Fields but app and name. Returns FALSE with an error. */
static gboolean
take_server (MillRelayAddress *self, GUri *uri, GError **error)
{
  const gchar *scheme = g_uri_get_scheme (uri);
  const gchar *host = g_uri_get_host (uri);
  gint port = g_uri_get_port (uri);

  self->is_secure = g_ascii_strcasecmp (scheme, "rtmps") == 0;
  if (!self->is_secure && g_ascii_strcasecmp (scheme, "rtmp") != 0) {
    set_invalid (error, "got another scheme than rtmp and rtmps");
    return FALSE;
  }
  if (g_uri_get_userinfo (uri) || g_uri_get_fragment (uri)) {
    set_invalid (error, "got '@' or '#'");
    return FALSE;
  }
  if (!host || *host == '\0' || port == 0) {
    set_invalid (error, "got no host, or port 0");
    return FALSE;
  }
  self->host = g_strdup (host);
  self->port = self->is_secure ? DEFAULT_SECURE_PORT : DEFAULT_PORT;
  if (port > 0)
    self->port = port;
  return TRUE;
}

static gchar *
make_url (const MillRelayAddress *self, GUri *uri, const gchar *app)
{
  gboolean is_ipv6 = strchr (self->host, ':') != NULL;
  g_autofree gchar *port = g_uri_get_port (uri) > 0
      ? g_strdup_printf (":%u", self->port)
      : g_strdup ("");

  return g_strdup_printf ("%s://%s%s%s%s/%s",
      self->is_secure ? "rtmps" : "rtmp", is_ipv6 ? "[" : "", self->host,
      is_ipv6 ? "]" : "", port, app);
}

/* @app: without its query; @query: (nullable): of the application */
static void
set_app (MillRelayAddress *self, GUri *uri, const gchar *app,
    const gchar *query)
{
  self->app = query ? g_strconcat (app, "?", query, NULL) : g_strdup (app);
  self->tc_url = make_url (self, uri, self->app);
  self->shown = make_url (self, uri, app);
}

static GUri *
parse (const gchar *text, GError **error)
{
  GUri *uri =
      g_uri_parse (text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);

  if (!uri)
    set_invalid (error, "not an address to connect to");
  return uri;
}

/* "/live/" -> "live" */
static gchar *
trim_path (const gchar *path)
{
  gsize size;

  while (*path == '/')
    path++;
  for (size = strlen (path); size > 0 && path[size - 1] == '/';)
    size--;
  return g_strndup (path, size);
}

MillRelayAddress *
mill_relay_address_new (const gchar *location, const gchar *stream_key,
    GError **error)
{
  g_autoptr (MillRelayAddress) self = g_new0 (MillRelayAddress, 1);
  g_autoptr (GUri) uri = parse (location, error);

  if (!uri || !take_server (self, uri, error))
    return NULL;
  g_autofree gchar *path = trim_path (g_uri_get_path (uri));
  const gchar *query = g_uri_get_query (uri);
  if (stream_key && *stream_key) {
    self->name = g_strdup (stream_key);
    set_app (self, uri, path, query);
    return g_steal_pointer (&self);
  }
  gchar *slash = strrchr (path, '/');
  if (!slash) {
    set_invalid (error, "got no name of a stream (or set stream-key)");
    return NULL;
  }
  *slash = '\0';
  self->name = query ? g_strconcat (slash + 1, "?", query, NULL)
                     : g_strdup (slash + 1);
  set_app (self, uri, path, NULL);
  return g_steal_pointer (&self);
}

/* The name without its query. */
static gchar *
get_plain_name (const MillRelayAddress *self)
{
  return g_strndup (self->name, strcspn (self->name, "?"));
}

/* The application in a redirect's path, which may name the stream as well. */
static gchar *
take_redirected_app (const MillRelayAddress *self, GUri *uri)
{
  g_autofree gchar *path = trim_path (g_uri_get_path (uri));
  g_autofree gchar *name = get_plain_name (self);
  g_autofree gchar *suffix = g_strconcat ("/", name, NULL);

  if (*path == '\0')
    return g_strndup (self->app, strcspn (self->app, "?"));
  if (g_str_has_suffix (path, suffix))
    path[strlen (path) - strlen (suffix)] = '\0';
  return g_steal_pointer (&path);
}

MillRelayAddress *
mill_relay_address_redirect (const MillRelayAddress *self, const gchar *url,
    GError **error)
{
  g_autoptr (MillRelayAddress) next = g_new0 (MillRelayAddress, 1);
  g_autofree gchar *absolute = g_uri_resolve_relative (self->tc_url, url,
      G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);
  g_autoptr (GUri) uri = parse (absolute ? absolute : "", error);

  if (!uri || !take_server (next, uri, error))
    return NULL;
  if (self->is_secure && !next->is_secure) {
    set_invalid (error, "got a redirect from rtmps to rtmp");
    return NULL;
  }
  g_autofree gchar *app = take_redirected_app (self, uri);
  const gchar *query = strchr (self->app, '?');
  next->name = g_strdup (self->name);
  set_app (next, uri, app, query ? query + 1 : NULL);
  return g_steal_pointer (&next);
}

MillRelayAddress *
mill_relay_address_copy (const MillRelayAddress *self)
{
  MillRelayAddress *copy = g_new (MillRelayAddress, 1);

  *copy = *self;
  copy->host = g_strdup (self->host);
  copy->app = g_strdup (self->app);
  copy->name = g_strdup (self->name);
  copy->tc_url = g_strdup (self->tc_url);
  copy->shown = g_strdup (self->shown);
  return copy;
}

void
mill_relay_address_free (MillRelayAddress *self)
{
  g_free (self->host);
  g_free (self->app);
  g_free (self->name);
  g_free (self->tc_url);
  g_free (self->shown);
  g_free (self);
}

static void
blot_out (GString *text, const gchar *secret)
{
  if (secret && strlen (secret) >= MIN_SECRET)
    g_string_replace (text, secret, MASK, 0);
}

gchar *
mill_relay_address_redact (const MillRelayAddress *self, const gchar *text)
{
  GString *clean = g_string_new (text);
  g_autofree gchar *plain = get_plain_name (self);
  const gchar *query = strchr (self->name, '?');
  const gchar *app_query = strchr (self->app, '?');

  blot_out (clean, self->name);
  blot_out (clean, query ? query + 1 : NULL);
  blot_out (clean, app_query ? app_query + 1 : NULL);
  blot_out (clean, plain);
  return g_string_free (clean, FALSE);
}

gchar *
mill_relay_address_mask (const gchar *location)
{
  if (!location || *location == '\0')
    return g_strdup (location);
  /* Whatever may be a user, a name, a query. */
  const gchar *authority = strstr (location, "://");
  const gchar *path = authority ? strchr (authority + 3, '/') : NULL;
  if (!path)
    return g_strdup (MASK);
  g_autofree gchar *server = g_strndup (location, path - location);
  g_autofree gchar *rest = g_strndup (path, strcspn (path, "?"));
  gchar *slash = strrchr (rest, '/');
  if (strchr (server, '@') || strchr (server, '?'))
    return g_strdup (MASK);
  slash[1] = '\0';
  return g_strconcat (server, rest, MASK, NULL);
}
