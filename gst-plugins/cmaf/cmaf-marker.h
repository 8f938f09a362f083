/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What is said of a stream beside its media: where a break begins and ends that
 * other content may fill, and what else its source signals. It is part of the
 * state: what playlists have said of a break must not change (RFC 8216bis
 * 4.4.5.1), not by a restart either.
 *
 * All times are wall clock, as PROGRAM-DATE-TIME is: the one clock that goes on
 * over restarts. Pure logic, no I/O; one thread at a time.
 */

/* More than that at a time nobody means. */
#define MILL_CMAF_MARKERS_MAX 256
#define MILL_CMAF_MARKER_SIZE_MAX 4096

typedef enum
{
  MILL_CMAF_MARKER_BREAK, /* SCTE35-OUT, SCTE35-IN */
  MILL_CMAF_MARKER_SIGNAL, /* SCTE35-CMD */
} MillCmafMarkerKind;

/**
 * MillCmafMarkerDate: what becomes of a date of media whose dates are not settled
 * @MILL_CMAF_DATE_SETTLED: nothing, players may have seen it
 * @MILL_CMAF_DATE_MOVES: it moves with them; nobody is told before they are
 * @MILL_CMAF_DATE_ASKED: somebody asked for that wall clock: it stays, and will
 *   be that of other media; nobody is told before
 */
typedef enum
{
  MILL_CMAF_DATE_SETTLED,
  MILL_CMAF_DATE_MOVES,
  MILL_CMAF_DATE_ASKED,
} MillCmafMarkerDate;

/**
 * MillCmafMarker:
 * @serial: unique in the stream, over restarts too
 * @type_id: segmentation_type_id, 0: none
 * @auto_return: it ends after @planned_us without another message
 * @start_us: wall clock, µs since 1970
 * @planned_us: how long it is to last; -1: not known
 * @end_us: where it has ended, or is going to; -1: not known yet
 * @message, @end_message: (nullable): the section that began, that ended it
 * @start_date, @end_date: of @start_us and @end_us; not part of the record, of which
 *   a successor makes what is told
 */
typedef struct
{
  guint64 serial;
  MillCmafMarkerKind kind;
  guint32 event_id;
  guint8 type_id;
  gboolean auto_return;
  gint64 start_us;
  gint64 planned_us;
  gint64 end_us;
  GBytes *message;
  GBytes *end_message;
  MillCmafMarkerDate start_date;
  MillCmafMarkerDate end_date;
} MillCmafMarker;

/* What event message boxes there have been; MPDs announce them. */
typedef enum
{
  MILL_CMAF_SCHEME_NONE = 0,
  MILL_CMAF_SCHEME_SCTE35 = 1 << 0,
  MILL_CMAF_SCHEME_ID3 = 1 << 1,
} MillCmafSchemes;

#define MILL_CMAF_SCHEME_URI_SCTE35 "urn:scte:scte35:2013:bin"
#define MILL_CMAF_SCHEME_URI_ID3 "https://aomedia.org/emsg/ID3"

/**
 * MillCmafMarkers:
 * @next_serial: of the next one
 * @list: (element-type MillCmafMarker): in the order that they were heard of
 */
typedef struct
{
  guint64 next_serial;
  MillCmafSchemes schemes;
  GPtrArray *list;
} MillCmafMarkers;

/** Returns: (transfer full): of a stream that had none */
MillCmafMarkers *mill_cmaf_marker_list_new (void);
void mill_cmaf_marker_list_free (MillCmafMarkers *self);
/** Of a stream that had its end; no id of it is used again. */
void mill_cmaf_marker_list_forget (MillCmafMarkers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafMarkers, mill_cmaf_marker_list_free)

/** @marker: (transfer full) */
void mill_cmaf_marker_free (MillCmafMarker *marker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafMarker, mill_cmaf_marker_free)

static inline MillCmafMarker *
mill_cmaf_marker_at (const MillCmafMarkers *self, guint i)
{
  return g_ptr_array_index (self->list, i);
}

/** Adds one with the next serial.
 * Returns: (transfer none)(nullable): NULL when there are too many */
MillCmafMarker *mill_cmaf_marker_add (MillCmafMarkers *self,
    MillCmafMarkerKind kind, gint64 start_us);

/** A segmentation_type_id that ends something is that of its beginning plus one
 * (SCTE 35 10.3.3.1). */
#define MILL_CMAF_MARKER_PAIR(type_id) ((type_id) &0xfe)
#define MILL_CMAF_MARKER_ANY_TYPE 0xff

/** Returns: (transfer none)(nullable): the break of @event_id and @type_id, or of
 * MILL_CMAF_MARKER_ANY_TYPE, that has not been ended; the last one of them */
MillCmafMarker *mill_cmaf_marker_find_open (const MillCmafMarkers *self,
    guint32 event_id, guint8 type_id);

/** Returns: where it ends, as far as that is known; G_MAXINT64: it is not */
gint64 mill_cmaf_marker_get_end (const MillCmafMarker *marker);

/** Forgets what was over before @wall_us, where playlists begin, and breaks whose
 * end was lost: an hour after the planned one, or a day and an hour. */
void mill_cmaf_marker_retire (MillCmafMarkers *self, gint64 wall_us);

/**
 * mill_cmaf_marker_next_border:
 * @after_us: a cut
 *
 * Returns: where the next break after it begins or ends, G_MAXINT64: nowhere
 */
gint64 mill_cmaf_marker_next_border (const MillCmafMarkers *self,
    gint64 after_us);

/** Returns: (transfer full): as a record of the state */
GBytes *mill_cmaf_marker_save (const MillCmafMarkers *self);

/** Returns: (transfer full)(nullable): NULL when it is damaged */
MillCmafMarkers *mill_cmaf_marker_load (const guint8 *data, gsize size);

G_END_DECLS
