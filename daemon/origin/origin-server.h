/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "daemon/origin/origin-connections.h"

G_BEGIN_DECLS

/* Serves the stream directories below a media directory over HTTP. Main
 * thread. */
typedef struct _MillOriginServer MillOriginServer;

typedef struct
{
  const gchar *media_dir; /* need not exist yet */
  MillOriginLimits limits;
} MillOriginServerOptions;

typedef struct
{
  guint64 requests;
  guint64 bytes; /* of bodies sent */
  guint open_connections;
  guint in_flight; /* requests being answered */
} MillOriginCounts;

/** Returns: (transfer full) */
MillOriginServer *mill_origin_server_new (const MillOriginServerOptions
        *options);
/** Ends every connection. */
void mill_origin_server_free (MillOriginServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginServer, mill_origin_server_free)

/** @address: "host:port"; port 0 takes a free one. Returns: (transfer full)
 * (nullable): "host:port" as bound. Asked again, it returns that of the
 * listener there is.
 * Errors: MILL_IPC_ERROR.ADDRESS_IN_USE, .INVALID, .FAILED */
gchar *mill_origin_server_listen (MillOriginServer *self, const gchar *address,
    GError **error);

/** The same, at an address that other origins of this user may have. */
gchar *mill_origin_server_join (MillOriginServer *self, const gchar *address,
    GError **error);

/** Returns: (nullable): as bound, NULL before listen() */
const gchar *mill_origin_server_get_bound (MillOriginServer *self);
const gchar *mill_origin_server_get_media_dir (MillOriginServer *self);

/** Returns: (transfer full): what /metrics says */
gchar *mill_origin_server_print_metrics (MillOriginServer *self);

void mill_origin_server_get_counts (MillOriginServer *self,
    MillOriginCounts *ret_counts);

/** Calls @done when nothing is in flight any more, at the latest after
 * @timeout_ms; connections end with their answers from now on. */
void mill_origin_server_drain (MillOriginServer *self, guint timeout_ms,
    GSourceOnceFunc done, gpointer user_data);

G_END_DECLS
