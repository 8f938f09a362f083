/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "failover-gop.h"

G_BEGIN_DECLS

/*
 * The source pads of a switch: made when a track is first shown, and told new
 * caps only when they differ. One thread at a time, which the switch sees to.
 */
typedef struct _MillFailoverOutput MillFailoverOutput;

/* Tracks 0 to 7 are video, 8 to 15 audio. */
#define MILL_FAILOVER_AUDIO 8

#define MILL_FAILOVER_VIDEO_CAPS                                         \
  "video/x-h264; video/x-h265; video/x-h266; video/x-av1; video/x-vp8; " \
  "video/x-vp9; video/mpeg; image/jpeg"
#define MILL_FAILOVER_AUDIO_CAPS                                          \
  "audio/mpeg; audio/x-opus; audio/x-vorbis; audio/x-ac3; audio/x-eac3; " \
  "audio/x-flac; audio/x-alaw; audio/x-mulaw"

/* @element: (transfer none): gets the pads
 * @setup: (scope forever): what else a new pad needs, before it is added */
MillFailoverOutput *mill_failover_output_new (GstElement *element,
    void (*setup) (GstPad *pad));
void mill_failover_output_free (MillFailoverOutput *self);

/** A track will be shown. @tags: (nullable): sticky event */
void mill_failover_output_prepare (MillFailoverOutput *self, guint track,
    GstCaps *caps, GstEvent *tags);

/** @frame: its stamp is that of the stream */
GstFlowReturn mill_failover_output_push (MillFailoverOutput *self,
    const MillFailoverFrame *frame);

/** @event: (transfer full): to the pad of @track, if it is there */
gboolean mill_failover_output_push_event (MillFailoverOutput *self, guint track,
    GstEvent *event);

/** EOS to all pads. Returns: whether there are any */
gboolean mill_failover_output_end (MillFailoverOutput *self);

/** Says no-more-pads when both kinds are there, or one has been alone for a
 * second. */
void mill_failover_output_settle (MillFailoverOutput *self, gint64 now_us);

/** Removes the pads: a state change to READY. */
void mill_failover_output_reset (MillFailoverOutput *self);

gboolean mill_failover_output_is_settled (const MillFailoverOutput *self);

/** Returns: (transfer none) (nullable) */
GstCaps *mill_failover_output_get_caps (const MillFailoverOutput *self,
    guint track);

/** Returns: track of @pad, MILL_FAILOVER_MAX_TRACKS when it is none of ours.
 * Any thread. */
guint mill_failover_output_find_track (GstPad *pad);

G_END_DECLS
