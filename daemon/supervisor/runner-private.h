/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "admissions.h"
#include "part-runner.h"
#include "publish-gate.h"
#include "runner.h"
#include "stream-sweeper.h"

G_BEGIN_DECLS

struct _MillRunner
{
  MillPublishContext context;
  gchar *boot_id;
  MillWorkerProxy *worker; /* nullable: the shared one */
  gulong handlers[3];
  MillFleet *fleet; /* not owned */
  MillEventLog *events; /* not owned */
  MillPartRunner *parts;
  MillStreamSweeper *sweeper;
  MillPublishGate *gate;
  MillAdmissions *admissions;
  GCancellable *life; /* cancelled when the runner is freed */
  guint64 publishes[MILL_PUBLISH_N_RESULTS];
  guint64 denials[MILL_N_DENIALS];

  gboolean draining;
  guint drain_timer;
  GSourceOnceFunc drain_done;
  gpointer drain_data;
};

/* A stream may be gone by the time an answer comes: callbacks find it again
 * by name and generation. */
typedef struct
{
  MillRunner *runner;
  GCancellable *life;
  gchar *name;
  guint64 generation;
} MillRunnerCall;

MillRunnerCall *mill_runner_call_new (MillRunner *runner,
    const MillStream *stream);
void mill_runner_call_free (MillRunnerCall *call);
/* Returns: (transfer none) (nullable): NULL when it no longer matters */
MillStream *mill_runner_call_find_stream (const MillRunnerCall *call);

/* A store that fails must not stop media: the stream goes on, and what it did
 * since is found again from its worker. */
void mill_runner_save (MillRunner *runner, MillStream *stream);

/* After each event of a stream: does what @step says, keeps it. */
void mill_runner_settle (MillRunner *runner, MillStream *stream,
    const MillStreamStep *step);

/* A new run of @stream in the worker, of a new generation that is saved before
 * it is used. @spec: its graph is taken */
gboolean mill_runner_begin (MillRunner *runner, MillStream *stream,
    MillRunSpec *spec, GError **error);
/* What the shared worker is told; the parts in other processes are started
 * beside it: neither waits for the other. */
MillWorkerStart mill_runner_describe_start (const MillStream *stream);
/* The worker could not start it. */
void mill_runner_take_failure (MillRunner *runner, MillStream *stream,
    const GError *error);

/* Returns: (transfer full) (nullable): NULL with MILL_RUNNER_ERROR.PIPELINE */
MillRunSpec *mill_runner_plan (MillRunner *runner, const MillStream *stream,
    GError **error);
/* The same for its present run, whose description may have been changed or
 * deleted since it began. */
MillRunSpec *mill_runner_plan_again (MillRunner *runner,
    const MillStream *stream, GError **error);

/* Starts what needs no publisher; the others wait for theirs. */
gboolean mill_runner_launch (MillRunner *runner, MillStream *stream,
    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRunnerCall, mill_runner_call_free)

G_END_DECLS
