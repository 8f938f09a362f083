/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/peer-server.h"
#include "daemon/common/post-mortem.h"
#include "daemon/common/self-stats.h"
#include "daemon/ipc/ipc.h"
#include "daemon/ipc/mill-ipc-worker1.h"
#include "daemon/worker/retention.h"
#include "daemon/worker/rtmp-door.h"
#include "daemon/worker/stream-outputs.h"
#include "daemon/worker/worker-stream.h"

#define SHUTDOWN_LIMIT_S 10
#define MAX_NAME_LENGTH 64
#define LINKS_DIR "links"
#define KIND_RTMP "rtmp"
#define CODE_BAD_NAME "NetStream.Publish.BadName"
#define CODE_DENIED "NetStream.Publish.Denied"

struct _MillWorker
{
  GObject parent;

  /* Main loop. */
  gchar *id;
  MillWorkerKind kind;
  gchar *links_dir; /* runtime_dir/links */
  gchar *media_dir;
  guint orphan_timeout_s;
  gint64 since;
  MillIpcWorker1 *skeleton;
  MillPeerServer *server;
  gboolean described; /* to the supervisor that is connected */
  MillBusQueue *queue;
  MillRetention *retention;
  MillRtmpDoor *door; /* nullable: no listener */
  GHashTable *streams; /* (element-type utf8 MillWorkerStream) */
  gboolean had_stream;
  gboolean draining;
  gboolean shutting_down;
  guint orphan_timer_id;
  guint shutdown_timer_id;
};

enum
{
  SIGNAL_FINISHED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillWorker, mill_worker, G_TYPE_OBJECT)

/* ---- the life of the process ---- */

static guint
count_running (MillWorker *worker)
{
  GHashTableIter iter;
  gpointer stream;
  guint count = 0;

  g_hash_table_iter_init (&iter, worker->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    count += mill_worker_stream_is_running (stream) ? 1 : 0;
  return count;
}

/* A part that others of its stream still feed goes on without a supervisor; one
 * that nobody feeds waits for what no millraced will start again for it. */
static gboolean
is_needed (MillWorker *worker)
{
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, worker->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    if (mill_worker_stream_is_running (stream) &&
        (worker->kind != MILL_WORKER_ISOLATED ||
            !mill_worker_stream_is_abandoned (stream)))
      return TRUE;
  return FALSE;
}

static gboolean
on_orphaned (gpointer user_data)
{
  MillWorker *worker = user_data;

  if (is_needed (worker))
    return G_SOURCE_CONTINUE;
  worker->orphan_timer_id = 0;
  g_message ("no supervisor, and nothing to do for it, for %u s: ending",
      worker->orphan_timeout_s);
  g_signal_emit (worker, signals[SIGNAL_FINISHED], 0);
  return G_SOURCE_REMOVE;
}

/* After every change of streams or of the supervisor. */
static void
update_life (MillWorker *worker)
{
  const guint running = count_running (worker);
  const gboolean idle = running == 0 || worker->kind == MILL_WORKER_ISOLATED;
  const gboolean orphan = idle && worker->server &&
      !mill_peer_server_is_connected (worker->server);

  if (orphan && !worker->orphan_timer_id) {
    worker->orphan_timer_id =
        g_timeout_add_seconds (worker->orphan_timeout_s, on_orphaned, worker);
  } else if (!orphan && worker->orphan_timer_id) {
    g_source_remove (worker->orphan_timer_id);
    worker->orphan_timer_id = 0;
  }
  /* An isolated one is there for its only stream, and so long as that may still
   * be asked why it failed. */
  if ((worker->draining && running == 0) ||
      (worker->kind == MILL_WORKER_ISOLATED && worker->had_stream &&
          g_hash_table_size (worker->streams) == 0))
    g_signal_emit (worker, signals[SIGNAL_FINISHED], 0);
}

static gboolean
on_life_changed (gpointer user_data)
{
  update_life (user_data);
  return G_SOURCE_REMOVE;
}

/* From within a method call: its answer goes out first. */
static void
update_life_later (MillWorker *worker)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, on_life_changed, g_object_ref (worker),
      g_object_unref);
}

