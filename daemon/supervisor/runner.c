/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "runner.h"

#include "daemon/ipc/ipc.h"
#include "event-feed.h"
#include "runner-adopt.h"
#include "runner-private.h"
#include "runner-publish.h"

G_DEFINE_QUARK (mill_runner_error, mill_runner_error)

/* ---- calls under way ---- */

MillRunnerCall *
mill_runner_call_new (MillRunner *runner, const MillStream *stream)
{
  MillRunnerCall *call = g_new0 (MillRunnerCall, 1);
  call->runner = runner;
  call->life = g_object_ref (runner->life);
  call->name = g_strdup (stream->row->name);
  call->generation = stream->row->generation;
  return call;
}

void
mill_runner_call_free (MillRunnerCall *call)
{
  g_object_unref (call->life);
  g_free (call->name);
  g_free (call);
}

MillStream *
mill_runner_call_find_stream (const MillRunnerCall *call)
{
  if (g_cancellable_is_cancelled (call->life))
    return NULL;
  MillStream *stream =
      mill_stream_registry_find (call->runner->context.registry, call->name);
  return stream && stream->row->generation == call->generation ? stream : NULL;
}

static void run_step (MillRunner *runner, MillStream *stream,
    const MillStreamStep *step);

/* ---- keeping ---- */

void
mill_runner_save (MillRunner *runner, MillStream *stream)
{
  g_autoptr (GError) error = NULL;
  if (!mill_stream_registry_save (runner->context.registry, stream, &error))
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
        "state not saved: %s", error->message);
}

static void
finish_drain (MillRunner *runner)
{
  GSourceOnceFunc done = g_steal_pointer (&runner->drain_done);
  g_clear_handle_id (&runner->drain_timer, g_source_remove);
  if (done)
    done (runner->drain_data);
}

void
mill_runner_settle (MillRunner *runner, MillStream *stream,
    const MillStreamStep *step)
{
  run_step (runner, stream, step);
  /* Its shared part is gone: the next one is of another generation and may be
   * of another description, so nothing of this run is left over. */
  if (!stream->row->owner) {
    mill_part_runner_end (runner->parts, stream->row->name);
    mill_stream_set_parts (stream, 1, NULL);
  }
  if (!mill_stream_is_running (stream))
    mill_admissions_forget (runner->admissions, stream->row->name);
  /* Ended by us, not by itself: it starts again with the daemon. */
  if (runner->draining && stream->row->phase == MILL_PHASE_ENDED)
    stream->row->phase = MILL_PHASE_IDLE;
  mill_runner_save (runner, stream);
  if (runner->draining && runner->drain_done &&
      mill_stream_registry_count_running (runner->context.registry) == 0)
    finish_drain (runner);
}

/* ---- giving a stream to the worker ---- */

static gchar *
read_boot_id (void)
{
  gchar *text = NULL;
  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL,
          NULL))
    return g_strdup ("");
  return g_strchomp (text);
}

/* A run that was interrupted goes on on its own timeline: running time 0 stays
 * where it was. CLOCK_MONOTONIC of another boot means nothing. */
static guint64
choose_epoch (MillRunner *runner, const MillStream *stream)
{
  const MillStreamRow *row = stream->row;
  gboolean continues = row->phase == MILL_PHASE_RUNNING ||
      row->phase == MILL_PHASE_FAILED;
  if (continues && row->epoch > 0 &&
      g_str_equal (row->boot_id, runner->boot_id))
    return row->epoch;
  return (guint64) g_get_monotonic_time () * 1000;
}

gboolean
mill_runner_begin (MillRunner *runner, MillStream *stream, MillRunSpec *spec,
    GError **error)
{
  MillStreamClock clock = mill_stream_clock ();
  guint64 generation;
  if (!mill_store_next_generation (runner->context.store, &generation, error))
    return FALSE;
  spec->graph->epoch_ns = choose_epoch (runner, stream);
  stream->policy = spec->policy;
  stream->needs_publisher = spec->n_places > 0;
  g_clear_handle_id (&stream->timer, g_source_remove);
  MillStreamRun run = { .owner = mill_worker_proxy_get_id (runner->worker),
    .generation = generation,
    .epoch = spec->graph->epoch_ns,
    .boot_id = runner->boot_id,
    .graph = spec->graph };
  mill_stream_begin (stream, &run, &clock);
  mill_stream_set_parts (stream, spec->n_processes,
      g_steal_pointer (&spec->graph));
  mill_runner_save (runner, stream);
  return TRUE;
}

