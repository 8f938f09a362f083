/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/supervisor/peer-link.h"

#include "daemon/ipc/ipc.h"

#define CALL_TIMEOUT_MS 10000
#define POLL_INTERVAL_MS 2000

struct _MillPeerLink
{
  GObject parent;

  /* Main loop. */
  GDBusConnection *connection;
  GDBusProxy *proxy;
  MillProcessReport *report;
  MillProcessStats *stats; /* nullable: none yet */
  GCancellable *life; /* cancelled by disconnect */
  guint poll_timer_id;
  guint poll_interval_ms;
  gint64 polled_at; /* monotonic */
  gboolean polling; /* a question is open */
  gint64 silent_since; /* monotonic; 0: the last question was answered */
};

enum
{
  SIGNAL_WEDGED,
  SIGNAL_UNRESPONSIVE,
  SIGNAL_LOST,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillPeerLink, mill_peer_link, G_TYPE_OBJECT)

static GError *
take_error (GError *error)
{
  g_dbus_error_strip_remote_error (error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) {
    g_error_free (error);
    return g_error_new (MILL_IPC_ERROR, MILL_IPC_ERROR_TIMEOUT,
        "call: got no answer within %d ms", CALL_TIMEOUT_MS);
  }
  return error;
}

gboolean
mill_peer_link_check (GTask *task, GError *error)
{
  if (!error)
    return TRUE;
  g_task_return_error (task, take_error (error));
  return FALSE;
}

/* ---- is it alive ---- */

static gboolean
has_stalled (const MillProcessStats *stats, const gchar *name)
{
  for (guint i = 0; stats && i < stats->threads->len; i++) {
    const MillThreadReport *thread = stats->threads->pdata[i];
    if (g_str_equal (thread->name, name))
      return mill_process_report_thread_is_stalled (thread);
  }
  return FALSE;
}

/* Once for each time that a thread stands still, not with every answer. */
static void
report_wedges (MillPeerLink *link, const MillProcessStats *before)
{
  for (guint i = 0; i < link->stats->threads->len; i++) {
    const MillThreadReport *thread = link->stats->threads->pdata[i];
    if (mill_process_report_thread_is_stalled (thread) &&
        !has_stalled (before, thread->name))
      g_signal_emit (link, signals[SIGNAL_WEDGED], 0, thread->name,
          thread->turn_usec);
  }
}

static void
on_stats (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillPeerLink) link = user_data;
  g_autoptr (GVariant) answer =
      g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, NULL);

  link->polling = FALSE;
  /* Without an answer the next turn asks again, and the silence goes on. */
  if (!answer || g_cancellable_is_cancelled (link->life))
    return;
  g_autoptr (GVariant) dict = g_variant_get_child_value (answer, 0);
  link->silent_since = 0;
  g_autoptr (MillProcessStats) before = g_steal_pointer (&link->stats);
  link->stats = mill_process_report_stats_new_from_variant (dict);
  report_wedges (link, before);
}

/* An answer may wait for us: when this process itself stood still, the silence
 * was ours. */
static void
forgive_own_pause (MillPeerLink *link)
{
  const gint64 now = g_get_monotonic_time ();

  if (link->silent_since != 0 &&
      now - link->polled_at > 2000 * (gint64) link->poll_interval_ms)
    link->silent_since = now;
  link->polled_at = now;
}

/* A question is never repeated while one is open: a peer that stands still
 * would find them all when it goes on. */
static gboolean
on_poll (gpointer user_data)
{
  MillPeerLink *link = user_data;

  forgive_own_pause (link);
  if (link->silent_since != 0)
    g_signal_emit (link, signals[SIGNAL_UNRESPONSIVE], 0,
        (guint64) (g_get_monotonic_time () - link->silent_since));
  if (link->polling || g_cancellable_is_cancelled (link->life))
    return G_SOURCE_CONTINUE;
  link->polling = TRUE;
  if (link->silent_since == 0)
    link->silent_since = g_get_monotonic_time ();
  g_dbus_proxy_call (link->proxy, "GetStats", NULL, G_DBUS_CALL_FLAGS_NONE, -1,
      link->life, on_stats, g_object_ref (link));
  return G_SOURCE_CONTINUE;
}

void
mill_peer_link_watch_closely (MillPeerLink *link, guint interval_ms)
{
  if (g_cancellable_is_cancelled (link->life))
    return;
  g_clear_handle_id (&link->poll_timer_id, g_source_remove);
  link->poll_interval_ms = interval_ms;
  link->poll_timer_id = g_timeout_add (interval_ms, on_poll, link);
}

static void
on_closed (GDBusConnection *connection, gboolean vanished, GError *error,
    gpointer user_data)
{
  g_autoptr (MillPeerLink) link = g_object_ref (user_data);

  mill_peer_link_disconnect (link);
  g_signal_emit (link, signals[SIGNAL_LOST], 0);
}

/* ---- connecting ---- */

typedef struct
{
  MillPeerTarget target;
  gchar *socket_path;
  MillPeerLink *link;
} Connecting;

static void
connecting_free (gpointer data)
{
  Connecting *connecting = data;

  g_clear_object (&connecting->link);
  g_free (connecting->socket_path);
  g_free (connecting);
}

static void
start_watching (MillPeerLink *link)
{
  g_signal_connect (link->connection, "closed", G_CALLBACK (on_closed), link);
  mill_peer_link_watch_closely (link, POLL_INTERVAL_MS);
  on_poll (link);
}

