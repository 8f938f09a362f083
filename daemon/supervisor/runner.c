/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "runner.h"

#include <string.h>

#include "daemon/ipc/ipc.h"
#include "stream-directory.h"

/* How often streams that nobody declared are looked at: they are forgotten
 * when the worker has removed their directory. */
#define SWEEP_SECONDS 10
/* What failed stays visible, and a directory whose packager died with its
 * worker stays playable, for this long. */
#define ORPHAN_SECONDS 3600

struct _MillRunner
{
  MillPublishContext context;
  gchar *boot_id;
  MillWorkerProxy *worker; /* nullable */
  gulong handlers[2];
  GCancellable *life; /* cancelled when the runner is freed */
  guint sweep_timer;
  guint64 publishes[MILL_PUBLISH_N_RESULTS];

  gboolean draining;
  guint drain_timer;
  GSourceOnceFunc drain_done;
  gpointer drain_data;
};

G_DEFINE_QUARK (mill_runner_error, mill_runner_error)

/* A stream may be gone by the time an answer comes: callbacks find it again
 * by name and generation. */
typedef struct
{
  MillRunner *runner;
  GCancellable *life;
  gchar *name;
  guint64 generation;
} Call;

static Call *
call_new (MillRunner *runner, const MillStream *stream)
{
  Call *call = g_new0 (Call, 1);
  call->runner = runner;
  call->life = g_object_ref (runner->life);
  call->name = g_strdup (stream->row->name);
  call->generation = stream->row->generation;
  return call;
}

static void
call_free (Call *call)
{
  g_object_unref (call->life);
  g_free (call->name);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* Returns: (transfer none) (nullable): NULL when it no longer matters */
static MillStream *
call_find_stream (const Call *call)
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

/* A store that fails must not stop media: the stream goes on, and what it did
 * since is found again from its worker. */
static void
save (MillRunner *runner, MillStream *stream)
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

/* After each event of a stream. */
static void
settle (MillRunner *runner, MillStream *stream, const MillStreamStep *step)
{
  run_step (runner, stream, step);
  /* Ended by us, not by itself: it starts again with the daemon. */
  if (runner->draining && stream->row->phase == MILL_PHASE_ENDED)
    stream->row->phase = MILL_PHASE_IDLE;
  save (runner, stream);
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

static gboolean
begin (MillRunner *runner, MillStream *stream, MillRunSpec *spec,
    GError **error)
{
  MillStreamClock clock = mill_stream_clock ();
  guint64 generation;
  if (!mill_store_next_generation (runner->context.store, &generation, error))
    return FALSE;
  spec->graph->epoch_ns = choose_epoch (runner, stream);
  stream->policy = spec->policy;
  stream->needs_publisher = spec->needs_publisher;
  g_clear_handle_id (&stream->timer, g_source_remove);
  MillStreamRun run = { .owner = mill_worker_proxy_get_id (runner->worker),
    .generation = generation,
    .epoch = spec->graph->epoch_ns,
    .boot_id = runner->boot_id };
  mill_stream_begin (stream, &run, &clock);
  save (runner, stream);
  return TRUE;
}

static void
take_failure (MillRunner *runner, MillStream *stream, const GError *error)
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
  settle (runner, stream, &step);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  gboolean started =
      mill_worker_proxy_start_stream_finish (MILL_WORKER_PROXY (source), result,
          &error);
  MillStream *stream = call_find_stream (call);
  if (!started && stream)
    take_failure (call->runner, stream, error);
}

/* The publisher gave up before the worker heard our answer, as all do while
 * millraced does not run. Nothing failed: it may come back to its timeline. */
static void
take_absence (MillRunner *runner, MillStream *stream)
{
  MillStreamClock clock = mill_stream_clock ();
  MillStreamStep step = mill_stream_lose (stream,
      "the publisher left before it was answered", &clock);
  settle (runner, stream, &step);
}

static MillRunSpec *
plan_stream (MillRunner *runner, const MillStream *stream, GError **error)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (GHashTable) params = mill_stream_registry_get_params (stream);
  MillRunRequest request = { .pipeline = stream->row->pipeline,
    .stream = stream->row->name,
    .media_dir = runner->context.config->media_dir,
    .params = params };
  MillRunSpec *spec =
      mill_run_spec_new (runner->context.catalog, &request, diagnostics);
  if (!spec) {
    g_autofree gchar *text = mill_diagnostics_to_string (diagnostics);
    g_set_error_literal (error, MILL_RUNNER_ERROR, MILL_RUNNER_ERROR_PIPELINE,
        g_strchomp (text));
  }
  return spec;
}

