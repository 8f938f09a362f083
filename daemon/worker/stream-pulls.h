/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/** Of a stream that is pulled from other servers alone: whether any of them
 * gives it. Main loop. */
typedef struct _MillStreamPulls MillStreamPulls;

/* Returns: (transfer full) (nullable): NULL when @graph has another source */
MillStreamPulls *mill_stream_pulls_new (MillGraph *graph);
void mill_stream_pulls_free (MillStreamPulls *pulls);

/* @structure: a message of the element of @node.
 * @ret_reason: (transfer full) (nullable): why that one does not give it
 * Returns: FALSE when it tells nothing of a pull */
gboolean mill_stream_pulls_take (MillStreamPulls *pulls, const gchar *node,
    const GstStructure *structure, gchar **ret_reason);

gboolean mill_stream_pulls_are_live (const MillStreamPulls *pulls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamPulls, mill_stream_pulls_free)

G_END_DECLS
