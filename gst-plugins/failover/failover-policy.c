/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-policy.h"

static const gchar *const reason_names[] = {
  [MILL_FAILOVER_BY_START] = "start",
  [MILL_FAILOVER_BY_LOSS] = "loss",
  [MILL_FAILOVER_BY_STALL] = "stall",
  [MILL_FAILOVER_BY_FRAMERATE] = "framerate",
  [MILL_FAILOVER_BY_RECOVERY] = "recovery",
  [MILL_FAILOVER_BY_OPERATOR] = "operator",
};

const gchar *
mill_failover_policy_reason_to_string (MillFailoverReason reason)
{
  return reason_names[reason];
}

static MillFailoverReason
get_reason (MillFailoverHealthState state)
{
  switch (state) {
    case MILL_FAILOVER_SLOW:
      return MILL_FAILOVER_BY_FRAMERATE;
    case MILL_FAILOVER_STALLED:
      return MILL_FAILOVER_BY_STALL;
    default:
      return MILL_FAILOVER_BY_LOSS;
  }
}

/* What an operator has chosen is better than any other. */
static gboolean
is_better (const MillFailoverSituation *at, gint input, gint than)
{
  if (input == at->wanted || than == at->wanted)
    return input == at->wanted;
  return at->inputs[input].priority < at->inputs[than].priority;
}

/* The best input in @state, but for @except. */
static gint
find_best (const MillFailoverSituation *at, MillFailoverHealthState state,
    gint except)
{
  gint best = MILL_FAILOVER_NOTHING;

  for (guint i = 0; i < at->n_inputs; i++)
    if ((gint) i != except && at->inputs[i].state == state &&
        (best < 0 || is_better (at, (gint) i, best)))
      best = (gint) i;
  return best;
}

static MillFailoverDecision
go_to (const MillFailoverSituation *at, gint target, MillFailoverReason reason)
{
  return (MillFailoverDecision){
    .action = at->inputs[target].has_history ? MILL_FAILOVER_AT_ONCE
                                             : MILL_FAILOVER_AT_START,
    .reason = reason,
    .target = target,
  };
}

static MillFailoverDecision
stay (void)
{
  return (MillFailoverDecision){ MILL_FAILOVER_STAY, MILL_FAILOVER_BY_START,
    MILL_FAILOVER_NOTHING, FALSE };
}

/* It was fine when it was chosen: whoever did that wants it now. */
static gboolean
is_asked_for (const MillFailoverSituation *at, gint input)
{
  return input == at->wanted &&
      at->inputs[input].healthy_since_us <= at->wanted_since_us;
}

/* One that is fine is left only for a better one that has been fine for a
 * while, or for one that was asked for; and at a start of that one, which
 * costs the viewer nothing. */
static MillFailoverDecision
leave_healthy (const MillFailoverSituation *at, gint64 now_us)
{
  gint best = find_best (at, MILL_FAILOVER_HEALTHY, at->active);

  if (best < 0 || !is_better (at, best, at->active))
    return stay ();
  gboolean is_asked = is_asked_for (at, best);
  if (!is_asked && now_us - at->inputs[best].healthy_since_us < at->recovery_us)
    return stay ();
  MillFailoverDecision decision = go_to (at, best,
      is_asked ? MILL_FAILOVER_BY_OPERATOR : MILL_FAILOVER_BY_RECOVERY);
  decision.action = MILL_FAILOVER_AT_START;
  return decision;
}

static gboolean
have_all_ended (const MillFailoverSituation *at)
{
  for (guint i = 0; i < at->n_inputs; i++)
    if (!at->inputs[i].ended)
      return FALSE;
  return at->n_inputs > 0;
}

/* Nothing is there to be shown. */
static MillFailoverDecision
rest (const MillFailoverSituation *at, gint64 now_us)
{
  MillFailoverDecision decision = stay ();
  gboolean began = at->active != MILL_FAILOVER_NOTHING;

  decision.dead = began;
  decision.reason = at->active >= 0 ? get_reason (at->inputs[at->active].state)
                                    : MILL_FAILOVER_BY_START;
  if ((have_all_ended (at) && !at->slate_ready) ||
      (at->end_timeout_us > 0 && at->dead_since_us > 0 &&
          now_us - at->dead_since_us >= at->end_timeout_us))
    decision.action = MILL_FAILOVER_END;
  else if (at->active != MILL_FAILOVER_SLATE && at->slate_ready &&
      (began || at->slate_at_start))
    decision.action = MILL_FAILOVER_SHOW_SLATE;
  return decision;
}

MillFailoverDecision
mill_failover_policy_decide (const MillFailoverSituation *at, gint64 now_us)
{
  MillFailoverHealthState state = at->active >= 0 ? at->inputs[at->active].state
                                                  : MILL_FAILOVER_WAITING;
  MillFailoverReason reason = MILL_FAILOVER_BY_START;

  if (state == MILL_FAILOVER_HEALTHY)
    return leave_healthy (at, now_us);
  /* The sources end one after another: none takes over from the one before. */
  if (at->end_wanted)
    return (MillFailoverDecision){ .action = MILL_FAILOVER_END,
      .target = MILL_FAILOVER_NOTHING };
  if (at->active >= 0)
    reason = get_reason (state);
  else if (at->active == MILL_FAILOVER_SLATE)
    reason = MILL_FAILOVER_BY_RECOVERY;

  gint best = find_best (at, MILL_FAILOVER_HEALTHY, MILL_FAILOVER_NOTHING);
  if (best >= 0)
    return go_to (at, best, reason);
  /* Few pictures are better than none. */
  if (state == MILL_FAILOVER_SLOW)
    return stay ();
  best = find_best (at, MILL_FAILOVER_SLOW, MILL_FAILOVER_NOTHING);
  if (best >= 0)
    return go_to (at, best, reason);
  return rest (at, now_us);
}
