/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/* Hands a cue to the packagers of @graph: elements with the action signal "cue".
 * @cue: a{sv}, as org.millrace.Worker1.Cue has it
 * Errors: MILL_IPC_ERROR.NOT_FOUND: there is none, or it has no media;
 * .INVALID; .CONFLICT: a break of that id begins twice, ends without having
 * begun, or there are too many */
gboolean mill_stream_cues_take (MillGraph *graph, GVariant *cue,
    GError **error);

G_END_DECLS
