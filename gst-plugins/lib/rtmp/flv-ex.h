/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "flv-fourcc.h"

G_BEGIN_DECLS

/*
 * Audio and video messages in the extended form: what comes before the codec's
 * own data, for one track or several. Works in place and allocates nothing.
 * Source: Enhanced RTMP v2, "ExAudioTagHeader", "ExAudioTagBody",
 * "ExVideoTagHeader", "ExVideoTagBody"; v1 is a subset of it.
 */

/* VideoPacketType and AudioPacketType; 0 to 2 mean the same in both. */
typedef enum
{
  MILL_FLV_EX_SEQUENCE_START = 0, /* the codec's configuration */
  MILL_FLV_EX_CODED_FRAMES = 1,
  MILL_FLV_EX_SEQUENCE_END = 2, /* no body */
  MILL_FLV_EX_VIDEO_CODED_FRAMES_X = 3, /* without a composition time */
  MILL_FLV_EX_VIDEO_METADATA = 4, /* AMF, flv-color-info.h */
  MILL_FLV_EX_AUDIO_MULTICHANNEL_CONFIG = 4,
  MILL_FLV_EX_VIDEO_MPEG2TS_SEQUENCE_START = 5,
  MILL_FLV_EX_AUDIO_MULTITRACK = 5, /* never in a MillFlvExReader */
  MILL_FLV_EX_VIDEO_MULTITRACK = 6, /* never in a MillFlvExReader */
  MILL_FLV_EX_MOD_EX = 7, /* never in a MillFlvExReader */
} MillFlvExPacketType;

/* AvMultitrackType, and that there is none. */
typedef enum
{
  MILL_FLV_EX_ONE_TRACK = 0,
  MILL_FLV_EX_MANY_TRACKS = 1,
  MILL_FLV_EX_MANY_TRACKS_MANY_CODECS = 2,
  MILL_FLV_EX_NO_MULTITRACK = 16,
} MillFlvExMultitrack;

/* VideoPacketModExType and AudioPacketModExType */
#define MILL_FLV_EX_MOD_TIMESTAMP_OFFSET_NANO 0

/**
 * MillFlvExReader:
 * @frame_type: MillFlvFrameType; 0 for audio
 * @packet_type: MillFlvExPacketType of all tracks, or a number outside of it
 * @nano_offset: ns after the message's time stamp, below 1,000,000; 0 if none
 * @is_command: a video command: there are no tracks
 *
 * The rest is its own.
 */
typedef struct
{
  MillFlvKind kind;
  guint frame_type;
  guint packet_type;
  MillFlvExMultitrack multitrack;
  guint32 nano_offset;
  gboolean is_command;

  guint32 fourcc;
  const guint8 *data;
  gsize size;
  gsize position;
  gboolean has_next;
} MillFlvExReader;

/**
 * MillFlvExTrack:
 * @composition_time_ms: PTS minus DTS; 0 but for coded frames of H.264 and HEVC
 * @offset: where the codec's own data begins, in the message
 * @size: of the codec's own data; may be 0
 */
typedef struct
{
  guint id;
  guint32 fourcc;
  gint32 composition_time_ms;
  gsize offset;
  gsize size;
} MillFlvExTrack;

/* Whether a message of @kind, which has a byte at least, is in this form. */
static inline gboolean
mill_flv_ex_is_extended (MillFlvKind kind, const guint8 *data)
{
  return kind == MILL_FLV_KIND_VIDEO ? (data[0] & 0x80) != 0
                                     : data[0] >> 4 == 9;
}

/* @data: a message for which mill_flv_ex_is_extended() is true; must outlive
 *   the reader
 * Errors: MILL_RTMP_ERROR_PROTOCOL when it ends too early, or says what the
 * specification forbids */
gboolean mill_flv_ex_open (MillFlvExReader *reader, MillFlvKind kind,
    const guint8 *data, gsize size, GError **error);

/* The next track. FALSE without an error: there is none.
 * Errors: as for mill_flv_ex_open() */
gboolean mill_flv_ex_next (MillFlvExReader *reader, MillFlvExTrack *ret_track,
    GError **error);

G_END_DECLS
