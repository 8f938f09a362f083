/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-bitrate.h"

#include <string.h>

void
mill_hls_bitrate_init (MillHlsBitrate *self, GstClockTime target_duration)
{
  *self = (MillHlsBitrate){ .target_duration = target_duration };
}

void
mill_hls_bitrate_break (MillHlsBitrate *self)
{
  self->n_recent = 0;
}

static guint64
rate_bps (guint64 bytes, GstClockTime duration)
{
  if (duration == 0)
    return 0;
  return gst_util_uint64_scale_ceil (bytes, 8 * GST_SECOND, duration);
}

static void
remember (MillHlsBitrate *self, guint64 bytes, GstClockTime duration)
{
  if (self->n_recent == MILL_HLS_BITRATE_RECENT) {
    memmove (&self->recent[0], &self->recent[1],
        sizeof (self->recent) - sizeof (self->recent[0]));
    self->n_recent--;
  }
  self->recent[self->n_recent].bytes = bytes;
  self->recent[self->n_recent].duration = duration;
  self->n_recent++;
}

void
mill_hls_bitrate_add (MillHlsBitrate *self, guint64 bytes,
    GstClockTime duration)
{
  GstClockTime least = self->target_duration / 2;
  GstClockTime most = self->target_duration + least;
  guint64 set_bytes = 0;
  GstClockTime set_duration = 0;

  self->bytes += bytes;
  self->duration += duration;
  remember (self, bytes, duration);

  /* Every set that ends with the new segment; those that end before were
   * looked at then. */
  for (guint i = self->n_recent; i > 0; i--) {
    set_bytes += self->recent[i - 1].bytes;
    set_duration += self->recent[i - 1].duration;
    /* A segment too long for any set would never count: it counts alone. */
    if (set_duration > most && i < self->n_recent)
      break;
    if (set_duration >= least)
      self->peak_bps = MAX (self->peak_bps, rate_bps (set_bytes, set_duration));
  }
}

guint64
mill_hls_bitrate_average_bps (const MillHlsBitrate *self)
{
  return rate_bps (self->bytes, self->duration);
}

guint64
mill_hls_bitrate_peak_bps (const MillHlsBitrate *self)
{
  return MAX (self->peak_bps, mill_hls_bitrate_average_bps (self));
}
