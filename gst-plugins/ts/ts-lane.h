/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"
#include "ts-tables.h"

G_BEGIN_DECLS

/*
 * One transport stream on its way into segments: the bytes of the segment that is
 * open, and the segments that are closed and wait to be listed. It knows no store
 * and no other lane. Pure logic, under the packager's lock.
 *
 * Video is cut from outside, where its muxer was told to begin anew; sound is cut
 * here, at its first frame at or after a cut.
 */

#define MILL_TS_LANE_TIMESCALE 90000

/** A segment that is whole. @begin, @end: running time, ns */
typedef struct
{
  guint64 number;
  GBytes *bytes;
  GstClockTimeDiff begin;
  GstClockTimeDiff end;
} MillTsClosed;

typedef struct _MillTsLane MillTsLane;

/** Written here alone, but for @rendition, @ended, and @end of a video. */
struct _MillTsLane
{
  gchar *pad;
  MillCmafKind kind;
  MillCmafFormat format; /* of all that is in it */
  gboolean described;
  gint rendition; /* -1 before its first segment */
  MillTsTables tables;
  GByteArray *bytes; /* of the open segment, and of audio what comes after */
  GArray *starts; /* Start: frames in it; of audio */
  guint64 number; /* of the open segment; MILL_CMAF_NONE: none is */
  GstClockTimeDiff begin; /* of the open segment */
  GstClockTimeDiff end; /* of what has come */
  GQueue closed; /* MillTsClosed */
  guint64 reached; /* number of the last one that was closed, plus one */
  gboolean ended;
};

/** Returns: (transfer full) */
MillTsLane *mill_ts_lane_new (const gchar *pad, MillCmafKind kind);
void mill_ts_lane_free (MillTsLane *self);

/** @format: of one of its elementary streams; what is known of another stays */
void mill_ts_lane_describe (MillTsLane *self, const MillCmafFormat *format);

/** @packets: whole packets. @time: running time of what is in them, ns
 * Returns: whether a frame of sound begins with them */
gboolean mill_ts_lane_take (MillTsLane *self, const guint8 *packets, gsize size,
    GstClockTimeDiff time);

/** What comes next is of segment @number, which begins at @begin. */
void mill_ts_lane_begin (MillTsLane *self, guint64 number,
    GstClockTimeDiff begin);

/** The first @size bytes are the whole of the open segment, which ends at @end. */
void mill_ts_lane_close (MillTsLane *self, gsize size, GstClockTimeDiff end);

/** The open segment is given up. */
void mill_ts_lane_drop (MillTsLane *self);

/** Of sound: cuts what has come where a cut is known and a frame after it.
 * @least: number of the first segment that can still be listed */
void mill_ts_lane_cut (MillTsLane *self, const MillCmafTimeline *timeline,
    guint64 least);

/** Returns: (transfer none)(nullable): segment @number */
const MillTsClosed *mill_ts_lane_find (const MillTsLane *self, guint64 number);

/** Returns: bytes of segments that wait to be listed */
gsize mill_ts_lane_get_waiting (const MillTsLane *self);

/** Segments before @number are listed. */
void mill_ts_lane_retire (MillTsLane *self, guint64 number);

G_END_DECLS
