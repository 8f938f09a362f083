/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * How well one input does, told by when its frames arrive. Pure logic: times
 * are handed in, in microseconds of any clock that does not step.
 */

#define MILL_FAILOVER_MAX_TRACKS 16
#define MILL_FAILOVER_SLOTS 10

typedef enum
{
  MILL_FAILOVER_WAITING, /* nothing came yet that it could be shown from */
  MILL_FAILOVER_HEALTHY,
  MILL_FAILOVER_SLOW, /* fewer pictures than it should */
  MILL_FAILOVER_STALLED, /* connected and silent */
  MILL_FAILOVER_LOST, /* gone, and said so */
} MillFailoverHealthState;

/**
 * MillFailoverLimits:
 * @stall_timeout_us: silence of any track that has been heard
 * @window_us: over which pictures are counted
 * @min_framerate_percent: of the frame rate that the input is meant to have;
 *   0: not looked at
 */
typedef struct
{
  gint64 stall_timeout_us;
  gint64 window_us;
  guint min_framerate_percent;
} MillFailoverLimits;

typedef struct
{
  MillFailoverHealthState state;
  gint64 healthy_since_us; /* 0: is not */
  guint millifps; /* as counted last; 0: not known */

  gint64 heard_us[MILL_FAILOVER_MAX_TRACKS]; /* 0: never, or not since a loss */
  gboolean has_start;
  gboolean is_lost;

  guint declared_millifps; /* by the caps; 0: unknown */
  guint usual_millifps; /* the best that media time has shown */
  gint64 media_first_ns;
  guint media_frames;

  guint counts[MILL_FAILOVER_SLOTS + 1];
  gint64
      silences_us[MILL_FAILOVER_SLOTS + 1]; /* the longest that ended there */
  gint64 window_us; /* that slots are parts of */
  gint64 slot; /* number of the slot that is counted in */
  gint64 counted_us; /* the last picture */
  gint64 counted_since_us; /* 0: nothing to judge yet */
} MillFailoverHealth;

void mill_failover_health_init (MillFailoverHealth *self);

/** What the caps say. @millifps: 0: nothing */
void mill_failover_health_declare (MillFailoverHealth *self, guint millifps);

/**
 * MillFailoverArrival: a frame
 * @track: below MILL_FAILOVER_MAX_TRACKS
 * @counts: a picture of the track whose frame rate is looked at
 * @is_start: the input can be shown from here
 * @media_ns: its decoding time
 */
typedef struct
{
  guint track;
  gboolean counts;
  gboolean is_start;
  gint64 media_ns;
} MillFailoverArrival;

void mill_failover_health_hear (MillFailoverHealth *self,
    const MillFailoverArrival *arrival, const MillFailoverLimits *limits,
    gint64 now_us);

/** It is gone. The next frame that it can be shown from brings it back. */
void mill_failover_health_lose (MillFailoverHealth *self);

/** A track has ended while others go on: its silence means nothing. */
void mill_failover_health_end_track (MillFailoverHealth *self, guint track);

/** Judges anew. Returns: self->state */
MillFailoverHealthState mill_failover_health_update (MillFailoverHealth *self,
    const MillFailoverLimits *limits, gint64 now_us);

const gchar *mill_failover_health_state_to_string (MillFailoverHealthState
        state);

G_END_DECLS
