/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-lane.h"

G_BEGIN_DECLS

/*
 * The packager's inside, shared by the files that it is made of: cmaf-packager
 * (calls, reports, publication), cmaf-assembly (samples to segments) and
 * cmaf-cutting (where segments begin). Nothing else includes it. Functions that
 * end in _locked expect the packager's lock.
 */

/* How long something may take when nothing else is said. */
#define MILL_CMAF_DEFAULT_SKEW (1 * GST_SECOND)

struct _MillCmafPackager
{
  MillCmafPackagerOptions options;
  MillCmafReportFunc report;
  GObject *owner; /* not held, but while a report is delivered */

  GMutex lock; /* everything below */
  MillCmafPublisher *publisher;
  MillCmafTimeline *timeline;
  GPtrArray *lanes; /* MillCmafLane */
  MillCmafLane *timing; /* (nullable): the lane that cuts */
  guint64 clock; /* ns of media that have arrived */
  gboolean has_wall;
  guint64 next_publish; /* number */
  guint64 skew_number; /* that is being waited for */
  guint64 skew_since;
  gboolean manifests; /* multivariant playlist and MPD are out */
  gboolean limited; /* the timeline knows the target duration */
  guint64 first_number; /* of this run */
  gboolean finishing; /* every lane has ended */
  gboolean ended; /* the end is written, or being written */
  gboolean failed;
  gboolean closed;
  gboolean degraded; /* a write failed, and it was said */
  gboolean long_gop_told;
  GstClockTimeDiff position;
  guint64 segments;
  guint64 bytes;
  guint64 gaps;
  MillCmafTaken taken; /* scratch */
  MillBmffWriter header; /* scratch */
  GArray *row; /* MillCmafSegment, scratch */
  GQueue reports; /* Report, delivered when the lock is released */
};

static inline gboolean
mill_cmaf_packager_is_vod (const MillCmafPackager *self)
{
  return self->options.publisher.mode == MILL_CMAF_VOD;
}

static inline MillCmafLane *
mill_cmaf_packager_get_lane (const MillCmafPackager *self, guint i)
{
  return g_ptr_array_index (self->lanes, i);
}

/** Something is to be said when the lock is released. */
void mill_cmaf_packager_say_locked (MillCmafPackager *self,
    MillCmafReportKind kind, const GError *error);

/** Nothing more is written; said once. */
void mill_cmaf_packager_fail_locked (MillCmafPackager *self,
    const GError *error);

/** A write has failed. */
void mill_cmaf_packager_degrade_locked (MillCmafPackager *self,
    const GError *error);

/* ---- cmaf-assembly.c ---- */

/** Moves the samples of @lane on into segments, as far as that is settled. */
void mill_cmaf_assembly_drain_locked (MillCmafPackager *self,
    MillCmafLane *lane);

/** Takes the first @n samples of @lane into its segment, which they end. */
void mill_cmaf_assembly_flush_locked (MillCmafPackager *self,
    MillCmafLane *lane, guint n, gboolean ends);

/* ---- cmaf-cutting.c ---- */

/** The timing rendition @lane has samples from @from on that were not offered
 * to the timeline. */
void mill_cmaf_cutting_offer_locked (MillCmafPackager *self, MillCmafLane *lane,
    guint from);

/** Makes sure that somebody cuts, after another @lane got a sample or an end.
 */
void mill_cmaf_cutting_elect_locked (MillCmafPackager *self,
    MillCmafLane *lane);

/** Whether the start-up time-out has passed. */
gboolean mill_cmaf_cutting_is_startup_over (const MillCmafPackager *self);

G_END_DECLS
