/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-health.h"

#include <string.h>

/* Media time over which a frame rate is measured where no caps tell it. */
#define MEASURE_NS G_GINT64_CONSTANT (1000000000)

static const gchar *const state_names[] = {
  [MILL_FAILOVER_WAITING] = "waiting",
  [MILL_FAILOVER_HEALTHY] = "healthy",
  [MILL_FAILOVER_SLOW] = "slow",
  [MILL_FAILOVER_STALLED] = "stalled",
  [MILL_FAILOVER_LOST] = "lost",
};

const gchar *
mill_failover_health_state_to_string (MillFailoverHealthState state)
{
  return state_names[state];
}

void
mill_failover_health_init (MillFailoverHealth *self)
{
  memset (self, 0, sizeof (*self));
}

void
mill_failover_health_declare (MillFailoverHealth *self, guint millifps)
{
  self->declared_millifps = millifps;
}

/* ---- frame rate ---- */

/* What the input is meant to have. A rate in caps may be that of a clock, so
 * more than was ever seen is not asked for; and a burst after a pause shows
 * more than there is, so media time counts, not arrival. */
static guint
get_nominal_millifps (const MillFailoverHealth *self)
{
  if (self->declared_millifps == 0)
    return self->usual_millifps;
  return MIN (self->declared_millifps, self->usual_millifps);
}

static void
measure (MillFailoverHealth *self, gint64 media_ns)
{
  gint64 elapsed_ns = media_ns - self->media_first_ns;

  if (self->media_frames == 0 || elapsed_ns < 0 ||
      elapsed_ns > 2 * MEASURE_NS) {
    self->media_first_ns = media_ns;
    self->media_frames = 1;
    return;
  }
  if (elapsed_ns < MEASURE_NS) {
    self->media_frames++;
    return;
  }
  guint millifps =
      (guint) (self->media_frames * 1000 * MEASURE_NS / elapsed_ns);
  self->usual_millifps = MAX (self->usual_millifps, millifps);
  self->media_first_ns = media_ns;
  self->media_frames = 1;
}

/* Empties the slots that time has gone over. */
static void
move_to_slot (MillFailoverHealth *self, const MillFailoverLimits *limits,
    gint64 now_us)
{
  gint64 slot = now_us * MILL_FAILOVER_SLOTS / limits->window_us;

  for (gint64 i = MAX (self->slot + 1, slot - MILL_FAILOVER_SLOTS); i <= slot;
       i++) {
    self->counts[i % (MILL_FAILOVER_SLOTS + 1)] = 0;
    self->silences_us[i % (MILL_FAILOVER_SLOTS + 1)] = 0;
  }
  self->slot = MAX (self->slot, slot);
}

/* Pictures in the whole slots of the window; the one under way is not full. */
static guint
count_window (const MillFailoverHealth *self)
{
  guint count = 0;

  for (guint i = 0; i <= MILL_FAILOVER_SLOTS; i++)
    if (i != self->slot % (MILL_FAILOVER_SLOTS + 1))
      count += self->counts[i];
  return count;
}

/* The longest pause in the window. Pictures that a network held up come all at
 * once after it, and until then that is silence, not slowness. */
static gint64
find_silence (const MillFailoverHealth *self, gint64 now_us)
{
  gint64 silence_us = now_us - self->counted_us;

  for (guint i = 0; i <= MILL_FAILOVER_SLOTS; i++)
    silence_us = MAX (silence_us, self->silences_us[i]);
  return silence_us;
}

/* From the first picture on, or from the one after a change of the window, whose
 * slots are others. */
static void
begin_window (MillFailoverHealth *self, const MillFailoverLimits *limits,
    gint64 now_us)
{
  self->window_us = limits->window_us;
  self->slot = 0;
  self->counted_since_us = now_us;
  self->counted_us = now_us;
  memset (self->counts, 0, sizeof (self->counts));
  memset (self->silences_us, 0, sizeof (self->silences_us));
}

static gboolean
is_slow (MillFailoverHealth *self, const MillFailoverLimits *limits,
    gint64 now_us)
{
  guint nominal = get_nominal_millifps (self);

  if (self->counted_since_us == 0 || self->window_us != limits->window_us ||
      now_us - self->counted_since_us <
          limits->window_us + limits->window_us / MILL_FAILOVER_SLOTS)
    return FALSE;
  move_to_slot (self, limits, now_us);
  self->millifps = (guint) (count_window (self) *
      (1000 * (gint64) G_USEC_PER_SEC) / limits->window_us);
  gint64 spoken_us = limits->window_us - find_silence (self, now_us);
  return limits->min_framerate_percent > 0 && spoken_us > 0 &&
      count_window (self) * (1000 * (gint64) G_USEC_PER_SEC) * 100 <
      nominal * spoken_us * limits->min_framerate_percent;
}

/* ---- what happens ---- */

void
mill_failover_health_hear (MillFailoverHealth *self,
    const MillFailoverArrival *arrival, const MillFailoverLimits *limits,
    gint64 now_us)
{
  /* What is still under way when a source has gone does not bring it back. */
  if (self->is_lost && !arrival->is_start)
    return;
  self->is_lost = FALSE;
  self->has_start |= arrival->is_start;
  self->heard_us[arrival->track] = now_us;
  if (!arrival->counts)
    return;
  if (self->counted_since_us == 0 || self->window_us != limits->window_us)
    begin_window (self, limits, now_us);
  move_to_slot (self, limits, now_us);
  guint place = self->slot % (MILL_FAILOVER_SLOTS + 1);
  self->counts[place]++;
  self->silences_us[place] =
      MAX (self->silences_us[place], now_us - self->counted_us);
  self->counted_us = now_us;
  measure (self, arrival->media_ns);
}

void
mill_failover_health_lose (MillFailoverHealth *self)
{
  self->is_lost = TRUE;
  self->has_start = FALSE;
  self->counted_since_us = 0;
  self->media_frames = 0;
  self->millifps = 0;
  memset (self->heard_us, 0, sizeof (self->heard_us));
}

void
mill_failover_health_end_track (MillFailoverHealth *self, guint track)
{
  self->heard_us[track] = 0;
}

static gboolean
is_stalled (const MillFailoverHealth *self, const MillFailoverLimits *limits,
    gint64 now_us)
{
  for (guint i = 0; i < MILL_FAILOVER_MAX_TRACKS; i++)
    if (self->heard_us[i] != 0 &&
        now_us - self->heard_us[i] >= limits->stall_timeout_us)
      return TRUE;
  return FALSE;
}

static MillFailoverHealthState
judge (MillFailoverHealth *self, const MillFailoverLimits *limits,
    gint64 now_us)
{
  if (self->is_lost)
    return MILL_FAILOVER_LOST;
  if (!self->has_start)
    return MILL_FAILOVER_WAITING;
  if (is_stalled (self, limits, now_us)) {
    /* What comes after it is counted afresh. */
    self->counted_since_us = 0;
    return MILL_FAILOVER_STALLED;
  }
  return is_slow (self, limits, now_us) ? MILL_FAILOVER_SLOW
                                        : MILL_FAILOVER_HEALTHY;
}

MillFailoverHealthState
mill_failover_health_update (MillFailoverHealth *self,
    const MillFailoverLimits *limits, gint64 now_us)
{
  self->state = judge (self, limits, now_us);
  if (self->state != MILL_FAILOVER_HEALTHY)
    self->healthy_since_us = 0;
  else if (self->healthy_since_us == 0)
    self->healthy_since_us = now_us;
  return self->state;
}