/* Starts what needs no publisher; the others wait for theirs. */
static gboolean
launch (MillRunner *runner, MillStream *stream, GError **error)
{
  g_autoptr (MillRunSpec) spec = plan_stream (runner, stream, error);
  if (!spec)
    return FALSE;
  stream->needs_publisher = spec->needs_publisher;
  stream->policy = spec->policy;
  if (spec->needs_publisher)
    return TRUE;
  if (!runner->worker) {
    g_set_error_literal (error, MILL_RUNNER_ERROR, MILL_RUNNER_ERROR_NO_WORKER,
        "no worker is connected just now");
    return FALSE;
  }
  if (!begin (runner, stream, spec, error))
    return FALSE;
  MillWorkerStart start = { .stream = stream->row->name,
    .generation = stream->row->generation,
    .graph = spec->graph };
  mill_worker_proxy_start_stream_async (runner->worker, &start, on_started,
      call_new (runner, stream));
  return TRUE;
}

/* ---- steps in time ---- */

static void
on_restart_due (gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  Call *call = user_data;
  MillStream *stream = call_find_stream (call);
  if (!stream)
    return;
  stream->timer = 0;
  if (!mill_stream_is_running (stream) &&
      stream->row->desired == MILL_DESIRED_RUNNING &&
      !launch (call->runner, stream, &error))
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
        "not restarted: %s", error->message);
}

static void
on_wait_over (gpointer user_data)
{
  Call *call = user_data;
  MillStreamClock clock = mill_stream_clock ();
  MillStreamStep nothing = { MILL_STEP_NOTHING, 0 };
  MillStream *stream = call_find_stream (call);
  if (!stream)
    return;
  stream->timer = 0;
  mill_stream_give_up (stream, &clock);
  settle (call->runner, stream, &nothing);
}

static gboolean
on_timer (gpointer user_data)
{
  Call *call = user_data;
  MillStream *stream = call_find_stream (call);
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
      on_timer, call_new (runner, stream), (GDestroyNotify) call_free);
}

/* ---- publishers ---- */

static void
on_publish_accepted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  gboolean accepted =
      mill_worker_proxy_accept_publish_finish (MILL_WORKER_PROXY (source),
          result, &error);
  MillStream *stream = call_find_stream (call);
  if (accepted || !stream || stream->state != MILL_STATUS_STARTING)
    return;
  if (g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND))
    take_absence (call->runner, stream);
  else
    take_failure (call->runner, stream, error);
}

static MillStream *
take_stream (MillRunner *runner, const MillPublishDecision *decision)
{
  MillStream *stream =
      mill_stream_registry_find (runner->context.registry, decision->stream);
  if (!stream)
    stream = mill_stream_registry_add (runner->context.registry,
        decision->stream, decision->app->name, decision->app->pipeline);
  if (!stream->row->declared) {
    g_free (stream->row->app);
    stream->row->app = g_strdup (decision->app->name);
    g_free (stream->row->pipeline);
    stream->row->pipeline = g_strdup (decision->app->pipeline);
  }
  return stream;
}

static gboolean
accept_publisher (MillRunner *runner, guint64 request,
    MillPublishDecision *decision, GError **error)
{
  MillStream *stream = take_stream (runner, decision);
  if (decision->spec && !begin (runner, stream, decision->spec, error))
    return FALSE;
  MillWorkerStart start = { .stream = stream->row->name,
    .generation = stream->row->generation,
    .graph = decision->spec ? decision->spec->graph : NULL };
  mill_worker_proxy_accept_publish_async (runner->worker, request, &start,
      on_publish_accepted, call_new (runner, stream));
  return TRUE;
}