MillWorkerStart
mill_runner_describe_start (const MillStream *stream)
{
  if (stream->graph)
    stream->graph->process = 0;
  return (MillWorkerStart){ .stream = stream->row->name,
    .generation = stream->row->generation,
    .graph = stream->graph };
}

void
mill_runner_take_failure (MillRunner *runner, MillStream *stream,
    const GError *error)
{
  MillStreamClock clock = mill_stream_clock ();
  g_autofree gchar *text = mill_ipc_error_get_message (error);
  g_autoptr (MillStreamReport) report =
      mill_stream_report_new (stream->row->name, stream->row->generation);
  report->state = MILL_STREAM_FAILED;
  g_free (report->last_error);
  report->last_error = g_strdup (text);
  MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name, "not started: %s",
      text);
  MillStreamStep step = mill_stream_take_report (stream, report, &clock);
  mill_runner_settle (runner, stream, &step);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillRunnerCall) call = user_data;
  g_autoptr (GError) error = NULL;
  gboolean started =
      mill_worker_proxy_start_stream_finish (MILL_WORKER_PROXY (source), result,
          &error);
  MillStream *stream = mill_runner_call_find_stream (call);
  if (!started && stream)
    mill_runner_take_failure (call->runner, stream, error);
}

static MillRunSpec *
plan (MillRunner *runner, const MillStream *stream, const gchar *text,
    GError **error)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (GHashTable) params = mill_stream_registry_get_params (stream);
  MillRunRequest request = { .pipeline = stream->row->pipeline,
    .text = text,
    .file = stream->row->run_file,
    .stream = stream->row->name,
    .media_dir = runner->context.config->media_dir,
    .runtime_dir = runner->context.config->runtime_dir,
    .params = params };
  MillRunSpec *spec =
      mill_run_spec_new (runner->context.catalog, &request, diagnostics);
  if (!spec) {
    g_autofree gchar *mistakes = mill_diagnostics_to_string (diagnostics);
    g_set_error_literal (error, MILL_RUNNER_ERROR, MILL_RUNNER_ERROR_PIPELINE,
        g_strchomp (mistakes));
  }
  return spec;
}

MillRunSpec *
mill_runner_plan (MillRunner *runner, const MillStream *stream, GError **error)
{
  return plan (runner, stream, NULL, error);
}

MillRunSpec *
mill_runner_plan_again (MillRunner *runner, const MillStream *stream,
    GError **error)
{
  return plan (runner, stream, stream->row->run_text, error);
}

gboolean
mill_runner_launch (MillRunner *runner, MillStream *stream, GError **error)
{
  g_autoptr (MillRunSpec) spec = mill_runner_plan (runner, stream, error);
  if (!spec)
    return FALSE;
  stream->needs_publisher = spec->n_places > 0;
  stream->policy = spec->policy;
  if (spec->n_places > 0)
    return TRUE;
  if (!runner->worker) {
    g_set_error_literal (error, MILL_RUNNER_ERROR, MILL_RUNNER_ERROR_NO_WORKER,
        "no worker is connected just now");
    return FALSE;
  }
  if (!mill_runner_begin (runner, stream, spec, error))
    return FALSE;
  MillWorkerStart start = mill_runner_describe_start (stream);
  mill_worker_proxy_start_stream_async (runner->worker, &start, on_started,
      mill_runner_call_new (runner, stream));
  mill_part_runner_start (runner->parts, stream, MILL_PART_RUNNER_START);
  return TRUE;
}

/* ---- steps in time ---- */

static void
on_restart_due (gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  MillRunnerCall *call = user_data;
  MillStream *stream = mill_runner_call_find_stream (call);
  if (!stream)
    return;
  stream->timer = 0;
  if (!mill_stream_is_running (stream) &&
      stream->row->desired == MILL_DESIRED_RUNNING &&
      !mill_runner_launch (call->runner, stream, &error))
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
        "not restarted: %s", error->message);
}

static void
on_wait_over (gpointer user_data)
{
  MillRunnerCall *call = user_data;
  MillStreamClock clock = mill_stream_clock ();
  MillStreamStep nothing = { MILL_STEP_NOTHING, 0 };
  MillStream *stream = mill_runner_call_find_stream (call);
  if (!stream)
    return;
  stream->timer = 0;
  mill_stream_give_up (stream, &clock);
  mill_runner_settle (call->runner, stream, &nothing);
}