/* Publishers are turned away and the listener's address becomes free for a
 * successor. */
static void
close_door (MillWorker *worker)
{
  g_autoptr (MillRtmpDoor) door = g_steal_pointer (&worker->door);

  if (!door)
    return;
  g_signal_handlers_disconnect_by_data (door, worker);
  mill_rtmp_door_close (door);
}

/* ---- streams ---- */

static void
hold_outputs (MillWorker *worker, MillWorkerStream *stream)
{
  g_autoptr (GPtrArray) outputs = mill_worker_stream_get_outputs (stream);

  for (guint i = 0; i < outputs->len; i++) {
    const MillStreamOutput *output = outputs->pdata[i];
    mill_retention_hold (worker->retention, output->directory,
        output->retention_ms);
  }
}

static void
schedule_outputs (MillWorker *worker, MillWorkerStream *stream)
{
  g_autoptr (GPtrArray) outputs = mill_worker_stream_get_outputs (stream);

  for (guint i = 0; i < outputs->len; i++) {
    const MillStreamOutput *output = outputs->pdata[i];
    mill_retention_schedule (worker->retention, output->directory,
        output->retention_ms);
  }
}

static void
on_stream_changed (MillWorkerStream *stream, MillWorker *worker)
{
  g_autoptr (MillStreamReport) report = mill_worker_stream_get_report (stream);
  const gchar *name = mill_worker_stream_get_name (stream);
  GVariantDict details;

  g_variant_dict_init (&details, NULL);
  g_variant_dict_insert (&details, "last_error", "s", report->last_error);
  g_variant_dict_insert (&details, "since", "x", report->since);
  g_variant_dict_insert (&details, "epoch", "t", report->epoch_ns);
  if (report->publisher)
    g_variant_dict_insert_value (&details, "publisher",
        mill_publisher_to_variant (report->publisher));
  mill_ipc_worker1_emit_stream_changed (worker->skeleton, name,
      report->generation, mill_stream_report_state_to_string (report->state),
      g_variant_dict_end (&details));
  if (mill_worker_stream_is_running (stream))
    return;
  mill_post_mortem_remove_stream (name);
  schedule_outputs (worker, stream);
  /* A failed one stays, to say why. */
  if (report->state != MILL_STREAM_FAILED) {
    g_signal_handlers_disconnect_by_data (stream, worker);
    g_hash_table_remove (worker->streams, name);
  }
  update_life_later (worker);
}

/* Names become directories and URLs. */
static gboolean
is_name (const gchar *name)
{
  const gsize length = strlen (name);

  return length >= 1 && length <= MAX_NAME_LENGTH &&
      strspn (name,
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
          "_-") == length;
}

static gboolean
check_new_stream (MillWorker *worker, const gchar *name, GError **error)
{
  MillWorkerStream *old = g_hash_table_lookup (worker->streams, name);

  if (worker->draining) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DRAINING,
        "stream '%s': worker '%s' takes nothing new", name, worker->id);
    return FALSE;
  }
  if (!is_name (name)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "stream name '%s': expected 1 to %d of A-Z a-z 0-9 _ -", name,
        MAX_NAME_LENGTH);
    return FALSE;
  }
  if (old && mill_worker_stream_is_running (old)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS,
        "stream '%s': got one that is %s, expected none", name,
        mill_stream_report_state_to_string (
            mill_worker_stream_get_state (old)));
    return FALSE;
  }
  return TRUE;
}

typedef struct
{
  const gchar *name;
  guint64 generation;
  GVariant *graph;
  GObject *session; /* nullable */
  const MillPublisher *publisher; /* nullable */
} NewStream;

