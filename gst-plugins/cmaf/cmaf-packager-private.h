/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-counting.h"
#include "cmaf-lane.h"
#include "cmaf-wall.h"

G_BEGIN_DECLS

/*
 * The packager's inside, shared by the files that it is made of: cmaf-packager
 * (calls, reports), cmaf-stats (what is seen of it), cmaf-intake (samples as they
 * come), cmaf-recoding (other formats), cmaf-ending, cmaf-outcome (of writes),
 * cmaf-clock (when something is late), cmaf-dating (the wall clock),
 * cmaf-publication (what is listed when),
 * cmaf-pushback (what runs ahead), cmaf-assembly (samples to segments) and
 * cmaf-cutting (where segments begin). Nothing else includes it. Functions that
 * end in _locked expect the packager's lock.
 */

/* How long something may take when nothing else is said. */
#define MILL_CMAF_DEFAULT_SKEW (1 * GST_SECOND)

typedef struct _MillCmafCues MillCmafCues;

/** What was last seen of a file. @lock is taken under the packager's or alone;
 * the rest is written with both. */
typedef struct
{
  GMutex lock;
  MillCmafStats stats; /* but for the store's */
  GstClockTimeDiff position;
} MillCmafNoted;

struct _MillCmafPackager
{
  MillCmafPackagerOptions options;
  MillCmafReportFunc report;
  GObject *owner; /* not held, but while a report is delivered */

  gint asks_arrival; /* atomic: see mill_cmaf_packager_asks_arrival(); read with
                      * every sample, so it is where the lock is */
  GMutex lock; /* everything below but noted */
  MillCmafPublisher *publisher;
  MillCmafTimeline *timeline;
  MillCmafCounting counting; /* of a stream with parts */
  GPtrArray *lanes; /* MillCmafLane */
  GCond moved; /* a lane has got something, or an end */
  guint64 moves;
  guint waiting; /* for moved */
  MillCmafLane *timing; /* (nullable): the lane that cuts */
  MillCmafLane *pacer; /* (nullable): the lane that moves the clock */
  guint64 clock; /* ns of media that have arrived */
  gboolean has_wall;
  MillCmafDating dating;
  MillCmafWall *wall; /* what dates were moved by, and are going to be */
  gint64 wall_offset_us; /* which the timeline and the state know already */
  guint64 take; /* first number that it counts for */
  GstClockTimeDiff take_start; /* running time; G_MININT64: of the first take */
  gboolean dates_told; /* players may have seen some */
  gboolean markers_due; /* of breaks something can be told that was kept back */
  guint64 next_publish; /* number */
  gboolean manifests; /* multivariant playlist and MPD are out */
  gboolean limited; /* the timeline knows the target duration */
  guint64 first_number; /* of this run */
  gboolean finishing; /* every lane has ended */
  gboolean ended; /* the end is written, or being written */
  gboolean failed;
  gboolean closed;
  gboolean flushing; /* all lanes, and those that are still to come */
  gboolean degraded; /* a write failed, and it was said */
  gboolean troubled; /* one has failed since manifests were written */
  gboolean long_gop_told;
  GstClockTimeDiff position;
  guint64 segments;
  guint64 bytes;
  guint64 gaps;
  MillCmafTaken taken; /* scratch */
  MillBmffWriter header; /* scratch */
  GArray *row; /* MillCmafSegment, scratch */
  GHashTable *images; /* names of pads that pictures are to come from */
  MillCmafCues *cues; /* (nullable): NULL in a stream that never had any */
  GQueue reports; /* Report, delivered when the lock is released */

  GArray *held; /* (nullable): Arrival, what has come and was not looked at */
  gsize held_bytes;
  GstClockTimeDiff hold_until; /* presentation: from there on none is held */
  GstClockTimeDiff hold_keyframes_until; /* the same, where one can cut */

  MillCmafNoted noted; /* in mode vod */
};

static inline gboolean
mill_cmaf_packager_is_vod (const MillCmafPackager *self)
{
  return self->options.publisher.mode == MILL_CMAF_VOD;
}

static inline MillCmafLane *
mill_cmaf_packager_get_lane (const MillCmafPackager *self, guint i)
{
  return g_ptr_array_index (self->lanes, i);
}

/** Something is to be said when the lock is released. */
void mill_cmaf_packager_say_locked (MillCmafPackager *self,
    MillCmafReportKind kind, const GError *error);