static gboolean
on_timer (gpointer user_data)
{
  MillRunnerCall *call = user_data;
  MillStream *stream = mill_runner_call_find_stream (call);
  if (stream && mill_stream_is_running (stream))
    on_wait_over (call);
  else
    on_restart_due (call);
  return G_SOURCE_REMOVE;
}

static void
run_step (MillRunner *runner, MillStream *stream, const MillStreamStep *step)
{
  if (step->kind == MILL_STEP_NOTHING || runner->draining)
    return;
  g_clear_handle_id (&stream->timer, g_source_remove);
  stream->timer = g_timeout_add_full (G_PRIORITY_DEFAULT, step->delay_ms,
      on_timer, mill_runner_call_new (runner, stream),
      (GDestroyNotify) mill_runner_call_free);
}

/* ---- what the workers report ---- */

static void
log_change (const MillStream *stream, MillStreamStatus before,
    const gchar *error)
{
  if (stream->state != before)
    MILL_LOG_STREAM (stream->state == MILL_STATUS_FAILED ? G_LOG_LEVEL_WARNING
                                                         : G_LOG_LEVEL_MESSAGE,
        stream->row->name, "%s -> %s%s%s",
        mill_stream_status_to_string (before),
        mill_stream_status_to_string (stream->state), *error ? ": " : "",
        error);
}

static void
on_stream_changed (MillWorkerProxy *worker, const MillStreamReport *report,
    gpointer user_data)
{
  MillRunner *runner = user_data;
  MillStreamClock clock = mill_stream_clock ();
  MillStream *stream =
      mill_stream_registry_find (runner->context.registry, report->name);
  if (!stream)
    return;
  MillStreamStatus before = stream->state;
  MillStreamStep step = mill_stream_take_report (stream, report, &clock);
  log_change (stream, before, report->last_error);
  mill_admissions_take_report (runner->admissions, report);
  mill_runner_settle (runner, stream, &step);
}

static const gchar *
get_detail (const MillWorkerEvent *event, const gchar *name)
{
  const gchar *text = "";

  g_variant_lookup (event->details, name, "&s", &text);
  return text;
}

/* Also in the stream's own log, which stays when nobody follows along. */
static void
log_event (MillStream *stream, const MillWorkerEvent *event)
{
  MillStreamClock clock = mill_stream_clock ();
  const gchar *message = get_detail (event, "message");

  if (g_str_equal (event->type, "health.warning"))
    mill_stream_log (stream, "warning", &clock, "%s: %s",
        get_detail (event, "warning"), message);
  else if (g_str_equal (event->type, "health.cleared"))
    mill_stream_log (stream, "info", &clock, "%s is over%s",
        get_detail (event, "warning"), message);
  else if (g_str_equal (event->type, "stream.warning"))
    mill_stream_log (stream, "warning", &clock, "%s: %s",
        get_detail (event, "node"), message);
  else if (g_str_equal (event->type, "input.switched"))
    mill_stream_log (stream, "info", &clock, "%s is shown: %s",
        get_detail (event, "shows"), message);
  else if (g_str_equal (event->type, "input.chosen"))
    mill_stream_log (stream, "info", &clock, "an operator has chosen %s",
        get_detail (event, "input"));
}

static void
on_stream_event (MillWorkerProxy *worker, const MillWorkerEvent *event,
    gpointer user_data)
{
  MillRunner *runner = user_data;
  MillStream *stream =
      mill_stream_registry_find (runner->context.registry, event->stream);
  if (!stream || stream->row->generation != event->generation)
    return;
  log_event (stream, event);
  mill_event_feed_stream_event (runner->events, stream, event);
}

static void
on_part_changed (MillStream *stream, gpointer user_data)
{
  MillStreamStep nothing = { MILL_STEP_NOTHING, 0 };
  mill_runner_settle (user_data, stream, &nothing);
}

void
mill_runner_attach (MillRunner *runner, MillWorkerProxy *worker)
{
  const MillProcessReport *process = mill_worker_proxy_get_report (worker);
  MillStreamClock clock = mill_stream_clock ();
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (runner->context.registry);

  g_set_object (&runner->worker, worker);
  mill_admissions_set_worker (runner->admissions, worker);
  runner->handlers[0] = g_signal_connect (worker, "publish-requested",
      G_CALLBACK (mill_runner_publish_take), runner);
  runner->handlers[1] = g_signal_connect (worker, "stream-changed",
      G_CALLBACK (on_stream_changed), runner);
  runner->handlers[2] = g_signal_connect (worker, "stream-event",
      G_CALLBACK (on_stream_event), runner);
  mill_runner_adopt_end_strangers (runner, process);
  for (guint i = 0; i < streams->len; i++)
    mill_runner_adopt_stream (runner, g_ptr_array_index (streams, i), process,
        &clock);
  mill_fleet_end_strangers (runner->fleet);
}

