/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-cue.h"
#include "cmaf-publisher.h"
#include "text/text-cue.h"

G_BEGIN_DECLS

/*
 * From samples to a stream directory: lanes (one per pad) of samples, the
 * timeline that cuts them, the publisher that writes them. It knows no
 * GstElement.
 *
 * Time in here, where something is waited for, is media time that has
 * arrived: nothing happens between two calls, and no timer is needed.
 *
 * Threads: any; one lock inside, and one condition for what runs ahead in mode
 * vod. Reports are delivered without it, on the
 * thread that made the call, or on the writer's.
 */
typedef struct _MillCmafPackager MillCmafPackager;
typedef struct _MillCmafLane MillCmafLane;

/**
 * MillCmafReportKind:
 * @MILL_CMAF_WARNED: degraded, going on
 * @MILL_CMAF_FAILED: nothing more is written
 * @MILL_CMAF_WANTS_KEYFRAME: of the video that cuts, for a break
 * @MILL_CMAF_ENDED: all lanes have ended and everything is written
 */
typedef enum
{
  MILL_CMAF_WARNED,
  MILL_CMAF_FAILED,
  MILL_CMAF_WANTS_KEYFRAME,
  MILL_CMAF_ENDED,
} MillCmafReportKind;

/** @error: (nullable): of a warning or failure */
typedef void (*MillCmafReportFunc) (MillCmafReportKind kind,
    const GError *error, GObject *owner);

/**
 * MillCmafPackagerOptions:
 * @part_duration: of chunks, ns; 0: a segment is one chunk
 * @max_skew: ns that a segment waits for a rendition; 0: two parts (without
 *   parts a second), and as much longer as a rendition is behind
 * @startup_timeout: ns that manifests wait for a planned rendition
 * @break_periods: a Period of the MPD begins where a break begins or ends
 */
typedef struct
{
  MillCmafPublisherOptions publisher;
  GstClockTime part_duration;
  GstClockTime max_skew;
  GstClockTime startup_timeout;
  gboolean break_periods;
} MillCmafPackagerOptions;

/** @report: called without a lock, any thread
 * @owner: (transfer none): lives until mill_cmaf_packager_close()
 * Returns: (transfer full) */
MillCmafPackager *mill_cmaf_packager_new (const MillCmafPackagerOptions
                                              *options,
    MillCmafReportFunc report, GObject *owner);
MillCmafPackager *mill_cmaf_packager_ref (MillCmafPackager *self);
void mill_cmaf_packager_unref (MillCmafPackager *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafPackager, mill_cmaf_packager_unref)

/** Takes the directory that @store is; blocks on the disk.
 * Errors: MILL_STORE_ERROR */
gboolean mill_cmaf_packager_open_store (MillCmafPackager *self,
    MillStore *store, GError **error);

/** Gives the directory up without an end of the stream: a successor goes on.
 * Waits for writes under way; no report comes after it. */
void mill_cmaf_packager_close (MillCmafPackager *self);

/**
 * MillCmafDating: what dates are of
 * @MILL_CMAF_DATED_AS_TOLD: the wall clock that is told, whenever samples come
 * @MILL_CMAF_DATED_BY_ARRIVAL: the same, but for what comes earlier than it was
 *   made by that: see cmaf-wall.h
 */
typedef enum
{
  MILL_CMAF_DATED_AS_TOLD,
  MILL_CMAF_DATED_BY_ARRIVAL,
} MillCmafDating;

/**
 * mill_cmaf_packager_set_wall:
 * @wall_us: wall clock at running time 0, µs since 1970
 * @start: running time of the first sample, ns
 *
 * The first call counts.
 */
void mill_cmaf_packager_set_wall (MillCmafPackager *self, MillCmafDating dating,
    gint64 wall_us, GstClockTimeDiff start);

/** Returns: whether @arrival of the next sample is looked at, as it is of one that
 * is discontinuous; any thread */
gboolean mill_cmaf_packager_asks_arrival (const MillCmafPackager *self);

/**
 * mill_cmaf_packager_note_reference:
 * @time: running time, ns
 * @wall_us: what the source's clock said then, µs since 1970
 *
 * The wall clock is the source's. What it differs from how it was, when it has
 * begun, counts from the next discontinuity on; a second or more makes one.
 */
void mill_cmaf_packager_note_reference (MillCmafPackager *self,
    GstClockTimeDiff time, gint64 wall_us);

/** A rendition that is expected. Returns: (transfer none): as long as the
 * packager, or until removed */
MillCmafLane *mill_cmaf_packager_add_lane (MillCmafPackager *self,
    const gchar *pad, MillCmafKind kind);

/** Nothing more comes; what is queued is still published. A live stream ends
 * when all lanes have, or are silent. */
void mill_cmaf_packager_end_lane (MillCmafPackager *self, MillCmafLane *lane);

/**
 * MillCmafLaneFormat:
 * @name: (nullable): that the rendition is to have
 * @codec: what @codec_data says, and caps
 * @codec_data: see mill_codec_parse_config()
 * @hdr: of video, for the CMAF header
 * @bitrate_bps: of audio, if the source says; 0 unknown
 * @frame_length: samples per audio frame
 */
