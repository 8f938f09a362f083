/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-marker.h"
#include "cmaf-thumbnails.h"
#include "cmaf-track.h"
#include "codec/codec.h"
#include "playlist/sliding-list.h"

G_BEGIN_DECLS

/*
 * What a packager has published: the segments that its playlists list, and
 * what a successor in the same directory needs to go on with them. It is the
 * model that playlists are printed from, and the content of the file .state.
 *
 * The file is untrusted: another program, or a crash, may have written it.
 * Pure logic, no I/O; one thread at a time.
 */

#define MILL_CMAF_STATE_ERROR (mill_cmaf_state_error_quark ())
GQuark mill_cmaf_state_error_quark (void);

/**
 * MillCmafStateError:
 * @MILL_CMAF_STATE_ERROR_VERSION: no state file, or one of another version
 * @MILL_CMAF_STATE_ERROR_INVALID: damaged, or values that contradict another
 */
typedef enum
{
  MILL_CMAF_STATE_ERROR_VERSION,
  MILL_CMAF_STATE_ERROR_INVALID,
} MillCmafStateError;

#define MILL_CMAF_NAME_MAX 64
/* Bounds of what is read, and so of what is published: renditions, and segments
 * of each (27 h of 1 s). */
#define MILL_CMAF_RENDITIONS_MAX 64
#define MILL_CMAF_SEGMENTS_MAX 100000

typedef enum
{
  MILL_CMAF_SEGMENT_NONE = 0,
  MILL_CMAF_SEGMENT_GAP = 1 << 0, /* its media is missing */
} MillCmafSegmentFlags;

/**
 * MillCmafSegment: one segment of one rendition
 * @time: presentation time of its start on the media's timeline, ticks
 * @duration: ticks; of a gap: of the cut
 * @bytes: 0 for a gap
 * @i_frame_offset: of the moof that its first picture is in, bytes
 * @i_frame_bytes: from there to the end of that picture, when a decoder can
 *   begin with it; 0: none
 * @offset: of the segment in the file that has all of its generation; 0 where
 *   each has its own. Not saved: such a file is never gone on with.
 */
typedef struct
{
  gint64 time;
  guint64 duration;
  guint64 bytes;
  MillCmafSegmentFlags flags;
  guint32 i_frame_offset;
  guint32 i_frame_bytes;
  guint64 offset;
} MillCmafSegment;

/**
 * MillCmafTextRole: what text is for
 * @MILL_CMAF_TEXT_HEARING_IMPAIRED: it tells sounds, too
 * @MILL_CMAF_TEXT_FORCED: what a viewer needs who wants no subtitles
 */
typedef enum
{
  MILL_CMAF_TEXT_PLAIN = 0,
  MILL_CMAF_TEXT_HEARING_IMPAIRED = 1 << 0,
  MILL_CMAF_TEXT_FORCED = 1 << 1,
} MillCmafTextRole;

/** What is known of a rendition besides its segments. Zero: unknown. */
typedef struct
{
  MillCmafKind kind;
  guint timescale;
  guint width;
  guint height;
  guint par_n;
  guint par_d;
  guint fps_n;
  guint fps_d;
  guint sample_rate;
  guint channels;
  guint channel_configuration; /* ISO/IEC 23091-3 */
  guint dolby_channels; /* see MillCodecInfo */
  guint orientation; /* MillBmffOrientation */
  MillCodecColour colour;
  gboolean is_default;
  MillCmafTextRole text_role;
  gchar *codec; /* RFC 6381 */
  gchar *language; /* (nullable) */
  gchar *group;
} MillCmafFormat;

/** @to: what it had is freed */
void mill_cmaf_state_copy_format (MillCmafFormat *to,
    const MillCmafFormat *from);
/** Frees what @format has, not itself. */
void mill_cmaf_state_clear_format (MillCmafFormat *format);

/**
 * MillCmafFile: one that has all segments of a generation
 * @header_bytes: of its CMAF header, behind which its index is
 * @index_bytes: 0 before it is written
 * @size: of the file so far
 */
typedef struct
{
  guint64 generation;
  guint64 header_bytes;
  guint64 index_bytes;
  guint64 size;
} MillCmafFile;

/**
 * MillCmafRendition:
 * @pad: name of the pad it came from, by which a successor knows it
 * @segments: (element-type MillCmafSegment): one for each cut of the state
 * @files: (nullable) (element-type MillCmafFile): where segments have none of
 *   their own. Not saved: such a rendition is never gone on with.
 * @gone: has missed so much that manifests leave it out
 */
typedef struct
{
  gchar *pad;
  gchar *name;
  MillCmafFormat format;
  MillSlidingList *segments;
  GArray *files;
  gboolean gone;
} MillCmafRendition;

/** @rendition: (transfer full) */
void mill_cmaf_state_free_rendition (MillCmafRendition *rendition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafRendition,
    mill_cmaf_state_free_rendition)

/**
 * MillCmafState:
 * @generation: of the packager that wrote it
 * @next_number: of the next segment
 * @ended: the stream had its end; a successor begins afresh
 * @availability_start_us: wall clock of the MPD's zero, µs since 1970
 * @target_duration_s: 0 before the first publication
 * @discontinuity_sequence: discontinuities that have left the playlists
 * @cuts: (element-type MillCmafCut): of the segments listed
 * @renditions: (element-type MillCmafRendition)
 * @markers: (nullable): NULL in a stream that never had any
 * @captions: (nullable): inside of the video, see cmaf-captions.h; NULL: nobody
 *   knows
 * @thumbnails: (nullable): the same
 */
typedef struct
{
  guint64 generation;
  guint64 next_number;
  gboolean ended;
  gint64 availability_start_us;
  guint target_duration_s;
  guint64 discontinuity_sequence;
  MillSlidingList *cuts;
  GPtrArray *renditions;
  MillCmafMarkers *markers;
  gchar *captions;
  MillCmafThumbnails *thumbnails;
} MillCmafState;

/** Returns: (transfer full): of a stream that has not begun */
MillCmafState *mill_cmaf_state_new (void);
void mill_cmaf_state_free (MillCmafState *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafState, mill_cmaf_state_free)

/** Returns: (transfer full): the whole file */
GBytes *mill_cmaf_state_save (const MillCmafState *self);

/** Returns: (transfer full): what appended to the file makes it one of @self,
 * when all that has changed since is that a segment was added to the lists, and
 * others left them */
GBytes *mill_cmaf_state_save_last (const MillCmafState *self);

/** Returns: (transfer full)(nullable)
 * Errors: MILL_CMAF_STATE_ERROR */
MillCmafState *mill_cmaf_state_load (GBytes *content, GError **error);

/** Returns: (transfer none): a new one, with a gap for each cut */
MillCmafRendition *mill_cmaf_state_add_rendition (MillCmafState *self,
    const gchar *pad, const gchar *name, const MillCmafFormat *format);

/** Returns: (transfer none)(nullable) */
MillCmafRendition *mill_cmaf_state_find_rendition (const MillCmafState *self,
    const gchar *name);

/** Returns: whether @name may name a rendition: [A-Za-z0-9_-]{1,64} */
gboolean mill_cmaf_state_is_name (const gchar *name);

G_END_DECLS
