/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker-methods.h"

#include <unistd.h>

#include "daemon/common/self-stats.h"
#include "daemon/ipc/ipc.h"
#include "daemon/worker/worker-door.h"
#include "daemon/worker/worker-life.h"
#include "daemon/worker/worker-private.h"
#include "daemon/worker/worker-table.h"

#define CODE_BAD_NAME "NetStream.Publish.BadName"
#define CODE_DENIED "NetStream.Publish.Denied"

static const gchar *
refusal_code (const GError *error)
{
  return g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS)
      ? CODE_BAD_NAME
      : CODE_DENIED;
}

static MillTakeover
read_takeover (GVariant *graph)
{
  const gchar *text;

  return g_variant_lookup (graph, "takeover", "&s", &text)
      ? mill_takeover_from_string (text)
      : MILL_TAKEOVER_REFUSE;
}

static gboolean
on_answer_publish (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    guint64 id, gboolean accept, const gchar *code, const gchar *reason,
    const gchar *name, guint64 generation, GVariant *graph, MillWorker *worker)
{
  MillDoorRequest *request =
      worker->door ? mill_rtmp_door_take (worker->door, id) : NULL;
  GError *error = NULL;

  if (!request) {
    g_dbus_method_invocation_return_error (invocation, MILL_IPC_ERROR,
        MILL_IPC_ERROR_NOT_FOUND,
        "publish request %" G_GUINT64_FORMAT ": timed out or never was", id);
    return TRUE;
  }
  if (!accept) {
    mill_rtmp_door_request_refuse (request, code, reason);
    mill_ipc_worker1_complete_answer_publish (skeleton, invocation);
    return TRUE;
  }
  const MillWorkerNewStream new_stream = {
    .name = name,
    .generation = generation,
    .graph = graph,
    .session = mill_rtmp_door_request_get_session (request),
    .publisher = mill_rtmp_door_request_get_publisher (request),
    .takeover = read_takeover (graph),
  };
  if (mill_worker_table_admit (worker, &new_stream, &error)) {
    mill_rtmp_door_request_accept (request, name);
    mill_ipc_worker1_complete_answer_publish (skeleton, invocation);
  } else {
    /* Details are for the operator, not for whoever knocks. */
    mill_rtmp_door_request_refuse (request, refusal_code (error),
        "The stream cannot be started");
    g_dbus_method_invocation_take_error (invocation, error);
  }
  return TRUE;
}

