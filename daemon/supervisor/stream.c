/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "stream.h"

#define MAX_LOG_ENTRIES 200

/* As long as rtmpserversrc's reconnect-timeout-ms: a publisher that lost its
 * worker gets what it would get if it had lost its network. */
#define RECONNECT_MS 30000

static const gchar *const state_names[] = { "idle", "starting", "live",
  "reconnecting", "degraded", "failed", "stopped" };

const gchar *
mill_stream_status_to_string (MillStreamStatus state)
{
  return state_names[state];
}

MillStreamClock
mill_stream_clock (void)
{
  return (MillStreamClock){ .wall_us = g_get_real_time (),
    .monotonic_us = g_get_monotonic_time (),
    .jitter = g_random_double () };
}

/* ---- log ---- */

static void
log_entry_free (MillStreamLogEntry *entry)
{
  g_free (entry->message);
  g_free (entry);
}

void
mill_stream_log (MillStream *stream, const gchar *level,
    const MillStreamClock *clock, const gchar *format, ...)
{
  MillStreamLogEntry *entry = g_new0 (MillStreamLogEntry, 1);
  va_list arguments;
  va_start (arguments, format);
  entry->message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  entry->time_us = clock->wall_us;
  entry->level = level;
  g_queue_push_tail (&stream->log, entry);
  if (stream->log.length > MAX_LOG_ENTRIES)
    log_entry_free (g_queue_pop_head (&stream->log));
}

/* ---- life ---- */

/* The state of a stream that no worker has. */
static MillStreamStatus
get_state_at_rest (const MillStream *stream)
{
  if (stream->row->desired == MILL_DESIRED_STOPPED)
    return MILL_STATUS_STOPPED;
  if (stream->row->phase == MILL_PHASE_FAILED)
    return MILL_STATUS_FAILED;
  return MILL_STATUS_IDLE;
}

static void
set_state (MillStream *stream, MillStreamStatus state,
    const MillStreamClock *clock)
{
  if (state == stream->state)
    return;
  mill_stream_log (stream, state == MILL_STATUS_FAILED ? "error" : "info",
      clock, "%s -> %s", state_names[stream->state], state_names[state]);
  MillStreamStatus before = stream->state;
  stream->state = state;
  stream->since = clock->wall_us;
  if (stream->watch && stream->watch->changed)
    stream->watch->changed (stream, before, stream->watch->user_data);
}

MillStream *
mill_stream_new (MillStreamRow *row, const MillStreamClock *clock)
{
  MillStream *stream = g_new0 (MillStream, 1);
  stream->row = row;
  stream->since = clock->wall_us;
  stream->policy = (MillRestart){ .policy = MILL_RESTART_ON_FAILURE,
    .backoff_min_ms = 500,
    .backoff_max_ms = 30000,
    .limit = 10 };
  g_queue_init (&stream->log);
  stream->parts =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_part_free);
  stream->state = get_state_at_rest (stream);
  return stream;
}

void
mill_stream_free (MillStream *stream)
{
  if (!stream)
    return;
  g_clear_handle_id (&stream->timer, g_source_remove);
  g_clear_pointer (&stream->publisher, mill_publisher_free);
  g_clear_pointer (&stream->graph, mill_graph_spec_free);
  g_ptr_array_unref (stream->parts);
  g_queue_clear_full (&stream->log, (GDestroyNotify) log_entry_free);
  mill_store_streams_free_row (stream->row);
  g_free (stream);
}

gboolean
mill_stream_is_running (const MillStream *stream)
{
  return stream->row->phase == MILL_PHASE_RUNNING;
}

/* ---- parts in processes of their own ---- */

void
mill_stream_set_parts (MillStream *stream, guint n_processes,
    MillGraphSpec *graph)
{
  g_clear_pointer (&stream->graph, mill_graph_spec_free);
  stream->graph = graph;
  g_ptr_array_set_size (stream->parts, 0);
  for (guint process = 1; process < n_processes; process++)
    g_ptr_array_add (stream->parts,
        mill_part_new (stream->row->name, process, &stream->policy));
}

MillPart *
mill_stream_find_part (const MillStream *stream, guint process)
{
  return process >= 1 && process <= stream->parts->len
      ? g_ptr_array_index (stream->parts, process - 1)
      : NULL;
}

/* The shared part says that media flows: whether that is all of it. Until all
 * parts have come up for the first time the stream still starts. */
