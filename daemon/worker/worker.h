/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "daemon/ipc/process-report.h"

G_BEGIN_DECLS

/**
 * MillWorker: the process: its socket, streams and listener put together, and
 * its shutdown. worker-methods answers org.millrace.Worker1, worker-table has
 * the streams, worker-door the listener, worker-life knows when it is to end.
 *
 * Signals:
 *   "finished" (): nothing is left to do: the process should end
 *
 * Threads: main loop.
 */
#define MILL_TYPE_WORKER (mill_worker_get_type ())
G_DECLARE_FINAL_TYPE (MillWorker, mill_worker, MILL, WORKER, GObject)

typedef struct
{
  const gchar *id;
  MillWorkerKind kind;
  const gchar *socket_path;
  const gchar *media_dir;
  guint orphan_timeout_s;
} MillWorkerOptions;

/* Serves its socket from now on. Errors: MILL_IPC_ERROR.EXISTS, .FAILED */
MillWorker *mill_worker_new (const MillWorkerOptions *options, GError **error);

/* Ends every stream properly, then "finished"; after 10 s, or when called
 * again, what is left is stopped. */
void mill_worker_shutdown (MillWorker *worker);

/* Stops everything and takes the socket away. */
void mill_worker_close (MillWorker *worker);

G_END_DECLS
