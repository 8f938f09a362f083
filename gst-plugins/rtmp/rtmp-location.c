/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-location.h"

#include <gio/gio.h>
#include <string.h>

#define EXPECTED "expected rtmp[s]://HOST:PORT/APP/NAME, any part may be *"

/* IANA's port for macromedia-fcs, the default of the RTMP URL scheme. */
#define DEFAULT_PORT 1935
/* What publishers take for rtmps:// without a port: that of HTTPS. */
#define DEFAULT_SECURE_PORT 443

static gboolean
is_any (const gchar *part)
{
  return *part == '\0' || strcmp (part, "*") == 0;
}

static gboolean
parse_port (const gchar *text, guint16 *ret_port)
{
  guint64 port;

  if (is_any (text)) {
    *ret_port = 0;
    return TRUE;
  }
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT16, &port, NULL))
    return FALSE;
  *ret_port = port;
  return TRUE;
}

static gboolean
parse_authority (const gchar *authority, MillRtmpLocation *location)
{
  g_autofree gchar *host = NULL;
  const gchar *port = NULL;

  if (*authority == '[') {
    const gchar *end = strchr (authority, ']');
    if (!end || (end[1] != '\0' && end[1] != ':'))
      return FALSE;
    host = g_strndup (authority + 1, end - authority - 1);
    port = end[1] == ':' ? end + 2 : NULL;
  } else {
    const gchar *colon = strrchr (authority, ':');
    host = colon ? g_strndup (authority, colon - authority)
                 : g_strdup (authority);
    port = colon ? colon + 1 : NULL;
  }

  if (port && (*port == '\0' || !parse_port (port, &location->port)))
    return FALSE;
  if (*host == '\0')
    return FALSE;
  location->host = is_any (host) ? NULL : g_steal_pointer (&host);
  return TRUE;
}

static void
parse_path (const gchar *path, MillRtmpLocation *location)
{
  g_autofree gchar *text = g_strdup (path);
  gsize length = strlen (text);

  while (length > 0 && text[length - 1] == '/')
    text[--length] = '\0';

  gchar *slash = strrchr (text, '/');
  const gchar *name = "*";
  if (slash) {
    *slash = '\0';
    name = slash + 1;
  }
  location->app = is_any (text) ? NULL : g_strdup (text);
  location->name = is_any (name) ? NULL : g_strdup (name);
}

MillRtmpLocation *
mill_rtmp_location_parse (const gchar *text, GError **error)
{
  g_autoptr (MillRtmpLocation) location = g_new0 (MillRtmpLocation, 1);

  gboolean is_secure = g_ascii_strncasecmp (text, "rtmps://", 8) == 0;
  gboolean is_valid =
      (is_secure || g_ascii_strncasecmp (text, "rtmp://", 7) == 0) &&
      !strpbrk (text, "?#@ ");
  if (is_valid) {
    const gchar *rest = text + (is_secure ? 8 : 7);
    const gchar *slash = strchr (rest, '/');
    g_autofree gchar *authority = slash ? g_strndup (rest, slash - rest)
                                        : g_strdup (rest);
    location->is_secure = is_secure;
    location->port = is_secure ? DEFAULT_SECURE_PORT : DEFAULT_PORT;
    is_valid = parse_authority (authority, location);
    parse_path (slash ? slash + 1 : "", location);
  }
  if (!is_valid) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "location '%s': not a place to listen on, " EXPECTED, text);
    return NULL;
  }
  return g_steal_pointer (&location);
}

void
mill_rtmp_location_free (MillRtmpLocation *location)
{
  g_free (location->host);
  g_free (location->app);
  g_free (location->name);
  g_free (location);
}

guint
mill_rtmp_location_match (const MillRtmpLocation *location, const gchar *app,
    const gchar *name)
{
  if (location->app && strcmp (location->app, app) != 0)
    return 0;
  if (location->name && strcmp (location->name, name) != 0)
    return 0;
  return 1 + (location->name ? 1 : 0) + (location->app ? 2 : 0);
}
