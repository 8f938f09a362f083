/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "daemon/ipc/ipc.h"
#include "daemon/worker/worker-door.h"
#include "daemon/worker/worker-life.h"
#include "daemon/worker/worker-methods.h"
#include "daemon/worker/worker-private.h"
#include "daemon/worker/worker-stream.h"

#define SHUTDOWN_LIMIT_S 10
#define LINKS_DIR "links"

G_DEFINE_FINAL_TYPE (MillWorker, mill_worker, G_TYPE_OBJECT)

/* ---- the supervisor ---- */

static void
on_connected (MillPeerServer *server, MillWorker *worker)
{
  worker->described = FALSE;
  worker->had_supervisor = TRUE;
  g_info ("supervisor connected");
  mill_worker_life_update (worker);
}

static void
on_disconnected (MillPeerServer *server, MillWorker *worker)
{
  worker->described = FALSE;
  g_message ("supervisor gone: %u streams go on",
      mill_worker_life_count_running (worker));
  mill_worker_life_update (worker);
}

/* ---- start and shutdown ---- */

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
  mill_worker_methods_connect (worker);
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
  mill_worker_life_update (worker);
  return g_steal_pointer (&worker);
}

static gboolean
on_shutdown_over (gpointer user_data)
{
  MillWorker *worker = user_data;

  worker->shutdown_timer_id = 0;
  g_warning ("%u streams have not ended within %d s: stopping them",
      mill_worker_life_count_running (worker), SHUTDOWN_LIMIT_S);
  mill_worker_life_finish (worker);
  return G_SOURCE_REMOVE;
}

void
mill_worker_shutdown (MillWorker *worker)
{
  g_autoptr (GList) streams = g_hash_table_get_values (worker->streams);

  if (worker->shutting_down) {
    mill_worker_life_finish (worker);
    return;
  }
  worker->shutting_down = TRUE;
  worker->draining = TRUE;
  mill_worker_door_close (worker);
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
  mill_worker_life_update_later (worker);
}

void
mill_worker_close (MillWorker *worker)
{
  mill_worker_door_close (worker);
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
  /* Emitted by mill_worker_life_finish(). */
  g_signal_new ("finished", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 0);
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
