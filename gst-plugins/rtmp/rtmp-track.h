/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-caps.h"

G_BEGIN_DECLS

/*
 * One track of a source: its pad, and what its encoding is. It lives as long as
 * the output, over all publishers.
 *
 * Threads: in the source's lane, but for the counter.
 */

/** What tracks of one source have in common. */
typedef struct
{
  GstElement *element;
  const gchar *stream; /* its name, for stream-start */
  guint group_id;
  const GstStructure *metadata; /* nullable */
} MillRtmpTrackOwner;

typedef struct
{
  MillFlvKind kind;
  guint id; /* the publisher's, in the pad's name */
  guint slot; /* in the time line */
  GstPad *pad; /* nullable; owned by the element */
  GstCaps *caps; /* nullable */
  GstTagList *tags; /* nullable; as they were sent */

  /* this publisher's */
  gboolean has_config; /* frames of @fourcc mean something */
  guint32 fourcc;
  GBytes *config; /* nullable */
  MillFlvColorInfo color;
  MillRtmpChannels channels;
  gboolean is_refused; /* its codec cannot be used */
  gboolean is_warned; /* it was told so; once per publisher */

  guint latency_ms;
  GstClockTime frame_duration;
  gboolean is_discont; /* of the next frame */
  guint64 n_frames; /* counter */
} MillRtmpTrack;

/* What a publisher has to know. */
const gchar *mill_rtmp_track_get_kind_name (MillFlvKind kind);
/* Codecs of @kind, for a message. */
const gchar *mill_rtmp_track_get_expected (MillFlvKind kind);

/* Of the pads. Returns: (transfer floating) */
GstPadTemplate *mill_rtmp_track_make_template (MillFlvKind kind);

MillRtmpTrack *mill_rtmp_track_new (MillFlvKind kind, guint id, guint slot);
void mill_rtmp_track_free (MillRtmpTrack *track);

/* What its pad answers to a LATENCY query: how long frames wait before they are
 * pushed. */
void mill_rtmp_track_set_latency (MillRtmpTrack *track, guint latency_ms);

/* Another publisher: its configuration must come before its frames. */
void mill_rtmp_track_begin (MillRtmpTrack *track);

/* Whether its frames can be used. */
gboolean mill_rtmp_track_runs (const MillRtmpTrack *track);

/* Whether it is the configuration that counts already. */
gboolean mill_rtmp_track_has_config (const MillRtmpTrack *track, guint32 fourcc,
    const guint8 *data, gsize size);

/* What caps would be with another configuration, or with what became known
 * beside the one that counts.
 * @config: (nullable): NULL is the one that counts
 * Returns: (transfer full) (nullable)
 * Errors: of mill_rtmp_caps_make() */
GstCaps *mill_rtmp_track_make_caps (MillRtmpTrack *track,
    const MillRtmpTrackOwner *owner, guint32 fourcc, GBytes *config,
    GError **error);

/* From here on frames are of this configuration.
 * @config: (transfer none) */
void mill_rtmp_track_set_config (MillRtmpTrack *track, guint32 fourcc,
    GBytes *config);

/* Tells them downstream, by a new pad when there is none yet.
 * Returns whether the pad is new: (transfer none) the caller adds it to the
 * element. */
gboolean mill_rtmp_track_set_caps (MillRtmpTrack *track,
    const MillRtmpTrackOwner *owner, GstCaps *caps);

/* What the metadata say, downstream, when it is something new. Returns whether
 * it was. */
gboolean mill_rtmp_track_update_tags (MillRtmpTrack *track,
    const MillRtmpTrackOwner *owner);

G_END_DECLS
