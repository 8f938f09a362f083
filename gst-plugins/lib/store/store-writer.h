/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store/store-job.h"
#include "store/store.h"

G_BEGIN_DECLS

/*
 * The writes of one stream. A job is a row of steps that belong together (the
 * bytes of a chunk, then the line of live.index that names them); it is handed
 * over once. On tmpfs the steps are carried out by the caller, in submit();
 * otherwise by one of a few writer threads of the process, always the same one
 * for a writer, so that jobs of a stream keep their order and nobody but a
 * writer thread ever waits for a disk.
 *
 * One thread at a time may submit; a packager does so under its own order.
 *
 * The queue is bounded: a full one refuses the newest job, for the caller to
 * record a gap.
 *
 * Of a remote store (mill_store_is_remote()) a job is done when the server has
 * all of it; jobs are begun in order, but done in any, on the store's thread.
 */
typedef struct _MillStoreWriter MillStoreWriter;

typedef enum
{
  MILL_STORE_WRITER_AUTO, /* inline when mill_store_is_memory() */
  MILL_STORE_WRITER_INLINE,
  MILL_STORE_WRITER_THREAD,
} MillStoreWriterMode;

/** Bounds of one writer's queue; zero takes the default in brackets. */
typedef struct
{
  MillStoreWriterMode mode;
  guint max_jobs; /* [64] */
  gsize max_bytes; /* [16 MiB] */
} MillStoreWriterOptions;

/** @options: (nullable). Returns: (transfer full) */
MillStoreWriter *mill_store_writer_new (MillStore *store,
    const MillStoreWriterOptions *options);

/**
 * mill_store_writer_submit:
 * @job: (transfer full): also when refused
 *
 * Never waits (on tmpfs it writes, which does not wait either). An error of a
 * step is reported by the job's MillStoreJobDone only, also when inline.
 *
 * Returns: FALSE with MILL_STORE_ERROR_BUSY when the queue is full
 */
gboolean mill_store_writer_submit (MillStoreWriter *self, MillStoreJob *job,
    GError **error);

/** Returns: jobs accepted and not done yet; any thread */
guint mill_store_writer_get_queued (MillStoreWriter *self);

/** Returns: bytes of those; any thread */
gsize mill_store_writer_get_queued_bytes (MillStoreWriter *self);

/** Returns: whether submit() carries jobs out itself */
gboolean mill_store_writer_is_inline (MillStoreWriter *self);

/**
 * mill_store_writer_flush:
 *
 * Waits until every job submitted so far is done (of a remote store: until none
 * is under way). For the end of a stream, on
 * the thread that changes its state; never from a pool thread, a writer thread
 * or a MillStoreJobDone.
 *
 * Returns: FALSE when @timeout_us passed first (negative waits without end)
 */
gboolean mill_store_writer_flush (MillStoreWriter *self, gint64 timeout_us);

/** Does not wait: jobs accepted are still carried out. */
void mill_store_writer_free (MillStoreWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStoreWriter, mill_store_writer_free)

G_END_DECLS
