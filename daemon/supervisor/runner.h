/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "publish.h"
#include "worker-proxy.h"

G_BEGIN_DECLS

#define MILL_RUNNER_ERROR (mill_runner_error_quark ())
GQuark mill_runner_error_quark (void);

/**
 * MillRunnerError:
 * @MILL_RUNNER_ERROR_NO_WORKER: no worker is connected
 * @MILL_RUNNER_ERROR_PIPELINE: the description does not plan; the message has
 *   a line per mistake
 * @MILL_RUNNER_ERROR_STATE: the stream's state forbids it
 */
typedef enum
{
  MILL_RUNNER_ERROR_NO_WORKER,
  MILL_RUNNER_ERROR_PIPELINE,
  MILL_RUNNER_ERROR_STATE,
} MillRunnerError;

/** MillRunner: makes the streams of the registry be what they should be: it
 * gives them to the worker, follows what the worker reports, answers
 * publishers, restarts by policy. Main loop only. */
typedef struct _MillRunner MillRunner;

/* @context: what decisions look at; copied, its members stay the caller's */
MillRunner *mill_runner_new (const MillPublishContext *context);
void mill_runner_free (MillRunner *runner);

/* After a reload. */
void mill_runner_set_config (MillRunner *runner, const MillConfig *config);

/* From now on streams run in @worker: what it runs already is taken over,
 * what it runs that nobody wants or that is of an older generation is ended,
 * what should run and does not is started. Call it in the callback that
 * delivers the proxy: a publisher may be waiting. */
void mill_runner_attach (MillRunner *runner, MillWorkerProxy *worker);

/* The worker is gone, @reason says how. */
void mill_runner_detach (MillRunner *runner, const gchar *reason);

/* What a user asks for. Each returns when it is under way. */
gboolean mill_runner_start_stream (MillRunner *runner, MillStream *stream,
    GError **error);
gboolean mill_runner_stop_stream (MillRunner *runner, MillStream *stream,
    GError **error);
gboolean mill_runner_restart_stream (MillRunner *runner, MillStream *stream,
    GError **error);

/* Stops the stream, forgets it and removes its directory.
 * @stream: freed */
gboolean mill_runner_delete_stream (MillRunner *runner, MillStream *stream,
    GError **error);

/* Ends every stream by EOS and takes no publisher any more; @done when the
 * last one has ended, or after @timeout_ms. */
void mill_runner_drain (MillRunner *runner, guint timeout_ms,
    GSourceOnceFunc done, gpointer user_data);

guint64 mill_runner_get_publishes (MillRunner *runner,
    MillPublishResult result);

/* Returns: (transfer none) (nullable) */
MillWorkerProxy *mill_runner_get_worker (MillRunner *runner);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRunner, mill_runner_free)

G_END_DECLS
