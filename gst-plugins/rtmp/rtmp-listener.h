/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-certificate.h"
#include "rtmp-connection.h"
#include "rtmp-location.h"

G_BEGIN_DECLS

/*
 * The listening sockets of the process. All sources with the same host and
 * port share one; a publisher goes to the source whose location fits it best,
 * and among equals to one without a publisher.
 */
typedef struct _MillRtmpListener MillRtmpListener;

typedef struct
{
  /* any thread, must not block nor call back */
  gboolean (*is_free) (GObject *source);
  /* in the listener's lane: a publisher asks for a place that fits the
   * source's location; it is to answer by mill_rtmp_connection_*() */
  void (*asked) (GObject *source, MillRtmpConnection *connection);
} MillRtmpListenerSource;

/**
 * MillRtmpListenerBounds: what a connection gets before it publishes; among
 * sources that share a listener the highest counts.
 * @handshake_timeout_ms: from the connection to the publish request
 */
typedef struct
{
  guint handshake_timeout_ms;
  MillRtmpGuardLimits pending;
} MillRtmpListenerBounds;

#define MILL_RTMP_LISTENER_HANDSHAKE_TIMEOUT_MS 10000
#define MILL_RTMP_LISTENER_MAX_PENDING 1024
#define MILL_RTMP_LISTENER_MAX_PENDING_PER_ADDRESS 256
/* Per second. A handshake is a millisecond of a core with a key of RSA 2048, so
 * an address gets 2 % of one; encoders behind one address that all come back
 * after a break are in at once up to 200 of them. */
#define MILL_RTMP_LISTENER_MAX_TLS_HANDSHAKES 20

typedef struct
{
  MillRtmpListenerBounds bounds;
  /* nullable: PEM files for rtmps://, as for mill_tls_identity_load(); a
   * listener that is open already has its own */
  const gchar *tls_certificate;
  const gchar *tls_key;
} MillRtmpListenerOptions;

/* Listens for @source, which must stay until mill_rtmp_listener_remove(). Not
 * from a pool thread: resolves names, reads files.
 * Returns: (transfer full) (nullable)
 * Errors: MILL_TLS_ERROR, G_IO_ERROR_ADDRESS_IN_USE and others of G_IO_ERROR */
MillRtmpListener *mill_rtmp_listener_add (const MillRtmpLocation *location,
    const MillRtmpListenerSource *callbacks, GObject *source,
    const MillRtmpListenerOptions *options, GError **error);

/* For connections to come. */
void mill_rtmp_listener_set_bounds (MillRtmpListener *listener, GObject *source,
    const MillRtmpListenerBounds *bounds);

/* The last source of a listener closes it, with all publishers that have not
 * been taken yet. */
void mill_rtmp_listener_remove (MillRtmpListener *listener, GObject *source);

/* Returns: (transfer none) (nullable): what it shows to publishers of rtmps:// */
MillRtmpCertificate *mill_rtmp_listener_get_certificate (MillRtmpListener
        *listener);

/* host:port really bound; lives as long as the listener. */
const gchar *mill_rtmp_listener_get_address (MillRtmpListener *listener);

/* Who came in and why connections were closed: see mill_rtmp_guard_describe().
 * Returns: (transfer full) */
GstStructure *mill_rtmp_listener_describe (MillRtmpListener *listener);

G_END_DECLS
