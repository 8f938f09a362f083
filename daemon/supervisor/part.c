/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "part.h"

const gchar *
mill_part_status_to_string (MillPartStatus state)
{
  static const gchar *const names[] = { "starting", "running", "down", "failed",
    "ended" };
  return names[state];
}

MillPart *
mill_part_new (const gchar *stream, guint process, const MillRestart *policy)
{
  MillPart *part = g_new0 (MillPart, 1);
  part->process = process;
  part->id = g_strdup_printf ("%s.%u", stream, process);
  part->policy = *policy;
  return part;
}

void
mill_part_free (MillPart *part)
{
  g_free (part->id);
  g_free (part->last_error);
  g_free (part);
}

guint
mill_part_get_restarts (const MillPart *part)
{
  return part->starts > 1 ? part->starts - 1 : 0;
}

gboolean
mill_part_is_missed (const MillPart *part)
{
  return part->state == MILL_PART_DOWN || part->state == MILL_PART_FAILED ||
      (part->state == MILL_PART_STARTING && part->starts > 1);
}

static void
set_state (MillPart *part, MillPartStatus state, const MillStreamClock *clock)
{
  if (state == part->state && part->since > 0)
    return;
  part->state = state;
  part->since = clock->wall_us;
}

void
mill_part_begin (MillPart *part, const MillStreamClock *clock)
{
  part->starts++;
  mill_restart_policy_started (&part->history, clock->monotonic_us);
  set_state (part, MILL_PART_STARTING, clock);
}

void
mill_part_adopt (MillPart *part, const MillStreamClock *clock)
{
  mill_part_begin (part, clock);
  set_state (part, MILL_PART_RUNNING, clock);
}

void
mill_part_take_state (MillPart *part, MillStreamState state,
    const MillStreamClock *clock)
{
  switch (state) {
    case MILL_STREAM_STARTING:
      set_state (part, MILL_PART_STARTING, clock);
      break;
    case MILL_STREAM_ENDED:
      set_state (part, MILL_PART_ENDED, clock);
      break;
    case MILL_STREAM_LIVE:
    case MILL_STREAM_RECONNECTING:
    case MILL_STREAM_STOPPING: /* the end follows */
      set_state (part, MILL_PART_RUNNING, clock);
      break;
    case MILL_STREAM_FAILED:
    case MILL_STREAM_GONE:
      g_return_if_reached ();
  }
}

/* The first restart does not wait: what died once is most often there again,
 * and viewers of its renditions are waiting. */
gint
mill_part_lose (MillPart *part, const gchar *reason,
    const MillStreamClock *clock)
{
  gint delay_ms = mill_restart_policy_ended (&part->history, &part->policy,
      MILL_RUN_FAILED, clock->monotonic_us, clock->jitter);
  g_free (part->last_error);
  part->last_error = g_strdup (reason);
  if (delay_ms == MILL_RESTART_POLICY_NO_RESTART) {
    set_state (part, MILL_PART_FAILED, clock);
    return MILL_RESTART_POLICY_NO_RESTART;
  }
  set_state (part, MILL_PART_DOWN, clock);
  return part->history.starts <= 1 ? 0 : delay_ms;
}
