/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-state.h"
#include "playlist/mpd-timeline.h"

G_BEGIN_DECLS

/*
 * What a state says of its window as a whole, and what an MPD has of each Period
 * of it, kept up to date: a segment costs the same in a window of any length.
 * Pure logic; one thread at a time.
 */
typedef struct _MillCmafPeriods MillCmafPeriods;

/**
 * MillCmafPeriod:
 * @number: of the Period, see MillCmafCut
 * @n_cuts: of the state, from where the Period before it ends
 * @n_dependent: cuts whose segment cannot be decoded without another
 * @timelines: (element-type MillMpdTimeline): of each rendition, NULL: of none so
 *   far; those behind the last have none either
 */
typedef struct
{
  guint64 number;
  guint n_cuts;
  guint n_dependent;
  GPtrArray *timelines;
} MillCmafPeriod;

/** Returns: (transfer full): of an empty state */
MillCmafPeriods *mill_cmaf_periods_new (void);
void mill_cmaf_periods_free (MillCmafPeriods *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafPeriods, mill_cmaf_periods_free)

/** The last cut of @state was added to it. */
void mill_cmaf_periods_add_last (MillCmafPeriods *self,
    const MillCmafState *state);

/** The first cut of @state is about to leave it. */
void mill_cmaf_periods_remove_first (MillCmafPeriods *self,
    const MillCmafState *state);

/** @state has changed in another way. */
void mill_cmaf_periods_reset (MillCmafPeriods *self,
    const MillCmafState *state);

/** Returns: duration of the window, ns */
GstClockTimeDiff mill_cmaf_periods_get_duration (const MillCmafPeriods *self);

/** Returns: bytes of its segments */
guint64 mill_cmaf_periods_get_bytes (const MillCmafPeriods *self);

/** Returns: (transfer none)(nullable): the @i-th Period */
const MillCmafPeriod *mill_cmaf_periods_get (const MillCmafPeriods *self,
    guint i);

/** Returns: (transfer none)(nullable): of rendition @i */
const MillMpdTimeline *mill_cmaf_periods_get_timeline (const MillCmafPeriod
                                                           *period,
    guint i);

G_END_DECLS
