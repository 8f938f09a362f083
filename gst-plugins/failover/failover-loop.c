/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-slate.h"

void
mill_failover_loop_init (MillFailoverLoop *loop)
{
  *loop = (MillFailoverLoop){ { 0 }, { 0 } };
}

static gint64
get_time (const MillFailoverFrame *frame)
{
  return frame->stamp.dts != MILL_FAILOVER_NO_TIME ? frame->stamp.dts
                                                   : frame->stamp.pts;
}

static gint64
get_next_time (const MillFailoverLoop *loop,
    const MillFailoverSlateTrack *tracks, guint track)
{
  if (!tracks[track].frames)
    return G_MAXINT64;
  return loop->base[track] +
      get_time (&g_array_index (tracks[track].frames, MillFailoverFrame,
          loop->next[track]));
}

gboolean
mill_failover_loop_next (MillFailoverLoop *loop,
    const MillFailoverSlateTrack *tracks, gint64 until,
    MillFailoverFrame *ret_frame)
{
  guint track = 0;

  for (guint i = 1; i < MILL_FAILOVER_SLATE_N_TRACKS; i++)
    if (get_next_time (loop, tracks, i) < get_next_time (loop, tracks, track))
      track = i;
  gint64 time = get_next_time (loop, tracks, track);
  if (time == G_MAXINT64 || time > until)
    return FALSE;
  *ret_frame = g_array_index (tracks[track].frames, MillFailoverFrame,
      loop->next[track]);
  ret_frame->stamp.pts += loop->base[track];
  if (ret_frame->stamp.dts != MILL_FAILOVER_NO_TIME)
    ret_frame->stamp.dts += loop->base[track];
  if (++loop->next[track] == tracks[track].frames->len) {
    loop->next[track] = 0;
    loop->base[track] += tracks[track].period;
  }
  return TRUE;
}
