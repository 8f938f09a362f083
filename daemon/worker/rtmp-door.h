/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "daemon/ipc/process-report.h"

G_BEGIN_DECLS

/**
 * MillRtmpDoor: the listeners of a worker, where publishers knock: one for RTMP,
 * one for RTMPS.
 *
 * Each is an rtmpserversrc outside any pipeline: with its location
 * rtmp://ADDRESS/x/x (x: any) it lends its listener to every stream, and its
 * `authorize` signal reports each publisher. That signal comes on a pool thread, where
 * nothing may wait: it is only handed over to the main loop.
 *
 * Signals:
 *   "requested" (guint64 request, const MillPublisher *publisher)
 *
 * A request that nobody takes within 5 s is refused.
 *
 * Threads: main loop.
 */
#define MILL_TYPE_RTMP_DOOR (mill_rtmp_door_get_type ())
G_DECLARE_FINAL_TYPE (MillRtmpDoor, mill_rtmp_door, MILL, RTMP_DOOR, GObject)

/* What listens by itself; the order is that of messages. */
typedef enum
{
  MILL_RTMP_DOOR_RTMP,
  MILL_RTMP_DOOR_RTMPS,
  MILL_RTMP_DOOR_N_KINDS,
} MillRtmpDoorKind;

/* "rtmp", "rtmps" */
const gchar *mill_rtmp_door_kind_to_string (MillRtmpDoorKind kind);
/* Errors: MILL_IPC_ERROR.INVALID */
gboolean mill_rtmp_door_kind_from_string (const gchar *text,
    MillRtmpDoorKind *ret_kind, GError **error);

MillRtmpDoor *mill_rtmp_door_new (void);

/* Does nothing when that listener is open.
 * @address: host:port; port 0 takes a free one.
 * Errors: MILL_IPC_ERROR.ADDRESS_IN_USE, .FAILED */
gboolean mill_rtmp_door_listen (MillRtmpDoor *door, MillRtmpDoorKind kind,
    const gchar *address, GError **error);

/* Returns: (transfer none) (nullable): the address bound; NULL: not open */
const gchar *mill_rtmp_door_get_bound (MillRtmpDoor *door,
    MillRtmpDoorKind kind);

/* The PEM files of RTMPS, loaded when it is open already.
 * @key: (nullable)
 * Errors: MILL_IPC_ERROR.INVALID: they cannot be used, those before stay */
gboolean mill_rtmp_door_set_tls (MillRtmpDoor *door, const gchar *certificate,
    const gchar *key, GError **error);

/* Bounds on connections that do not publish; 0: as it was. */
typedef struct
{
  guint pending; /* in all */
  guint pending_per_address;
  guint tls_handshakes_per_address; /* per second */
} MillRtmpDoorBounds;

/* Of each listener, open or not yet, for connections to come. */
void mill_rtmp_door_set_bounds (MillRtmpDoor *door,
    const MillRtmpDoorBounds *bounds);

/* Calls "requested" again for every request that is held. */
void mill_rtmp_door_repeat (MillRtmpDoor *door);

/** A publisher that waits for its answer. */
typedef struct _MillDoorRequest MillDoorRequest;

/* Takes a request out of the door: it has to be answered now.
 * Returns: (transfer full) (nullable): NULL when it timed out or never was. */
MillDoorRequest *mill_rtmp_door_take (MillRtmpDoor *door, guint64 request);

/* Returns: (transfer none) */
GObject *mill_rtmp_door_request_get_session (MillDoorRequest *request);
const MillPublisher *mill_rtmp_door_request_get_publisher (MillDoorRequest
        *request);

/* Both take @request. @code: the RTMP status; @text: what the publisher reads. */
void mill_rtmp_door_request_accept (MillDoorRequest *request,
    const gchar *stream);
void mill_rtmp_door_request_refuse (MillDoorRequest *request, const gchar *code,
    const gchar *text);

/* Adds what the pool threads do, the certificate, and who came to each listener
 * to @stats. */
void mill_rtmp_door_add_stats (MillRtmpDoor *door, MillProcessStats *stats);

/* Closes the listeners and whoever waits at once: the addresses are free for a
 * successor, to which a publisher that was cut off comes by itself; one that
 * was refused would not. */
void mill_rtmp_door_close (MillRtmpDoor *door);

G_END_DECLS
