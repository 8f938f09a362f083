/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/** What a stream takes from elsewhere: from other servers (rtmpclientsrc), and
 * from nodes of other streams by their links (millsrc). Main loop. */
typedef struct _MillStreamPulls MillStreamPulls;

/* @node gives its media, or does not any more, or not yet.
 * @reason: (nullable): why not */
typedef void (*MillStreamPullsTell) (const gchar *node, const gchar *reason,
    gpointer user_data);

/* Returns: (transfer full) (nullable): NULL when @graph takes nothing */
MillStreamPulls *mill_stream_pulls_new (MillGraph *graph,
    MillStreamPullsTell tell, gpointer user_data);
void mill_stream_pulls_free (MillStreamPulls *pulls);

/* @structure: a message of the element of @node.
 * Returns: FALSE when it tells nothing of a pull */
gboolean mill_stream_pulls_take (MillStreamPulls *pulls, const gchar *node,
    const GstStructure *structure);

/* @pulls: (nullable). Whether the stream has no other source: it is live when
 * one of them is. */
gboolean mill_stream_pulls_are_all (const MillStreamPulls *pulls);
gboolean mill_stream_pulls_are_live (const MillStreamPulls *pulls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamPulls, mill_stream_pulls_free)

G_END_DECLS
