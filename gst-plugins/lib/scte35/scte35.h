/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Splice information sections: when a stream may be left for something else,
 * and when it is to be come back to. GStreamer's mpegts library finds the
 * sections in a transport stream; what segmentation descriptors say it leaves
 * to its users, so they are read here, and with them the rest.
 *
 * The sections are untrusted. Nothing is allocated, and nothing is read that
 * their lengths do not cover. Any thread.
 *
 * Source: ANSI/SCTE 35 2023, clause numbers below.
 */

#define MILL_SCTE35_ERROR (mill_scte35_error_quark ())
GQuark mill_scte35_error_quark (void);

/**
 * MillScte35Error:
 * @MILL_SCTE35_ERROR_TRUNCATED: a length is more than what is there
 * @MILL_SCTE35_ERROR_INVALID: not a splice information section, or damaged
 *   (CRC_32)
 * @MILL_SCTE35_ERROR_UNSUPPORTED: encrypted, or of another protocol version
 */
typedef enum
{
  MILL_SCTE35_ERROR_TRUNCATED,
  MILL_SCTE35_ERROR_INVALID,
  MILL_SCTE35_ERROR_UNSUPPORTED,
} MillScte35Error;

/* Its section_length has 12 bits (9.6). */
#define MILL_SCTE35_SIZE_MAX (3 + 4093)

/* splice_command_type (9.6.1). */
typedef enum
{
  MILL_SCTE35_NULL = 0x00,
  MILL_SCTE35_SCHEDULE = 0x04,
  MILL_SCTE35_INSERT = 0x05,
  MILL_SCTE35_TIME_SIGNAL = 0x06,
  MILL_SCTE35_BANDWIDTH = 0x07,
  MILL_SCTE35_PRIVATE = 0xff,
} MillScte35Command;

/**
 * MillScte35Role: what it means for whoever replaces content
 * @MILL_SCTE35_SIGNAL: neither (a program's start, for example)
 * @MILL_SCTE35_OUT: here content may be replaced
 * @MILL_SCTE35_IN: that ends here
 * @MILL_SCTE35_CANCEL: what was announced under this id is not to be
 */
typedef enum
{
  MILL_SCTE35_SIGNAL,
  MILL_SCTE35_OUT,
  MILL_SCTE35_IN,
  MILL_SCTE35_CANCEL,
} MillScte35Role;

/**
 * MillScte35Event: of a splice_insert the one, of a time_signal one for each
 * segmentation descriptor
 * @has_duration: @duration is given, in 90 kHz ticks
 * @auto_return: the break ends after @duration without another message (9.7.3)
 * @type_id: segmentation_type_id (table 23); 0 for a splice_insert
 * @upid_type, @upid: segmentation_upid (table 22); points into the section
 */
typedef struct
{
  guint32 id;
  MillScte35Role role;
  gboolean has_duration;
  gboolean auto_return;
  guint64 duration;
  guint8 type_id;
  guint8 segment_number;
  guint8 segments_expected;
  guint8 upid_type;
  guint8 upid_size;
  const guint8 *upid;
} MillScte35Event;

/* A time_signal may have as many descriptors as fit: the first of them count. */
#define MILL_SCTE35_EVENTS_MAX 16

/**
 * MillScte35:
 * @has_pts: when it happens is given: @pts, in 90 kHz ticks of 33 bits, with
 *   pts_adjustment in it; else it is at once
 * @raw_pts: pts_time as it is written
 */
typedef struct
{
  MillScte35Command command;
  guint16 tier;
  gboolean has_pts;
  guint64 pts;
  guint64 raw_pts;
  guint n_events;
  MillScte35Event events[MILL_SCTE35_EVENTS_MAX];
} MillScte35;

/**
 * mill_scte35_parse:
 * @data: one section, CRC_32 included; what is behind it is ignored
 *
 * Commands without splice events in them (splice_null, splice_schedule, ...)
 * are read as far as their type.
 *
 * Errors: MILL_SCTE35_ERROR
 */
gboolean mill_scte35_parse (const guint8 *data, gsize size,
    MillScte35 *ret_section, GError **error);

/** Returns: size of the section at @data, as its head says; 0: none there */
gsize mill_scte35_get_size (const guint8 *data, gsize size);

/* ---- scte35-writer.c ---- */

/**
 * MillScte35Insert: a splice_insert of the whole program (9.7.3)
 * @pts: 90 kHz ticks, of which 33 bits count; with @is_immediate not written
 * @duration: 90 kHz ticks; 0: not known, and not written
 */
typedef struct
{
  guint32 event_id;
  gboolean is_out;
  gboolean is_immediate;
  guint64 pts;
  guint64 duration;
  gboolean auto_return;
} MillScte35Insert;

/** Returns: (transfer full): the section */
GBytes *mill_scte35_writer_print (const MillScte35Insert *insert);

/**
 * mill_scte35_writer_restamp:
 * @section: (transfer none): that mill_scte35_parse() has taken
 * @pts: that its pts_time is to mean, 90 kHz ticks
 *
 * What changes the time stamps of a stream tells so in pts_adjustment, and
 * leaves the rest alone (9.6.1).
 *
 * Returns: (transfer full)
 */
GBytes *mill_scte35_writer_restamp (GBytes *section, guint64 pts);

/** CRC_32 of ISO/IEC 13818-1 annex A; over a whole section it is 0. */
guint32 mill_scte35_writer_get_crc (const guint8 *data, gsize size);

G_END_DECLS
