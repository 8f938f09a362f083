/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-periods.h"
#include "cmaf-publisher.h"
#include "store/live-index.h"

G_BEGIN_DECLS

/*
 * The publisher's inside, shared by cmaf-publisher.c (opening, writing,
 * manifests) and the files under it, of which each has its section below. Nothing
 * else includes it.
 */

#define MILL_CMAF_STATE_NAME ".state"

/** What the publisher knows of a rendition besides its segments. */
typedef struct
{
  MillHlsBitrate bitrate;
  MillHlsBitrate i_frames_bitrate;
  MillHlsListing *listings[MILL_CMAF_N_PLAYLISTS]; /* NULL: not kept */
  MillStoreObject *object; /* the segment being written */
  guint64 offset; /* bytes handed to it; where the segment begins in a file */
  guint part; /* chunks handed to it */
  GstClockTimeDiff missed; /* ns since it had a segment */
  guint64 announced_bps; /* in the multivariant playlist */
  guint64 announced_i_frames_bps;
  guint64 told_bps; /* in any manifest, ever */
} MillCmafOutput;

/**
 * MillCmafTrash: what is to be removed
 * @name: (nullable): of an object; NULL: segment @number of each rendition, of
 *   which there are as many as the window is long
 * @ends_generation: with the header, which nothing needs after it
 */
typedef struct
{
  gchar *name;
  guint64 generation;
  guint64 number;
  gboolean ends_generation;
  gint64 due_us;
  guint64 bytes; /* as far as it is known */
} MillCmafTrash;

struct _MillCmafPublisher
{
  MillCmafPublisherOptions options;
  MillCmafPublisherDone done;
  gpointer user_data;
  gpointer (*keeper_ref) (gpointer);
  GDestroyNotify keeper_unref;
  MillStore *store;
  MillStoreLease *lease;
  MillStoreWriter *writer;
  MillCmafState *state;
  GArray *outputs; /* MillCmafOutput, one for each rendition of the state */
  MillCmafPeriods *periods; /* of the state */
  GQueue trash; /* MillCmafTrash, in the order of being due */
  guint64 trash_bytes; /* of those */
  GQueue dropped; /* MillCmafTrash, for want of room */
  guint64 n_shrunk; /* segments dropped early */
  guint64 n_shrunk_told;
  gboolean shrink_told;
  MillLiveIndex *index; /* NULL for VOD */
  MillStoreObject *index_object;
  gboolean index_stale; /* a line was not written: write it anew */
  gboolean index_moved; /* lines that were written are others now: the same */
  GstClockTime part_target; /* longest of a video; 0: chunks are no parts */
  GHashTable *part_targets; /* (nullable): rendition's name -> guint64 ns */
  GArray *past; /* (nullable): MillLiveChunk, a predecessor's lines */
  GByteArray *rows; /* of the state: not written yet */
  gboolean state_stale; /* more has changed than that: write it anew */
  gsize state_bytes; /* of the file when it was written as a whole */
  gsize state_appended; /* bytes since */
  gboolean continued;
  gboolean captions_changed; /* since the last multivariant playlist */
  gboolean untouched; /* what the directory has is its claim alone */
  gboolean fresh; /* there was no claim before */
  gboolean listed; /* playlists of this run may be there */
  gboolean replaced; /* so are those that are listed with each segment */
  gint64 begun_us; /* the publisher's clock when it was opened */
  guint64 first_generation; /* of this run */
  gchar *warning;
};

static inline gint64
mill_cmaf_publisher_now_us (const MillCmafPublisher *self)
{
  return self->options.clock ? self->options.clock () : g_get_monotonic_time ();
}

static inline MillCmafOutput *
mill_cmaf_publisher_output (const MillCmafPublisher *self, guint i)
{
  return &g_array_index (self->outputs, MillCmafOutput, i);
}

static inline MillCmafRendition *
mill_cmaf_publisher_rendition (const MillCmafPublisher *self, guint i)
{
  return g_ptr_array_index (self->state->renditions, i);
}

static inline MillCmafCut *
mill_cmaf_publisher_cut (const MillCmafPublisher *self, guint i)
{
  return &g_array_index (self->state->cuts, MillCmafCut, i);
}

/* ---- cmaf-renditions.c ---- */

/** Returns: (transfer full) (element-type MillCmafOutput): of no rendition yet */
GArray *mill_cmaf_renditions_new_outputs (void);

