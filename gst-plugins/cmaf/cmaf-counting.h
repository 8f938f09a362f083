/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * Whether the segments of a Period are where counting them puts them. Players of
 * low-latency DASH find the segment that grows by the clock and a length for all
 * (ISO/IEC 23009-1 5.3.9.5.3: within half a segment); one that was shorter, or
 * longer, puts all after it elsewhere. Counting begins anew with a Period, so a
 * stream that is regular again begins one. Pure logic; one thread at a time.
 */

/**
 * MillCmafCounting:
 * @length: of the first segment of the Period, ns; 0: it has none yet
 * @drift: how far the next segment is from where counting puts it, ns
 * @last: length of the last segment, ns
 * @alike: how many in a row were as long as it
 * @needed: how many have to be before a Period is begun for their sake
 * @counted: how many segments of the Period were where they belong
 * @lost: the Period cannot be counted any more
 */
typedef struct
{
  GstClockTimeDiff length;
  GstClockTimeDiff drift;
  GstClockTimeDiff last;
  guint alike;
  guint needed;
  guint counted;
  gboolean lost;
} MillCmafCounting;

/** The next segment begins a Period. */
void mill_cmaf_counting_begin (MillCmafCounting *self);

/** A segment has ended. @length: ns
 * Returns: whether the next one is to begin a Period */
gboolean mill_cmaf_counting_add (MillCmafCounting *self,
    GstClockTimeDiff length);

G_END_DECLS
