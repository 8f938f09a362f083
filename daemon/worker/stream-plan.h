/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/worker/worker-stream.h"
#include "engine.h"

G_BEGIN_DECLS

/* The plan of a stream: its description with the parameters that it declares
 * and a worker knows. Nothing is kept. Threads: main loop. */

/* Returns: (transfer full) (nullable). Errors: MILL_IPC_ERROR.DESCRIPTION, with
 * every diagnostic */
MillPlan *mill_stream_plan_new (const MillWorkerStreamOptions *options,
    GError **error);

G_END_DECLS
