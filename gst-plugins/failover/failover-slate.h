/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "failover-gop.h"

G_BEGIN_DECLS

/*
 * What is shown while no input sends: a few encoded seconds in memory, shown
 * again and again. A picture is encoded once, like the input that it stands in
 * for, a film is read once; switches of a process that want the same share it.
 */

/* Where the tracks of a slate are shown. */
enum
{
  MILL_FAILOVER_SLATE_VIDEO,
  MILL_FAILOVER_SLATE_AUDIO,
  MILL_FAILOVER_SLATE_N_TRACKS,
};

/**
 * MillFailoverSlateFormat: like what it is to be
 * @location: PNG or JPEG, or an MP4 file of H.264 and AAC
 * @width: 0: without video
 * @profile: (nullable): of H.264
 * @channels: 0: without sound
 */
typedef struct
{
  const gchar *location;
  guint width;
  guint height;
  guint fps_n;
  guint fps_d;
  const gchar *profile;
  guint rate;
  guint channels;
} MillFailoverSlateFormat;

/** @frames: their stamps begin at 0; @period: after which it begins again */
typedef struct
{
  GArray *frames; /* MillFailoverFrame; NULL: no such track */
  gint64 period;
} MillFailoverSlateTrack;

typedef enum
{
  MILL_FAILOVER_SLATE_PREPARING,
  MILL_FAILOVER_SLATE_READY,
  MILL_FAILOVER_SLATE_FAILED,
} MillFailoverSlateState;

typedef struct _MillFailoverSlate MillFailoverSlate;

/** Begins to prepare it on a thread of its own, or shares one that is there.
 * Returns: (transfer full) */
MillFailoverSlate *mill_failover_slate_get (const MillFailoverSlateFormat
        *format);
MillFailoverSlate *mill_failover_slate_ref (MillFailoverSlate *slate);
void mill_failover_slate_unref (MillFailoverSlate *slate);

MillFailoverSlateState mill_failover_slate_get_state (MillFailoverSlate *slate);
/** Returns: (nullable): why, when it has FAILED */
const gchar *mill_failover_slate_get_error (MillFailoverSlate *slate);
/** Returns: (array length=N_TRACKS): when it is READY */
const MillFailoverSlateTrack *mill_failover_slate_get_tracks (MillFailoverSlate
        *slate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillFailoverSlate, mill_failover_slate_unref)

/** Where a slate is in its rounds. */
typedef struct
{
  guint next[MILL_FAILOVER_SLATE_N_TRACKS];
  gint64 base[MILL_FAILOVER_SLATE_N_TRACKS]; /* of the round under way */
} MillFailoverLoop;

void mill_failover_loop_init (MillFailoverLoop *loop);

/** The next frame of all tracks whose decoding time is not after @until.
 * @ret_frame: (out): not referenced; its stamp goes on over the rounds
 * Returns: FALSE: none is due */
gboolean mill_failover_loop_next (MillFailoverLoop *loop,
    const MillFailoverSlateTrack *tracks, gint64 until,
    MillFailoverFrame *ret_frame);

G_END_DECLS
