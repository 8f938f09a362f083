/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/worker/worker.h"

G_BEGIN_DECLS

/* When the process of a worker ends: with its last stream where it drains or is
 * isolated; without a supervisor some time after there was something to do.
 * Threads: main loop. */

/* Of the streams, those that have a graph. */
guint mill_worker_life_count_running (MillWorker *worker);

/* Emits "finished". */
void mill_worker_life_finish (MillWorker *worker);

/* After every change of streams or of the supervisor. */
void mill_worker_life_update (MillWorker *worker);

/* From within a method call: its answer goes out first. */
void mill_worker_life_update_later (MillWorker *worker);

G_END_DECLS
