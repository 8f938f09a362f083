/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-output.h"
#include "rtmp-pool.h"
#include "rtmp-stream.h"
#include "rtmp-timer.h"

G_BEGIN_DECLS

/* What the files of a stream share. */

struct _MillRtmpStream
{
  GstElement *element;
  const MillRtmpStreamEvents *events;

  /* atomic */
  guint idle_timeout_ms;
  guint reconnect_timeout_ms;
  gint low_latency;
  guint read_interval_ms;

  /* made and ended by state changes */
  MillRtmpPool *pool;
  gboolean listens;
  MillRtmpLane *lane; /* PAUSED and above; lock to change */
  MillRtmpOutput *output; /* with the lane */
  MillRtmpTimer *hold_timer; /* with the lane */
  MillRtmpTimer *health_timer; /* with the lane; armed while a publisher is */

  /* lock; taken inside a lane's lock, never outside of one */
  GMutex lock;
  gboolean playing;
  MillRtmpConnection *session; /* claimed; nullable */
  gboolean started; /* session was given to the lane */
  guint interval_ms; /* how often session is read; 0: when it sends */
  gboolean live; /* session publishes */
  gboolean ended; /* EOS was sent, or downstream failed */
  MillRtmpConnection *last; /* the latest that was live; nullable */
  guint n_publishers;
  gint64 since; /* Unix seconds of the last one's start */
};

/* ---- rtmp-stream-health.c: in the source's lane ---- */

/* At the full seconds of the clock: one wake-up of the thread for all of its
 * sources. */
void mill_rtmp_stream_health_arm (MillRtmpStream *self);
/* Of the timer. @user_data: MillRtmpStream */
void mill_rtmp_stream_health_on_due (gpointer user_data);
/* The publisher is gone: nothing is wrong with it any more. */
void mill_rtmp_stream_health_end (MillRtmpStream *self);

G_END_DECLS