static gboolean
add_stream (MillWorker *worker, const NewStream *new_stream, GError **error)
{
  g_autoptr (MillGraphSpec) spec = NULL;

  if (!check_new_stream (worker, new_stream->name, error))
    return FALSE;
  spec = mill_graph_spec_new_from_variant (new_stream->graph, error);
  if (!spec)
    return FALSE;
  const MillWorkerStreamOptions options = {
    .name = new_stream->name,
    .generation = new_stream->generation,
    .graph = spec,
    .links_dir = worker->links_dir,
    .media_dir = worker->media_dir,
    .publishes = new_stream->session != NULL,
    .queue = worker->queue,
  };
  g_autoptr (MillWorkerStream) stream =
      mill_worker_stream_new (&options, error);
  if (!stream ||
      !mill_worker_stream_start (stream, new_stream->session,
          new_stream->publisher, error))
    return FALSE;
  g_signal_connect (stream, "changed", G_CALLBACK (on_stream_changed), worker);
  mill_post_mortem_add_stream (new_stream->name);
  hold_outputs (worker, stream);
  g_hash_table_replace (worker->streams, g_strdup (new_stream->name),
      g_object_ref (stream));
  worker->had_stream = TRUE;
  on_stream_changed (stream, worker);
  update_life_later (worker);
  return TRUE;
}

static MillWorkerStream *
find_stream (MillWorker *worker, const gchar *name, GError **error)
{
  MillWorkerStream *stream = g_hash_table_lookup (worker->streams, name);

  if (!stream)
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
        "stream '%s': not in worker '%s'", name, worker->id);
  return stream;
}

/* ---- publishers ---- */

static void
on_requested (MillRtmpDoor *door, guint64 request,
    const MillPublisher *publisher, MillWorker *worker)
{
  /* One that nobody has heard of yet is told after Describe. */
  if (worker->described)
    mill_ipc_worker1_emit_publish_requested (worker->skeleton, request,
        mill_publisher_to_variant (publisher));
}

/* The publisher of @request becomes, or continues, a stream. */
static gboolean
admit (MillWorker *worker, MillDoorRequest *request,
    const NewStream *new_stream, GError **error)
{
  MillWorkerStream *old =
      g_hash_table_lookup (worker->streams, new_stream->name);

  if (old && mill_worker_stream_get_state (old) == MILL_STREAM_RECONNECTING) {
    mill_worker_stream_adopt (old, new_stream->session, new_stream->publisher);
    return TRUE;
  }
  return add_stream (worker, new_stream, error);
}

static const gchar *
refusal_code (const GError *error)
{
  return g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS)
      ? CODE_BAD_NAME
      : CODE_DENIED;
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
  const NewStream new_stream = {
    .name = name,
    .generation = generation,
    .graph = graph,
    .session = mill_rtmp_door_request_get_session (request),
    .publisher = mill_rtmp_door_request_get_publisher (request),
  };
  if (admit (worker, request, &new_stream, &error)) {
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

/* ---- the other methods ---- */

static gboolean
open_door (MillWorker *worker, const gchar *kind, const gchar *address,
    GError **error)
{
  if (!g_str_equal (kind, KIND_RTMP)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "listener kind '%s': expected '" KIND_RTMP "'", kind);
    return FALSE;
  }
  if (worker->draining) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DRAINING,
        "listen %s '%s': worker '%s' takes nothing new", kind, address,
        worker->id);
    return FALSE;
  }
  if (!worker->door) {
    worker->door = mill_rtmp_door_new (address, error);
    if (!worker->door)
      return FALSE;
    g_signal_connect (worker->door, "requested", G_CALLBACK (on_requested),
        worker);
    g_message ("listening rtmp %s", mill_rtmp_door_get_bound (worker->door));
  }
  return TRUE;
}

static gboolean
on_listen (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *kind, const gchar *address, MillWorker *worker)
{
  GError *error = NULL;

  if (open_door (worker, kind, address, &error))
    mill_ipc_worker1_complete_listen (skeleton, invocation,
        mill_rtmp_door_get_bound (worker->door));
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
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
  if (worker->door)
    g_hash_table_insert (report->listeners, g_strdup (KIND_RTMP),
        g_strdup (mill_rtmp_door_get_bound (worker->door)));
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
  const NewStream new_stream = {
    .name = name,
    .generation = generation,
    .graph = graph,
  };
  GError *error = NULL;

  if (add_stream (worker, &new_stream, &error))
    mill_ipc_worker1_complete_start_stream (skeleton, invocation);
  else
    g_dbus_method_invocation_take_error (invocation, error);
  return TRUE;
}

