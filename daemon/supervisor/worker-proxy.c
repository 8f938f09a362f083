/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/supervisor/worker-proxy.h"

#include "daemon/ipc/ipc.h"
#include "daemon/ipc/mill-ipc-worker1.h"

struct _MillWorkerProxy
{
  GObject parent;

  /* Main loop. */
  MillPeerLink *link;
  MillIpcWorker1 *worker; /* of the link */
};

enum
{
  SIGNAL_PUBLISH_REQUESTED,
  SIGNAL_STREAM_CHANGED,
  SIGNAL_STREAM_EVENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillWorkerProxy, mill_worker_proxy, G_TYPE_OBJECT)

/* ---- signals of the worker ---- */

static void
on_publish_requested (MillIpcWorker1 *worker, guint64 request,
    GVariant *publisher, MillWorkerProxy *proxy)
{
  g_autoptr (MillPublisher) typed = mill_publisher_new_from_variant (publisher);

  g_signal_emit (proxy, signals[SIGNAL_PUBLISH_REQUESTED], 0, request, typed);
}

static void
on_stream_changed (MillIpcWorker1 *worker, const gchar *name,
    guint64 generation, const gchar *state, GVariant *details,
    MillWorkerProxy *proxy)
{
  g_autoptr (MillStreamReport) report =
      mill_stream_report_new_from_variant (details);

  g_free (report->name);
  report->name = g_strdup (name);
  report->generation = generation;
  if (!mill_stream_report_state_from_string (state, &report->state)) {
    g_warning ("stream '%s': got the unknown state '%s' from worker '%s'", name,
        state, mill_worker_proxy_get_id (proxy));
    return;
  }
  g_signal_emit (proxy, signals[SIGNAL_STREAM_CHANGED], 0, report);
}

static void
on_stream_event (MillIpcWorker1 *worker, const gchar *name, guint64 generation,
    const gchar *type, GVariant *details, MillWorkerProxy *proxy)
{
  const MillWorkerEvent event = { name, generation, type, details };

  g_signal_emit (proxy, signals[SIGNAL_STREAM_EVENT], 0, &event);
}

/* ---- connecting ---- */

static MillWorkerProxy *
proxy_new (MillPeerLink *link)
{
  MillWorkerProxy *proxy = g_object_new (MILL_TYPE_WORKER_PROXY, NULL);

  proxy->link = g_object_ref (link);
  proxy->worker = MILL_IPC_WORKER1 (mill_peer_link_get_proxy (link));
  g_signal_connect (proxy->worker, "publish-requested",
      G_CALLBACK (on_publish_requested), proxy);
  g_signal_connect (proxy->worker, "stream-changed",
      G_CALLBACK (on_stream_changed), proxy);
  g_signal_connect (proxy->worker, "stream-event", G_CALLBACK (on_stream_event),
      proxy);
  return proxy;
}

static void
on_linked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (MillPeerLink) link =
      mill_peer_link_connect_finish (result, &error);

  if (link)
    g_task_return_pointer (task, proxy_new (link), g_object_unref);
  else
    g_task_return_error (task, error);
}

void
mill_worker_proxy_connect_async (const gchar *socket_path,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  const MillPeerTarget target = {
    .socket_path = socket_path,
    .object_path = MILL_IPC_WORKER_PATH,
    .interface_name = "org.millrace.Worker1",
    .proxy_type = MILL_IPC_TYPE_WORKER1_PROXY,
  };

  mill_peer_link_connect_async (&target, cancellable, on_linked,
      g_task_new (NULL, cancellable, callback, user_data));
}

MillWorkerProxy *
mill_worker_proxy_connect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
mill_worker_proxy_disconnect (MillWorkerProxy *proxy)
{
  g_signal_handlers_disconnect_by_data (proxy->worker, proxy);
  mill_peer_link_disconnect (proxy->link);
}

MillPeerLink *
mill_worker_proxy_get_link (MillWorkerProxy *proxy)
{
  return proxy->link;
}

const MillProcessReport *
mill_worker_proxy_get_report (MillWorkerProxy *proxy)
{
  return mill_peer_link_get_report (proxy->link);
}

const gchar *
mill_worker_proxy_get_id (MillWorkerProxy *proxy)
{
  return mill_worker_proxy_get_report (proxy)->id;
}