static void
refuse_publisher (MillRunner *runner, guint64 request,
    const MillPublisher *publisher, const MillPublishDecision *decision)
{
  runner->publishes[decision->result]++;
  g_message ("publisher %s refused (%s): %s", publisher->address,
      mill_publish_result_to_string (decision->result), decision->text);
  mill_worker_proxy_refuse_publish (runner->worker, request,
      mill_publish_result_to_code (decision->result), decision->text);
}

static void
on_publish_requested (MillWorkerProxy *worker, guint64 request,
    const MillPublisher *publisher, gpointer user_data)
{
  MillRunner *runner = user_data;
  MillStreamClock clock = mill_stream_clock ();
  g_autoptr (GError) error = NULL;
  g_autoptr (MillPublishDecision) decision =
      mill_publish_decide (&runner->context, publisher, &clock);

  if (runner->draining && !decision->text) {
    decision->result = MILL_PUBLISH_UNAVAILABLE;
    decision->text = g_strdup ("the server is shutting down");
  }
  if (!decision->text &&
      !accept_publisher (runner, request, decision, &error)) {
    g_warning ("publisher refused: %s", error->message);
    decision->result = MILL_PUBLISH_UNAVAILABLE;
    decision->text = g_strdup ("the daemon cannot keep streams just now");
  }
  if (decision->text) {
    refuse_publisher (runner, request, publisher, decision);
    return;
  }
  runner->publishes[decision->result]++;
  MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, decision->stream,
      "publisher %s accepted", publisher->address);
}

/* ---- what the worker reports ---- */

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
  if (stream->state != before)
    MILL_LOG_STREAM (stream->state == MILL_STATUS_FAILED ? G_LOG_LEVEL_WARNING
                                                         : G_LOG_LEVEL_MESSAGE,
        report->name, "%s -> %s%s%s", mill_stream_status_to_string (before),
        mill_stream_status_to_string (stream->state),
        *report->last_error ? ": " : "", report->last_error);
  settle (runner, stream, &step);
}

static void
ignore_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* Its end is reported by "stream-changed", or it was not there at all. */
}

static const MillStreamReport *
find_report (const MillProcessReport *process, const gchar *name)
{
  for (guint i = 0; i < process->streams->len; i++) {
    const MillStreamReport *report = g_ptr_array_index (process->streams, i);
    if (g_str_equal (report->name, name))
      return report;
  }
  return NULL;
}

/* Streams of the worker that are not, or no longer, of this installation. */
static void
end_strangers (MillRunner *runner, const MillProcessReport *process)
{
  for (guint i = 0; i < process->streams->len; i++) {
    const MillStreamReport *report = g_ptr_array_index (process->streams, i);
    MillStream *stream =
        mill_stream_registry_find (runner->context.registry, report->name);
    if (stream && stream->row->generation == report->generation &&
        stream->row->desired == MILL_DESIRED_RUNNING)
      continue;
    MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, report->name,
        "runs in the worker but is not wanted: ended");
    mill_worker_proxy_stop_stream_async (runner->worker, report->name,
        MILL_WORKER_STOP_EOS, ignore_result, NULL);
  }
}

/* The plan of an adopted stream says what it needs; when the description is
 * gone in the meantime, having a publisher does. */
static void
learn_plan (MillRunner *runner, MillStream *stream,
    const MillStreamReport *report)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillRunSpec) spec = plan_stream (runner, stream, &error);
  stream->needs_publisher = spec ? spec->needs_publisher
                                 : (!report || report->publisher != NULL);
  if (spec)
    stream->policy = spec->policy;
}

static void
adopt_stream (MillRunner *runner, MillStream *stream,
    const MillProcessReport *process, const MillStreamClock *clock)
{
  const MillStreamReport *report = find_report (process, stream->row->name);
  MillStreamStep step = { MILL_STEP_NOTHING, 0 };

  if (mill_stream_is_running (stream)) {
    learn_plan (runner, stream, report);
    if (report && report->generation == stream->row->generation) {
      g_free (stream->row->owner);
      stream->row->owner = g_strdup (process->id);
      step = mill_stream_take_report (stream, report, clock);
      stream->since = report->since * G_USEC_PER_SEC;
    } else
      step = mill_stream_lose (stream,
          "its worker was gone when millraced started", clock);
    settle (runner, stream, &step);
  } else if (stream->row->declared && stream->row->phase != MILL_PHASE_ENDED &&
      stream->row->desired == MILL_DESIRED_RUNNING) {
    g_autoptr (GError) error = NULL;
    if (!launch (runner, stream, &error))
      MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
          "not started: %s", error->message);
  }
}

