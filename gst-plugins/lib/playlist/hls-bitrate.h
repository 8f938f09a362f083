/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The bit rates of one rendition as segments are finished.
 *
 * Source: RFC 8216bis 4.4.6.2 and 2 ("peak segment bit rate"): the largest bit
 * rate of any contiguous set of segments whose total duration is between 0.5
 * and 1.5 times the target duration.
 */

#define MILL_HLS_BITRATE_RECENT 32

/** Fields are private; a copy of it is a valid tracker of its own. */
typedef struct
{
  GstClockTime target_duration;
  struct
  {
    guint64 bytes;
    GstClockTime duration;
  } recent[MILL_HLS_BITRATE_RECENT]; /* newest at recent[n_recent - 1] */
  guint n_recent;
  guint64 peak_bps;
  guint64 bytes;
  GstClockTime duration;
} MillHlsBitrate;

/** @target_duration: in ns */
void mill_hls_bitrate_init (MillHlsBitrate *self, GstClockTime target_duration);

/** One finished segment, in order; a gap is not added but breaks the run:
 * call mill_hls_bitrate_break(). */
void mill_hls_bitrate_add (MillHlsBitrate *self, guint64 bytes,
    GstClockTime duration);

/** The next segment does not follow the last one. */
void mill_hls_bitrate_break (MillHlsBitrate *self);

/** Returns: in bit/s, 0 before the first segment; never below the average */
guint64 mill_hls_bitrate_peak_bps (const MillHlsBitrate *self);

/** Returns: in bit/s, over everything added; 0 before the first segment */
guint64 mill_hls_bitrate_average_bps (const MillHlsBitrate *self);

G_END_DECLS
