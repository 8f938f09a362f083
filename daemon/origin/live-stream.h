/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "store/live-index.h"

G_BEGIN_DECLS

/*
 * What a live stream has right now: its renditions with their last segments,
 * their parts, and the one that still grows. Read from live.index as that is
 * appended to: one inotify watch for each stream that somebody asks for, one
 * wake-up for all who wait for the same part.
 *
 * Only streams of parts are known here (the index says #stream); any other is
 * what its files are. Main thread.
 *
 *   MillLiveStream *stream = mill_live_streams_look_up (streams, "demo");
 *   MillLiveRendition *r = mill_live_stream_find_rendition (stream, "v360");
 *   MillLiveSegment *s = mill_live_stream_find_segment (r, 3, 17);
 *   if (s != NULL && s->parts->len > sent)
 *     ... bytes up to s->length are in the file, in whole parts
 *   else if (s != NULL && !s->complete)
 *     mill_live_stream_wait (stream, &want, on_part, transfer);
 */

/** Of one media directory: the streams that are watched. */
typedef struct _MillLiveStreams MillLiveStreams;

/** One stream. Stays for as long as somebody waits, and some 30 s after the
 * last look_up(); whoever keeps it longer takes a reference. */
typedef struct _MillLiveStream MillLiveStream;

/** One part of a segment: a whole CMAF chunk. */
typedef struct
{
  guint64 offset;
  guint64 length;
  guint64 time_ns; /* running time */
  guint64 duration_ns;
  gint64 wall_us;
  MillLiveChunkFlags flags;
} MillLivePart;

/**
 * MillLiveSegment:
 * @generation, @number: of {generation}-{number}.m4s; @number is the media
 *   sequence number
 * @length: bytes in whole parts so far
 * @duration_ns: of those parts; of a gap: of the gap
 * @wall_us: wall clock of its first sample, µs since 1970
 * @complete: no part is to come; the file is whole
 * @gap: its media is missing, or what comes after its last part is
 * @discontinuity: EXT-X-DISCONTINUITY goes before it
 * @parts: (element-type MillLivePart)
 */
typedef struct
{
  guint64 generation;
  guint64 number;
  guint64 length;
  guint64 duration_ns;
  guint64 gap_ns; /* of @duration_ns: what is missing at its end */
  gint64 wall_us;
  gboolean complete;
  gboolean gap;
  gboolean discontinuity;
  GArray *parts;
} MillLiveSegment;

/**
 * MillLiveRendition:
 * @part_target_ns: PART-TARGET; 0: it has no parts
 * @segments: (element-type MillLiveSegment*): of the last target durations;
 *   numbers go up by one; only the last may grow
 */
typedef struct
{
  gchar *name;
  guint64 part_target_ns;
  GPtrArray *segments;
} MillLiveRendition;

typedef struct
{
  guint max_waits; /* in all; 0: 20000 */
  guint max_waits_per_stream; /* 0: 10000 */
} MillLiveLimits;

/** @limits: (nullable). Returns: (transfer full) */
MillLiveStreams *mill_live_streams_new (const gchar *media_dir,
    const MillLiveLimits *limits);
void mill_live_streams_free (MillLiveStreams *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLiveStreams, mill_live_streams_free)

/** Watches it from now on. Returns: (transfer none)(nullable): NULL when it has
 * no parts, or is not there */
MillLiveStream *mill_live_streams_look_up (MillLiveStreams *self,
    const gchar *name);

/** Everybody who waits is told MILL_LIVE_GONE, and whoever comes after. */
void mill_live_streams_drain (MillLiveStreams *self);

typedef struct
{
  guint streams; /* watched */
  guint waits;
  guint64 wakeups; /* of groups */
  guint64 refused; /* waits beyond the limits */
} MillLiveCounts;

void mill_live_streams_get_counts (MillLiveStreams *self,
    MillLiveCounts *ret_counts);

MillLiveStream *mill_live_stream_ref (MillLiveStream *self);
void mill_live_stream_unref (MillLiveStream *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLiveStream, mill_live_stream_unref)

const gchar *mill_live_stream_get_name (MillLiveStream *self);

/** Reads what was appended and not told by inotify yet: before one says that
 * something is not there (another process of this origin may have told it). */
void mill_live_stream_refresh (MillLiveStream *self);

