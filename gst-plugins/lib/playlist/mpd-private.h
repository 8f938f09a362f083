/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "playlist/mpd-xml-private.h"
#include "playlist/mpd-timeline.h"
#include "playlist/mpd.h"

G_BEGIN_DECLS

/* How an MPD is printed, a file per element: mpd.c (MPD, Period), mpd-set.c
 * (AdaptationSet), mpd-event.c (EventStream), mpd-representation.c (Representation,
 * SegmentTemplate), mpd-timeline.c (S). */

/* Whether what is to be printed can be a valid MPD. Errors: MILL_MPD_ERROR */
gboolean mill_mpd_check (const MillMpd *mpd, GError **error);

/* Writes the set that starts at @i; returns what comes after it. */
gsize mill_mpd_set_write (MillMpdXml *xml, const MillMpdPeriod *period,
    gsize i);

/* EventStream of @period, when it has events. */
void mill_mpd_event_write_stream (MillMpdXml *xml, const MillMpdPeriod *period);
/* @schemes: (nullable) (array zero-terminated=1): InbandEventStream of each */
void mill_mpd_event_write_inband (MillMpdXml *xml, const gchar *const *schemes);

/* BaseURL of each place; who chooses among them. */
void mill_mpd_base_write (MillMpdXml *xml, const MillMpd *mpd);
void mill_mpd_base_write_steering (MillMpdXml *xml, const MillMpd *mpd);

void mill_mpd_representation_write (MillMpdXml *xml,
    const MillMpdRepresentation *rep);
void mill_mpd_representation_put_frame_rate (MillMpdXml *xml, const gchar *name,
    const MillMpdRepresentation *rep);

/* The S elements of @self, inside of an open SegmentTimeline. */
void mill_mpd_timeline_write (const MillMpdTimeline *self, MillMpdXml *xml);

G_END_DECLS
