/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "codec/codec.h"
#include "playlist/mpd-timeline.h"

G_BEGIN_DECLS

/*
 * An MPD as a plain structure that is printed; every string and array belongs
 * to the caller and need live for the call only. Any thread.
 *
 * Media is addressed by SegmentTemplate with $Number$ and a SegmentTimeline.
 * The number of an S element is its place in the timeline counted from
 * @startNumber, so a representation's numbers must be consecutive within a
 * Period. Where a rendition has missed a segment, or the init changes, the
 * caller begins a new Period at the next cut. (S@n would number a gap without
 * a new Period, but players ignore it.)
 *
 * Source: ISO/IEC 23009-1:2022.
 */

#define MILL_MPD_ERROR (mill_mpd_error_quark ())
GQuark mill_mpd_error_quark (void);

/**
 * MillMpdError:
 * @MILL_MPD_ERROR_INVALID: what was asked cannot be a valid MPD: numbers of a
 *   Period not consecutive, times that overlap, no timescale
 */
typedef enum
{
  MILL_MPD_ERROR_INVALID,
} MillMpdError;

typedef enum
{
  MILL_MPD_STATIC, /* VOD, and a live stream that has ended */
  MILL_MPD_DYNAMIC,
} MillMpdKind;

typedef enum
{
  MILL_MPD_VIDEO,
  MILL_MPD_AUDIO,
  MILL_MPD_TEXT, /* in fMP4: codecs wvtt or stpp */
  MILL_MPD_IMAGE, /* sheets of thumbnails in JPEG (DASH-IF IOP 6.2.6) */
} MillMpdContent;

/** What text is for; Role of its set (23009-1 5.8.5.5). */
typedef enum
{
  MILL_MPD_SUBTITLE,
  MILL_MPD_CAPTION, /* also for those who cannot hear */
  MILL_MPD_FORCED_SUBTITLE, /* also for those who want none */
} MillMpdTextRole;

/**
 * MillMpdSegment:
 * @number: what $Number$ becomes
 * @time: earliest presentation time, in ticks of the timescale: what its
 *   media says (tfdt)
 * @duration: in ticks
 */
typedef struct
{
  guint64 number;
  guint64 time;
  guint64 duration;
} MillMpdSegment;

/** Bytes of a file. */
typedef struct
{
  guint64 offset;
  guint64 length;
} MillMpdRange;

/**
 * MillMpdRepresentation:
 * @id: unique within the Period, stable from Period to Period
 * @set: number (from 1) of the AdaptationSet it belongs to; those of one set
 *   must be switchable (same content, language). Content, language and role of
 *   a set come from its first representation.
 * @language: (nullable): BCP 47 tag
 * @is_main: Role "main" (else "alternate", but of text)
 * @text_role: of text
 * @captions_608: (nullable): of video: CEA-608 in it, as SCTE 214-1 tells it
 *   ("CC1=eng;CC3=spa", or "" when no more is known)
 * @captions_708: (nullable): CEA-708, "1=lang:eng;2=lang:spa"
 * @fps_n: with @fps_d the frame rate; 0 leaves it out
 * @par_n: with @par_d the pixel aspect ratio; 0 means 1:1
 * @colour: of video; of a set that of its first representation
 * @channel_configuration: ISO/IEC 23091-3; 0: guessed from @channels
 * @dolby_channels: of AC-3 and E-AC-3, see MillCodecInfo; 0 for others
 * @tile_columns, @tile_rows: of sheets of thumbnails, whose @media has $Time$
 *   and whose segments' numbers nobody sees
 * @timescale: of @segments and @presentation_time_offset; not 0
 * @presentation_time_offset: media time that is the start of the Period
 * @init: (nullable): template or URI of the CMAF header, e.g. "v360/init-3.mp4"
 * @media: template, e.g. "v360/3-$Number$.m4s"
 * @file: (nullable): one that has all segments, with their index, in place of
 *   @init and @media (5.3.9.2, 8.3)
 * @header, @index: of @file: its CMAF header, its index (sidx)
 * @ranges: (nullable): of each of @segments, the bytes that are its picture
 *   alone: a representation to jump through (SegmentList, 5.3.9.3)
 * @trick_set: of such a one: number of the set that it goes with; 0: none
 * @segments: in order, numbers consecutive; may be empty
 * @n_segments: of @segments or @timeline
 * @timeline: (nullable): the segments, kept from version to version, in place of
 *   @segments; not with @ranges or @file
 * @cut_without_sap: a segment may start without an IDR (a GOP longer than the
 *   target duration was cut), so startWithSAP is not promised; a set promises
 *   it when all of its representations do
 * @event_schemes: (nullable) (array zero-terminated=1): scheme URIs of event
 *   message boxes that segments have; of a set those of its first
 *   representation
 */
