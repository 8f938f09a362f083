/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-timeline.h"
#include "text/text-webvtt.h"

G_BEGIN_DECLS

/*
 * The captions of one text rendition that are still to be published. Text is
 * sparse: it says nothing of what has not come yet, so nobody ever waits for it,
 * and a segment has the cues that came until it was listed. Pure logic, no I/O;
 * one thread at a time.
 */

/* Cues that one segment may have; more is no text for people. */
#define MILL_CMAF_TEXT_SEGMENT_MAX 512
/* Cues that wait for their segment: the file of a long film. */
#define MILL_CMAF_TEXT_QUEUE_MAX 100000

typedef struct _MillCmafText MillCmafText;

/** Returns: (transfer full) */
MillCmafText *mill_cmaf_text_new (void);
void mill_cmaf_text_free (MillCmafText *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafText, mill_cmaf_text_free)

/**
 * mill_cmaf_text_push:
 * @cue: (transfer full): times are running times. One without an end lasts until
 *   the next one begins, or mill_cmaf_text_clear() is called.
 *
 * Returns: FALSE when there is no room for it, or it is over already
 */
gboolean mill_cmaf_text_push (MillCmafText *self, MillTextCue *cue);

/** What is on the screen without an end ends at @time. */
void mill_cmaf_text_clear (MillCmafText *self, GstClockTimeDiff time);

/** Returns: (transfer full)(element-type MillTextCue): the cues that overlap
 * @cut, as they are, times on the media's timeline, whose zero is running time
 * @base */
GPtrArray *mill_cmaf_text_collect (const MillCmafText *self,
    const MillCmafCut *cut, GstClockTimeDiff base);

/** Forgets what is over at @time. */
void mill_cmaf_text_retire (MillCmafText *self, GstClockTimeDiff time);

G_END_DECLS
