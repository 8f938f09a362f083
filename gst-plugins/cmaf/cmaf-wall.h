/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * How much earlier media is than its stamps say. A source lays its first sample
 * where running time is when that comes; but who connects with a second of
 * pictures waiting (a camera that was on already, a file of which FFmpeg sends
 * the first half second at once) sends that one late, and all others by as much
 * less. Media cannot come before it was made: what comes earliest for its
 * stamp came without waiting, and tells where all of it lies.
 *
 * Of several renditions the one that is most behind counts, because what dates
 * say is there has to be there in all of them. And dates are never later than
 * stamps say: what is late by an encoder is dated by when it was captured.
 *
 * Dates that were told do not move: it is measured until they are, once for
 * each take. Pure logic; one thread at a time.
 */
typedef struct _MillCmafWall MillCmafWall;

/** Returns: (transfer full): nothing is measured yet */
MillCmafWall *mill_cmaf_wall_new (void);
void mill_cmaf_wall_free (MillCmafWall *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafWall, mill_cmaf_wall_free)

/**
 * mill_cmaf_wall_begin:
 * @since: running time of the first sample that counts, ns
 * @limit: by how much dates may be moved at most, ns, never positive; G_MININT64:
 *   by anything
 *
 * Another take: stamps lie elsewhere from here on.
 */
void mill_cmaf_wall_begin (MillCmafWall *self, GstClockTimeDiff since,
    GstClockTimeDiff limit);

/** Dates are being told. Nothing is measured until the next take. */
void mill_cmaf_wall_settle (MillCmafWall *self);

/** Returns: whether dates may still move */
gboolean mill_cmaf_wall_is_open (const MillCmafWall *self);

/**
 * mill_cmaf_wall_note:
 * @source: whose sample it is; an address that is not looked at
 * @arrival: running time when it came, ns
 * @time: running time that it is decoded at, ns
 */
void mill_cmaf_wall_note (MillCmafWall *self, gconstpointer source,
    GstClockTimeDiff arrival, GstClockTimeDiff time);

/** Returns: whether nothing was earlier by more than jitter in the last @span ns
 * of any source: whoever had something waiting has sent it */
gboolean mill_cmaf_wall_is_steady (const MillCmafWall *self, GstClockTime span);

/** Returns: whether this take is measured, and is heard for less than @span ns: what
 * waited may still be on its way */
gboolean mill_cmaf_wall_is_fresh (const MillCmafWall *self, GstClockTime span);

/** Returns: what has to be added to the dates of this take, as far as is known,
 * µs; never positive */
gint64 mill_cmaf_wall_get_offset (const MillCmafWall *self);

G_END_DECLS
