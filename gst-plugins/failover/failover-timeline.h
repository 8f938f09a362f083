/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "failover-health.h"

G_BEGIN_DECLS

/*
 * Time stamps of what is shown, over all changes of the input. Those of an
 * input are running times, so that an input that begins now is where the
 * stream is; one that is shown from its last start on is behind by up to a GOP,
 * and is moved to the end of what was shown: all of its tracks by the same, so
 * that they stay together. Pure logic; times in ns.
 */

#define MILL_FAILOVER_NO_TIME G_MININT64

typedef struct
{
  gint64 end; /* of what was shown; NO_TIME: nothing */
  gint64 last_dts;
  gint64 last_pts;
  gboolean is_fresh; /* nothing of this input yet */
} MillFailoverLine;

typedef struct
{
  MillFailoverLine lines[MILL_FAILOVER_MAX_TRACKS];
  gint64 offset;
} MillFailoverTimeline;

/**
 * MillFailoverStamp:
 * @dts: NO_TIME where the source gives none
 * @duration: 0: unknown
 * @is_start: a decoder can begin with it
 * @is_video: needs such a start
 * @is_discont: (out) the first of its input
 */
typedef struct
{
  guint track;
  gint64 pts;
  gint64 dts;
  gint64 duration;
  gboolean is_start;
  gboolean is_video;
  gboolean is_discont;
} MillFailoverStamp;

void mill_failover_timeline_init (MillFailoverTimeline *self);

/** Another input begins, with @first.
 * Returns: how much of the timeline is left empty before it, >= 0 */
gint64 mill_failover_timeline_switch (MillFailoverTimeline *self,
    const MillFailoverStamp *first);

/** Moves @stamp. Returns: FALSE: it is not shown */
gboolean mill_failover_timeline_stamp (MillFailoverTimeline *self,
    MillFailoverStamp *stamp);

/** Returns: where the next frame of @track belongs; NO_TIME: anywhere */
gint64 mill_failover_timeline_get_end (const MillFailoverTimeline *self,
    guint track);

G_END_DECLS
