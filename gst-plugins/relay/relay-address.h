/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * MillRelayAddress: a stream of an RTMP server, as a client needs it.
 * @host: without the brackets of an IPv6 address
 * @app: may have a query
 * @name: may have a query; a secret, mostly: never shown
 * @tc_url: scheme, host, port if there is one, app
 * @shown: for people: scheme, host, port if there is one, app without a query
 */
typedef struct
{
  gchar *host;
  guint16 port;
  gboolean is_secure; /* rtmps: RTMP in TLS */
  gchar *app;
  gchar *name;
  gchar *tc_url;
  gchar *shown;
} MillRelayAddress;

/* @location: rtmp[s]://HOST[:PORT]/APP/NAME[?QUERY]; APP may have slashes. With
 *   @stream_key all of its path is APP, as "Server" and "Stream Key" of OBS.
 * @stream_key: (nullable); empty is none
 * Returns: (transfer full) (nullable)
 * Errors: G_IO_ERROR_INVALID_ARGUMENT; the text repeats nothing of a path */
MillRelayAddress *mill_relay_address_new (const gchar *location,
    const gchar *stream_key, GError **error);

/* Where a server sends its client. The name stays, the application stays when
 * @url names none. TLS is not given up.
 * @url: absolute, or relative to tc_url
 * Returns: (transfer full) (nullable) Errors: G_IO_ERROR_INVALID_ARGUMENT */
MillRelayAddress *mill_relay_address_redirect (const MillRelayAddress *self,
    const gchar *url, GError **error);

MillRelayAddress *mill_relay_address_copy (const MillRelayAddress *self);
void mill_relay_address_free (MillRelayAddress *self);

/* @text, which a server has made, without the secrets of this address.
 * Returns: (transfer full) */
gchar *mill_relay_address_redact (const MillRelayAddress *self,
    const gchar *text);

/* @location with "***" for its last part and query: what a property shows.
 * Returns: (transfer full) (nullable) */
gchar *mill_relay_address_mask (const gchar *location);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRelayAddress, mill_relay_address_free)

G_END_DECLS
