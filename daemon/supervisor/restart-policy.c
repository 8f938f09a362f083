/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "restart-policy.h"

/* A run of this length, or of the longest back-off if that is longer, was
 * healthy: shorter, and a stream that fails slower than its back-off would
 * never reach the limit. */
#define HEALTHY_US (60 * G_USEC_PER_SEC)

static gboolean
was_healthy (const MillRestartState *state, const MillRestart *policy,
    gint64 now)
{
  gint64 wanted = MAX (HEALTHY_US, (gint64) policy->backoff_max_ms * 1000);
  return state->started_at > 0 && now - state->started_at >= wanted;
}

/* Doubles from the smallest with each start; half of it is fixed, so that a
 * lucky jitter cannot make a busy loop. */
static gint
compute_delay (guint starts, const MillRestart *policy, gdouble jitter)
{
  guint64 delay_ms = MAX (policy->backoff_min_ms, 1);
  for (guint i = 1; i < starts && delay_ms < policy->backoff_max_ms; i++)
    delay_ms *= 2;
  delay_ms = MIN (delay_ms, MAX (policy->backoff_max_ms, 1));
  return (gint) (delay_ms / 2 + (guint64) (jitter * (delay_ms - delay_ms / 2)));
}

void
mill_restart_policy_started (MillRestartState *state, gint64 now)
{
  state->starts++;
  state->started_at = now;
}

gint
mill_restart_policy_ended (MillRestartState *state, const MillRestart *policy,
    MillRunEnd end, gint64 now, gdouble jitter)
{
  if (end == MILL_RUN_FINISHED || was_healthy (state, policy, now))
    state->starts = 0;
  state->started_at = 0;
  state->ended_at = now;

  if (policy->policy == MILL_RESTART_NEVER ||
      (policy->policy == MILL_RESTART_ON_FAILURE && end == MILL_RUN_FINISHED) ||
      mill_restart_policy_is_exhausted (state, policy))
    return MILL_RESTART_POLICY_NO_RESTART;
  return compute_delay (MAX (state->starts, 1), policy, jitter);
}

gboolean
mill_restart_policy_is_exhausted (const MillRestartState *state,
    const MillRestart *policy)
{
  return state->starts > 0 && state->starts >= policy->limit;
}

void
mill_restart_policy_reset (MillRestartState *state)
{
  *state = (MillRestartState){ 0 };
}