/** Returns: whether its directory is there no more (or the process ends) */
gboolean mill_live_stream_is_gone (MillLiveStream *self);

/** Returns: a number that goes up with everything that changes; never 0 */
guint64 mill_live_stream_get_version (MillLiveStream *self);

/** Returns: when the newest part was told by the packager, µs since 1970 */
gint64 mill_live_stream_get_written (MillLiveStream *self);

/** Returns: longest part of a video, ns; the same for ever */
guint64 mill_live_stream_get_part_target (MillLiveStream *self);

/** Returns: longest part of any rendition, ns, which sound may have by a frame;
 * the same from the first playlist on */
guint64 mill_live_stream_get_longest_part (MillLiveStream *self);

/** Returns: in s; 0 before the first segment is listed */
guint mill_live_stream_get_target_duration (MillLiveStream *self);

/** Returns: whether the playlists have their end */
gboolean mill_live_stream_has_ended (MillLiveStream *self);

/** Returns: FALSE before the first segment is listed in the playlists.
 * @ret_number: of the last one */
gboolean mill_live_stream_get_listed (MillLiveStream *self,
    guint64 *ret_number);

/** Returns: FALSE when segments to come are of the generation of the last one.
 */
gboolean mill_live_stream_get_next (MillLiveStream *self,
    guint64 *ret_generation, guint64 *ret_number);

/**
 * MillLiveTip: the end of a rendition's playlist. It lists what the plain one
 * does, then segments that the rendition has whole, then the one that grows.
 * @whole: number of the last whole segment
 * @number, @part: last part; @part -1: there is none in that segment
 */
typedef struct
{
  guint64 whole;
  guint64 number;
  gint64 part;
} MillLiveTip;

/** @rendition: (nullable): NULL: of one that has no parts. Returns: FALSE
 * before the first segment is listed */
gboolean mill_live_stream_get_tip (MillLiveStream *self,
    MillLiveRendition *rendition, MillLiveTip *ret_tip);

/** Returns: (element-type MillLiveRendition*): in the order of the index */
GPtrArray *mill_live_stream_get_renditions (MillLiveStream *self);
MillLiveRendition *mill_live_stream_find_rendition (MillLiveStream *self,
    const gchar *name);
/** Returns: (nullable) */
MillLiveSegment *mill_live_stream_find_segment (MillLiveRendition *rendition,
    guint64 generation, guint64 number);
/** The one of whichever generation. Returns: (nullable) */
MillLiveSegment *mill_live_stream_find_number (MillLiveRendition *rendition,
    guint64 number);

/* ---- waiting ---- */

typedef enum
{
  MILL_LIVE_READY, /* it is there, or what comes after it */
  MILL_LIVE_LATE, /* three target durations have passed */
  MILL_LIVE_GONE, /* will never come: the stream ended or went, its generation
                     is over, the process ends */
} MillLiveOutcome;

/** Called once, in the main loop: who waits for media before who waits for a
 * playlist, in the order of waiting or, every other time, the reverse. */
typedef void (*MillLiveFunc) (MillLiveOutcome outcome, gpointer user_data);

#define MILL_LIVE_WHOLE G_MAXUINT32
#define MILL_LIVE_ANY G_MAXUINT64

/**
 * MillLiveWant:
 * @rendition: its name; NULL: the listing of @number in the playlists
 * @number: of the segment
 * @part: index of the part, or MILL_LIVE_WHOLE: the whole segment
 * @generation: GONE when @number turns out to be of another one; or
 *   MILL_LIVE_ANY
 */
typedef struct
{
  const gchar *rendition;
  guint64 generation;
  guint64 number;
  guint32 part;
} MillLiveWant;

typedef struct _MillLiveWait MillLiveWait;

/** Returns: MILL_LIVE_READY when it is there, or a part after it; _GONE when it
 * never will be; _LATE when it may come */
MillLiveOutcome mill_live_stream_check (MillLiveStream *self,
    const MillLiveWant *want);

/** Waits for what mill_live_stream_check() says may come. A part past the last
 * of its segment is part 0 of the next.
 * Returns: (nullable): NULL when too many wait already */
MillLiveWait *mill_live_stream_wait (MillLiveStream *self,
    const MillLiveWant *want, MillLiveFunc func, gpointer user_data);

/** @func will not be called. Not after it was. */
void mill_live_stream_cancel (MillLiveWait *wait);

G_END_DECLS