static MillStreamStatus
get_live_state (const MillStream *stream)
{
  MillStreamStatus state = MILL_STATUS_LIVE;
  for (guint i = 0; i < stream->parts->len; i++) {
    const MillPart *part = g_ptr_array_index (stream->parts, i);
    if (mill_part_is_missed (part))
      return MILL_STATUS_DEGRADED;
    if (part->state == MILL_PART_STARTING)
      state = MILL_STATUS_STARTING;
  }
  return state;
}

/* ---- a run ---- */

void
mill_stream_begin (MillStream *stream, const MillStreamRun *run,
    const MillStreamClock *clock)
{
  MillStreamRow *row = stream->row;
  if (row->generation > 0 && row->phase != MILL_PHASE_ENDED)
    row->restarts++;
  g_free (row->owner);
  row->owner = g_strdup (run->owner);
  row->generation = run->generation;
  row->epoch = run->epoch;
  g_free (row->boot_id);
  row->boot_id = g_strdup (run->boot_id);
  g_free (row->run_text);
  row->run_text = run->graph ? g_strdup (run->graph->description) : NULL;
  g_free (row->run_file);
  row->run_file = run->graph ? g_strdup (run->graph->file) : NULL;
  row->phase = MILL_PHASE_RUNNING;
  stream->orphaned = FALSE;
  stream->n_away = 0;
  stream->n_free = 0;
  stream->media_flows = FALSE;
  stream->restarting = FALSE;
  mill_restart_policy_started (&stream->restarts, clock->monotonic_us);
  set_state (stream, MILL_STATUS_STARTING, clock);
}

static void
end_run (MillStream *stream, MillPhase phase)
{
  stream->row->phase = phase;
  stream->n_away = 0;
  stream->n_free = 0;
  stream->media_flows = FALSE;
  g_clear_pointer (&stream->row->owner, g_free);
  g_clear_pointer (&stream->publisher, mill_publisher_free);
}

static void
set_last_error (MillStream *stream, const gchar *text)
{
  g_free (stream->row->last_error);
  stream->row->last_error = g_strdup (text);
  stream->error_passes = FALSE;
}

/* Why it is not live, or not yet, is over when it is; why a worker or a part
 * died stays to be read. */
static void
take_error (MillStream *stream, const MillStreamReport *report)
{
  if (report->state != MILL_STREAM_LIVE && *report->last_error) {
    set_last_error (stream, report->last_error);
    stream->error_passes = TRUE;
  } else if (report->state == MILL_STREAM_LIVE && stream->error_passes) {
    set_last_error (stream, NULL);
  }
}

static MillStreamStep
finish (MillStream *stream, const MillStreamClock *clock)
{
  MillStreamStep step = { MILL_STEP_NOTHING, 0 };
  gint delay_ms = mill_restart_policy_ended (&stream->restarts, &stream->policy,
      MILL_RUN_FINISHED, clock->monotonic_us, clock->jitter);
  end_run (stream, MILL_PHASE_ENDED);
  set_state (stream, get_state_at_rest (stream), clock);
  if (stream->state != MILL_STATUS_IDLE || stream->needs_publisher ||
      delay_ms == MILL_RESTART_POLICY_NO_RESTART)
    return step;
  return (MillStreamStep){ MILL_STEP_RESTART, (guint) delay_ms };
}

/* A stream with a publisher is not started by us but by its encoder coming
 * back; the policy then only says when to turn it away. */
static MillStreamStep
fail (MillStream *stream, const gchar *error, const MillStreamClock *clock)
{
  set_last_error (stream, error);
  mill_stream_log (stream, "error", clock, "%s", error);
  gint delay_ms = mill_restart_policy_ended (&stream->restarts, &stream->policy,
      MILL_RUN_FAILED, clock->monotonic_us, clock->jitter);
  end_run (stream, MILL_PHASE_FAILED);
  if (stream->row->desired == MILL_DESIRED_STOPPED || stream->needs_publisher ||
      delay_ms == MILL_RESTART_POLICY_NO_RESTART) {
    set_state (stream, get_state_at_rest (stream), clock);
    return (MillStreamStep){ MILL_STEP_NOTHING, 0 };
  }
  set_state (stream, MILL_STATUS_RECONNECTING, clock);
  return (MillStreamStep){ MILL_STEP_RESTART, (guint) delay_ms };
}

