/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/choice-report.h"
#include "graph.h"

G_BEGIN_DECLS

/** A node that shows one of several inputs (failoverswitch), seen from one of
 * them. Threads: main loop. */
typedef struct
{
  GstElement *element; /* strong; nullable: there is none behind the input */
  guint priority; /* of the input */
  gboolean has_others; /* inputs that no publisher has to come for */
} MillStreamSelector;

/* @node: an input's */
void mill_stream_selector_find (MillStreamSelector *selector, MillGraph *graph,
    const gchar *node);
void mill_stream_selector_clear (MillStreamSelector *selector);

/* Whether the input is what viewers see. */
gboolean mill_stream_selector_shows (const MillStreamSelector *selector);

/* Whether viewers ever saw an input, or the slate. */
gboolean mill_stream_selector_has_shown (const MillStreamSelector *selector);

/* How long it goes on with no input, in ms; 0: for ever. */
guint mill_stream_selector_get_patience (const MillStreamSelector *selector);

/* ---- the switch of a graph, by the names of the nodes that feed it ---- */

/* @priority: as the switch @node tells it
 * Returns: (transfer full): the first input of it; MILL_CHOICE_SLATE, _NOTHING */
gchar *mill_stream_selector_describe (MillGraph *graph, const gchar *node,
    gint priority);

/* Returns: (transfer full) (nullable): NULL: the graph has no switch */
MillChoiceReport *mill_stream_selector_report (MillGraph *graph);

/* Prefers an input to all others from now on.
 * @input: a node that feeds the switch, or MILL_CHOICE_AUTOMATIC
 * Returns: (transfer none): the node that is the switch
 * Errors: MILL_IPC_ERROR.INVALID: there is no such input; .CONFLICT: the graph
 * has no switch, or the input cannot be shown now */
const gchar *mill_stream_selector_choose (MillGraph *graph, const gchar *input,
    GError **error);

G_END_DECLS
