/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/worker/worker.h"

G_BEGIN_DECLS

/* The listener of a worker: opened when the supervisor asks for it, told about
 * (PublishRequested), closed for a successor. Threads: main loop. */

#define MILL_WORKER_DOOR_KIND "rtmp"

/* Does nothing when it is open. Errors: MILL_IPC_ERROR.INVALID, .DRAINING,
 * .ADDRESS_IN_USE, .FAILED */
gboolean mill_worker_door_open (MillWorker *worker, const gchar *kind,
    const gchar *address, GError **error);

/* Publishers are turned away and the listener's address becomes free for a
 * successor. */
void mill_worker_door_close (MillWorker *worker);

G_END_DECLS
