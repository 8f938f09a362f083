/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "preset/ladder-preset.h"

G_BEGIN_DECLS

/*
 * Which rungs a source gets, and their sizes. Arithmetic only.
 *
 * Threads: no state; any thread.
 */

/** Size of a picture in samples, and the shape of a sample. */
typedef struct
{
  guint width;
  guint height;
  guint par_n;
  guint par_d;
} MillLadderSize;

/** A rung as it is made of a given source. */
typedef struct
{
  MillLadderRung rung; /* height: of the box; bitrate_bps: to encode with */
  guint width; /* even, as is height */
  guint height;
} MillLadderOutput;

/* The largest picture of @source's aspect that fits into 16:9 (9:16 for an
 * upright source) of @box_height lines; never larger than @source, even. */
void mill_ladder_rungs_fit (const MillLadderSize *source, guint box_height,
    guint *ret_width, guint *ret_height);

/* @rungs: of MillLadderRung, lowest first.
 * @skip_top: leave out the rung that has the source's own size.
 * Returns: (transfer full): of MillLadderOutput, highest first. All are smaller
 *   than the source, but for the first, which has its size. It has the bit rate
 *   of its rung or, between two rungs, one between theirs. */
GArray *mill_ladder_rungs_choose (const GArray *rungs,
    const MillLadderSize *source, gboolean skip_top);

/* Which of @outputs (of MillLadderOutput) the picture of @index is scaled from:
 * the nearest that is about twice as large or more, so that no picture has been
 * through several small steps, each of which blurs it. -1: the source */
gint mill_ladder_rungs_parent (const GArray *outputs, guint index);

/* How many source frames one encoded frame stands for: 1 keeps all. */
guint mill_ladder_rungs_divisor (const MillLadderRung *rung, gint fps_n,
    gint fps_d);

/* x264's threads for each of @outputs (of MillLadderOutput): shares of @cores
 * by area, rounded up, so that all together have at most one per core and one
 * more per rung. */
guint mill_ladder_rungs_threads (const GArray *outputs, guint index,
    guint cores);

G_END_DECLS
