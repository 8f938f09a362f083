/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/*
 * Transport streams to a stream directory: where they are cut, what of each is
 * in which segment, and when a segment is listed. Timeline, window, state and
 * playlists are those of CMAF; it knows no GstElement.
 *
 * A lane is one transport stream. One with video is told where its segments
 * begin (mill_ts_packager_begin()); one of audio alone is cut here, at its
 * first frame at or after the cut.
 *
 * Threads: any; one lock inside. Reports are delivered without it, on the
 * thread that made the call. Writes may wait for the disk.
 */
typedef struct _MillTsPackager MillTsPackager;
typedef struct _MillTsLane MillTsLane;

/** @report: as of a MillCmafPackager, but for MILL_CMAF_ENDED
 * Returns: (transfer full) */
MillTsPackager *mill_ts_packager_new (const MillCmafPublisherOptions *options,
    MillCmafReportFunc report, GObject *owner);
void mill_ts_packager_free (MillTsPackager *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillTsPackager, mill_ts_packager_free)

/** Takes the directory. Errors: MILL_STORE_ERROR */
gboolean mill_ts_packager_open (MillTsPackager *self, const gchar *path,
    GError **error);

/** Wall clock at running time 0, µs since 1970; the first call counts. */
void mill_ts_packager_set_wall (MillTsPackager *self, gint64 wall_us);

/** @pad: by which a successor knows it. Returns: (transfer none) */
MillTsLane *mill_ts_packager_add_lane (MillTsPackager *self, const gchar *pad,
    MillCmafKind kind);

/** Of one of the elementary streams of @lane. */
void mill_ts_packager_describe (MillTsPackager *self, MillTsLane *lane,
    const MillCmafFormat *format);

/**
 * MillTsPicture: of a video, before it is muxed
 * @time, @end: running time, ns
 * @jumps: the source was away before it, or is encoded in another way
 */
typedef struct
{
  GstClockTimeDiff time;
  GstClockTimeDiff end;
  gboolean is_keyframe;
  gboolean jumps;
} MillTsPicture;

/** Returns: number of the segment that begins with @picture in @lane;
 * MILL_CMAF_NONE: none */
guint64 mill_ts_packager_offer (MillTsPackager *self, MillTsLane *lane,
    const MillTsPicture *picture);

/** What comes next of @lane is of segment @number. */
void mill_ts_packager_begin (MillTsPackager *self, MillTsLane *lane,
    guint64 number);

/** @packets: whole packets. @time: running time of what is in them, ns
 * Returns: FALSE: nothing can be written any more */
gboolean mill_ts_packager_push (MillTsPackager *self, MillTsLane *lane,
    const guint8 *packets, gsize size, GstClockTimeDiff time);

/** @lane has ended; the last one writes the end of the stream. */
void mill_ts_packager_end_lane (MillTsPackager *self, MillTsLane *lane);

typedef struct
{
  guint64 generation;
  guint64 segments;
  guint64 bytes;
  guint64 gaps;
  guint target_duration_s;
} MillTsStats;

/** Does not wait for the disk. */
void mill_ts_packager_get_stats (MillTsPackager *self, MillTsStats *ret_stats);

G_END_DECLS
