/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"
#include "cmaf-text.h"

G_BEGIN_DECLS

/*
 * One pad's way through the packager: its samples, and the segments that were
 * made of them but are not published yet. Everything under the packager's
 * lock. For the packager, and for a MillCmafChunker, which has no lock.
 */

/* What a lane may queue while the timing rendition is behind it. */
#define MILL_CMAF_AHEAD_BYTES (32u << 20)

/**
 * MillCmafWritten: a segment of a lane
 * @time: presentation time on the media's timeline, ticks
 * @i_frame_offset, @i_frame_bytes, @offset: see MillCmafSegment
 * @pending: chunks whose write is not done
 * @closed: no more comes
 * @closed_at: packager clock then
 */
typedef struct
{
  guint64 number;
  gint64 time;
  guint64 duration;
  guint64 bytes;
  guint32 i_frame_offset;
  guint32 i_frame_bytes;
  guint64 offset;
  guint pending;
  gboolean failed;
  gboolean closed;
  guint64 closed_at;
} MillCmafWritten;

/**
 * MillCmafLane:
 * @rendition: index in the publisher; -1 before the first chunk
 * @segment: number of the segment that the first queued sample is in;
 *   MILL_CMAF_NONE before it is known
 * @init_generation: of the last CMAF header written
 * @hold_generation: samples before the first cut of that generation have
 *   nothing to be decoded with; 0: none
 * @edit: media time that presentation begins at (edit list), ticks: the
 *   priming of audio; the delay of video, by which all its composition offsets
 *   are greater, so that none is negative
 * @next_event: serial of the first event message that it has not got yet
 * @part_target: longest part of its rendition, ns; 0: not known yet
 * @heard: packager clock at its last sample
 * @unpaced: media received since the lane that paces the clock was heard
 * @lag: how far behind the timing rendition its last sample was when it came
 * @feeder: (not held): thread that the last sample came from
 * @allowance: bytes that it may queue before it has to wait
 * @text: of a lane of text, which has this instead of @track
 */
struct _MillCmafLane
{
  gchar *pad;
  MillCmafKind kind;
  MillCmafTrack *track;
  MillCmafText *text;
  MillCmafFormat format;
  gchar *name;
  MillCodecInfo codec;
  MillCodecHdr hdr;
  GBytes *codec_data;
  guint bitrate_bps;
  guint frame_length;

  gint rendition;
  guint64 segment;
  guint64 init_generation;
  guint64 hold_generation;
  gint64 edit;
  guint32 sequence;
  guint64 next_event;
  GstClockTime part_target;
  GArray *written; /* MillCmafWritten; the last one may be open */
  guint64 n_published;

  gboolean eos;
  gboolean flushing;
  gboolean misaligned_told;
  guint64 heard;
  guint64 unpaced;
  GstClockTime lag;
  GstClockTimeDiff last_pts; /* ns; NONE: never heard */
  GThread *feeder;
  gsize allowance;
};

/** @pad: its name, by which a successor knows it. Returns: (transfer full) */
MillCmafLane *mill_cmaf_lane_new (const gchar *pad, MillCmafKind kind);
void mill_cmaf_lane_free (MillCmafLane *self);

/** Takes @format; the track is begun anew when the timescale differs. */
void mill_cmaf_lane_set_format (MillCmafLane *self,
    const MillCmafLaneFormat *format);

/** Returns: whether @format is not what the lane has */
gboolean mill_cmaf_lane_differs (const MillCmafLane *self,
    const MillCmafLaneFormat *format);

/** Fills in what only the media itself tells: frame rate, bit rate. */
void mill_cmaf_lane_measure (MillCmafLane *self, const MillCmafTaken *taken);

/** Returns: (transfer full): v{height}, a{kbit} or the language of text */
gchar *mill_cmaf_lane_propose_name (const MillCmafLane *self);

/** Returns: (transfer full)(nullable): the CMAF header
 * Errors: MILL_BMFF_ERROR */
GBytes *mill_cmaf_lane_write_init (const MillCmafLane *self, GError **error);

/** Returns: (nullable): segment @number, valid until the next one is added */
MillCmafWritten *mill_cmaf_lane_find (const MillCmafLane *self, guint64 number);

/** Returns: segment @number, begun when it is not there */
MillCmafWritten *mill_cmaf_lane_open (MillCmafLane *self, guint64 number);

/** Forgets the segments before @number. */
void mill_cmaf_lane_retire (MillCmafLane *self, guint64 number);

/** Ticks of its format in ns; and back. */
GstClockTimeDiff mill_cmaf_lane_to_ns (const MillCmafLane *self, gint64 ticks);
gint64 mill_cmaf_lane_to_ticks (const MillCmafLane *self,
    GstClockTimeDiff time);

/** Index of the first queued sample of the segment that @cut begins; -1: it
 * has not come yet */
gint mill_cmaf_lane_find_start (const MillCmafLane *self,
    const MillCmafCut *cut);

/** The same of a video that another one cuts: only a keyframe of @cut's very
 * picture will do, or where that was none, the first picture from there on. */
gint mill_cmaf_lane_find_aligned (const MillCmafLane *self,
    const MillCmafCut *cut);

/** Returns: whether something was queued that comes after the start of @cut */
gboolean mill_cmaf_lane_has_passed (const MillCmafLane *self,
    const MillCmafCut *cut);

G_END_DECLS
