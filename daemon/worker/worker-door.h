/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/worker/worker.h"

G_BEGIN_DECLS

/* The listeners of a worker: opened when the supervisor asks for them, told
 * about (PublishRequested), closed for a successor. Threads: main loop. */

/* Does nothing when it is open. Returns: (transfer none) (nullable): the
 * address bound. Errors: MILL_IPC_ERROR.INVALID, .DRAINING, .ADDRESS_IN_USE,
 * .FAILED */
const gchar *mill_worker_door_open (MillWorker *worker, const gchar *kind,
    const gchar *address, GError **error);

/* As mill_rtmp_door_set_tls(), before and after it is open. */
gboolean mill_worker_door_set_tls (MillWorker *worker, const gchar *certificate,
    const gchar *key, GError **error);

/* @bounds: as of SetBounds */
void mill_worker_door_set_bounds (MillWorker *worker, GVariant *bounds);

/* Publishers are turned away and the listeners' addresses become free for a
 * successor. */
void mill_worker_door_close (MillWorker *worker);

G_END_DECLS
