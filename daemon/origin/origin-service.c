/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-service.h"

#include <unistd.h>

#include "daemon/common/peer-server.h"
#include "daemon/common/self-stats.h"
#include "daemon/ipc/ipc.h"
#include "daemon/ipc/mill-ipc-origin1.h"
#include "daemon/ipc/process-report.h"

#define KIND "origin"

/* Enough for a segment to a slow viewer; then the rest of it is cut. */
#define DRAIN_TIMEOUT_MS 10000

struct _MillOriginService
{
  MillOriginServer *server;
  gchar *id;
  MillIpcOrigin1 *skeleton;
  MillPeerServer *peer_server;
  gint64 since; /* Unix seconds */
  gboolean draining;
  GSourceOnceFunc drained;
  gpointer user_data;
};

static gboolean
on_listen (MillIpcOrigin1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *kind, const gchar *address, gpointer user_data)
{
  MillOriginService *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *bound = NULL;

  if (!g_str_equal (kind, KIND))
    g_set_error (&error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "kind of listener: got '%s', expected '" KIND "'", kind);
  else if (self->draining)
    g_set_error (&error, MILL_IPC_ERROR, MILL_IPC_ERROR_DRAINING,
        "millrace-origin is about to end");
  else
    bound = mill_origin_server_listen (self->server, address, &error);

  if (bound != NULL)
    mill_ipc_origin1_complete_listen (skeleton, invocation, bound);
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
  return TRUE;
}

static gboolean
on_join (MillIpcOrigin1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *address, gpointer user_data)
{
  MillOriginService *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *bound = NULL;

  if (self->draining)
    g_set_error (&error, MILL_IPC_ERROR, MILL_IPC_ERROR_DRAINING,
        "millrace-origin is about to end");
  else
    bound = mill_origin_server_join (self->server, address, &error);

  if (bound != NULL)
    mill_ipc_origin1_complete_join (skeleton, invocation, bound);
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
  return TRUE;
}

static gboolean
on_describe (MillIpcOrigin1 *skeleton, GDBusMethodInvocation *invocation,
    gpointer user_data)
{
  MillOriginService *self = user_data;
  g_autoptr (MillProcessReport) report = mill_process_report_new ();
  const gchar *bound = mill_origin_server_get_bound (self->server);

  report->protocol = MILL_IPC_PROTOCOL;
  report->version = g_strdup (MILL_VERSION);
  report->id = g_strdup (self->id);
  report->pid = getpid ();
  report->since = self->since;
  report->draining = self->draining;
  report->media_dir =
      g_strdup (mill_origin_server_get_media_dir (self->server));
  if (bound != NULL)
    g_hash_table_insert (report->listeners, g_strdup (KIND), g_strdup (bound));
  mill_ipc_origin1_complete_describe (skeleton, invocation,
      mill_process_report_to_variant (report));
  return TRUE;
}

static gboolean
on_get_stats (MillIpcOrigin1 *skeleton, GDBusMethodInvocation *invocation,
    gpointer user_data)
{
  MillOriginService *self = user_data;
  g_autoptr (MillProcessStats) stats = mill_process_report_stats_new ();
  MillSelfStats own;
  MillOriginCounts counts;

  mill_self_stats_get (&own);
  mill_origin_server_get_counts (self->server, &counts);
  stats->cpu_usec = own.cpu_usec;
  stats->memory_bytes = own.memory_bytes;
  stats->requests = counts.requests;
  stats->bytes = counts.bytes;
  stats->metrics = mill_origin_server_print_metrics (self->server);
  mill_ipc_origin1_complete_get_stats (skeleton, invocation,
      mill_process_report_stats_to_variant (stats));
  return TRUE;
}

static void
on_drained (gpointer user_data)
{
  MillOriginService *self = user_data;

  mill_peer_server_flush (self->peer_server);
  self->drained (self->user_data);
}

void
mill_origin_service_drain (MillOriginService *self)
{
  if (self->draining)
    return;
  self->draining = TRUE;
  mill_origin_server_drain (self->server, DRAIN_TIMEOUT_MS, on_drained, self);
}

static gboolean
on_drain (MillIpcOrigin1 *skeleton, GDBusMethodInvocation *invocation,
    gpointer user_data)
{
  mill_ipc_origin1_complete_drain (skeleton, invocation);
  mill_origin_service_drain (user_data);
  return TRUE;
}

MillOriginService *
mill_origin_service_new (MillOriginServer *server,
    const MillOriginServiceOptions *options, GSourceOnceFunc drained,
    gpointer user_data, GError **error)
{
  g_autoptr (MillOriginService) self = g_new0 (MillOriginService, 1);

  self->server = server;
  self->id = g_strdup (options->id);
  self->drained = drained;
  self->user_data = user_data;
  self->since = g_get_real_time () / G_USEC_PER_SEC;
  self->skeleton = mill_ipc_origin1_skeleton_new ();
  mill_ipc_origin1_set_protocol (self->skeleton, MILL_IPC_PROTOCOL);
  mill_ipc_origin1_set_pid (self->skeleton, getpid ());
  g_signal_connect (self->skeleton, "handle-listen", G_CALLBACK (on_listen),
      self);
  g_signal_connect (self->skeleton, "handle-join", G_CALLBACK (on_join), self);
  g_signal_connect (self->skeleton, "handle-describe", G_CALLBACK (on_describe),
      self);
  g_signal_connect (self->skeleton, "handle-get-stats",
      G_CALLBACK (on_get_stats), self);
  g_signal_connect (self->skeleton, "handle-drain", G_CALLBACK (on_drain),
      self);
  self->peer_server = mill_peer_server_new (options->socket_path,
      G_DBUS_INTERFACE_SKELETON (self->skeleton), MILL_IPC_ORIGIN_PATH, error);
  if (self->peer_server == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

void
mill_origin_service_free (MillOriginService *self)
{
  if (self->peer_server != NULL)
    mill_peer_server_stop (self->peer_server);
  g_clear_object (&self->peer_server);
  g_signal_handlers_disconnect_by_data (self->skeleton, self);
  g_object_unref (self->skeleton);
  g_free (self->id);
  g_free (self);
}
