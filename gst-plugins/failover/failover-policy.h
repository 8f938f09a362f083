/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "failover-health.h"

G_BEGIN_DECLS

/*
 * Which input is shown. Pure logic: what is known goes in, what to do comes
 * out; nothing is kept but what the caller keeps.
 */

/* In place of the index of an input. */
#define MILL_FAILOVER_NOTHING (-2) /* nothing was shown yet */
#define MILL_FAILOVER_SLATE (-1)

typedef enum
{
  MILL_FAILOVER_STAY,
  MILL_FAILOVER_AT_ONCE, /* to the input, from its last start on */
  MILL_FAILOVER_AT_START, /* to the input, at its next start */
  MILL_FAILOVER_SHOW_SLATE,
  MILL_FAILOVER_END, /* nobody came back in time */
} MillFailoverAction;

typedef enum
{
  MILL_FAILOVER_BY_START, /* the first input */
  MILL_FAILOVER_BY_LOSS,
  MILL_FAILOVER_BY_STALL,
  MILL_FAILOVER_BY_FRAMERATE,
  MILL_FAILOVER_BY_RECOVERY, /* of a better input */
  MILL_FAILOVER_BY_OPERATOR,
} MillFailoverReason;

/**
 * MillFailoverView: an input as the policy sees it
 * @priority: 0 is the first choice
 * @has_history: what came since its last start is there
 * @ended: by EOS: it will not come back
 */
typedef struct
{
  guint priority;
  MillFailoverHealthState state;
  gint64 healthy_since_us;
  gboolean has_history;
  gboolean ended;
} MillFailoverView;

/**
 * MillFailoverSituation:
 * @active: index of an input, or MILL_FAILOVER_SLATE, MILL_FAILOVER_NOTHING
 * @wanted: index of the input that an operator asked for; MILL_FAILOVER_NOTHING
 * @wanted_since_us: when that was
 * @dead_since_us: since when nothing is there to be shown; 0: something is
 * @slate_ready: may be shown
 * @slate_at_start: also before the first input
 * @end_wanted: end of stream was asked for
 */
typedef struct
{
  const MillFailoverView *inputs;
  guint n_inputs;
  gint active;
  gint wanted;
  gint64 wanted_since_us;
  gint64 dead_since_us;
  gint64 recovery_us;
  gint64 end_timeout_us; /* 0: never */
  gboolean slate_ready;
  gboolean slate_at_start;
  gboolean end_wanted;
} MillFailoverSituation;

typedef struct
{
  MillFailoverAction action;
  MillFailoverReason reason;
  gint target; /* index of an input; MILL_FAILOVER_NOTHING */
  gboolean dead; /* nothing is there to be shown */
} MillFailoverDecision;

MillFailoverDecision mill_failover_policy_decide (const MillFailoverSituation
                                                      *situation,
    gint64 now_us);

const gchar *mill_failover_policy_reason_to_string (MillFailoverReason reason);

G_END_DECLS
