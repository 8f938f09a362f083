/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * Where a stream is cut into segments. The cuts belong to one rendition, the
 * timing rendition: the others follow the list that is made here. Pure logic,
 * no I/O; one thread at a time.
 */

/* No segment number. */
#define MILL_CMAF_NONE G_MAXUINT64

/**
 * MillCmafCutFlags:
 * @MILL_CMAF_CUT_DISCONTINUITY: time, or the encoding, does not run on from
 *   the segment before
 * @MILL_CMAF_CUT_PERIOD: begins a Period of the MPD
 * @MILL_CMAF_CUT_DEPENDENT: begins without an IDR: the GOP was longer than a
 *   segment may be
 * @MILL_CMAF_CUT_OPEN: begins with a picture that others follow which need
 *   what was before (an open GOP of HEVC)
 */
typedef enum
{
  MILL_CMAF_CUT_NONE = 0,
  MILL_CMAF_CUT_DISCONTINUITY = 1 << 0,
  MILL_CMAF_CUT_PERIOD = 1 << 1,
  MILL_CMAF_CUT_DEPENDENT = 1 << 2,
  MILL_CMAF_CUT_OPEN = 1 << 3,
} MillCmafCutFlags;

/**
 * MillCmafCut: the beginning of segment @number in every rendition
 * @start: running time, ns
 * @end: running time at which its media ends, ns; GST_CLOCK_STIME_NONE while
 *   the segment is open. Earlier than the next cut's @start when the source
 *   was away in between.
 * @media_start: @start on the timeline that the media carries (tfdt), ns,
 *   never negative
 * @wall_us: wall clock at @start, µs since 1970
 * @period: number of the segment that the Period of this one begins with
 * @period_start: start of that Period, ns since the availability start
 * @period_media: time on the media's timeline that is the start of that
 *   Period, ns
 */
typedef struct
{
  guint64 number;
  guint64 generation;
  GstClockTimeDiff start;
  GstClockTimeDiff end;
  GstClockTimeDiff media_start;
  gint64 wall_us;
  guint64 period;
  GstClockTimeDiff period_start;
  GstClockTimeDiff period_media;
  MillCmafCutFlags flags;
} MillCmafCut;

typedef enum
{
  MILL_CMAF_GO_ON,
  MILL_CMAF_CUT_HERE,
  MILL_CMAF_CUT_LONG_GOP, /* here, although it is no IDR */
} MillCmafDecision;

typedef struct _MillCmafTimeline MillCmafTimeline;

/** @segment_duration: in ns. Returns: (transfer full) */
MillCmafTimeline *mill_cmaf_timeline_new (GstClockTime segment_duration,
    guint64 generation, guint64 first_number);
void mill_cmaf_timeline_free (MillCmafTimeline *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafTimeline, mill_cmaf_timeline_free)

/** No segment may become longer than @limit ns; 0: no limit */
void mill_cmaf_timeline_set_limit (MillCmafTimeline *self, GstClockTime limit);

/** Wall clock at running time 0, µs since 1970; until set, cuts have none. */
void mill_cmaf_timeline_set_wall (MillCmafTimeline *self, gint64 wall_us);

/** The same from the next discontinuity on; @breaks: the next cut is one, and
 * begins a Period */
void mill_cmaf_timeline_move_wall (MillCmafTimeline *self, gint64 wall_us,
    gboolean breaks);

/** What is dated from cut @number on, cuts to come among it, is @us later. */
void mill_cmaf_timeline_shift_wall (MillCmafTimeline *self, guint64 number,
    gint64 us);

/** Returns: wall clock at running time 0, as it is going to be, µs since 1970 */
gint64 mill_cmaf_timeline_get_wall (const MillCmafTimeline *self);

/** The next cut begins @generation and is a discontinuity. */
void mill_cmaf_timeline_set_generation (MillCmafTimeline *self,
    guint64 generation);
guint64 mill_cmaf_timeline_get_generation (const MillCmafTimeline *self);

