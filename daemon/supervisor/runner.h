/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "event-log.h"
#include "fleet.h"
#include "publish.h"

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
 * gives them to the shared worker and their isolated parts to a MillPartRunner,
 * follows what these report, answers publishers, restarts by policy. What a
 * user asks for is in runner-requests.h. Main loop only. */
typedef struct _MillRunner MillRunner;

/* @context: what decisions look at; copied, its members stay the caller's
 * @fleet: keeps the workers of isolated parts; outlives the runner
 * @events: gets what happens; outlives the runner */
MillRunner *mill_runner_new (const MillPublishContext *context,
    MillFleet *fleet, MillEventLog *events);
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

/* Ends every stream by EOS and takes no publisher any more; @done when the
 * last one has ended, or after @timeout_ms. */
void mill_runner_drain (MillRunner *runner, guint timeout_ms,
    GSourceOnceFunc done, gpointer user_data);

/* Returns: (transfer none) (nullable) */
MillWorkerProxy *mill_runner_get_worker (MillRunner *runner);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRunner, mill_runner_free)

G_END_DECLS