/* A stream that has failed is forgotten by either mode. */
static void
stop_stream (MillWorker *worker, MillWorkerStream *stream, gboolean eos)
{
  if (!mill_worker_stream_is_running (stream)) {
    g_hash_table_remove (worker->streams, mill_worker_stream_get_name (stream));
    update_life_later (worker);
    return;
  }
  if (eos)
    mill_worker_stream_end (stream);
  else
    mill_worker_stream_stop (stream);
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
  MillWorkerStream *stream = find_stream (worker, name, &error);
  if (!stream) {
    g_dbus_method_invocation_take_error (invocation, error);
    return TRUE;
  }
  stop_stream (worker, stream, eos);
  mill_ipc_worker1_complete_stop_stream (skeleton, invocation);
  return TRUE;
}

static gboolean
on_get_stream (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *name, MillWorker *worker)
{
  GError *error = NULL;
  MillWorkerStream *stream = find_stream (worker, name, &error);

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
  MillWorkerStream *stream = find_stream (worker, name, &error);

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
  g_message ("draining: %u streams left", count_running (worker));
  worker->draining = TRUE;
  close_door (worker);
  mill_ipc_worker1_complete_drain (skeleton, invocation);
  update_life_later (worker);
  return TRUE;
}

/* ---- the supervisor ---- */

static void
on_connected (MillPeerServer *server, MillWorker *worker)
{
  worker->described = FALSE;
  g_info ("supervisor connected");
  update_life (worker);
}

static void
on_disconnected (MillPeerServer *server, MillWorker *worker)
{
  worker->described = FALSE;
  g_message ("supervisor gone: %u streams go on", count_running (worker));
  update_life (worker);
}

/* ---- life ---- */

