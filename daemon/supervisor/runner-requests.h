/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "runner.h"

G_BEGIN_DECLS

/* What a user asks for. Each returns when it is under way. */
gboolean mill_runner_requests_start (MillRunner *runner, MillStream *stream,
    GError **error);
gboolean mill_runner_requests_stop (MillRunner *runner, MillStream *stream,
    GError **error);
gboolean mill_runner_requests_restart (MillRunner *runner, MillStream *stream,
    GError **error);

/* Stops the stream, forgets it and removes its directory.
 * @stream: freed */
gboolean mill_runner_requests_delete (MillRunner *runner, MillStream *stream,
    GError **error);

G_END_DECLS
