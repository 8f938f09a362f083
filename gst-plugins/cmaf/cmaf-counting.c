/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-counting.h"

/* Stamps in whole milliseconds, and a frame more or less of a rate that no whole
 * number of fits into a segment, are no irregularity. */
#define ALIKE_PART 20
/* A reader of the MPD gives up at a quarter, and rounds. */
#define LOST_PART 5
/* Two are what a reader needs to know their length. One that is irregular again
 * and again does not get a Period each time: twice as many each time, until it
 * has been regular for a while. */
#define NEEDED_MIN 2
#define NEEDED_MAX 32
#define REGULAR 60

void
mill_cmaf_counting_begin (MillCmafCounting *self)
{
  self->length = 0;
  self->drift = 0;
  self->counted = 0;
  self->lost = FALSE;
  self->needed = MAX (self->needed, NEEDED_MIN);
}

static gboolean
is_alike (GstClockTimeDiff a, GstClockTimeDiff b)
{
  return ABS (a - b) <= b / ALIKE_PART;
}

gboolean
mill_cmaf_counting_add (MillCmafCounting *self, GstClockTimeDiff length)
{
  self->alike = is_alike (length, self->last) ? self->alike + 1 : 1;
  self->last = length;
  if (self->length == 0)
    self->length = length;
  if (!is_alike (length, self->length))
    self->drift += length - self->length;
  self->lost |= ABS (self->drift) > self->length / LOST_PART;
  if (!self->lost) {
    if (++self->counted >= REGULAR)
      self->needed = NEEDED_MIN;
    return FALSE;
  }
  if (self->alike < MAX (self->needed, NEEDED_MIN))
    return FALSE;
  self->needed = MIN (2 * MAX (self->needed, NEEDED_MIN), NEEDED_MAX);
  return TRUE;
}