static void
connect_methods (MillWorker *worker)
{
  const struct
  {
    const gchar *signal;
    GCallback callback;
  } methods[] = {
    { "handle-listen", G_CALLBACK (on_listen) },
    { "handle-describe", G_CALLBACK (on_describe) },
    { "handle-start-stream", G_CALLBACK (on_start_stream) },
    { "handle-stop-stream", G_CALLBACK (on_stop_stream) },
    { "handle-answer-publish", G_CALLBACK (on_answer_publish) },
    { "handle-get-stream", G_CALLBACK (on_get_stream) },
    { "handle-get-graph", G_CALLBACK (on_get_graph) },
    { "handle-get-stats", G_CALLBACK (on_get_stats) },
    { "handle-drain", G_CALLBACK (on_drain) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    g_signal_connect (worker->skeleton, methods[i].signal, methods[i].callback,
        worker);
}

/* Beside the directory of the workers' sockets: what one worker publishes there
 * another finds. Only for this user, as they are. */
static gboolean
make_links_dir (MillWorker *worker, const gchar *socket_path, GError **error)
{
  g_autofree gchar *workers_dir = g_path_get_dirname (socket_path);
  g_autofree gchar *runtime_dir = g_path_get_dirname (workers_dir);

  worker->links_dir = g_build_filename (runtime_dir, LINKS_DIR, NULL);
  if (g_mkdir_with_parents (worker->links_dir, 0700) == 0)
    return TRUE;
  const gint code = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
      "make directory '%s': %s", worker->links_dir, g_strerror (code));
  return FALSE;
}

MillWorker *
mill_worker_new (const MillWorkerOptions *options, GError **error)
{
  g_autoptr (MillWorker) worker = g_object_new (MILL_TYPE_WORKER, NULL);

  worker->id = g_strdup (options->id);
  worker->kind = options->kind;
  worker->media_dir = g_strdup (options->media_dir);
  worker->orphan_timeout_s = options->orphan_timeout_s;
  if (!make_links_dir (worker, options->socket_path, error))
    return NULL;
  mill_ipc_worker1_set_protocol (worker->skeleton, MILL_IPC_PROTOCOL);
  mill_ipc_worker1_set_id (worker->skeleton, options->id);
  mill_ipc_worker1_set_pid (worker->skeleton, (guint) getpid ());
  connect_methods (worker);
  worker->retention = mill_retention_new (options->media_dir);
  /* Those of streams that have ended: once, by whoever would learn that one is
   * written again. */
  if (worker->kind == MILL_WORKER_SHARED)
    mill_retention_scan (worker->retention);
  worker->server = mill_peer_server_new (options->socket_path,
      G_DBUS_INTERFACE_SKELETON (worker->skeleton), MILL_IPC_WORKER_PATH,
      error);
  if (!worker->server)
    return NULL;
  g_signal_connect (worker->server, "connected", G_CALLBACK (on_connected),
      worker);
  g_signal_connect (worker->server, "disconnected",
      G_CALLBACK (on_disconnected), worker);
  update_life (worker);
  return g_steal_pointer (&worker);
}

static gboolean
on_shutdown_over (gpointer user_data)
{
  MillWorker *worker = user_data;

  worker->shutdown_timer_id = 0;
  g_warning ("%u streams have not ended within %d s: stopping them",
      count_running (worker), SHUTDOWN_LIMIT_S);
  g_signal_emit (worker, signals[SIGNAL_FINISHED], 0);
  return G_SOURCE_REMOVE;
}

void
mill_worker_shutdown (MillWorker *worker)
{
  g_autoptr (GList) streams = g_hash_table_get_values (worker->streams);

  if (worker->shutting_down) {
    g_signal_emit (worker, signals[SIGNAL_FINISHED], 0);
    return;
  }
  worker->shutting_down = TRUE;
  worker->draining = TRUE;
  close_door (worker);
  for (GList *at = streams; at; at = at->next) {
    if (!mill_worker_stream_is_running (at->data))
      continue;
    /* Where a part ends, the stream would: another will take its place. */
    if (worker->kind == MILL_WORKER_ISOLATED)
      mill_worker_stream_stop (at->data);
    else
      mill_worker_stream_end (at->data);
  }
  worker->shutdown_timer_id =
      g_timeout_add_seconds (SHUTDOWN_LIMIT_S, on_shutdown_over, worker);
  update_life_later (worker);
}

void
mill_worker_close (MillWorker *worker)
{
  close_door (worker);
  g_autoptr (GList) streams = g_hash_table_get_values (worker->streams);
  for (GList *at = streams; at; at = at->next) {
    if (mill_worker_stream_is_running (at->data))
      mill_worker_stream_stop (at->data);
  }
  g_hash_table_remove_all (worker->streams);
  if (worker->server) {
    mill_peer_server_flush (worker->server);
    g_signal_handlers_disconnect_by_data (worker->server, worker);
    mill_peer_server_stop (worker->server);
  }
}

static void
mill_worker_finalize (GObject *object)
{
  MillWorker *worker = MILL_WORKER (object);

  mill_worker_close (worker);
  g_clear_handle_id (&worker->orphan_timer_id, g_source_remove);
  g_clear_handle_id (&worker->shutdown_timer_id, g_source_remove);
  g_clear_object (&worker->server);
  g_signal_handlers_disconnect_by_data (worker->skeleton, worker);
  g_clear_object (&worker->skeleton);
  g_hash_table_unref (worker->streams);
  g_clear_pointer (&worker->queue, mill_bus_queue_free);
  g_clear_pointer (&worker->retention, mill_retention_free);
  g_free (worker->id);
  g_free (worker->links_dir);
  g_free (worker->media_dir);
  G_OBJECT_CLASS (mill_worker_parent_class)->finalize (object);
}

static void
mill_worker_class_init (MillWorkerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_worker_finalize;
  signals[SIGNAL_FINISHED] = g_signal_new ("finished",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 0);
}

static void
mill_worker_init (MillWorker *worker)
{
  worker->since = g_get_real_time () / G_USEC_PER_SEC;
  worker->skeleton = mill_ipc_worker1_skeleton_new ();
  worker->queue = mill_bus_queue_new (NULL);
  worker->streams =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
}
