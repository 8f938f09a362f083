/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Tracks of all kinds together: an encoder that sends a ladder has ten rungs and
 * six languages. */
#define MILL_RTMP_TIMELINE_TRACKS 32

/**
 * From the time stamps of RTMP messages to running time, for all tracks of one
 * publication together.
 *
 * A publisher counts milliseconds in 32 bits from an origin of its own
 * (RTMP 1.0 §5.3.1.1: it wraps after 49 days). An epoch ties one run of that
 * clock to running time: the first message lies at its arrival, all others
 * follow the publisher. A step of more than MILL_RTMP_TIMELINE_JUMP_MS that
 * the arrival did not also take is a jump and begins a new epoch, which goes on
 * where the track was: only its clock was set, and whoever reads the stamps is
 * to see a hole where the publisher was silent, not where a network was late.
 * The epoch before is kept, because audio and video do not jump with the same
 * message. A track is measured by its own last message: an encoder may send one
 * track seconds behind the other.
 *
 * What comes out never goes back on a track.
 */
#define MILL_RTMP_TIMELINE_JUMP_MS 3000

/* A publisher that comes back is another take: at least so much later than all
 * that the one before has sent, which may be ahead of its arrival (ffmpeg sends
 * the first half second at once from 6.1 on). More than a frame or two, so that
 * who reads the stamps sees the hole. */
#define MILL_RTMP_TIMELINE_TAKE_MS 500

typedef struct
{
  guint id; /* 0: not valid */
  guint32 last_wire_ms;
  gint64 offset_ms; /* running time of the last message */
  /* The last message of each track alone. */
  guint32 track_wire_ms[MILL_RTMP_TIMELINE_TRACKS];
  gboolean has_track[MILL_RTMP_TIMELINE_TRACKS];
} MillRtmpTimelineEpoch;

typedef struct
{
  MillRtmpTimelineEpoch current;
  MillRtmpTimelineEpoch previous;
  guint n_epochs;
  gint64 last_arrival_us; /* monotonic, of the last message */
  gint64 last_ns[MILL_RTMP_TIMELINE_TRACKS]; /* -1: none yet */
  guint last_epoch[MILL_RTMP_TIMELINE_TRACKS];
  gint32 step_ms[MILL_RTMP_TIMELINE_TRACKS]; /* the last one; 0: none yet */
  gint64 highest_ms; /* -1: nothing yet; over all tracks and epochs */
  guint jumps;
  guint repairs; /* time stamps held back from going backwards */
} MillRtmpTimeline;

typedef struct
{
  guint track;
  guint32 wire_ms;
  guint32 nano; /* ns after wire_ms, less than a millisecond */
  gint64 arrival_us; /* monotonic */
  GstClockTime arrival_running_time; /* read when an epoch begins */
} MillRtmpTimelineStamp;

void mill_rtmp_timeline_init (MillRtmpTimeline *timeline);

/* A new publisher: the next message begins a new epoch, which is no jump. */
void mill_rtmp_timeline_begin (MillRtmpTimeline *timeline);

/* Whether the next message, arriving now, would begin an epoch, so that its
 * running time must be known. */
gboolean mill_rtmp_timeline_needs_anchor (const MillRtmpTimeline *timeline,
    const MillRtmpTimelineStamp *stamp);

/* Returns: the running time of the message's decoding time.
 * @ret_discont: (out): the track's time line begins or is broken here */
GstClockTime mill_rtmp_timeline_stamp (MillRtmpTimeline *timeline,
    const MillRtmpTimelineStamp *stamp, gboolean *ret_discont);

G_END_DECLS