/* ---- calls ---- */

static GTask *
task_new (MillWorkerProxy *proxy, GAsyncReadyCallback callback,
    gpointer user_data)
{
  return g_task_new (proxy, NULL, callback, user_data);
}

static void
on_listening (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gchar *bound = NULL;

  mill_ipc_worker1_call_listen_finish (MILL_IPC_WORKER1 (source), &bound,
      result, &error);
  if (mill_peer_link_check (task, error))
    g_task_return_pointer (task, bound, g_free);
}

void
mill_worker_proxy_listen_async (MillWorkerProxy *proxy, const gchar *kind,
    const gchar *address, GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_worker1_call_listen (proxy->worker, kind, address, NULL,
      on_listening, task_new (proxy, callback, user_data));
}

gchar *
mill_worker_proxy_listen_finish (MillWorkerProxy *proxy, GAsyncResult *result,
    GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_tls_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_set_tls_finish (MILL_IPC_WORKER1 (source), result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_set_tls_async (MillWorkerProxy *proxy,
    const gchar *certificate, const gchar *key, GAsyncReadyCallback callback,
    gpointer user_data)
{
  mill_ipc_worker1_call_set_tls (proxy->worker, certificate, key ? key : "",
      NULL, on_tls_set, task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_set_tls_finish (MillWorkerProxy *proxy, GAsyncResult *result,
    GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_bounds_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_set_bounds_finish (MILL_IPC_WORKER1 (source), result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_set_bounds_async (MillWorkerProxy *proxy,
    const MillWorkerBounds *bounds, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "pending", "u", bounds->pending);
  g_variant_dict_insert (&dict, "pending_per_address", "u",
      bounds->pending_per_address);
  g_variant_dict_insert (&dict, "tls_handshakes_per_address", "u",
      bounds->tls_handshakes_per_address);
  mill_ipc_worker1_call_set_bounds (proxy->worker, g_variant_dict_end (&dict),
      NULL, on_bounds_set, task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_set_bounds_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) dict = NULL;
  GError *error = NULL;

  mill_ipc_worker1_call_describe_finish (MILL_IPC_WORKER1 (source), &dict,
      result, &error);
  if (mill_peer_link_check (task, error))
    g_task_return_pointer (task, mill_process_report_new_from_variant (dict),
        (GDestroyNotify) mill_process_report_free);
}

void
mill_worker_proxy_describe_async (MillWorkerProxy *proxy,
    GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_worker1_call_describe (proxy->worker, NULL, on_described,
      task_new (proxy, callback, user_data));
}

MillProcessReport *
mill_worker_proxy_describe_finish (MillWorkerProxy *proxy, GAsyncResult *result,
    GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_start_stream_finish (MILL_IPC_WORKER1 (source), result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_start_stream_async (MillWorkerProxy *proxy,
    const MillWorkerStart *start, GAsyncReadyCallback callback,
    gpointer user_data)
{
  mill_ipc_worker1_call_start_stream (proxy->worker, start->stream,
      start->generation, mill_graph_spec_to_variant (start->graph), NULL,
      on_started, task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_start_stream_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_stop_stream_finish (MILL_IPC_WORKER1 (source), result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_stop_stream_async (MillWorkerProxy *proxy,
    const gchar *stream, MillWorkerStop mode, GAsyncReadyCallback callback,
    gpointer user_data)
{
  mill_ipc_worker1_call_stop_stream (proxy->worker, stream,
      mode == MILL_WORKER_STOP_EOS ? "eos" : "now", NULL, on_stopped,
      task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_stop_stream_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_answer_publish_finish (MILL_IPC_WORKER1 (source),
      result, &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_accept_publish_async (MillWorkerProxy *proxy, guint64 request,
    const MillWorkerStart *start, GAsyncReadyCallback callback,
    gpointer user_data)
{
  g_autoptr (GVariant) graph =
      g_variant_ref_sink (mill_graph_spec_to_variant (start->graph));
  GVariantDict dict;

  g_variant_dict_init (&dict, graph);
  g_variant_dict_insert (&dict, "takeover", "s",
      mill_takeover_names[start->takeover]);
  mill_ipc_worker1_call_answer_publish (proxy->worker, request, TRUE, "", "",
      start->stream, start->generation, g_variant_dict_end (&dict), NULL,
      on_answered, task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_accept_publish_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
mill_worker_proxy_refuse_publish (MillWorkerProxy *proxy, guint64 request,
    const gchar *code, const gchar *text)
{
  mill_ipc_worker1_call_answer_publish (proxy->worker, request, FALSE, code,
      text, "", 0, mill_graph_spec_to_variant (NULL), NULL, NULL, NULL);
}

void
mill_worker_proxy_drop_publisher (MillWorkerProxy *proxy, const gchar *stream,
    const gchar *address, const gchar *reason)
{
  mill_ipc_worker1_call_drop_publisher (proxy->worker, stream, address, reason,
      NULL, NULL, NULL);
}

static void
on_cue (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_cue_finish (MILL_IPC_WORKER1 (source), result, &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_cue_async (MillWorkerProxy *proxy, const gchar *stream,
    GVariant *cue, GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_worker1_call_cue (proxy->worker, stream, cue, NULL, on_cue,
      task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_cue_finish (MillWorkerProxy *proxy, GAsyncResult *result,
    GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_switch_input (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_switch_input_finish (MILL_IPC_WORKER1 (source), result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_switch_input_async (MillWorkerProxy *proxy,
    const gchar *stream, const gchar *input, GAsyncReadyCallback callback,
    gpointer user_data)
{
  mill_ipc_worker1_call_switch_input (proxy->worker, stream, input, NULL,
      on_switch_input, task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_switch_input_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_stream (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) dict = NULL;
  GError *error = NULL;

  mill_ipc_worker1_call_get_stream_finish (MILL_IPC_WORKER1 (source), &dict,
      result, &error);
  if (mill_peer_link_check (task, error))
    g_task_return_pointer (task, mill_stream_report_new_from_variant (dict),
        (GDestroyNotify) mill_stream_report_free);
}

void
mill_worker_proxy_get_stream_async (MillWorkerProxy *proxy, const gchar *stream,
    GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_worker1_call_get_stream (proxy->worker, stream, NULL, on_stream,
      task_new (proxy, callback, user_data));
}

MillStreamReport *
mill_worker_proxy_get_stream_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_graph (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gchar *dot = NULL;

  mill_ipc_worker1_call_get_graph_finish (MILL_IPC_WORKER1 (source), &dot,
      result, &error);
  if (mill_peer_link_check (task, error))
    g_task_return_pointer (task, dot, g_free);
}

void
mill_worker_proxy_get_graph_async (MillWorkerProxy *proxy, const gchar *stream,
    GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_worker1_call_get_graph (proxy->worker, stream, NULL, on_graph,
      task_new (proxy, callback, user_data));
}

gchar *
mill_worker_proxy_get_graph_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_drained (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_worker1_call_drain_finish (MILL_IPC_WORKER1 (source), result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_worker_proxy_drain_async (MillWorkerProxy *proxy,
    GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_worker1_call_drain (proxy->worker, NULL, on_drained,
      task_new (proxy, callback, user_data));
}

gboolean
mill_worker_proxy_drain_finish (MillWorkerProxy *proxy, GAsyncResult *result,
    GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- type ---- */

static void
mill_worker_proxy_finalize (GObject *object)
{
  MillWorkerProxy *proxy = MILL_WORKER_PROXY (object);

  mill_worker_proxy_disconnect (proxy);
  g_clear_object (&proxy->link);
  G_OBJECT_CLASS (mill_worker_proxy_parent_class)->finalize (object);
}

static guint
add_signal (MillWorkerProxyClass *klass, const gchar *name, guint n_params,
    GType first, GType second)
{
  return g_signal_new (name, G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, n_params, first, second);
}

static void
mill_worker_proxy_class_init (MillWorkerProxyClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_worker_proxy_finalize;
  signals[SIGNAL_PUBLISH_REQUESTED] =
      add_signal (klass, "publish-requested", 2, G_TYPE_UINT64, G_TYPE_POINTER);
  signals[SIGNAL_STREAM_CHANGED] =
      add_signal (klass, "stream-changed", 1, G_TYPE_POINTER, G_TYPE_NONE);
  signals[SIGNAL_STREAM_EVENT] =
      add_signal (klass, "stream-event", 1, G_TYPE_POINTER, G_TYPE_NONE);
}

static void
mill_worker_proxy_init (MillWorkerProxy *proxy)
{
}
