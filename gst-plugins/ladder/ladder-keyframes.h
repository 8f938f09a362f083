/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The running times at which every rung has a keyframe. Written where the
 * source's frames come in, read by the encoders. A keyframe is known before any
 * frame that follows it, because it is decoded before them.
 *
 * Threads: any; it has its own lock, under which nothing is called.
 */

typedef struct _MillLadderKeyframes MillLadderKeyframes;

/* Returns: (transfer full) */
MillLadderKeyframes *mill_ladder_keyframes_new (void);
MillLadderKeyframes *mill_ladder_keyframes_ref (MillLadderKeyframes *self);
void mill_ladder_keyframes_unref (MillLadderKeyframes *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLadderKeyframes, mill_ladder_keyframes_unref)

void mill_ladder_keyframes_add (MillLadderKeyframes *self, GstClockTime time);

/* Whether a keyframe is due with the frame at @time when the one before was at
 * @previous (NONE: there was none). It is due at exactly its own time; only
 * where the decoder lost that frame, with the next one. */
gboolean mill_ladder_keyframes_is_due (MillLadderKeyframes *self,
    GstClockTime previous, GstClockTime time);

/* After a flush. */
void mill_ladder_keyframes_clear (MillLadderKeyframes *self);

G_END_DECLS
