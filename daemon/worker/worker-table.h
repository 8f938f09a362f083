/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/takeover.h"
#include "daemon/worker/worker-stream.h"
#include "daemon/worker/worker.h"

G_BEGIN_DECLS

/* The streams of a worker by name: what comes in, goes out, and is told to the
 * supervisor when it changes (StreamChanged). Directories are kept while their
 * stream runs. Threads: main loop. */

typedef struct
{
  const gchar *name;
  guint64 generation;
  GVariant *graph;
  GObject *session; /* nullable */
  const MillPublisher *publisher; /* nullable */
  MillTakeover takeover; /* when the stream runs already */
} MillWorkerNewStream;

/* Errors: MILL_IPC_ERROR.DRAINING, .INVALID, .EXISTS and those of
 * mill_worker_stream_new(), mill_worker_stream_start() */
gboolean mill_worker_table_add (MillWorker *worker,
    const MillWorkerNewStream *new_stream, GError **error);

/* The session of @new_stream becomes, continues or joins a stream.
 * Errors: those of mill_worker_table_add(); EXISTS: it has no place left */
gboolean mill_worker_table_admit (MillWorker *worker,
    const MillWorkerNewStream *new_stream, GError **error);

/* Returns: (transfer none) (nullable). Errors: MILL_IPC_ERROR.NOT_FOUND */
MillWorkerStream *mill_worker_table_find (MillWorker *worker, const gchar *name,
    GError **error);

/* A stream that has failed is forgotten by either mode. */
void mill_worker_table_stop (MillWorker *worker, MillWorkerStream *stream,
    gboolean eos);

G_END_DECLS
