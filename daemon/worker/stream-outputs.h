/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/** A directory that a graph writes to. */
typedef struct
{
  gchar *directory;
  guint64 retention_ms; /* after the end; 0: for ever */
} MillStreamOutput;

/* Of every cmafsink of a graph that runs: one that is stopped has no statistics
 * any more. Returns: (transfer full) (element-type MillStreamOutput) */
GPtrArray *mill_stream_outputs_read (MillGraph *graph);

G_END_DECLS
