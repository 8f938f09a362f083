/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "daemon/ipc/process-report.h"

G_BEGIN_DECLS

/**
 * MillRtmpDoor: the RTMP listener of a worker, where publishers knock.
 *
 * An rtmpserversrc outside any pipeline: with its location rtmp://ADDRESS/x/x
 * (x: any) it lends its shared listener to every stream, and its `authorize`
 * signal reports each publisher. That signal comes on a pool thread, where
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

/* @address: host:port; port 0 takes a free one.
 * Errors: MILL_IPC_ERROR.ADDRESS_IN_USE, .FAILED */
MillRtmpDoor *mill_rtmp_door_new (const gchar *address, GError **error);

/* Returns: (transfer none): the address bound. */
const gchar *mill_rtmp_door_get_bound (MillRtmpDoor *door);

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

/* Adds what the pool threads do to @stats. */
void mill_rtmp_door_add_stats (MillRtmpDoor *door, MillProcessStats *stats);

/* Closes the listener and whoever waits at once: the address is free for a
 * successor, to which a publisher that was cut off comes by itself; one that
 * was refused would not. */
void mill_rtmp_door_close (MillRtmpDoor *door);

G_END_DECLS
