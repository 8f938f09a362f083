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

static void
ensure_door (MillWorker *worker)
{
  if (worker->door)
    return;
  worker->door = mill_rtmp_door_new ();
  g_signal_connect (worker->door, "requested", G_CALLBACK (on_requested),
      worker);
}

const gchar *
mill_worker_door_open (MillWorker *worker, const gchar *kind,
    const gchar *address, GError **error)
{
  MillRtmpDoorKind door_kind;

  if (!mill_rtmp_door_kind_from_string (kind, &door_kind, error))
    return NULL;
  if (worker->draining) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DRAINING,
        "listen %s '%s': worker '%s' takes nothing new", kind, address,
        worker->id);
    return NULL;
  }
  ensure_door (worker);
  gboolean was_open = mill_rtmp_door_get_bound (worker->door, door_kind) !=
      NULL;
  if (!mill_rtmp_door_listen (worker->door, door_kind, address, error))
    return NULL;
  const gchar *bound = mill_rtmp_door_get_bound (worker->door, door_kind);
  if (!was_open)
    g_message ("listening %s %s", kind, bound);
  return bound;
}

gboolean
mill_worker_door_set_tls (MillWorker *worker, const gchar *certificate,
    const gchar *key, GError **error)
{
  ensure_door (worker);
  return mill_rtmp_door_set_tls (worker->door, certificate, *key ? key : NULL,
      error);
}

void
mill_worker_door_set_bounds (MillWorker *worker, GVariant *bounds)
{
  MillRtmpDoorBounds door_bounds = { 0 };

  g_variant_lookup (bounds, "pending", "u", &door_bounds.pending);
  g_variant_lookup (bounds, "pending_per_address", "u",
      &door_bounds.pending_per_address);
  g_variant_lookup (bounds, "tls_handshakes_per_address", "u",
      &door_bounds.tls_handshakes_per_address);
  ensure_door (worker);
  mill_rtmp_door_set_bounds (worker->door, &door_bounds);
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
