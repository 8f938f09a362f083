/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-keyframes.h"

/* An encoder reads a time at most one decoder delay and all queues later:
 * fewer than 200 frames, even if every frame is a keyframe. */
#define KEPT 512

struct _MillLadderKeyframes
{
  gatomicrefcount refs;
  GMutex lock;
  GQueue times; /* lock: of GstClockTime *, newest first */
};

MillLadderKeyframes *
mill_ladder_keyframes_new (void)
{
  MillLadderKeyframes *self = g_new0 (MillLadderKeyframes, 1);
  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  g_queue_init (&self->times);
  return self;
}

MillLadderKeyframes *
mill_ladder_keyframes_ref (MillLadderKeyframes *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
mill_ladder_keyframes_unref (MillLadderKeyframes *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_queue_clear_full (&self->times, g_free);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
mill_ladder_keyframes_add (MillLadderKeyframes *self, GstClockTime time)
{
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  GstClockTime *entry = g_new (GstClockTime, 1);
  *entry = time;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_queue_push_head (&self->times, entry);
  if (self->times.length > KEPT)
    g_free (g_queue_pop_tail (&self->times));
}

gboolean
mill_ladder_keyframes_is_due (MillLadderKeyframes *self, GstClockTime previous,
    GstClockTime time)
{
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return FALSE;
  /* Without a frame before, or after a step back, only the time itself. */
  gboolean has_previous = GST_CLOCK_TIME_IS_VALID (previous) && previous < time;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  for (const GList *l = self->times.head; l != NULL; l = l->next) {
    GstClockTime key = *(const GstClockTime *) l->data;
    if (key == time || (has_previous && key > previous && key < time))
      return TRUE;
  }
  return FALSE;
}

void
mill_ladder_keyframes_clear (MillLadderKeyframes *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_queue_clear_full (&self->times, g_free);
}
