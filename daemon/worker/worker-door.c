/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker-door.h"

#include "daemon/ipc/ipc.h"
#include "daemon/worker/worker-private.h"

static void
on_requested (MillRtmpDoor *door, guint64 request,
    const MillPublisher *publisher, MillWorker *worker)
{
  /* One that nobody has heard of yet is told after Describe. */
  if (worker->described)
    mill_ipc_worker1_emit_publish_requested (worker->skeleton, request,
        mill_publisher_to_variant (publisher));
}

gboolean
mill_worker_door_open (MillWorker *worker, const gchar *kind,
    const gchar *address, GError **error)
{
  if (!g_str_equal (kind, MILL_WORKER_DOOR_KIND)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "listener kind '%s': expected '" MILL_WORKER_DOOR_KIND "'", kind);
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

void
mill_worker_door_close (MillWorker *worker)
{
  g_autoptr (MillRtmpDoor) door = g_steal_pointer (&worker->door);

  if (!door)
    return;
  g_signal_handlers_disconnect_by_data (door, worker);
  mill_rtmp_door_close (door);
}