/** See mill_cmaf_publisher_add_rendition(), mill_cmaf_publisher_set_format(). */
gint mill_cmaf_renditions_add (MillCmafPublisher *self, const gchar *pad,
    const gchar *wanted, const gchar *fallback, const MillCmafFormat *format);
void mill_cmaf_renditions_set_format (MillCmafPublisher *self, guint i,
    const MillCmafFormat *format);

/** Makes room for what is known of one rendition more. */
void mill_cmaf_renditions_add_output (MillCmafPublisher *self);

/** Bit rates of rendition @i go on with its segment @k. */
void mill_cmaf_renditions_count_segment (MillCmafPublisher *self, guint i,
    guint k);

/* ---- cmaf-sheets.c ---- */

/** Sheets of thumbnails from before what is listed go when @due. */
void mill_cmaf_sheets_retire (MillCmafPublisher *self, gint64 due);

/* ---- cmaf-listings.c ---- */

/** The playlists of rendition @i are kept from now on, with all it has. */
void mill_cmaf_listings_begin (MillCmafPublisher *self, guint i);

/** What the playlists say of segments has changed. */
void mill_cmaf_listings_renew (MillCmafPublisher *self);

/** A segment was added to, or is about to leave, the lists of the state. */
void mill_cmaf_listings_add_last (MillCmafPublisher *self);
void mill_cmaf_listings_remove_first (MillCmafPublisher *self);

/** Writes the media playlists of all renditions, and with @all what lists those
 * and the MPD. */
void mill_cmaf_listings_put (MillCmafPublisher *self, MillStoreJob *job,
    gboolean all);

/** The playlists of @output are kept no longer. */
void mill_cmaf_listings_clear (MillCmafOutput *output);

/* ---- cmaf-bitrates.c ---- */

/** Returns: (transfer full) (array): one for each rendition: what to tell. */
MillCmafBitrate *mill_cmaf_bitrates_list (const MillCmafPublisher *self);

/** A manifest has told @bitrates. */
void mill_cmaf_bitrates_note_told (MillCmafPublisher *self,
    const MillCmafBitrate *bitrates);

/* ---- cmaf-index.c; nothing but for live streams ---- */

/** Reads what a predecessor has told. Parts of a segment that it never came to
 * list are one, as short as it is: players have them. Before the generation goes
 * up. */
void mill_cmaf_index_resume (MillCmafPublisher *self);

/** Puts the index of this run. */
gboolean mill_cmaf_index_begin (MillCmafPublisher *self, GError **error);

/** See mill_cmaf_publisher_declare_parts(). */
GstClockTime mill_cmaf_index_choose_target (MillCmafPublisher *self, guint i,
    GstClockTime wanted);

/** A line for @write, whose chunk has @length bytes, and is in @job. */
void mill_cmaf_index_add (MillCmafPublisher *self, MillStoreJob *job,
    const MillCmafChunkWrite *write, gsize length);

/** Lines of segments from @number on are dated @us later. The file is written
 * anew with the next playlists. */
void mill_cmaf_index_shift (MillCmafPublisher *self, guint64 number, gint64 us);

/** Puts the file anew where it does not say what there is. */
void mill_cmaf_index_renew (MillCmafPublisher *self, MillStoreJob *job);

/** Segments from @number on are of the generation of the state. */
void mill_cmaf_index_announce (MillCmafPublisher *self, MillStoreJob *job,
    guint64 number);

/** The playlists in @job list the last segment of the state. */
void mill_cmaf_index_list (MillCmafPublisher *self, MillStoreJob *job);

/** The playlists in @job are the last. */
void mill_cmaf_index_end (MillCmafPublisher *self, MillStoreJob *job);

/* ---- cmaf-legacy.c ---- */

/** Reads the state, or begins one where there is none that can be read. */
void mill_cmaf_legacy_read (MillCmafPublisher *self);

/** Begins afresh: the predecessor came to its end. */
void mill_cmaf_legacy_forget (MillCmafPublisher *self);

/** Bit rates of rendition @i, from the segments that are listed. */
void mill_cmaf_legacy_restore_output (MillCmafPublisher *self, guint i);

/** Media that no playlist lists any more, or never did, goes when @due. */
void mill_cmaf_legacy_find_leftovers (MillCmafPublisher *self, gint64 due);

