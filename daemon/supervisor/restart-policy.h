/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "description.h"

G_BEGIN_DECLS

/** Why a run ended. */
typedef enum
{
  MILL_RUN_FINISHED, /* its source came to its end */
  MILL_RUN_FAILED,
} MillRunEnd;

/** What a restart policy remembers of one stream. Zero-initialised. */
typedef struct
{
  guint starts; /* without healthy time since */
  gint64 started_at; /* monotonic µs; 0: does not run */
  gint64 ended_at;
} MillRestartState;

#define MILL_RESTART_POLICY_NO_RESTART (-1)

/* A run begins. */
void mill_restart_policy_started (MillRestartState *state, gint64 now);

/* A run ended: what now?
 * @jitter: [0, 1): spreads restarts that one cause made necessary at once
 * Returns: ms to wait before the next start, or
 *   MILL_RESTART_POLICY_NO_RESTART. */
gint mill_restart_policy_ended (MillRestartState *state,
    const MillRestart *policy, MillRunEnd end, gint64 now, gdouble jitter);

/* Whether the last starts failed as often as @policy allows. */
gboolean mill_restart_policy_is_exhausted (const MillRestartState *state,
    const MillRestart *policy);

/* A person asked for a start: what failed before no longer counts. */
void mill_restart_policy_reset (MillRestartState *state);

G_END_DECLS
