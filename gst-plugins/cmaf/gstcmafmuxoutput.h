/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "cmaf-chunker.h"

G_BEGIN_DECLS

/*
 * What goes out of a cmafmux, in the order that GStreamer wants: caps with the
 * CMAF header, the segment, events, chunks as lists of buffers. Streaming thread.
 */

/**
 * GstCmafMuxOutput:
 * @pad: (transfer none): the source pad
 * @held_events: GstEvent, newest first: go out when there are caps
 * @segment_due: the segment is to be told
 * @segment_seqnum: of the one that came in; GST_SEQNUM_INVALID: none has
 */
typedef struct
{
  GstPad *pad;
  GList *held_events;
  gboolean segment_due;
  guint32 segment_seqnum;
} GstCmafMuxOutput;

/** What was held is forgotten; what comes has a segment again. */
void gst_cmaf_mux_output_reset (GstCmafMuxOutput *self);

/** Whether caps went out, which the first chunk makes. */
gboolean gst_cmaf_mux_output_has_begun (const GstCmafMuxOutput *self);

/** @event: (transfer full): goes out, or is held until there are caps
 * Returns: FALSE when downstream did not take it */
gboolean gst_cmaf_mux_output_forward (GstCmafMuxOutput *self, GstEvent *event);

/** Events that are held go out, whether there are caps or not. */
void gst_cmaf_mux_output_release (GstCmafMuxOutput *self);

/** Pushes a chunk, with its CMAF header where it has one. */
GstFlowReturn gst_cmaf_mux_output_push (GstCmafMuxOutput *self,
    const MillCmafPiece *piece);

G_END_DECLS
