/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-health-warnings.h"
#include "rtmp-warm.h"

G_BEGIN_DECLS

/*
 * How well a publisher does: counted per frame with what is in hand, made into
 * rates and judged once per second.
 *
 * Threads: in the source's lane, but for fill_stats.
 */
typedef struct _MillRtmpHealth MillRtmpHealth;

/** A frame that came. */
typedef struct
{
  MillRtmpHealthKind kind;
  gboolean is_main; /* of the first track of its kind: others count by bytes */
  gboolean is_discont;
  gboolean is_key; /* of video */
  gint32 composition_ms;
  gsize size;
  gint64 dts_ns; /* running time */
  gint64 arrival_us; /* monotonic */
} MillRtmpHealthFrame;

/** What is known elsewhere, once per second. */
typedef struct
{
  gint64 now_us; /* monotonic */
  gint64 rtt_us; /* of the connection; -1: not known */
  guint jumps; /* of all time */
  guint repairs;
  gboolean low_latency; /* downstream wants it */
  gboolean is_announced[MILL_RTMP_HEALTH_N_KINDS]; /* onMetaData has a codec */
} MillRtmpHealthTick;

MillRtmpHealth *mill_rtmp_health_new (void);
void mill_rtmp_health_free (MillRtmpHealth *self);

/* A publisher begins. */
void mill_rtmp_health_begin (MillRtmpHealth *self, gint64 now_us);
/* It is gone: what was warned of is no more.
 * @ret_changes: as for tick() */
guint mill_rtmp_health_end (MillRtmpHealth *self,
    MillRtmpHealthChange *ret_changes);

/* Whether frames are counted some together, with the arrival of the last one:
 * jitter is then that of those whose own arrival is told. */
void mill_rtmp_health_set_gathered (MillRtmpHealth *self, gboolean gathered);
/* When the frame that was counted last came; monotonic. */
void mill_rtmp_health_tell_arrival (MillRtmpHealth *self, gint64 arrival_us);

void mill_rtmp_health_count (MillRtmpHealth *self,
    const MillRtmpHealthFrame *frame);

/* Once per second while there is a publisher, also when nothing comes.
 * @ret_changes: (out): room for MILL_RTMP_HEALTH_N_WARNINGS
 * Returns: how many warnings came or went */
guint mill_rtmp_health_tick (MillRtmpHealth *self,
    const MillRtmpHealthTick *tick, MillRtmpHealthChange *ret_changes);

/* Returns: (transfer none) (nullable): the sentence of a warning that stands */
const gchar *mill_rtmp_health_get_message (MillRtmpHealth *self,
    MillRtmpHealthWarning warning);

/* Adds bitrate, video-bitrate, audio-bitrate, the same with -10s (guint,
 * bit/s), fps, fps-10s (gdouble), keyframe-interval, keyframe-interval-max,
 * jitter, lag (guint64, ns), av-skew, rtt (gint64, ns; rtt -1: not known),
 * gaps (guint), missing-frames (guint64), b-frames (gboolean), warnings
 * (GstValueArray of structures "warning": id, message (strings), since (gint64,
 * Unix seconds)). Threads: any. */
void mill_rtmp_health_fill_stats (MillRtmpHealth *self,
    GstStructure *structure);

/* Adds what counting a frame uses. */
void mill_rtmp_health_warm (const MillRtmpHealth *health, MillRtmpWarm *warm);

G_END_DECLS
