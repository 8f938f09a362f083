/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "daemon/origin/origin-server.h"

G_BEGIN_DECLS

/* org.millrace.Origin1: what millraced asks of this process. Main thread. */
typedef struct _MillOriginService MillOriginService;

typedef struct
{
  const gchar *socket_path; /* of the D-Bus socket */
  const gchar *id; /* of this process: "origin", "origin-2" */
} MillOriginServiceOptions;

/** @drained: called when the process may end. Returns: (transfer full)
 * (nullable): served until freed; @server must outlive it */
MillOriginService *mill_origin_service_new (MillOriginServer *server,
    const MillOriginServiceOptions *options, GSourceOnceFunc drained,
    gpointer user_data, GError **error);
void mill_origin_service_free (MillOriginService *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginService, mill_origin_service_free)

/** Stops serving new requests in good order; calls "drained". */
void mill_origin_service_drain (MillOriginService *self);

G_END_DECLS
