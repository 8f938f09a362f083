/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/worker/worker.h"

G_BEGIN_DECLS

/* What org.millrace.Worker1 calls: takes the arguments apart, asks the table of
 * streams or the door, answers. Threads: main loop. */

/* The methods of the worker's skeleton are answered from now on. */
void mill_worker_methods_connect (MillWorker *worker);

G_END_DECLS