static gboolean
on_listen (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *kind, const gchar *address, MillWorker *worker)
{
  GError *error = NULL;
  const gchar *bound = mill_worker_door_open (worker, kind, address, &error);

  if (bound)
    mill_ipc_worker1_complete_listen (skeleton, invocation, bound);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
on_set_tls (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *certificate, const gchar *key, MillWorker *worker)
{
  GError *error = NULL;

  if (mill_worker_door_set_tls (worker, certificate, key, &error))
    mill_ipc_worker1_complete_set_tls (skeleton, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
on_set_bounds (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    GVariant *bounds, MillWorker *worker)
{
  mill_worker_door_set_bounds (worker, bounds);
  mill_ipc_worker1_complete_set_bounds (skeleton, invocation);
  return TRUE;
}

static void
describe_listeners (MillWorker *worker, MillProcessReport *report)
{
  for (guint i = 0; worker->door && i < MILL_RTMP_DOOR_N_KINDS; i++) {
    const gchar *bound = mill_rtmp_door_get_bound (worker->door, i);
    if (bound)
      g_hash_table_insert (report->listeners,
          g_strdup (mill_rtmp_door_kind_to_string (i)), g_strdup (bound));
  }
}

static GVariant *
describe (MillWorker *worker)
{
  g_autoptr (MillProcessReport) report = mill_process_report_new ();
  GHashTableIter iter;
  gpointer stream;

  report->protocol = MILL_IPC_PROTOCOL;
  report->version = g_strdup (MILL_VERSION);
  report->id = g_strdup (worker->id);
  report->kind = worker->kind;
  report->pid = (guint) getpid ();
  report->since = worker->since;
  report->draining = worker->draining;
  report->media_dir = g_strdup (worker->media_dir);
  describe_listeners (worker, report);
  g_hash_table_iter_init (&iter, worker->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    g_ptr_array_add (report->streams, mill_worker_stream_get_report (stream));
  return mill_process_report_to_variant (report);
}

static gboolean
on_describe (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    MillWorker *worker)
{
  mill_ipc_worker1_complete_describe (skeleton, invocation, describe (worker));
  if (!worker->described) {
    worker->described = TRUE;
    if (worker->door)
      mill_rtmp_door_repeat (worker->door);
  }
  return TRUE;
}

static gboolean
on_start_stream (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, guint64 generation, GVariant *graph, MillWorker *worker)
{
  const MillWorkerNewStream new_stream = {
    .name = name,
    .generation = generation,
    .graph = graph,
  };
  GError *error = NULL;

  if (mill_worker_table_add (worker, &new_stream, &error))
    mill_ipc_worker1_complete_start_stream (skeleton, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
on_drop_publisher (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, const gchar *address, const gchar *reason,
    MillWorker *worker)
{
  GError *error = NULL;
  MillWorkerStream *stream = mill_worker_table_find (worker, name, &error);

  if (stream &&
      mill_worker_stream_drop_publisher (stream, address, reason, &error))
    mill_ipc_worker1_complete_drop_publisher (skeleton, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
on_stop_stream (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, const gchar *mode, MillWorker *worker)
{
  const gboolean eos = g_str_equal (mode, "eos");
  GError *error = NULL;

  if (!eos && !g_str_equal (mode, "now")) {
    g_dbus_method_invocation_return_error (invocation, MILL_IPC_ERROR,
        MILL_IPC_ERROR_INVALID, "stop mode '%s': expected 'eos' or 'now'",
        mode);
    return TRUE;
  }
  MillWorkerStream *stream = mill_worker_table_find (worker, name, &error);
  if (!stream) {
    g_dbus_method_invocation_take_error (invocation, error);
    return TRUE;
  }
  mill_worker_table_stop (worker, stream, eos);
  mill_ipc_worker1_complete_stop_stream (skeleton, invocation);
  return TRUE;
}

static gboolean
on_switch_input (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, const gchar *input, MillWorker *worker)
{
  GError *error = NULL;
  MillWorkerStream *stream = mill_worker_table_find (worker, name, &error);

  if (stream && mill_worker_stream_switch_input (stream, input, &error))
    mill_ipc_worker1_complete_switch_input (skeleton, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
on_cue (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, GVariant *cue, MillWorker *worker)
{
  GError *error = NULL;
  MillWorkerStream *stream = mill_worker_table_find (worker, name, &error);

  if (stream && mill_worker_stream_cue (stream, cue, &error))
    mill_ipc_worker1_complete_cue (skeleton, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

static gboolean
on_get_stream (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, MillWorker *worker)
{
  GError *error = NULL;
  MillWorkerStream *stream = mill_worker_table_find (worker, name, &error);

  if (!stream) {
    g_dbus_method_invocation_take_error (invocation, error);
    return TRUE;
  }
  g_autoptr (MillStreamReport) report = mill_worker_stream_get_report (stream);
  mill_ipc_worker1_complete_get_stream (skeleton, invocation,
      mill_stream_report_to_variant (report));
  return TRUE;
}

static gboolean
on_get_graph (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, MillWorker *worker)
{
  GError *error = NULL;
  MillWorkerStream *stream = mill_worker_table_find (worker, name, &error);

  if (!stream) {
    g_dbus_method_invocation_take_error (invocation, error);
    return TRUE;
  }
  g_autofree gchar *dot = mill_worker_stream_to_dot (stream);
  mill_ipc_worker1_complete_get_graph (skeleton, invocation, dot ? dot : "");
  return TRUE;
}

static gboolean
on_get_stats (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    MillWorker *worker)
{
  g_autoptr (MillProcessStats) stats = mill_process_report_stats_new ();
  MillSelfStats self;

  mill_self_stats_get (&self);
  stats->cpu_usec = self.cpu_usec;
  stats->memory_bytes = self.memory_bytes;
  if (worker->door)
    mill_rtmp_door_add_stats (worker->door, stats);
  mill_ipc_worker1_complete_get_stats (skeleton, invocation,
      mill_process_report_stats_to_variant (stats));
  return TRUE;
}

static gboolean
on_drain (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    MillWorker *worker)
{
  g_message ("draining: %u streams left",
      mill_worker_life_count_running (worker));
  worker->draining = TRUE;
  mill_worker_door_close (worker);
  mill_ipc_worker1_complete_drain (skeleton, invocation);
  mill_worker_life_update_later (worker);
  return TRUE;
}

void
mill_worker_methods_connect (MillWorker *worker)
{
  const struct
  {
    const gchar *signal;
    GCallback callback;
  } methods[] = {
    { "handle-listen", G_CALLBACK (on_listen) },
    { "handle-set-tls", G_CALLBACK (on_set_tls) },
    { "handle-set-bounds", G_CALLBACK (on_set_bounds) },
    { "handle-describe", G_CALLBACK (on_describe) },
    { "handle-start-stream", G_CALLBACK (on_start_stream) },
    { "handle-drop-publisher", G_CALLBACK (on_drop_publisher) },
    { "handle-stop-stream", G_CALLBACK (on_stop_stream) },
    { "handle-answer-publish", G_CALLBACK (on_answer_publish) },
    { "handle-switch-input", G_CALLBACK (on_switch_input) },
    { "handle-cue", G_CALLBACK (on_cue) },
    { "handle-get-stream", G_CALLBACK (on_get_stream) },
    { "handle-get-graph", G_CALLBACK (on_get_graph) },
    { "handle-get-stats", G_CALLBACK (on_get_stats) },
    { "handle-drain", G_CALLBACK (on_drain) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    g_signal_connect (worker->skeleton, methods[i].signal, methods[i].callback,
        worker);
}