void
mill_runner_attach (MillRunner *runner, MillWorkerProxy *worker)
{
  const MillProcessReport *process = mill_worker_proxy_get_report (worker);
  MillStreamClock clock = mill_stream_clock ();
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (runner->context.registry);

  g_set_object (&runner->worker, worker);
  runner->handlers[0] = g_signal_connect (worker, "publish-requested",
      G_CALLBACK (on_publish_requested), runner);
  runner->handlers[1] = g_signal_connect (worker, "stream-changed",
      G_CALLBACK (on_stream_changed), runner);
  end_strangers (runner, process);
  for (guint i = 0; i < streams->len; i++)
    adopt_stream (runner, g_ptr_array_index (streams, i), process, &clock);
}

static void
let_go_of_worker (MillRunner *runner)
{
  for (guint i = 0; i < G_N_ELEMENTS (runner->handlers); i++)
    g_clear_signal_handler (&runner->handlers[i], runner->worker);
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
    settle (runner, stream, &step);
  }
}

/* ---- what a user asks for ---- */

gboolean
mill_runner_start_stream (MillRunner *runner, MillStream *stream,
    GError **error)
{
  MillStreamClock clock = mill_stream_clock ();
  if (mill_stream_is_running (stream) && stream->row->owner &&
      stream->row->desired == MILL_DESIRED_RUNNING)
    return TRUE;
  g_clear_handle_id (&stream->timer, g_source_remove);
  mill_stream_set_desired (stream, MILL_DESIRED_RUNNING, &clock);
  gboolean launched = mill_stream_is_running (stream) ||
      launch (runner, stream, error);
  save (runner, stream);
  return launched;
}

gboolean
mill_runner_stop_stream (MillRunner *runner, MillStream *stream, GError **error)
{
  MillStreamClock clock = mill_stream_clock ();
  g_clear_handle_id (&stream->timer, g_source_remove);
  mill_stream_set_desired (stream, MILL_DESIRED_STOPPED, &clock);
  if (mill_stream_is_running (stream) && runner->worker)
    mill_worker_proxy_stop_stream_async (runner->worker, stream->row->name,
        MILL_WORKER_STOP_EOS, ignore_result, NULL);
  return mill_stream_registry_save (runner->context.registry, stream, error);
}

static void
on_stopped_for_restart (GObject *source, GAsyncResult *result,
    gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  mill_worker_proxy_stop_stream_finish (MILL_WORKER_PROXY (source), result,
      NULL);
  MillStream *stream = call_find_stream (call);
  if (!stream)
    return;
  MillStreamClock clock = mill_stream_clock ();
  stream->row->phase = MILL_PHASE_IDLE;
  g_clear_pointer (&stream->row->owner, g_free);
  mill_stream_set_desired (stream, MILL_DESIRED_RUNNING, &clock);
  if (!launch (call->runner, stream, &error))
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
        "not restarted: %s", error->message);
  save (call->runner, stream);
}

/* For a stream with a publisher: it is disconnected and comes back by itself,
 * as encoders do. */
gboolean
mill_runner_restart_stream (MillRunner *runner, MillStream *stream,
    GError **error)
{
  if (!mill_stream_is_running (stream) || !stream->row->owner ||
      !runner->worker)
    return mill_runner_start_stream (runner, stream, error);
  /* Checked first: a description that no longer plans must not cost the run
   * that works. */
  g_autoptr (MillRunSpec) spec = plan_stream (runner, stream, error);
  if (!spec)
    return FALSE;
  mill_worker_proxy_stop_stream_async (runner->worker, stream->row->name,
      MILL_WORKER_STOP_NOW, on_stopped_for_restart, call_new (runner, stream));
  return TRUE;
}

typedef struct
{
  MillRunner *runner;
  GCancellable *life;
  gchar *name;
} Removal;

