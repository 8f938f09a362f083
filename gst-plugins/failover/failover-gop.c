/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-gop.h"

/* How far apart two frames of one time may be sent: an interleave, and pictures
 * of other tracks that begin with the same one. */
#define BESIDE_NS (500 * GST_MSECOND)

static GArray *
new_frames (void)
{
  GArray *frames = g_array_new (FALSE, FALSE, sizeof (MillFailoverFrame));

  g_array_set_clear_func (frames, (GDestroyNotify) mill_failover_frame_clear);
  return frames;
}

void
mill_failover_gop_init (MillFailoverGop *self)
{
  *self = (MillFailoverGop){ .frames = new_frames () };
}

void
mill_failover_gop_clear (MillFailoverGop *self)
{
  g_clear_pointer (&self->frames, g_array_unref);
}

void
mill_failover_gop_reset (MillFailoverGop *self)
{
  g_array_set_size (self->frames, 0);
  self->bytes = 0;
  self->has_start = FALSE;
}

static MillFailoverFrame *
frame_at (const GArray *frames, guint i)
{
  return &g_array_index (frames, MillFailoverFrame, i);
}

/* Keeps what lies beside @track's start at @pts; pictures that need an older one
 * are of no use, so of those only starts and what follows them, and of @track
 * only what comes from now on. */
static void
trim (MillFailoverGop *self, guint track, gint64 pts)
{
  gboolean started[MILL_FAILOVER_MAX_TRACKS] = { FALSE };
  GArray *kept = new_frames ();

  self->bytes = 0;
  for (guint i = 0; i < self->frames->len; i++) {
    MillFailoverFrame *frame = frame_at (self->frames, i);
    const MillFailoverStamp *stamp = &frame->stamp;
    if (stamp->track == track || stamp->pts < pts - (gint64) BESIDE_NS)
      continue;
    started[stamp->track] |= stamp->is_start;
    if (!started[stamp->track])
      continue;
    self->bytes += gst_buffer_get_size (frame->buffer);
    MillFailoverFrame copy;
    mill_failover_frame_copy (&copy, frame);
    g_array_append_val (kept, copy);
  }
  g_array_unref (self->frames);
  self->frames = kept;
}

void
mill_failover_gop_push (MillFailoverGop *self, const MillFailoverFrame *frame,
    gboolean is_anchor)
{
  MillFailoverFrame copy;

  if (is_anchor) {
    trim (self, frame->stamp.track, frame->stamp.pts);
    self->has_start = TRUE;
  }
  mill_failover_frame_copy (&copy, frame);
  g_array_append_val (self->frames, copy);
  self->bytes += gst_buffer_get_size (frame->buffer);
  if (self->bytes <= MILL_FAILOVER_GOP_MAX_BYTES &&
      frame->stamp.pts - frame_at (self->frames, 0)->stamp.pts <=
          MILL_FAILOVER_GOP_MAX_NS)
    return;
  /* Without its start the rest is of no use. */
  self->overflows += self->has_start;
  mill_failover_gop_reset (self);
}

GArray *
mill_failover_gop_dup_frames (const MillFailoverGop *self)
{
  GArray *frames = new_frames ();

  for (guint i = 0; i < self->frames->len; i++) {
    MillFailoverFrame copy;
    mill_failover_frame_copy (&copy, frame_at (self->frames, i));
    g_array_append_val (frames, copy);
  }
  return frames;
}

/* Sound starts anywhere, so a picture is looked for first; of several videos
 * the first track's is the anchor. */
const MillFailoverFrame *
mill_failover_gop_find_start (const GArray *frames)
{
  const MillFailoverFrame *start = NULL;

  for (guint i = 0; i < frames->len; i++) {
    const MillFailoverFrame *frame = frame_at (frames, i);
    const MillFailoverStamp *stamp = &frame->stamp;
    if (!stamp->is_start || (stamp->is_video && stamp->track != 0))
      continue;
    if (stamp->is_video)
      return frame;
    if (!start)
      start = frame;
  }
  return start;
}
