/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "origin-proxy.h"
#include "process-launcher.h"
#include "worker-proxy.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_PROCESS_SHARED, /* the worker of all streams */
  MILL_PROCESS_ISOLATED, /* the worker of one part of one stream */
  MILL_PROCESS_ORIGIN,
} MillProcessKind;

/* "shared", "isolated", "origin": as REST and metrics say it. */
const gchar *mill_process_kind_to_string (MillProcessKind kind);

/**
 * MillProcess: one process of this node: launched, or found running, and
 * connected to alike; watched while it runs. Whether it is started again is
 * for its owner to say.
 *
 * Signals:
 *   "connected" ()   its proxy is there: connect handlers to it now
 *   "lost" (const gchar *reason, const gchar *words)   it was connected and
 *   has ended; words (nullable): its post-mortem, else the end of its log
 *   "failed" (const GError *error)   it could not be started, or connected to
 *   "ended" ()   after mill_process_end(): it is gone; no other signal follows
 *
 * Threads: main loop.
 */
#define MILL_TYPE_PROCESS (mill_process_get_type ())
G_DECLARE_FINAL_TYPE (MillProcess, mill_process, MILL, PROCESS, GObject)

MillProcess *mill_process_new (MillProcessKind kind, const gchar *id,
    MillProcessLauncher *launcher);

/* One that runs already is only connected to: one path for both. While it is
 * ending: it is launched again when it is gone. */
void mill_process_launch (MillProcess *process);

/* Tells it to end when it has nothing left to do. One of kind isolated is told
 * to stop what it does, and killed when that takes too long. */
void mill_process_end (MillProcess *process);

/* Lets go of it; it runs on. No signal after it. */
void mill_process_leave (MillProcess *process);

/* How long it may leave a question unanswered before it is ended by signal:
 * 10 s unless said otherwise. */
void mill_process_set_patience (MillProcess *process, guint milliseconds);

MillProcessKind mill_process_get_kind (MillProcess *process);
const gchar *mill_process_get_id (MillProcess *process);
/* Only while it is not launched. */
void mill_process_set_id (MillProcess *process, const gchar *id);
gboolean mill_process_is_ending (MillProcess *process);

/* Returns: (transfer none) (nullable): NULL while it is not connected. */
const MillProcessReport *mill_process_get_report (MillProcess *process);
const MillProcessStats *mill_process_get_stats (MillProcess *process);
MillWorkerProxy *mill_process_get_worker (MillProcess *process);
MillOriginProxy *mill_process_get_origin (MillProcess *process);

/* Cores used lately: 1.0 is one core. */
gdouble mill_process_get_cpu (MillProcess *process);
/* Takes a sample for it; call it every few seconds. */
void mill_process_sample (MillProcess *process);

G_END_DECLS