static MillStreamStep
take_end (MillStream *stream, const MillStreamReport *report,
    const MillStreamClock *clock)
{
  if (report->state == MILL_STREAM_ENDED)
    return finish (stream, clock);
  gboolean wanted = stream->restarting ||
      stream->row->desired == MILL_DESIRED_STOPPED;
  if (wanted && report->state == MILL_STREAM_GONE) {
    end_run (stream, MILL_PHASE_ENDED);
    set_state (stream, get_state_at_rest (stream), clock);
    return (MillStreamStep){ MILL_STEP_NOTHING, 0 };
  }
  return fail (stream,
      *report->last_error ? report->last_error
                          : "the worker stopped it before it was finished",
      clock);
}

MillStreamStep
mill_stream_take_report (MillStream *stream, const MillStreamReport *report,
    const MillStreamClock *clock)
{
  MillStreamStep nothing = { MILL_STEP_NOTHING, 0 };
  if (report->generation != stream->row->generation ||
      !mill_stream_is_running (stream))
    return nothing;

  g_clear_pointer (&stream->publisher, mill_publisher_free);
  if (report->publisher)
    stream->publisher = mill_publisher_copy (report->publisher);
  stream->n_away = mill_input_report_count (report->inputs, MILL_INPUT_AWAY);
  stream->n_free = stream->n_away +
      mill_input_report_count (report->inputs, MILL_INPUT_WAITING);
  stream->media_flows = report->state == MILL_STREAM_LIVE;
  take_error (stream, report);
  switch (report->state) {
    case MILL_STREAM_STARTING:
      set_state (stream, MILL_STATUS_STARTING, clock);
      return nothing;
    case MILL_STREAM_LIVE:
      set_state (stream, get_live_state (stream), clock);
      return nothing;
    case MILL_STREAM_RECONNECTING:
      set_state (stream, MILL_STATUS_RECONNECTING, clock);
      return nothing;
    case MILL_STREAM_STOPPING:
      return nothing; /* the end follows */
    case MILL_STREAM_FAILED:
    case MILL_STREAM_ENDED:
    case MILL_STREAM_GONE:
      break;
  }
  return take_end (stream, report, clock);
}

void
mill_stream_take_part (MillStream *stream, const MillPart *part,
    const gchar *reason, const MillStreamClock *clock)
{
  if (reason) {
    g_autofree gchar *text =
        g_strdup_printf ("process %u: %s", part->process, reason);
    set_last_error (stream, text);
    mill_stream_log (stream, "error", clock, "%s", text);
  }
  if (mill_stream_is_running (stream) && stream->media_flows)
    set_state (stream, get_live_state (stream), clock);
}

MillStreamStep
mill_stream_lose (MillStream *stream, const gchar *reason,
    const MillStreamClock *clock)
{
  if (!mill_stream_is_running (stream))
    return (MillStreamStep){ MILL_STEP_NOTHING, 0 };
  /* The next worker does not know it either: what was told stays, and the hold
   * begins anew, now that there is a worker to come back to. */
  if (stream->orphaned && !stream->row->owner)
    return (MillStreamStep){ MILL_STEP_WAIT, RECONNECT_MS };
  stream->orphaned = TRUE;
  if (!stream->needs_publisher || stream->row->desired == MILL_DESIRED_STOPPED)
    return fail (stream, reason, clock);
  /* Phase stays RUNNING: the next run continues this one's timeline. */
  stream->media_flows = FALSE;
  set_last_error (stream, reason);
  mill_stream_log (stream, "error", clock, "%s", reason);
  g_clear_pointer (&stream->row->owner, g_free);
  g_clear_pointer (&stream->publisher, mill_publisher_free);
  set_state (stream, MILL_STATUS_RECONNECTING, clock);
  return (MillStreamStep){ MILL_STEP_WAIT, RECONNECT_MS };
}

void
mill_stream_give_up (MillStream *stream, const MillStreamClock *clock)
{
  if (!mill_stream_is_running (stream) || stream->row->owner)
    return;
  end_run (stream, MILL_PHASE_ENDED);
  set_state (stream, get_state_at_rest (stream), clock);
}

void
mill_stream_set_desired (MillStream *stream, MillDesired desired,
    const MillStreamClock *clock)
{
  stream->row->desired = desired;
  if (desired == MILL_DESIRED_RUNNING) {
    mill_restart_policy_reset (&stream->restarts);
    if (stream->row->phase == MILL_PHASE_FAILED)
      stream->row->phase = MILL_PHASE_IDLE;
  } else if (!stream->row->owner && mill_stream_is_running (stream)) {
    end_run (stream, MILL_PHASE_ENDED); /* it waited for its publisher */
  }
  if (!mill_stream_is_running (stream))
    set_state (stream, get_state_at_rest (stream), clock);
}