typedef struct
{
  MillCmafFormat format;
  const gchar *name;
  MillCodecInfo codec;
  MillCodecHdr hdr;
  GBytes *codec_data;
  guint bitrate_bps;
  guint frame_length;
} MillCmafLaneFormat;

/** Once before the first sample, and again when the encoding changes: that
 * begins a generation at the next cut. */
void mill_cmaf_packager_set_format (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafLaneFormat *format);

/** What is known of captions inside of the video; see cmaf-captions.h. */
void mill_cmaf_packager_set_captions (MillCmafPackager *self,
    const gchar *captions);

/** @bitrate_bps: what the source says; 0: that of sound is measured */
void mill_cmaf_packager_set_bitrate (MillCmafPackager *self, MillCmafLane *lane,
    guint bitrate_bps);

/** Pushes into @lane (NULL: any, also one that is added later) return
 * GST_FLOW_FLUSHING, also one that waits. */
void mill_cmaf_packager_set_flushing (MillCmafPackager *self,
    MillCmafLane *lane, gboolean flushing);

/** A push into @lane comes next. Any thread. */
void mill_cmaf_packager_prepare (const MillCmafPackager *self,
    const MillCmafLane *lane);

/** @buffer: (transfer full)
 * In mode vod this waits while @lane is far ahead of the one that cuts, unless
 * that would be for ever.
 * Returns: GST_FLOW_ERROR when nothing more is written, the report has said
 * why; GST_FLOW_EOS after the end of the lane, which no flush undoes;
 * GST_FLOW_NOT_NEGOTIATED before its format */
GstFlowReturn mill_cmaf_packager_push (MillCmafPackager *self,
    MillCmafLane *lane, const MillCmafInput *input, GstBuffer *buffer);

/** A caption of a lane of text; see mill_cmaf_text_push(). @cue: (transfer
 * full). Never waits.
 * Returns: GST_FLOW_OK also for one that came too late; else as of
 * mill_cmaf_packager_push() */
GstFlowReturn mill_cmaf_packager_push_cue (MillCmafPackager *self,
    MillCmafLane *lane, MillTextCue *cue);

/** See mill_cmaf_text_clear(). */
void mill_cmaf_packager_clear_cues (MillCmafPackager *self, MillCmafLane *lane,
    GstClockTimeDiff time);

/** Something is said of the stream: see MillCmafCue. Any thread.
 * Errors: MILL_CMAF_CUE_ERROR */
gboolean mill_cmaf_packager_cue (MillCmafPackager *self, const MillCmafCue *cue,
    GError **error);

/**
 * mill_cmaf_packager_push_sheet:
 * @time: running time of its first tile, ns, not negative
 * @tiles: how many of its places have a picture
 *
 * A sheet of thumbnails. What is earlier than the last one is left out.
 */
void mill_cmaf_packager_push_sheet (MillCmafPackager *self,
    const MillCmafSheetLayout *layout, GstClockTimeDiff time, guint tiles,
    GBytes *content);

/** Replaces the poster. */
void mill_cmaf_packager_push_poster (MillCmafPackager *self, GBytes *content);

/** Pictures come from @pad: of a file the end waits for them. */
void mill_cmaf_packager_add_image (MillCmafPackager *self, const gchar *pad);
void mill_cmaf_packager_end_image (MillCmafPackager *self, const gchar *pad);

/** What MILL_CMAF_WANTS_KEYFRAME is about.
 * @ret_time: running time, GST_CLOCK_TIME_NONE: now
 * Returns: (transfer full)(nullable): name of the pad; NULL: nobody needs one */
gchar *mill_cmaf_packager_get_wanted_keyframe (MillCmafPackager *self,
    GstClockTime *ret_time);

/** What users see of it. */
typedef struct
{
  guint64 generation;
  guint64 segments; /* published */
  guint64 bytes; /* written */
  guint64 gaps; /* segments of a rendition that are missing */
  guint target_duration_s;
  GstClockTime retention; /* how long the directory must stay after the end */
  guint64 shrunk; /* segments dropped early, for want of room */
  gboolean is_remote;
  MillStoreStats store; /* of a remote one */
  GPtrArray *renditions; /* MillCmafRenditionStats */
} MillCmafStats;

typedef struct
{
  gchar *name;
  MillCmafKind kind;
  gchar *codec;
  guint width;
  guint height;
  guint64 bitrate_bps;
  const gchar *state; /* live, late, gone */
  guint64 segments;
} MillCmafRenditionStats;

/** Does not wait for the disk. */
void mill_cmaf_packager_get_stats (MillCmafPackager *self,
    MillCmafStats *ret_stats);
void mill_cmaf_packager_clear_stats (MillCmafStats *stats);

/** Does not wait for the disk. Returns: running time up to which media has
 * arrived, ns */
GstClockTimeDiff mill_cmaf_packager_get_position (MillCmafPackager *self);

G_END_DECLS
