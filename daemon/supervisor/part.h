/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/stream-report.h"
#include "restart-policy.h"
#include "stream-clock.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_PART_STARTING,
  MILL_PART_RUNNING,
  MILL_PART_DOWN, /* it died; it is started again */
  MILL_PART_FAILED, /* it is not started again in this run of its stream */
  MILL_PART_ENDED, /* finished its output */
} MillPartStatus;

/** A part of a stream that runs in a process of its own, in one run of the
 * stream. A state machine without I/O; MillPartRunner carries out what it
 * says. */
typedef struct
{
  guint process; /* as the plan counts them: 1 and up */
  gchar *id; /* of its worker: STREAM.PROCESS */
  MillPartStatus state;
  gint64 since; /* Unix µs, of the state */
  guint starts; /* in this run of the stream */
  gchar *last_error; /* nullable: why it died the last time */
  MillRestart policy;
  MillRestartState history;
} MillPart;

/* starting, running, down, failed, ended: as REST says it. */
const gchar *mill_part_status_to_string (MillPartStatus state);

MillPart *mill_part_new (const gchar *stream, guint process,
    const MillRestart *policy);
void mill_part_free (MillPart *part);

guint mill_part_get_restarts (const MillPart *part);
/* Viewers miss what it makes; not in its first start. */
gboolean mill_part_is_missed (const MillPart *part);

/* Its worker is being started. */
void mill_part_begin (MillPart *part, const MillStreamClock *clock);
/* It runs already, in a worker that an earlier millraced started. */
void mill_part_adopt (MillPart *part, const MillStreamClock *clock);

/* Its worker says that it starts, runs or has finished. Ends in failure come
 * by mill_part_lose(). */
void mill_part_take_state (MillPart *part, MillStreamState state,
    const MillStreamClock *clock);

/* It died, or could not be started.
 * Returns: ms until it is to be started again (0 the first time), or
 *   MILL_RESTART_POLICY_NO_RESTART */
gint mill_part_lose (MillPart *part, const gchar *reason,
    const MillStreamClock *clock);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPart, mill_part_free)

G_END_DECLS
