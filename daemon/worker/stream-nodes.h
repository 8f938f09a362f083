/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/stream-report.h"
#include "graph.h"

G_BEGIN_DECLS

/* What the nodes of a graph say about themselves, from their `stats`.
 * Threads: main loop. */

/* Fills in the nodes and renditions of @report, and which node tells of its
 * publisher: of several the one that its choice, which is there already, shows. */
void mill_stream_nodes_read (MillGraph *graph, MillStreamReport *report);

/* Whether the graph takes from other processes, none of which is there just
 * now. */
gboolean mill_stream_nodes_is_abandoned (MillGraph *graph);

G_END_DECLS