typedef struct
{
  const gchar *id;
  guint set;
  MillMpdContent content;
  const gchar *language;
  gboolean is_main;
  MillMpdTextRole text_role;
  const gchar *captions_608;
  const gchar *captions_708;
  const gchar *codecs;
  guint64 bandwidth_bps;
  guint width;
  guint height;
  guint fps_n;
  guint fps_d;
  guint par_n;
  guint par_d;
  MillCodecColour colour;
  guint sample_rate;
  guint channels;
  guint channel_configuration;
  guint dolby_channels;
  guint tile_columns;
  guint tile_rows;
  guint32 timescale;
  guint64 presentation_time_offset;
  const gchar *init;
  const gchar *media;
  const gchar *file;
  MillMpdRange header;
  MillMpdRange index;
  const MillMpdRange *ranges;
  guint trick_set;
  const MillMpdSegment *segments;
  gsize n_segments;
  const MillMpdTimeline *timeline;
  gboolean cut_without_sap;
  const gchar *const *event_schemes;
} MillMpdRepresentation;

/**
 * MillMpdEvent: something that SCTE 35 tells (5.10.2)
 * @id: the same event has the same id in every version of the MPD
 * @time, @duration: from the start of the Period, in ticks of
 *   MILL_MPD_EVENT_TIMESCALE; MILL_MPD_EVENT_NO_DURATION: not known
 * @section: splice information section
 */
typedef struct
{
  guint64 id;
  guint64 time;
  guint64 duration;
  GBytes *section;
} MillMpdEvent;

#define MILL_MPD_EVENT_TIMESCALE 90000
#define MILL_MPD_EVENT_NO_DURATION G_MAXUINT64

/**
 * MillMpdPeriod:
 * @id: unique and never re-used for another Period
 * @start: on the MPD's timeline (ns since @availability_start_us), and the same
 *   in every version of the MPD
 * @duration: GST_CLOCK_TIME_NONE: until the next Period or the end
 * @continues: (nullable): id of the Period before, when media times run on
 *   from it with the same init (5.3.2.4, urn:mpeg:dash:period-continuity:2015)
 * @representations: those of one set next to each other. One without segments
 *   is left out, a Period without any too (players take it for an error).
 * @events: in order
 */
typedef struct
{
  const gchar *id;
  GstClockTime start;
  GstClockTime duration;
  const gchar *continues;
  const MillMpdRepresentation *representations;
  gsize n_representations;
  const MillMpdEvent *events;
  gsize n_events;
} MillMpdPeriod;

/**
 * MillMpdBase: one place that the presentation can be had from (5.6)
 * @location: serviceLocation, by which it is steered
 * @uri: (nullable): of the directory that URIs are relative to; NULL: that of
 *   the MPD
 */
typedef struct
{
  const gchar *location;
  const gchar *uri;
} MillMpdBase;

/**
 * MillMpd: times are in ns, GST_CLOCK_TIME_NONE leaves one out.
 * @availability_start_us: wall clock of the timeline's zero, µs since 1970;
 *   dynamic only. Must not change while the stream lives.
 * @publish_us: wall clock of this version; dynamic only
 * @minimum_update_period: dynamic only: the segment duration
 * @time_shift_buffer_depth: dynamic only; NONE keeps everything
 * @duration: mediaPresentationDuration: static only, must be given there. A
 *   static MPD begins at 0: the first Period's start is 0, also after a live
 *   stream (its presentation_time_offset moves by as much).
 * @utc_timing: (nullable): URL, relative to the MPD, of which the Date header
 *   tells the time (urn:mpeg:dash:utc:http-head:2014), e.g. "manifest.mpd"
 * @bases: the one to begin with first; none: that of the MPD
 * @steering_uri: (nullable): of a steering manifest that tells which of @bases
 *   to take (DASH-IF, "Content Steering for DASH")
 */
typedef struct
{
  MillMpdKind kind;
  gint64 availability_start_us;
  gint64 publish_us;
  GstClockTime minimum_update_period;
  GstClockTime time_shift_buffer_depth;
  GstClockTime suggested_presentation_delay;
  GstClockTime min_buffer_time;
  GstClockTime max_segment_duration;
  GstClockTime duration;
  const gchar *utc_timing;
  const MillMpdPeriod *periods;
  gsize n_periods;
  const MillMpdBase *bases;
  gsize n_bases;
  const gchar *steering_uri;
} MillMpd;

/**
 * mill_mpd_print:
 *
 * Returns: (transfer full)(nullable): the MPD in UTF-8, NULL with @error when
 * it cannot be a valid one
 */
GBytes *mill_mpd_print (const MillMpd *mpd, GError **error);

G_END_DECLS
