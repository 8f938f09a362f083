/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/process-report.h"
#include "daemon/supervisor/peer-link.h"

G_BEGIN_DECLS

/**
 * MillOriginProxy: millrace-origin as millraced sees it; the same rules as
 * MillWorkerProxy.
 */
#define MILL_TYPE_ORIGIN_PROXY (mill_origin_proxy_get_type ())
G_DECLARE_FINAL_TYPE (MillOriginProxy, mill_origin_proxy, MILL, ORIGIN_PROXY,
    GObject)

void mill_origin_proxy_connect_async (const gchar *socket_path,
    GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* Returns: (transfer full) (nullable) */
MillOriginProxy *mill_origin_proxy_connect_finish (GAsyncResult *result,
    GError **error);

/* Returns: (transfer none) */
MillPeerLink *mill_origin_proxy_get_link (MillOriginProxy *proxy);

/* @kind: "origin". finish: (transfer full) (nullable): host:port bound */
void mill_origin_proxy_listen_async (MillOriginProxy *proxy, const gchar *kind,
    const gchar *address, GAsyncReadyCallback callback, gpointer user_data);
gchar *mill_origin_proxy_listen_finish (MillOriginProxy *proxy,
    GAsyncResult *result, GError **error);

/* The same beside other origins; finish is that of listen. */
void mill_origin_proxy_join_async (MillOriginProxy *proxy, const gchar *address,
    GAsyncReadyCallback callback, gpointer user_data);

void mill_origin_proxy_drain_async (MillOriginProxy *proxy,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean mill_origin_proxy_drain_finish (MillOriginProxy *proxy,
    GAsyncResult *result, GError **error);

void mill_origin_proxy_disconnect (MillOriginProxy *proxy);

G_END_DECLS