static void
on_stranger_drained (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connecting *connecting = g_task_get_task_data (task);
  g_autoptr (GVariant) answer =
      g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, NULL);

  g_task_return_new_error (task, MILL_IPC_ERROR, MILL_IPC_ERROR_PROTOCOL,
      "protocol of '%s': got %u, expected %u; %s", connecting->socket_path,
      connecting->link->report->protocol, MILL_IPC_PROTOCOL,
      answer ? "it drains" : "it did not take Drain");
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connecting *connecting = g_task_get_task_data (task);
  MillPeerLink *link = connecting->link;
  GError *error = NULL;
  g_autoptr (GVariant) answer =
      g_dbus_proxy_call_finish (link->proxy, result, &error);

  if (!answer) {
    error = take_error (error);
    g_prefix_error (&error, "describe '%s': ", connecting->socket_path);
    g_task_return_error (task, error);
    return;
  }
  g_autoptr (GVariant) dict = g_variant_get_child_value (answer, 0);
  link->report = mill_process_report_new_from_variant (dict);
  if (link->report->protocol != MILL_IPC_PROTOCOL) {
    /* It ends when its streams have. Its answer is waited for: closing a
     * connection drops what is not yet written. */
    g_dbus_proxy_call (link->proxy, "Drain", NULL, G_DBUS_CALL_FLAGS_NONE, -1,
        NULL, on_stranger_drained, g_steal_pointer (&task));
    return;
  }
  if (g_dbus_connection_is_closed (link->connection)) {
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
        "connection '%s': closed", connecting->socket_path);
    return;
  }
  start_watching (link);
  g_task_return_pointer (task, g_object_ref (link), g_object_unref);
}

static void
on_proxy (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connecting *connecting = g_task_get_task_data (task);
  GError *error = NULL;
  GObject *proxy =
      g_async_initable_new_finish (G_ASYNC_INITABLE (source), result, &error);

  if (!proxy) {
    g_task_return_error (task, error);
    return;
  }
  connecting->link->proxy = G_DBUS_PROXY (proxy);
  g_dbus_proxy_set_default_timeout (connecting->link->proxy, CALL_TIMEOUT_MS);
  g_dbus_proxy_call (connecting->link->proxy, "Describe", NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, g_task_get_cancellable (task), on_described,
      g_object_ref (task));
}

static void
on_connection (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connecting *connecting = g_task_get_task_data (task);
  GError *error = NULL;
  GDBusConnection *connection =
      g_dbus_connection_new_for_address_finish (result, &error);

  if (!connection) {
    g_prefix_error (&error, "connect '%s': ", connecting->socket_path);
    g_task_return_error (task, error);
    return;
  }
  connecting->link->connection = connection;
  g_async_initable_new_async (connecting->target.proxy_type, G_PRIORITY_DEFAULT,
      g_task_get_cancellable (task), on_proxy, g_object_ref (task), "g-flags",
      G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES, "g-connection", connection,
      "g-object-path", connecting->target.object_path, "g-interface-name",
      connecting->target.interface_name, NULL);
}

void
mill_peer_link_connect_async (const MillPeerTarget *target,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree gchar *address = mill_ipc_get_address (target->socket_path);
  g_autoptr (GDBusAuthObserver) observer = mill_ipc_auth_observer_new ();
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Connecting *connecting = g_new0 (Connecting, 1);

  /* Registers the names of the errors before one can arrive. */
  (void) mill_ipc_error_quark ();
  connecting->target = *target;
  connecting->socket_path = g_strdup (target->socket_path);
  connecting->link = g_object_new (MILL_TYPE_PEER_LINK, NULL);
  g_task_set_task_data (task, connecting, connecting_free);
  g_dbus_connection_new_for_address (address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, observer, cancellable,
      on_connection, task);
}

MillPeerLink *
mill_peer_link_connect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- the rest ---- */

gpointer
mill_peer_link_get_proxy (MillPeerLink *link)
{
  return link->proxy;
}

const MillProcessReport *
mill_peer_link_get_report (MillPeerLink *link)
{
  return link->report;
}

const MillProcessStats *
mill_peer_link_get_last_stats (MillPeerLink *link)
{
  return link->stats;
}

void
mill_peer_link_disconnect (MillPeerLink *link)
{
  if (g_cancellable_is_cancelled (link->life))
    return;
  g_cancellable_cancel (link->life);
  g_clear_handle_id (&link->poll_timer_id, g_source_remove);
  if (link->connection) {
    g_signal_handlers_disconnect_by_data (link->connection, link);
    /* What was written before still goes out. */
    g_dbus_connection_close (link->connection, NULL, NULL, NULL);
  }
}

static void
mill_peer_link_finalize (GObject *object)
{
  MillPeerLink *link = MILL_PEER_LINK (object);

  mill_peer_link_disconnect (link);
  g_clear_object (&link->proxy);
  g_clear_object (&link->connection);
  g_clear_object (&link->life);
  g_clear_pointer (&link->report, mill_process_report_free);
  g_clear_pointer (&link->stats, mill_process_report_stats_free);
  G_OBJECT_CLASS (mill_peer_link_parent_class)->finalize (object);
}

static void
mill_peer_link_class_init (MillPeerLinkClass *klass)
{
  const GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = mill_peer_link_finalize;
  signals[SIGNAL_WEDGED] = g_signal_new ("wedged", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_UINT64);
  signals[SIGNAL_UNRESPONSIVE] = g_signal_new ("unresponsive", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  signals[SIGNAL_LOST] = g_signal_new ("lost", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 0);
}

static void
mill_peer_link_init (MillPeerLink *link)
{
  link->life = g_cancellable_new ();
}
