/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-event.h"
#include "cmaf-packager-private.h"

G_BEGIN_DECLS

/* What cmaf-cues.c and cmaf-events.c share. */

#define MILL_CMAF_SCTE35_TICKS 90000 /* of a second */

/**
 * MillCmafEvent: a message that goes into the media
 * @serial: also its id in the box
 * @carrier: number of the segment that it is in first
 * @is_asked: its wall clock is, so that @time moves where dates do, and nobody is
 *   told before that is over or it is due
 */
typedef struct
{
  guint64 serial;
  MillCmafSchemes scheme;
  GstClockTimeDiff time;
  GstClockTime duration;
  guint64 carrier;
  gboolean is_asked;
  GBytes *message;
} MillCmafEvent;

/**
 * MillCmafCues:
 * @waiting: (element-type MillCmafCue): for a cut
 * @events: (element-type MillCmafEvent): in the order of their serials
 * @boxes: (element-type MillBmffEvent): scratch
 */
struct _MillCmafCues
{
  GArray *waiting;
  GArray *events;
  GArray *boxes;
};

/** Returns: (transfer full) (element-type MillCmafEvent) */
GArray *mill_cmaf_events_new (void);

/** Returns: (transfer none): until the next one is added */
MillCmafEvent *mill_cmaf_events_add_locked (MillCmafPackager *self,
    MillCmafSchemes scheme, GstClockTimeDiff time, GstClockTime duration,
    GBytes *message);

/** Dates of this take are moved by @us: what was asked for by its date, and was not
 * told yet, is in other media. */
void mill_cmaf_events_shift_locked (MillCmafPackager *self, gint64 us);

/** Returns: @time on the timeline that the media carries, as PTS of SCTE 35 */
guint64 mill_cmaf_events_to_pts_locked (const MillCmafPackager *self,
    GstClockTimeDiff time);

/** What says when in media time it is to happen, @time of this take, says so
 * anew. */
void mill_cmaf_events_restamp_locked (const MillCmafPackager *self,
    GBytes **message, GstClockTimeDiff time);

G_END_DECLS
