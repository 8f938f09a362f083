/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-manifest.h"
#include "playlist/hls-bitrate.h"
#include "store/store-writer.h"

G_BEGIN_DECLS

/*
 * The stream directory: writes segments chunk by chunk, keeps the window of
 * those that are listed, replaces playlists, removes what nobody can ask for
 * any more. Owns the directory by the lease on .state.
 *
 * Threads: one at a time (the packager's lock); the callback is called on the
 * writer's thread, or inside the call when the writer is inline.
 */
typedef struct _MillCmafPublisher MillCmafPublisher;

/* A part may be that much longer than what was asked for, so that ten frames of
 * 33.3 ms fit into 333 ms, also with stamps in whole ms. */
#define MILL_CMAF_PART_ROUNDING_NS (1 * GST_MSECOND)

/**
 * MillCmafPublisherOptions:
 * @window_segments: least number of segments in a live playlist
 * @dvr_window: least duration of a live playlist, ns
 * @cue_tags, @audio_variant: see MillCmafManifest
 * @i_frames: playlists of the first pictures of segments are written
 * @trick_sets: see MillCmafManifest
 * @single_file: all segments of a rendition are in one file: VOD only
 * @dated: playlists tell the wall clock of segments
 * @presentation: (nullable): a reference of its own is taken
 * @part_duration: of a part, ns; 0: chunks are no parts
 * @may_wait: writes may hold up the caller (a file is packaged)
 * @max_bytes: of the segments of a live stream; 0: as many as there is room for
 * @queue_bytes: of a remote store: what may wait to be sent
 * @clock: (nullable): monotonic time in µs, for tests; default
 *   g_get_monotonic_time()
 */
typedef struct
{
  MillCmafMode mode;
  MillCmafContainer container;
  GstClockTime segment_duration;
  GstClockTime part_duration;
  guint window_segments;
  GstClockTime dvr_window;
  gboolean hls;
  gboolean dash;
  gboolean i_frames;
  gboolean cue_tags;
  gboolean audio_variant;
  gboolean trick_sets;
  gboolean single_file;
  gboolean dated;
  MillCmafPresentation *presentation;
  gboolean may_wait;
  guint64 max_bytes;
  gsize queue_bytes;
  gint64 (*clock) (void);
} MillCmafPublisherOptions;

typedef enum
{
  MILL_CMAF_WROTE_CHUNK,
  MILL_CMAF_WROTE_MANIFESTS,
  MILL_CMAF_WROTE_SHEET, /* or the poster; number: its start, ms */
  MILL_CMAF_WROTE_END,
  MILL_CMAF_WROTE_TROUBLE, /* not yet: a server does not take it, and why */
} MillCmafWrote;

/** @rendition, @number: of a chunk; @error: (nullable) */
typedef void (*MillCmafPublisherDone) (MillCmafWrote what, guint rendition,
    guint64 number, const GError *error, gpointer user_data);

/**
 * mill_cmaf_publisher_check:
 *
 * Whether a directory can be opened with these, whatever is in it.
 *
 * Errors: GST_RESOURCE_ERROR_SETTINGS
 */
gboolean mill_cmaf_publisher_check (const MillCmafPublisherOptions *options,
    GError **error);

/**
 * mill_cmaf_publisher_open:
 *
 * Takes the directory that @store is, reads what a predecessor has left and begins a new
 * generation. Blocks on the disk.
 *
 * Returns: (transfer full)(nullable)
 * Errors: MILL_STORE_ERROR
 */
MillCmafPublisher *mill_cmaf_publisher_open (MillStore *store,
    const MillCmafPublisherOptions *options, MillCmafPublisherDone done,
    gpointer user_data, GError **error);
void mill_cmaf_publisher_free (MillCmafPublisher *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafPublisher, mill_cmaf_publisher_free)

/** How @user_data of the callbacks is kept alive. */
void mill_cmaf_publisher_set_keeper (MillCmafPublisher *self,
    gpointer (*ref) (gpointer), GDestroyNotify unref);

/** Returns: (transfer none): what is published */
const MillCmafState *mill_cmaf_publisher_get_state (const MillCmafPublisher
        *self);

/** Returns: (transfer none): those of the state, to be changed. A stream that is
 * asked for them has them from then on. */
MillCmafMarkers *mill_cmaf_publisher_get_markers (const MillCmafPublisher
        *self);

/** Returns: (transfer none)(nullable): why a predecessor's state was not used */
const gchar *mill_cmaf_publisher_get_warning (const MillCmafPublisher *self);

/** Returns: whether a predecessor's playlists are continued */
gboolean mill_cmaf_publisher_is_continued (const MillCmafPublisher *self);

/** Returns: whether callbacks are made inside of the calls that write, else on a
 * thread of the writer */
gboolean mill_cmaf_publisher_is_inline (const MillCmafPublisher *self);

/** Begins a generation inside the run: segments from @number on are of it.
 * Returns: its number */
guint64 mill_cmaf_publisher_begin_generation (MillCmafPublisher *self,
    guint64 number);

/** Returns: longest part of a video, ns: that of a predecessor, if one is
 * continued, because it never changes; 0: chunks are no parts */
GstClockTime mill_cmaf_publisher_get_part_target (const MillCmafPublisher
        *self);

