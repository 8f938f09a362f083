/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-lane.h"
#include "rtmp-warm.h"

G_BEGIN_DECLS

/* A descriptor that a lane waits for. All functions in the lane, or with the
 * lane locked. */
typedef struct _MillRtmpWatch MillRtmpWatch;

/* What a watch counts as in mill_rtmp_pool_describe(). */
typedef enum
{
  MILL_RTMP_WATCH_LISTENER,
  MILL_RTMP_WATCH_CONNECTION,
} MillRtmpWatchKind;

typedef struct
{
  MillRtmpWatchKind kind;
  gint fd;
  guint32 events; /* EPOLLIN, EPOLLOUT...; level triggered */
  void (*ready) (guint32 events, gpointer user_data);
  gpointer user_data;
  GDestroyNotify destroy; /* nullable; may run on any thread */
} MillRtmpWatchSpec;

MillRtmpWatch *mill_rtmp_watch_new (MillRtmpLane *lane,
    const MillRtmpWatchSpec *spec);
void mill_rtmp_watch_set_events (MillRtmpWatch *watch, guint32 events);
/* What is fetched before `ready`: for its owner to fill, in the lane.
 * Returns: (transfer none) */
MillRtmpWarm *mill_rtmp_watch_get_warm (MillRtmpWatch *watch);
/* Calls `ready` with EPOLLIN every @interval_ms, too. Once, in the lane and on
 * its thread. */
void mill_rtmp_watch_set_interval (MillRtmpWatch *watch, guint interval_ms);
void mill_rtmp_watch_free (MillRtmpWatch *watch);

G_END_DECLS