/** Nothing more is written; said once. */
void mill_cmaf_packager_fail_locked (MillCmafPackager *self,
    const GError *error);

/** @lane has something to publish, as a rendition.
 * Returns: FALSE: there are too many, which was said */
gboolean mill_cmaf_packager_name_rendition_locked (MillCmafPackager *self,
    MillCmafLane *lane);

/** Does everything that can be done now. */
void mill_cmaf_packager_proceed_locked (MillCmafPackager *self);

/* ---- cmaf-outcome.c ---- */

/** A write has failed: said once per trouble, and the end of a file. */
void mill_cmaf_outcome_degrade_locked (MillCmafPackager *self,
    const GError *error);

/** @what, of @rendition and segment @number where it is of one, is written.
 * @error: (nullable): it is not */
void mill_cmaf_outcome_note_locked (MillCmafPackager *self, MillCmafWrote what,
    guint rendition, guint64 number, const GError *error);

/* ---- cmaf-ending.c ---- */

/** Nothing more comes of @lane: the stream ends, where that was the last one. */
void mill_cmaf_ending_note_locked (MillCmafPackager *self, MillCmafLane *lane);

/* ---- cmaf-recoding.c ---- */

/** What comes of @lane from here on is of @format. */
void mill_cmaf_recoding_set_format_locked (MillCmafPackager *self,
    MillCmafLane *lane, const MillCmafLaneFormat *format);

/* ---- cmaf-intake.c ---- */

/** A sample has come. @buffer: (transfer full)
 * Returns: FALSE when it was only put aside */
gboolean mill_cmaf_intake_push_locked (MillCmafPackager *self,
    MillCmafLane *lane, const MillCmafInput *input, GstBuffer *buffer);

/** Works through what was put aside. */
void mill_cmaf_intake_settle_locked (MillCmafPackager *self);

/** The same before something changes: the next sample is looked at at once. */
void mill_cmaf_intake_begin_locked (MillCmafPackager *self);

/** What was put aside is thrown away; nobody has the lock any more. */
void mill_cmaf_intake_clear (MillCmafPackager *self);

/* ---- cmaf-clock.c ---- */

/** A sample of @lane has arrived. */
void mill_cmaf_clock_advance_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafInput *input);

/* ---- cmaf-dating.c ---- */

/** See mill_cmaf_packager_set_wall(), mill_cmaf_packager_note_reference(). */
void mill_cmaf_dating_begin_locked (MillCmafPackager *self,
    MillCmafDating dating, gint64 wall_us, GstClockTimeDiff start);
void mill_cmaf_dating_refer_locked (MillCmafPackager *self, gint64 zero_us);

/** @input was queued as the last sample of @lane, and was not offered yet. */
void mill_cmaf_dating_note_locked (MillCmafPackager *self,
    const MillCmafLane *lane, const MillCmafInput *input);

/** Something of segment @number is about to be told. */
void mill_cmaf_dating_tell_locked (MillCmafPackager *self, guint64 number);
/** Returns: whether parts of @lane are not told yet, because what came last may
 * still say when they were made */
gboolean mill_cmaf_dating_waits_locked (MillCmafPackager *self,
    const MillCmafLane *lane);

/** The first playlists could be written. @due: players wait for them
 * Returns: whether they may be: no date changes any more */
gboolean mill_cmaf_dating_announce_locked (MillCmafPackager *self,
    gboolean due);

/* ---- cmaf-pushback.c ---- */

/** Whoever waits for other lanes looks again. */
void mill_cmaf_pushback_move_locked (MillCmafPackager *self);

/** Waits, in mode vod, while @lane has queued too much; the lock is given up
 * meanwhile. Fails the packager where it would be too much for ever. */
void mill_cmaf_pushback_wait_locked (MillCmafPackager *self,
    MillCmafLane *lane);

/* ---- cmaf-publication.c ---- */

/** Publishes what is ready, or has been waited for long enough. */
void mill_cmaf_publication_run_locked (MillCmafPackager *self);

/** Writes the end, when everything before it is published. */
void mill_cmaf_publication_end_locked (MillCmafPackager *self);

/** Tells the timeline the target duration, when it is known. */
void mill_cmaf_publication_limit_locked (MillCmafPackager *self);