/** The next cut is a discontinuity. */
void mill_cmaf_timeline_break (MillCmafTimeline *self);

/**
 * mill_cmaf_timeline_offer:
 * @time: running time of a sample of the timing rendition, ns
 * @duration: of the sample before it
 * @is_sync: whether a decoder can begin there
 * @slack: how much earlier than a whole segment duration a cut may be;
 *   negative: how much later it has to be
 *
 * Returns: what is to be done before that sample
 */
MillCmafDecision mill_cmaf_timeline_offer (const MillCmafTimeline *self,
    GstClockTimeDiff time, GstClockTime duration, gboolean is_sync,
    GstClockTimeDiff slack);

/** A keyframe at or after @time is cut at, however short its segment becomes;
 * G_MAXINT64: there is nothing to cut for. */
void mill_cmaf_timeline_set_border (MillCmafTimeline *self,
    GstClockTimeDiff time);
GstClockTimeDiff mill_cmaf_timeline_get_border (const MillCmafTimeline *self);

/** Returns: start of the first keyframe that would end the open segment;
 * GST_CLOCK_STIME_NONE: that may be any */
GstClockTimeDiff mill_cmaf_timeline_get_earliest (const MillCmafTimeline *self);

/** Returns: where the open segment is ended for want of a keyframe; NONE when
 * none is open */
GstClockTimeDiff mill_cmaf_timeline_get_latest (const MillCmafTimeline *self);

/** Returns: whether the open segment is longer than it may be when it lasts
 * until @time */
gboolean mill_cmaf_timeline_is_overrun (const MillCmafTimeline *self,
    GstClockTimeDiff time);

/** Video may be cut 5 % early, so that a GOP of a hair under the segment
 * duration does not make segments of two. */
GstClockTimeDiff mill_cmaf_timeline_get_video_slack (const MillCmafTimeline
        *self);

/**
 * mill_cmaf_timeline_cut:
 * @end: where the media of the segment before ends; @start unless the source
 *   was away
 *
 * Returns: (transfer none): the cut, valid until the next call
 */
const MillCmafCut *mill_cmaf_timeline_cut (MillCmafTimeline *self,
    GstClockTimeDiff start, GstClockTimeDiff end, MillCmafCutFlags flags);

/** The stream ends at @end: the last segment has no successor. */
void mill_cmaf_timeline_finish (MillCmafTimeline *self, GstClockTimeDiff end);

/** Returns: (transfer none)(nullable): valid until the next cut */
const MillCmafCut *mill_cmaf_timeline_find (const MillCmafTimeline *self,
    guint64 number);

/** Returns: (transfer none)(nullable): the last cut at or before @time, or
 * else the first one that is kept */
const MillCmafCut *mill_cmaf_timeline_at (const MillCmafTimeline *self,
    GstClockTimeDiff time);

/** Returns: (transfer none)(nullable) */
const MillCmafCut *mill_cmaf_timeline_last (const MillCmafTimeline *self);

/** Returns: (transfer none)(nullable): the first cut that is kept */
const MillCmafCut *mill_cmaf_timeline_first (const MillCmafTimeline *self);

/** Returns: number of the next cut */
guint64 mill_cmaf_timeline_get_next (const MillCmafTimeline *self);

/** Forgets the cuts before @number. */
void mill_cmaf_timeline_retire (MillCmafTimeline *self, guint64 number);

/** Running time that is zero on the media's timeline, ns; never positive: it
 * is only moved when the stream begins before running time 0. */
GstClockTimeDiff mill_cmaf_timeline_get_base (const MillCmafTimeline *self);

/** @value ns in units of 1/@timescale s, rounded to nearest. */
gint64 mill_cmaf_timeline_to_ticks (GstClockTimeDiff value, guint timescale);

/** The other way. */
GstClockTimeDiff mill_cmaf_timeline_to_ns (gint64 ticks, guint timescale);

G_END_DECLS