/**
 * mill_cmaf_publisher_declare_parts:
 * @wanted: what parts of the rendition would best be limited to, ns
 *
 * Returns: what they are limited to: what was told before the first of them
 */
GstClockTime mill_cmaf_publisher_declare_parts (MillCmafPublisher *self,
    guint rendition, GstClockTime wanted);

/**
 * mill_cmaf_publisher_add_rendition:
 * @wanted: (nullable): its name; NULL: that of the predecessor's rendition
 *   from the same pad, or else @fallback
 *
 * Returns: index of the rendition; -1: there are as many as may be, see
 *   mill_cmaf_publisher_refuse_rendition()
 */
gint mill_cmaf_publisher_add_rendition (MillCmafPublisher *self,
    const gchar *pad, const gchar *wanted, const gchar *fallback,
    const MillCmafFormat *format);

/** Returns: (transfer full): why no rendition more can be added */
GError *mill_cmaf_publisher_refuse_rendition (const MillCmafPublisher *self);

/** What is known of captions inside of the video; see cmaf-captions.h. */
void mill_cmaf_publisher_set_captions (MillCmafPublisher *self,
    const gchar *captions);

/** The rendition's encoding has changed. */
void mill_cmaf_publisher_set_format (MillCmafPublisher *self, guint rendition,
    const MillCmafFormat *format);

/**
 * MillCmafChunkWrite:
 * @init: (nullable): CMAF header to put before the chunk
 * @header: (transfer full): of the chunk
 * @memories: (element-type GstMemory): payload, referenced
 * @webvtt: (nullable): of text: the same segment for HLS, a file of its own
 * @begins, @ends: first, last chunk of its segment
 * @time, @duration: running time, ns
 * @offset: (out): of the chunk in the file that has all segments; 0 without
 */
typedef struct
{
  guint rendition;
  const MillCmafCut *cut;
  GBytes *init;
  GBytes *header;
  GPtrArray *memories;
  GBytes *webvtt;
  gboolean begins;
  gboolean ends;
  gboolean sync;
  GstClockTimeDiff time;
  GstClockTime duration;
  gint64 wall_us;
  guint64 offset;
} MillCmafChunkWrite;

/** Returns: FALSE with MILL_STORE_ERROR_BUSY when the queue is full: then
 * done is not called. Any other failure goes to done. */
gboolean mill_cmaf_publisher_write_chunk (MillCmafPublisher *self,
    MillCmafChunkWrite *write, GError **error);

/** The last chunk written did not end its segment, but nothing more comes: a
 * remote store waits for the end. Returns: whether done will be called */
gboolean mill_cmaf_publisher_close_segment (MillCmafPublisher *self,
    guint rendition, guint64 number);

/**
 * mill_cmaf_publisher_add:
 * @segments: one for each rendition; gaps are flagged
 *
 * Adds a segment to the window. Nothing is written.
 */
void mill_cmaf_publisher_add (MillCmafPublisher *self, const MillCmafCut *cut,
    const MillCmafSegment *segments);

/** Returns: (transfer full)(nullable): why no segment more can be added: nothing
 * leaves the lists of an event, and a successor reads so many only */
GError *mill_cmaf_publisher_refuse_segment (const MillCmafPublisher *self);

/** What is dated from segment @number on is @us later: no playlist has
 * told of it. */
void mill_cmaf_publisher_shift_dates (MillCmafPublisher *self, guint64 number,
    gint64 us);

/** Writes what a successor needs, and nothing for players. */
void mill_cmaf_publisher_write_state (MillCmafPublisher *self);

/** Writes state, playlists and MPD. @manifests: FALSE leaves out multivariant
 * playlist and MPD, because renditions are still to come. */
void mill_cmaf_publisher_write_manifests (MillCmafPublisher *self,
    gboolean manifests);

/** Writes them anew for what is told of breaks alone, and the state before. */
void mill_cmaf_publisher_write_markers (MillCmafPublisher *self,
    gboolean manifests);

/** A write has failed: what it was to replace is written again next time. */
void mill_cmaf_publisher_note_failure (MillCmafPublisher *self);

/** The stream has ended: the last version of everything. */
void mill_cmaf_publisher_end (MillCmafPublisher *self);

/** Returns: whether whoever may wait should, for a remote store */
gboolean mill_cmaf_publisher_is_behind (const MillCmafPublisher *self);

/** Returns: (transfer full)(nullable): that the window was shortened for want of
 * room, once per trouble */
GError *mill_cmaf_publisher_explain_room (MillCmafPublisher *self);

/** Returns: segments that left the lists early */
guint64 mill_cmaf_publisher_get_shrunk (const MillCmafPublisher *self);

/** Returns: FALSE when the store is not remote */
gboolean mill_cmaf_publisher_get_store_stats (const MillCmafPublisher *self,
    MillStoreStats *ret_stats);

/** What a remote store has not sent yet fails now. */
void mill_cmaf_publisher_abandon (MillCmafPublisher *self);

/** Waits until everything is written; see mill_store_writer_flush(). */
gboolean mill_cmaf_publisher_flush (MillCmafPublisher *self, gint64 timeout_us);

/** Returns: bit rates of rendition @i */
MillCmafBitrate mill_cmaf_publisher_get_bitrate (const MillCmafPublisher *self,
    guint i);

G_END_DECLS
