/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"
#include "gstcmafsinksettings.h"

G_BEGIN_DECLS

/* Whose clock dates are of, for cmafsink: its property program-date-time. */

/**
 * GstCmafSinkDates:
 * @source, @epoch_us: as they were set when it began
 * @has_wall: atomic: the packager has a wall clock
 * @has_origin, @by_clock, @origin: object lock: arrivals are by the pipeline's
 *   clock; else monotonic time and @origin, ns
 */
typedef struct
{
  GstCmafSinkTimeSource source;
  gint64 epoch_us;
  gint has_wall;
  gboolean has_origin;
  gboolean by_clock;
  GstClockTimeDiff origin;
} GstCmafSinkDates;

/** Nothing has come yet. */
void gst_cmaf_sink_dates_begin (GstCmafSinkDates *self,
    GstCmafSinkTimeSource source, gint64 epoch_us);

/** Whether gst_cmaf_sink_dates_note() has to be called for @input. */
static inline gboolean
gst_cmaf_sink_dates_are_asked (const GstCmafSinkDates *self,
    const MillCmafPackager *packager, const MillCmafInput *input)
{
  return input->discont || self->source == GST_CMAF_SINK_REFERENCE_TIMESTAMP ||
      mill_cmaf_packager_asks_arrival (packager);
}

/** @input, which is @buffer, has come: sets when. Threads: any streaming one */
void gst_cmaf_sink_dates_note (GstCmafSinkDates *self, GstElement *element,
    MillCmafPackager *packager, GstBuffer *buffer, MillCmafInput *input);

G_END_DECLS
