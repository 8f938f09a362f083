/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/supervisor/origin-proxy.h"

#include "daemon/ipc/ipc.h"
#include "daemon/ipc/mill-ipc-origin1.h"

struct _MillOriginProxy
{
  GObject parent;

  /* Main loop. */
  MillPeerLink *link;
  MillIpcOrigin1 *origin; /* of the link */
};

G_DEFINE_FINAL_TYPE (MillOriginProxy, mill_origin_proxy, G_TYPE_OBJECT)

/* ---- connecting ---- */

static MillOriginProxy *
proxy_new (MillPeerLink *link)
{
  MillOriginProxy *proxy = g_object_new (MILL_TYPE_ORIGIN_PROXY, NULL);

  proxy->link = g_object_ref (link);
  proxy->origin = MILL_IPC_ORIGIN1 (mill_peer_link_get_proxy (link));
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
mill_origin_proxy_connect_async (const gchar *socket_path,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  const MillPeerTarget target = {
    .socket_path = socket_path,
    .object_path = MILL_IPC_ORIGIN_PATH,
    .interface_name = "org.millrace.Origin1",
    .proxy_type = MILL_IPC_TYPE_ORIGIN1_PROXY,
  };

  mill_peer_link_connect_async (&target, cancellable, on_linked,
      g_task_new (NULL, cancellable, callback, user_data));
}

MillOriginProxy *
mill_origin_proxy_connect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
mill_origin_proxy_disconnect (MillOriginProxy *proxy)
{
  mill_peer_link_disconnect (proxy->link);
}

MillPeerLink *
mill_origin_proxy_get_link (MillOriginProxy *proxy)
{
  return proxy->link;
}

/* ---- calls ---- */

static GTask *
task_new (MillOriginProxy *proxy, GAsyncReadyCallback callback,
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

  mill_ipc_origin1_call_listen_finish (MILL_IPC_ORIGIN1 (source), &bound,
      result, &error);
  if (mill_peer_link_check (task, error))
    g_task_return_pointer (task, bound, g_free);
}

void
mill_origin_proxy_listen_async (MillOriginProxy *proxy, const gchar *kind,
    const gchar *address, GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_origin1_call_listen (proxy->origin, kind, address, NULL,
      on_listening, task_new (proxy, callback, user_data));
}

static void
on_joined (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gchar *bound = NULL;

  mill_ipc_origin1_call_join_finish (MILL_IPC_ORIGIN1 (source), &bound, result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_pointer (task, bound, g_free);
}

void
mill_origin_proxy_join_async (MillOriginProxy *proxy, const gchar *address,
    GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_origin1_call_join (proxy->origin, address, NULL, on_joined,
      task_new (proxy, callback, user_data));
}

gchar *
mill_origin_proxy_listen_finish (MillOriginProxy *proxy, GAsyncResult *result,
    GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_drained (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  mill_ipc_origin1_call_drain_finish (MILL_IPC_ORIGIN1 (source), result,
      &error);
  if (mill_peer_link_check (task, error))
    g_task_return_boolean (task, TRUE);
}

void
mill_origin_proxy_drain_async (MillOriginProxy *proxy,
    GAsyncReadyCallback callback, gpointer user_data)
{
  mill_ipc_origin1_call_drain (proxy->origin, NULL, on_drained,
      task_new (proxy, callback, user_data));
}

gboolean
mill_origin_proxy_drain_finish (MillOriginProxy *proxy, GAsyncResult *result,
    GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- type ---- */

static void
mill_origin_proxy_finalize (GObject *object)
{
  MillOriginProxy *proxy = MILL_ORIGIN_PROXY (object);

  mill_origin_proxy_disconnect (proxy);
  g_clear_object (&proxy->link);
  G_OBJECT_CLASS (mill_origin_proxy_parent_class)->finalize (object);
}

static void
mill_origin_proxy_class_init (MillOriginProxyClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_origin_proxy_finalize;
}

static void
mill_origin_proxy_init (MillOriginProxy *proxy)
{
}
