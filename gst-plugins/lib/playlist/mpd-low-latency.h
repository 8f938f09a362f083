/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The low-latency MPD of a live stream, made from its plain one. Any thread.
 *
 * The last Period is addressed by @duration and numbers instead of a
 * SegmentTimeline: then a player's clock tells it which segment grows, and it
 * need not load the MPD again for each. That is only true where segments are of
 * one length, counted from the start of the Period, give or take a quarter of
 * one (23009-1 7.2.1 allows a half); where they are not, the plain MPD is all
 * there is.
 *
 * Such numbers go on with the clock, whether anything comes or not. Where nothing
 * does, or what comes is of another Period, the SegmentTimeline is told again: it
 * names what there is (5.3.9.6) and @minimumUpdatePeriod has it loaded again. Not
 * Period@duration: nobody knows whether the Period goes on, and players take an
 * end of the last Period for that of the presentation.
 *
 * Source: ISO/IEC 23009-1:2022 (5.3.9.5.3, 5.12, K.3); DASH-IF, Low-latency
 * Modes for DASH, 9.X.4.
 */

#define MILL_MPD_LOW_LATENCY_ERROR (mill_mpd_low_latency_error_quark ())
GQuark mill_mpd_low_latency_error_quark (void);

/**
 * MillMpdLowLatencyError:
 * @MILL_MPD_LOW_LATENCY_ERROR_FIT: segments of too different lengths, too few,
 *   or none that is longer than a part
 * @MILL_MPD_LOW_LATENCY_ERROR_INVALID: it is not a dynamic MPD
 */
typedef enum
{
  MILL_MPD_LOW_LATENCY_ERROR_FIT,
  MILL_MPD_LOW_LATENCY_ERROR_INVALID,
} MillMpdLowLatencyError;

/** What is told of the last Period. */
typedef enum
{
  MILL_MPD_LOW_LATENCY_COUNTS, /* numbers by the clock */
  MILL_MPD_LOW_LATENCY_STANDS, /* what there is; a version after the plain one */
} MillMpdLowLatencyKind;

/**
 * MillMpdLowLatency:
 * @part_target_ns: longest part of a video, and first part of a segment; not 0
 * @clock: (nullable): URL, relative to the MPD, that answers with the time
 *   (urn:mpeg:dash:utc:http-iso:2014)
 * @stands: nothing comes for now
 * @next_period: number that segments of a Period to come begin with, which the
 *   plain MPD may not have yet; 0: none is known of
 * @longest_part_ns: of any rendition, if that is longer than @part_target_ns
 */
typedef struct
{
  guint64 part_target_ns;
  const gchar *clock;
  gboolean stands;
  guint64 next_period;
  guint64 longest_part_ns;
} MillMpdLowLatency;

/** @ret_kind: (nullable). Returns: (transfer full)(nullable)
 * Errors: MILL_MPD_LOW_LATENCY_ERROR, G_MARKUP_ERROR */
GBytes *mill_mpd_low_latency_make (GBytes *plain,
    const MillMpdLowLatency *options, MillMpdLowLatencyKind *ret_kind,
    GError **error);

/** Returns: the latency that players are told to hold, ms */
guint mill_mpd_low_latency_get_target_ms (guint64 part_target_ns);

G_END_DECLS
