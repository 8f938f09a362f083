/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The segments of a representation whose SegmentTimeline grows at its end and
 * shrinks at its front, kept as runs of segments of equal duration, and those as
 * text: a segment costs the same however many there are. One thread at a time.
 */
typedef struct _MillMpdTimeline MillMpdTimeline;

/** @earliest: where a segment may begin: the start of the Period, in ticks
 * Returns: (transfer full) */
MillMpdTimeline *mill_mpd_timeline_new (guint64 earliest);
void mill_mpd_timeline_free (MillMpdTimeline *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillMpdTimeline, mill_mpd_timeline_free)

/**
 * mill_mpd_timeline_append:
 * @time, @duration: as the media says it, in ticks
 *
 * What overlaps the segment before it shortens that one: two clocks may disagree
 * by a tick, and overlaps are not allowed. What begins before the Period begins
 * with it; what has nothing in it, or is no later than the segment before it, is
 * left out.
 */
void mill_mpd_timeline_append (MillMpdTimeline *self, guint64 number,
    gint64 time, guint64 duration);

/** Forgets the segments before @number. */
void mill_mpd_timeline_retire (MillMpdTimeline *self, guint64 number);

/** Returns: how many segments it has */
gsize mill_mpd_timeline_get_length (const MillMpdTimeline *self);

/** Returns: number of the first segment, of which there is one */
guint64 mill_mpd_timeline_get_first (const MillMpdTimeline *self);

/** Returns: whether numbers have no hole */
gboolean mill_mpd_timeline_is_consecutive (const MillMpdTimeline *self);

G_END_DECLS
