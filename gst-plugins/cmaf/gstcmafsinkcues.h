/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/*
 * How cues get into the packager: from applications as a structure, from
 * transport streams as events with sections, from demuxers as ID3 tags.
 */

/** What the sections of one stream have told so far; zero at the start.
 * Guarded by its lock: every pad brings the same events. */
typedef struct
{
  GMutex lock;
  GBytes *last; /* section, and when it came (running time) */
  GstClockTimeDiff last_time;
  gboolean has_offset;
  GstClockTimeDiff offset; /* of running time and PTS */
} GstCmafSinkCues;

/** For the life of the element. */
void gst_cmaf_sink_cues_init (GstCmafSinkCues *self);
void gst_cmaf_sink_cues_clear (GstCmafSinkCues *self);
/** Forgets what a stream of before has told. */
void gst_cmaf_sink_cues_reset (GstCmafSinkCues *self);

/** @packager: (nullable)
 * Returns: (transfer full): the answer to signal "cue" */
GstStructure *gst_cmaf_sink_cues_take (MillCmafPackager *packager,
    const GstStructure *cue);

/** @event: custom, of any pad; only sections of SCTE 35 are looked at */
void gst_cmaf_sink_cues_handle_event (GstCmafSinkCues *self,
    GstElement *element, MillCmafPackager *packager, GstEvent *event);

/** An ID3 tag with a running time. @buffer: (transfer none) */
void gst_cmaf_sink_cues_handle_tag (GstElement *element,
    MillCmafPackager *packager, GstClockTimeDiff time, GstBuffer *buffer);

/** Asks upstream for the keyframe that a break wants. */
void gst_cmaf_sink_cues_request_keyframe (GstElement *element,
    MillCmafPackager *packager);

G_END_DECLS
