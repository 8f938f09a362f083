/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What runs ahead of the rendition that cuts a file has to wait. */

#include "cmaf-packager-private.h"

/* How long a lane of a file waits for the others to come on, before it may queue
 * as much again; and what it may queue at most. */
#define WAIT_US G_USEC_PER_SEC
#define ALLOWANCE_MAX ((gsize) 1 << 30)

/* Whoever waits for the others looks again. */
void
mill_cmaf_pushback_move_locked (MillCmafPackager *self)
{
  self->moves++;
  /* A signal is a call to the kernel, also when nobody hears it. */
  if (self->waiting > 0)
    g_cond_broadcast (&self->moved);
}

static gboolean
may_queue_locked (const MillCmafPackager *self, const MillCmafLane *lane)
{
  return !mill_cmaf_packager_is_vod (self) || lane == self->timing ||
      lane->track == NULL || lane->flushing || self->failed ||
      mill_cmaf_track_get_queued_bytes (lane->track) <= lane->allowance;
}

static void
check_allowance_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  if (lane->allowance <= ALLOWANCE_MAX)
    return;
  g_autoptr (GError) error = g_error_new (MILL_CMAF_STATE_ERROR,
      MILL_CMAF_STATE_ERROR_INVALID,
      "media of '%s': got %" G_GSIZE_FORMAT " bytes while '%s' stood still, "
      "expected renditions that come together",
      lane->pad, mill_cmaf_track_get_queued_bytes (lane->track),
      self->timing ? self->timing->pad : "video");
  mill_cmaf_packager_fail_locked (self, error);
}

/* What runs ahead of the lane that cuts a file waits for it, rather than fill
 * the memory. No wait where both are fed by one thread; and where nothing moves
 * any more, the others may be waiting for what this one's thread has to do
 * next: then it may queue as much again. */
void
mill_cmaf_pushback_wait_locked (MillCmafPackager *self, MillCmafLane *lane)
{
  /* A file waits for the server that it is sent to. */
  while (mill_cmaf_publisher_is_behind (self->publisher) && !lane->flushing &&
      !self->failed) {
    self->waiting++;
    g_cond_wait (&self->moved, &self->lock);
    self->waiting--;
  }
  while (!may_queue_locked (self, lane)) {
    gint64 deadline = g_get_monotonic_time () + WAIT_US;
    guint64 moves = self->moves;
    gboolean stuck = self->timing != NULL &&
        self->timing->feeder == g_thread_self ();
    self->waiting++;
    while (!stuck && moves == self->moves && !lane->flushing)
      stuck = !g_cond_wait_until (&self->moved, &self->lock, deadline);
    self->waiting--;
    if (stuck && moves == self->moves) {
      lane->allowance *= 2;
      check_allowance_locked (self, lane);
    }
  }
}