static void
on_stopped_for_delete (GObject *source, GAsyncResult *result,
    gpointer user_data)
{
  Removal *removal = user_data;
  mill_worker_proxy_stop_stream_finish (MILL_WORKER_PROXY (source), result,
      NULL);
  /* A publisher may have taken the name again in the meantime: the directory
   * is its then. */
  if (!g_cancellable_is_cancelled (removal->life) &&
      !mill_stream_registry_find (removal->runner->context.registry,
          removal->name))
    mill_stream_directory_remove (removal->runner->context.config->media_dir,
        removal->name);
  g_object_unref (removal->life);
  g_free (removal->name);
  g_free (removal);
}

gboolean
mill_runner_delete_stream (MillRunner *runner, MillStream *stream,
    GError **error)
{
  g_autofree gchar *name = g_strdup (stream->row->name);
  gboolean running = mill_stream_is_running (stream) && stream->row->owner;

  if (!mill_stream_registry_remove (runner->context.registry, stream, error))
    return FALSE;
  if (!running || !runner->worker) {
    mill_stream_directory_remove (runner->context.config->media_dir, name);
    return TRUE;
  }
  Removal *removal = g_new0 (Removal, 1);
  removal->runner = runner;
  removal->life = g_object_ref (runner->life);
  removal->name = g_strdup (name);
  mill_worker_proxy_stop_stream_async (runner->worker, name,
      MILL_WORKER_STOP_NOW, on_stopped_for_delete, removal);
  return TRUE;
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
    save (runner, stream);
  } else
    mill_worker_proxy_stop_stream_async (runner->worker, stream->row->name,
        MILL_WORKER_STOP_EOS, ignore_result, NULL);
}

void
mill_runner_drain (MillRunner *runner, guint timeout_ms, GSourceOnceFunc done,
    gpointer user_data)
{
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (runner->context.registry);
  runner->draining = TRUE;
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

static gboolean
is_forgotten (MillRunner *runner, const MillStream *stream)
{
  const gchar *media_dir = runner->context.config->media_dir;
  gint64 age_s = (g_get_real_time () - stream->since) / G_USEC_PER_SEC;
  gint64 kept_s = stream->state == MILL_STATUS_FAILED ? ORPHAN_SECONDS
                                                      : SWEEP_SECONDS;
  if (stream->row->declared || mill_stream_is_running (stream) ||
      stream->row->desired == MILL_DESIRED_STOPPED)
    return FALSE;
  if (stream->orphaned && age_s >= ORPHAN_SECONDS)
    mill_stream_directory_remove (media_dir, stream->row->name);
  return age_s >= kept_s &&
      !mill_stream_directory_exists (media_dir, stream->row->name);
}

static gboolean
on_sweep (gpointer user_data)
{
  MillRunner *runner = user_data;
  g_autoptr (GPtrArray) streams =
      mill_stream_registry_list (runner->context.registry);
  for (guint i = 0; i < streams->len; i++) {
    MillStream *stream = g_ptr_array_index (streams, i);
    g_autoptr (GError) error = NULL;
    if (is_forgotten (runner, stream) &&
        !mill_stream_registry_remove (runner->context.registry, stream, &error))
      g_warning ("stream not forgotten: %s", error->message);
  }
  return G_SOURCE_CONTINUE;
}

MillRunner *
mill_runner_new (const MillPublishContext *context)
{
  MillRunner *runner = g_new0 (MillRunner, 1);
  runner->context = *context;
  runner->boot_id = read_boot_id ();
  runner->life = g_cancellable_new ();
  runner->sweep_timer = g_timeout_add_seconds (SWEEP_SECONDS, on_sweep, runner);
  return runner;
}

void
mill_runner_free (MillRunner *runner)
{
  if (!runner)
    return;
  g_cancellable_cancel (runner->life);
  g_clear_object (&runner->life);
  g_clear_handle_id (&runner->sweep_timer, g_source_remove);
  g_clear_handle_id (&runner->drain_timer, g_source_remove);
  if (runner->worker)
    let_go_of_worker (runner);
  g_free (runner->boot_id);
  g_free (runner);
}

void
mill_runner_set_config (MillRunner *runner, const MillConfig *config)
{
  runner->context.config = config;
}

guint64
mill_runner_get_publishes (MillRunner *runner, MillPublishResult result)
{
  return runner->publishes[result];
}

MillWorkerProxy *
mill_runner_get_worker (MillRunner *runner)
{
  return runner->worker;
}
