/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "runner.h"

G_BEGIN_DECLS

/* Ends the streams of the shared worker that are not, or no longer, of this
 * installation. @process: what it said when connecting */
void mill_runner_adopt_end_strangers (MillRunner *runner,
    const MillProcessReport *process);

/* Takes over what the shared worker runs of @stream already and the workers of
 * its parts; starts what should run and does not. */
void mill_runner_adopt_stream (MillRunner *runner, MillStream *stream,
    const MillProcessReport *process, const MillStreamClock *clock);

G_END_DECLS
