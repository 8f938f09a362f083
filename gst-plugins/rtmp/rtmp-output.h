/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-health.h"
#include "rtmp-warm.h"
#include "rtmp/rtmp-session.h"

G_BEGIN_DECLS

/*
 * The media side of a source: messages of a publisher become buffers on pads.
 * Lives as long as the element is PAUSED or PLAYING, over all publishers of
 * that time.
 *
 * Threads: in the source's lane, but for fill_stats.
 */
typedef struct _MillRtmpOutput MillRtmpOutput;

#define MILL_RTMP_OUTPUT_ERROR (mill_rtmp_output_error_quark ())
GQuark mill_rtmp_output_error_quark (void);

/**
 * MillRtmpOutputError: why a publisher cannot go on
 * @MILL_RTMP_OUTPUT_ERROR_CODEC: nothing it sends can be used
 * @MILL_RTMP_OUTPUT_ERROR_EOS: nobody downstream wants more; no fault
 * @MILL_RTMP_OUTPUT_ERROR_FLOW: downstream failed; was posted on the bus
 */
typedef enum
{
  MILL_RTMP_OUTPUT_ERROR_CODEC,
  MILL_RTMP_OUTPUT_ERROR_EOS,
  MILL_RTMP_OUTPUT_ERROR_FLOW,
} MillRtmpOutputError;

/* @element: (transfer none): gets the pads, outlives the output */
MillRtmpOutput *mill_rtmp_output_new (GstElement *element);
void mill_rtmp_output_free (MillRtmpOutput *output);

/* A new publisher. @stream: its name, for stream-start. */
void mill_rtmp_output_begin (MillRtmpOutput *output, const gchar *stream);

/* How long frames wait to be read together with those after them (0: they do
 * not). Tells who asks for the latency, and judges jitter by tell_arrival(). */
void mill_rtmp_output_set_interval (MillRtmpOutput *output, guint interval_ms);
/* With an interval: when the last message that was pushed came; monotonic. */
void mill_rtmp_output_tell_arrival (MillRtmpOutput *output, gint64 arrival_us);

/* onMetaData, also in the middle of the stream. @arrival_us: as for push() */
void mill_rtmp_output_set_metadata (MillRtmpOutput *output,
    const GstStructure *metadata, gint64 arrival_us);

/* A splice information section: an event of source/source-event.h on the first
 * pad that there is, in order with what is pushed. */
void mill_rtmp_output_push_cue (MillRtmpOutput *output, GBytes *section);

/* One audio or video message.
 * @payload: (transfer full)
 * @arrival_us: g_get_monotonic_time() of its arrival
 * Errors: MILL_RTMP_OUTPUT_ERROR */
gboolean mill_rtmp_output_push (MillRtmpOutput *output, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gint64 arrival_us,
    GError **error);

/* The publisher is gone, and awaited: an event of source/source-event.h on all
 * pads, for whoever has another one to show meanwhile. */
void mill_rtmp_output_lose (MillRtmpOutput *output, const gchar *reason);

/* Adds what a push uses. */
void mill_rtmp_output_warm (MillRtmpOutput *output, MillRtmpWarm *warm);

/* Once per second while there is a publisher.
 * @rtt_us, @low_latency, @ret_changes: as for mill_rtmp_health_tick() */
guint mill_rtmp_output_tick (MillRtmpOutput *output, gint64 rtt_us,
    gboolean low_latency, MillRtmpHealthChange *ret_changes);
/* Returns: (transfer none) */
MillRtmpHealth *mill_rtmp_output_get_health (MillRtmpOutput *output);

/* EOS on all pads. FALSE when there are none. */
gboolean mill_rtmp_output_end (MillRtmpOutput *output);
gboolean mill_rtmp_output_has_pads (MillRtmpOutput *output);

/* Removes the pads. In no lane: after it was closed. */
void mill_rtmp_output_remove_pads (MillRtmpOutput *output);

/* Adds video-frames, audio-frames, video-tracks, audio-tracks, jumps, repairs
 * and what mill_rtmp_health_fill_stats() adds. Threads: any. */
void mill_rtmp_output_fill_stats (MillRtmpOutput *output,
    GstStructure *structure);

G_END_DECLS
