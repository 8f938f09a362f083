/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-chunk.h"
#include "cmaf-timeline.h"

G_BEGIN_DECLS

/*
 * The samples of one rendition: stamps made regular, in the rendition's own
 * timescale, queued until it is known to which segment they belong, and taken
 * out in chunks. Pure logic, no I/O; one thread at a time.
 *
 * Times are ticks of running time. Decoding times of video are shifted by a
 * constant so that those of an IDR equal its presentation time: decoding time
 * at the start of a segment is presentation time.
 */

typedef enum
{
  MILL_CMAF_VIDEO,
  MILL_CMAF_AUDIO,
  MILL_CMAF_TEXT, /* has no samples: see cmaf-text.h */
} MillCmafKind;

typedef enum
{
  MILL_CMAF_SAMPLE_NONE = 0,
  MILL_CMAF_SAMPLE_SYNC = 1 << 0,
  /* The source was away before this one. */
  MILL_CMAF_SAMPLE_JUMP = 1 << 1,
  /* With SYNC: what follows may be shown before it, and not be decodable
   * without what was before (a CRA picture of HEVC). */
  MILL_CMAF_SAMPLE_OPEN = 1 << 2,
} MillCmafSampleFlags;

/**
 * MillCmafSample:
 * @begins: number of the segment whose first sample this is, MILL_CMAF_NONE
 *   for most
 */
typedef struct
{
  gint64 pts;
  gint64 dts;
  guint64 begins;
  guint32 size;
  guint32 duration; /* as the source says; 0 unknown */
  MillCmafSampleFlags flags;
  GstMemory *memory;
} MillCmafSample;

/**
 * MillCmafInput: one access unit
 * @pts: running time, ns, may be negative
 * @dts: running time, ns; GST_CLOCK_STIME_NONE when the source gives none
 * @duration: ns, GST_CLOCK_TIME_NONE when unknown; of video
 * @frame_length: ticks of an audio frame; 0: that of the track
 * @size: bytes
 * @discont: the source was interrupted before it
 * @arrival: running time when it came, ns; GST_CLOCK_STIME_NONE where nobody asks
 */
typedef struct
{
  GstClockTimeDiff pts;
  GstClockTimeDiff dts;
  GstClockTime duration;
  gsize size;
  guint frame_length;
  gboolean sync;
  gboolean open; /* with sync: see MILL_CMAF_SAMPLE_OPEN */
  gboolean discont;
  GstClockTimeDiff arrival;
} MillCmafInput;

/**
 * MillCmafPush: what became of a sample
 * @MILL_CMAF_DROPPED: nothing to decode it from, or it is from the past
 * @MILL_CMAF_LOST: the source was away, and a decoder cannot begin at this
 *   sample: it and what follows is dropped up to the next one where it can
 */
typedef enum
{
  MILL_CMAF_QUEUED,
  MILL_CMAF_DROPPED,
  MILL_CMAF_LOST,
} MillCmafPush;

/** What mill_cmaf_track_take() takes out; the caller keeps one and passes it
 * again. */
typedef struct
{
  GArray *samples; /* MillBmffSample */
  GPtrArray *memories; /* GstMemory */
  gint64 dts; /* of the first sample */
  gint64 pts;
  guint64 duration; /* ticks */
  gsize size; /* bytes */
  gboolean sync;
} MillCmafTaken;

/** Empty ones, to be used again and again; and the end of that. */
void mill_cmaf_track_init_taken (MillCmafTaken *taken);
void mill_cmaf_track_clear_taken (MillCmafTaken *taken);

typedef struct _MillCmafTrack MillCmafTrack;

/** @frame_length: samples per frame of audio; 0 for video.
 * Returns: (transfer full) */
MillCmafTrack *mill_cmaf_track_new (MillCmafKind kind, guint timescale,
    guint frame_length);
void mill_cmaf_track_free (MillCmafTrack *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafTrack, mill_cmaf_track_free)

/** What it was made with. */
guint mill_cmaf_track_get_timescale (const MillCmafTrack *self);

/** @memory: (transfer full) */
MillCmafPush mill_cmaf_track_push (MillCmafTrack *self,
    const MillCmafInput *input, GstMemory *memory);

/** Drops everything up to the next sample that a decoder can begin at. */
void mill_cmaf_track_lose (MillCmafTrack *self);

/** Returns: samples that are queued */
guint mill_cmaf_track_get_length (const MillCmafTrack *self);

/** Returns: (transfer none): valid until the track is changed */
MillCmafSample *mill_cmaf_track_peek (const MillCmafTrack *self, guint i);

/** Returns: bytes queued */
gsize mill_cmaf_track_get_queued_bytes (const MillCmafTrack *self);

/** Ticks of the shortest time that sample @i can last: to the next sample
 * queued, or an estimate. */
guint64 mill_cmaf_track_get_duration (const MillCmafTrack *self, guint i);

/** Returns: ticks at which sample @i ends */
gint64 mill_cmaf_track_get_end (const MillCmafTrack *self, guint i);

/**
 * mill_cmaf_track_find_start:
 * @ticks: where a segment begins
 *
 * Returns: index of the first queued sample of that segment: the first of
 * audio at or after it, the first IDR of video; -1: not there yet
 */
gint mill_cmaf_track_find_start (const MillCmafTrack *self, gint64 ticks);

/** Returns: index of the queued keyframe of the picture at @ticks, or -1. A
 * stamp of it that was rounded in another way is set to @ticks. */
gint mill_cmaf_track_find_keyframe (MillCmafTrack *self, gint64 ticks);

/** Returns: index of the first queued sample at or after @ticks, or -1 */
gint mill_cmaf_track_find_after (const MillCmafTrack *self, gint64 ticks);

/** Returns: whether a sample later than @ticks has come */
gboolean mill_cmaf_track_has_passed (const MillCmafTrack *self, gint64 ticks);

/** Returns: ticks at which that before sample @i ends, be it queued or taken
 * out; G_MININT64: there was nothing */
gint64 mill_cmaf_track_get_reached (const MillCmafTrack *self, guint i);

/** Ticks missing before sample @n, or before @end when it is the length, in
 * what is queued: pictures that never came. The largest hole counts. */
gint64 mill_cmaf_track_measure_hole (const MillCmafTrack *self, guint n,
    gint64 end);

/** Drops the first @n samples. */
void mill_cmaf_track_drop (MillCmafTrack *self, guint n);

/** Takes out the first @n samples as a chunk. */
void mill_cmaf_track_take (MillCmafTrack *self, guint n, MillCmafTaken *taken);

/** Ticks by which the source decodes its last IDR before it presents it: no
 * sample needs more, so that with it no composition offset is negative. */
gint64 mill_cmaf_track_get_delay (const MillCmafTrack *self);

G_END_DECLS