/** Leaves nothing behind that this run made, when nothing of it was listed. */
void mill_cmaf_legacy_withdraw (MillCmafPublisher *self);

/* ---- cmaf-single.c ---- */

/** Rendition @i goes on in a new file, which begins with @init. */
void mill_cmaf_single_begin (MillCmafPublisher *self, guint i,
    guint64 generation, GBytes *init, MillStoreJob *job);

/** @length bytes are added to it. Returns: where they begin */
guint64 mill_cmaf_single_add (MillCmafPublisher *self, guint i, gsize length);

/** Writes the indexes; nothing more comes.
 * Errors: MILL_BMFF_ERROR */
gboolean mill_cmaf_single_finish (MillCmafPublisher *self, MillStoreJob *job,
    GError **error);

/* ---- cmaf-window.c ---- */

/** Returns: duration of what is listed, ns */
GstClockTimeDiff mill_cmaf_window_get_duration (const MillCmafPublisher *self);

/** Returns: index of the first segment that live.index has: the last minute is
 * in it; what is older is in playlists alone */
guint mill_cmaf_window_find_recent (const MillCmafPublisher *self);

/** The first segment leaves the lists before its time. */
void mill_cmaf_window_drop_first (MillCmafPublisher *self);

/** See mill_cmaf_publisher_add(). */
void mill_cmaf_window_add (MillCmafPublisher *self, const MillCmafCut *cut,
    const MillCmafSegment *segments);

/** Cuts from the @k-th on, which is not the first one, have got other dates:
 * Periods that begin with them follow. */
void mill_cmaf_window_move_periods (MillCmafPublisher *self, guint k);

/** The first Period that is listed begins at 0, as that of a static MPD does;
 * the times of its media stay. For when nothing more comes. */
void mill_cmaf_window_begin_at_zero (MillCmafPublisher *self);

/* ---- cmaf-job.c ---- */

/** Returns: (transfer full): a job that tells of itself as @what */
MillStoreJob *mill_cmaf_job_new (MillCmafPublisher *self, MillCmafWrote what,
    guint rendition, guint64 number);

/* ---- cmaf-saving.c ---- */

/** Has @job write what of the state has changed. */
void mill_cmaf_saving_put (MillCmafPublisher *self, MillStoreJob *job);

/** The last segment of the lists was added since the state was written. */
void mill_cmaf_saving_note_row (MillCmafPublisher *self);

/** @job (transfer full), with the state in it, is written: one that is refused
 * has not written it. */
void mill_cmaf_saving_submit (MillCmafPublisher *self, MillStoreJob *job);

/* ---- cmaf-trash.c ---- */

/** @trash: (transfer full): to be removed when it is due. */
void mill_cmaf_trash_add (MillCmafPublisher *self, MillCmafTrash *trash);

/** The object @name (transfer full) is removed when @due (monotonic, µs). */
void mill_cmaf_trash_add_name (MillCmafPublisher *self, gchar *name,
    gint64 due);

/** @trash: (transfer full): to be removed when the next playlists are there. */
void mill_cmaf_trash_add_dropped (MillCmafPublisher *self,
    MillCmafTrash *trash);

/** All that waits is due @us later. */
void mill_cmaf_trash_postpone (MillCmafPublisher *self, gint64 us);

/** Has @job remove what is due at @now, and what was dropped. */
void mill_cmaf_trash_remove_due (MillCmafPublisher *self, MillStoreJob *job,
    gint64 now);
void mill_cmaf_trash_remove_dropped (MillCmafPublisher *self,
    MillStoreJob *job);

/** @missing bytes of what is to be removed are due now. Returns: what is still
 * missing of them */
guint64 mill_cmaf_trash_hurry (MillCmafPublisher *self, guint64 missing);

/** What is to be removed is forgotten, and stays: for a successor. */
void mill_cmaf_trash_clear (MillCmafPublisher *self);

/* ---- cmaf-room.c ---- */

/** Shortens the window where there is no room. */
void mill_cmaf_room_make (MillCmafPublisher *self);

/** Returns: whether there is none for a playlist either */
gboolean mill_cmaf_room_is_gone (const MillCmafPublisher *self);

/** Returns: (transfer full)(nullable): that it was shortened, once per trouble */
GError *mill_cmaf_room_explain (MillCmafPublisher *self);

G_END_DECLS