/** Whether @lane has got nothing for longer than it is waited for. */
gboolean mill_cmaf_publication_is_silent (const MillCmafPackager *self,
    const MillCmafLane *lane);

/* ---- cmaf-stats.c ---- */

/** But for those of the store. */
void mill_cmaf_stats_fill_locked (MillCmafPackager *self,
    MillCmafStats *ret_stats);

/** The lock is about to be released: of a file, what has changed is noted. */
void mill_cmaf_stats_note_locked (MillCmafPackager *self);

/** What was noted last. */
void mill_cmaf_stats_copy (MillCmafPackager *self, MillCmafStats *ret_stats);
GstClockTimeDiff mill_cmaf_stats_copy_position (MillCmafPackager *self);

/* ---- cmaf-captioning.c ---- */

/** Writes the segments of text that are to be listed with @cut. */
void mill_cmaf_captioning_run_locked (MillCmafPackager *self,
    const MillCmafCut *cut);

/** @cut is listed: its cues are of no use any more. */
void mill_cmaf_captioning_retire_locked (MillCmafPackager *self,
    const MillCmafCut *cut);

/* ---- cmaf-assembly.c ---- */

/** Moves the samples of @lane on into segments, as far as that is settled. */
void mill_cmaf_assembly_drain_locked (MillCmafPackager *self,
    MillCmafLane *lane);

/** Takes the first @n samples of @lane into its segment, which they end. */
void mill_cmaf_assembly_flush_locked (MillCmafPackager *self,
    MillCmafLane *lane, guint n, gboolean ends);

/* ---- cmaf-parts.c ---- */

/** The rendition of @lane has its name: its part target is told. */
void mill_cmaf_parts_declare_locked (MillCmafPackager *self,
    MillCmafLane *lane);

/** Takes what makes whole parts out of the first @settled samples, which are
 * certainly in the open segment of @lane. */
void mill_cmaf_parts_flush_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint settled);

/** The first @left samples end a segment. Returns: how many of them are its last
 * part, the others are taken */
guint mill_cmaf_parts_split_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint left);

/* ---- cmaf-cues.c; but for the first two, where @self has cues ---- */

/** A predecessor's breaks may go on. */
void mill_cmaf_cues_resume_locked (MillCmafPackager *self);

/** See mill_cmaf_packager_cue(). */
gboolean mill_cmaf_cues_take_locked (MillCmafPackager *self,
    const MillCmafCue *cue, GError **error);

/** Returns: flags of a cut at @start for the sake of breaks */
MillCmafCutFlags mill_cmaf_cues_get_flags_locked (const MillCmafPackager *self,
    GstClockTimeDiff start);

/** Dates from @from_us on are moved by @us: no player has seen any of what happens
 * then, but for what it was told before that media came. What was asked for at a
 * date keeps that. */
void mill_cmaf_cues_shift_locked (MillCmafPackager *self, gint64 from_us,
    gint64 us);

/** Dates before @until_us do not move any more: what is then can be told. */
void mill_cmaf_cues_settle_locked (MillCmafPackager *self, gint64 until_us);

/** @cut was made. */
void mill_cmaf_cues_cut_locked (MillCmafPackager *self, const MillCmafCut *cut);

/** @cues: (transfer full) */
void mill_cmaf_cues_free (MillCmafCues *cues);

/* ---- cmaf-events.c; where @self has cues ---- */

/** Dates are settled: events that were asked for by theirs can be told. */
void mill_cmaf_events_release_locked (MillCmafPackager *self);

/** The segment of @cut is listed. */
void mill_cmaf_events_retire_locked (MillCmafPackager *self,
    const MillCmafCut *cut);

/** Puts the event messages that go with what was taken into @chunk, which has
 * them until the next call. */
void mill_cmaf_events_collect_locked (MillCmafPackager *self,
    MillCmafLane *lane, MillBmffChunk *chunk);

/* ---- cmaf-cutting.c ---- */

/** The timing rendition @lane has samples from @from on that were not offered
 * to the timeline. */
void mill_cmaf_cutting_offer_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint from);

/** Makes sure that somebody cuts, after another @lane got a sample or an end.
 */
void mill_cmaf_cutting_elect_locked (MillCmafPackager *self,
    MillCmafLane *lane);

/** Whether the start-up time-out has passed. */
gboolean mill_cmaf_cutting_is_startup_over (const MillCmafPackager *self);

G_END_DECLS
