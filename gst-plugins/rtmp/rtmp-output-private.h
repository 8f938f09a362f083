/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/base/gstflowcombiner.h>

#include "rtmp-output.h"
#include "rtmp-timeline.h"
#include "rtmp-track.h"

G_BEGIN_DECLS

/* What the files of rtmp-output share: rtmp-output.c has life, time and pushing,
 * rtmp-output-message.c takes messages apart, rtmp-output-config.c turns what
 * publishers tell of a track into caps. All of it in the source's lane. */

#define MILL_RTMP_OUTPUT_MAX_TRACKS MILL_RTMP_TIMELINE_TRACKS

/* The track of each kind that the classic form knows; their slots too. */
enum
{
  MILL_RTMP_OUTPUT_VIDEO,
  MILL_RTMP_OUTPUT_AUDIO,
};

struct _MillRtmpOutput
{
  GstElement *element;
  GstFlowCombiner *combiner;
  guint group_id;
  gchar *stream;
  GstStructure *metadata;
  MillRtmpTimeline timeline;
  /* by slot; they stay to the end, and may be read from anywhere up to
   * n_tracks, a counter */
  MillRtmpTrack *tracks[MILL_RTMP_OUTPUT_MAX_TRACKS];
  guint n_tracks;
  gboolean no_more_pads;
  guint interval_ms; /* that frames wait at most */
  guint changes; /* of encodings, less one per second */
  gint64 changes_since_us;

  /* this publisher's first message with a frame, of whatever codec */
  gboolean has_first;
  guint32 first_ms;
  gchar *refusal; /* nullable: what it sent last that cannot be used */
  gboolean is_full_warned;
  /* without a clock: when running time began */
  gint64 clockless_start_us;

  MillRtmpHealth *health;
  guint jumps; /* counter */
  guint repairs; /* counter */
};

/** A frame in a message. */
typedef struct
{
  MillRtmpTrack *track;
  gsize offset;
  gsize size;
  gint32 composition_ms;
  gboolean is_delta;
} MillRtmpOutputFrame;

/** One message, taken apart. */
typedef struct
{
  guint32 timestamp_ms;
  guint32 nano;
  gint64 arrival_us;
  gboolean has_media; /* more than configuration */
  guint n_frames;
  MillRtmpOutputFrame frames[MILL_RTMP_OUTPUT_MAX_TRACKS];
} MillRtmpOutputMessage;

/* ---- rtmp-output-message.c ---- */

/* @message: all but its frames is set for a message without any */
void mill_rtmp_output_message_read (MillRtmpOutput *self, MillFlvKind kind,
    GstBuffer *payload, MillRtmpOutputMessage *message);

/* ---- rtmp-output-config.c ---- */

/* @what: for a message */
void mill_rtmp_output_config_refuse (MillRtmpOutput *self, MillRtmpTrack *track,
    const gchar *what, const gchar *details);
/* A configuration, new or not. */
void mill_rtmp_output_config_read (MillRtmpOutput *self, MillRtmpTrack *track,
    guint32 fourcc, const guint8 *data, gsize size, gint64 arrival_us);
/* The same in a frame, of codecs whose frames bring it. */
void mill_rtmp_output_config_read_in_band (MillRtmpOutput *self,
    MillRtmpTrack *track, guint32 fourcc, const guint8 *data, gsize size,
    gint64 arrival_us);
/* Enhanced RTMP's metadata packet, and MultichannelConfig. */
void mill_rtmp_output_config_read_color (MillRtmpOutput *self,
    MillRtmpTrack *track, const guint8 *data, gsize size, gint64 arrival_us);
void mill_rtmp_output_config_read_channels (MillRtmpOutput *self,
    MillRtmpTrack *track, const guint8 *data, gsize size, gint64 arrival_us);
/* The metadata are others. */
void mill_rtmp_output_config_refresh (MillRtmpOutput *self,
    MillRtmpTrack *track, gint64 now_us);

/* ---- rtmp-output.c ---- */

/* Returns: (nullable) (transfer none): NULL when there are too many */
MillRtmpTrack *mill_rtmp_output_find_track (MillRtmpOutput *self,
    MillFlvKind kind, guint id);

G_END_DECLS