static void
let_go_of_worker (MillRunner *runner)
{
  for (guint i = 0; i < G_N_ELEMENTS (runner->handlers); i++)
    g_clear_signal_handler (&runner->handlers[i], runner->worker);
  mill_admissions_set_worker (runner->admissions, NULL);
  g_clear_object (&runner->worker);
}

void
mill_runner_detach (MillRunner *runner, const gchar *reason)
{
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (runner->context.registry);
  MillStreamClock clock = mill_stream_clock ();
  if (!runner->worker)
    return;
  let_go_of_worker (runner);
  for (guint i = 0; i < streams->len; i++) {
    MillStream *stream = g_ptr_array_index (streams, i);
    if (!mill_stream_is_running (stream) || !stream->row->owner)
      continue;
    MillStreamStep step = mill_stream_lose (stream, reason, &clock);
    mill_runner_settle (runner, stream, &step);
  }
}

/* ---- the end ---- */

static gboolean
on_drain_timeout (gpointer user_data)
{
  MillRunner *runner = user_data;
  runner->drain_timer = 0;
  g_warning ("%u streams did not end in time",
      mill_stream_registry_count_running (runner->context.registry));
  finish_drain (runner);
  return G_SOURCE_REMOVE;
}

static void
end_stream_for_drain (MillRunner *runner, MillStream *stream)
{
  MillStreamClock clock = mill_stream_clock ();
  g_clear_handle_id (&stream->timer, g_source_remove);
  if (!mill_stream_is_running (stream))
    return;
  if (!stream->row->owner) {
    mill_stream_give_up (stream, &clock);
    mill_runner_save (runner, stream);
  } else
    mill_worker_proxy_stop_stream_async (runner->worker, stream->row->name,
        MILL_WORKER_STOP_EOS, NULL, NULL);
}

void
mill_runner_drain (MillRunner *runner, guint timeout_ms, GSourceOnceFunc done,
    gpointer user_data)
{
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (runner->context.registry);
  runner->draining = TRUE;
  mill_part_runner_drain (runner->parts);
  runner->drain_done = done;
  runner->drain_data = user_data;
  runner->drain_timer = g_timeout_add (timeout_ms, on_drain_timeout, runner);
  for (guint i = 0; runner->worker && i < streams->len; i++)
    end_stream_for_drain (runner, g_ptr_array_index (streams, i));
  if (!runner->worker ||
      mill_stream_registry_count_running (runner->context.registry) == 0)
    finish_drain (runner);
}

/* ---- life ---- */

MillRunner *
mill_runner_new (const MillPublishContext *context, MillFleet *fleet,
    MillEventLog *events)
{
  MillRunner *runner = g_new0 (MillRunner, 1);
  runner->context = *context;
  runner->fleet = fleet;
  runner->events = events;
  runner->boot_id = read_boot_id ();
  runner->life = g_cancellable_new ();
  runner->parts =
      mill_part_runner_new (fleet, context->registry, on_part_changed, runner);
  runner->gate = mill_publish_gate_new (context->store, context->config);
  runner->admissions = mill_admissions_new (context->store, context->registry,
      mill_runner_publish_end, runner);
  runner->sweeper =
      mill_stream_sweeper_new (context->registry, context->config->media_dir);
  return runner;
}

void
mill_runner_free (MillRunner *runner)
{
  if (!runner)
    return;
  g_cancellable_cancel (runner->life);
  g_clear_object (&runner->life);
  g_clear_handle_id (&runner->drain_timer, g_source_remove);
  mill_part_runner_free (runner->parts);
  mill_stream_sweeper_free (runner->sweeper);
  if (runner->worker)
    let_go_of_worker (runner);
  mill_publish_gate_free (runner->gate);
  mill_admissions_free (runner->admissions);
  g_free (runner->boot_id);
  g_free (runner);
}

void
mill_runner_set_config (MillRunner *runner, const MillConfig *config)
{
  runner->context.config = config;
  mill_publish_gate_set_config (runner->gate, config);
}

MillWorkerProxy *
mill_runner_get_worker (MillRunner *runner)
{
  return runner->worker;
}
