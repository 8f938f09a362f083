/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-wall.h"

/* Nobody who has something waiting sends it so slowly: 2 % faster than real time
 * in a second. */
#define JITTER_NS (20 * (GstClockTimeDiff) GST_MSECOND)

/**
 * Least: of what has come from @source
 * @delay: of the sample that came earliest for its stamp: that much after it, ns
 * @steady: the same when it last was less by more than jitter
 * @steady_since: time of that sample
 * @last: time of the last one
 */
typedef struct
{
  gconstpointer source;
  GstClockTimeDiff delay;
  GstClockTimeDiff steady;
  GstClockTimeDiff steady_since;
  GstClockTimeDiff last;
} Least;

struct _MillCmafWall
{
  gboolean is_open;
  GstClockTimeDiff since;
  GstClockTimeDiff limit;
  GstClockTimeDiff offset; /* of this take, when it is settled; ns */
  GArray *least; /* Least, of each source that was heard in this take */
  GstClockTimeDiff first_arrival; /* running times, once one was heard */
  GstClockTimeDiff last_arrival;
};

MillCmafWall *
mill_cmaf_wall_new (void)
{
  MillCmafWall *self = g_new0 (MillCmafWall, 1);
  self->least = g_array_new (FALSE, FALSE, sizeof (Least));
  return self;
}

void
mill_cmaf_wall_free (MillCmafWall *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->least);
  g_free (self);
}

void
mill_cmaf_wall_begin (MillCmafWall *self, GstClockTimeDiff since,
    GstClockTimeDiff limit)
{
  self->is_open = TRUE;
  self->since = since;
  self->limit = limit;
  g_array_set_size (self->least, 0);
}

static GstClockTimeDiff
measure (const MillCmafWall *self)
{
  GstClockTimeDiff most = G_MININT64;
  for (guint i = 0; i < self->least->len; i++)
    most = MAX (most, g_array_index (self->least, Least, i).delay);
  if (most == G_MININT64)
    return 0;
  return MAX (MIN (most, 0), self->limit);
}

void
mill_cmaf_wall_settle (MillCmafWall *self)
{
  self->offset = measure (self);
  self->is_open = FALSE;
}

gboolean
mill_cmaf_wall_is_open (const MillCmafWall *self)
{
  return self->is_open;
}

void
mill_cmaf_wall_note (MillCmafWall *self, gconstpointer source,
    GstClockTimeDiff arrival, GstClockTimeDiff time)
{
  /* A rendition that is behind may still be in the take before. */
  if (!self->is_open || time < self->since)
    return;
  GstClockTimeDiff delay = arrival - time;
  if (self->least->len == 0)
    self->first_arrival = arrival;
  self->last_arrival = arrival;
  for (guint i = 0; i < self->least->len; i++) {
    Least *least = &g_array_index (self->least, Least, i);
    if (least->source != source)
      continue;
    least->delay = MIN (least->delay, delay);
    least->last = MAX (least->last, time);
    if (delay < least->steady - JITTER_NS) {
      least->steady = delay;
      least->steady_since = time;
    }
    return;
  }
  Least first = { source, delay, delay, time, time };
  g_array_append_val (self->least, first);
}

gboolean
mill_cmaf_wall_is_steady (const MillCmafWall *self, GstClockTime span)
{
  for (guint i = 0; i < self->least->len; i++) {
    const Least *least = &g_array_index (self->least, Least, i);
    if (least->last - least->steady_since < (GstClockTimeDiff) span)
      return FALSE;
  }
  return TRUE;
}

gboolean
mill_cmaf_wall_is_fresh (const MillCmafWall *self, GstClockTime span)
{
  return self->is_open && self->least->len > 0 &&
      self->last_arrival - self->first_arrival < (GstClockTimeDiff) span;
}

gint64
mill_cmaf_wall_get_offset (const MillCmafWall *self)
{
  return (self->is_open ? measure (self) : self->offset) /
      (GstClockTimeDiff) GST_USECOND;
}
