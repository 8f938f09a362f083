/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** rtmp[s]://host:port/app/name taken apart. NULL in a field is `*`: any. */
typedef struct
{
  gchar *host; /* without the brackets of an IPv6 address */
  guint16 port; /* 0: a free one; without one 1935, with TLS 443 */
  gboolean is_secure; /* rtmps: RTMP in TLS */
  gchar *app; /* may contain "/": the last part is the name */
  gchar *name;
} MillRtmpLocation;

/* Returns: (transfer full) (nullable)
 * Errors: G_IO_ERROR_INVALID_ARGUMENT */
MillRtmpLocation *mill_rtmp_location_parse (const gchar *text, GError **error);
void mill_rtmp_location_free (MillRtmpLocation *location);

/* How well @app and @name fit: 0 not at all, then 1 (both `*`), 2 (name given),
 * 3 (app given), 4 (both given). */
guint mill_rtmp_location_match (const MillRtmpLocation *location,
    const gchar *app, const gchar *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpLocation, mill_rtmp_location_free)

G_END_DECLS
