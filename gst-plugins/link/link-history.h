/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "link-consumer.h"

G_BEGIN_DECLS

/*
 * What is kept for those who come late: of each video what came since its last
 * keyframe, of the others what belongs to that. More than 32 MiB or 4000 frames
 * are not kept: who comes then waits for the next keyframe.
 *
 * While it opens it keeps all, so that the first who comes lacks nothing of the
 * beginning, which its start took.
 *
 * Threads: none of its own; the hub's lock guards it.
 */
typedef struct _MillLinkHistory MillLinkHistory;

MillLinkHistory *mill_link_history_new (void);

/* Everything is kept from now on, until the first frame is @duration_us old,
 * the bounds are reached, or mill_link_history_close(). */
void mill_link_history_open (MillLinkHistory *history, gint64 duration_us);
/* Somebody has got it. */
void mill_link_history_close (MillLinkHistory *history);

void mill_link_history_free (MillLinkHistory *history);

void mill_link_history_add (MillLinkHistory *history, MillLinkFrame *frame);
/* What was kept of @pad is void: it begins anew at a keyframe. */
void mill_link_history_forget (MillLinkHistory *history, guint16 pad);
/* The same, for a pad that is gone. */
void mill_link_history_remove (MillLinkHistory *history, guint16 pad);
void mill_link_history_clear (MillLinkHistory *history);

/* Must one that comes late wait for the next keyframe of @pad? */
gboolean mill_link_history_is_cut (MillLinkHistory *history, guint16 pad);
/* Returns: (transfer none) (element-type MillLinkFrame): in their order */
const GQueue *mill_link_history_get_frames (MillLinkHistory *history);

G_END_DECLS
