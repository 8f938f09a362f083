/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bus-queue.h"
#include "plan.h"

G_BEGIN_DECLS

/**
 * MillGraph: a plan that runs: a GstPipeline with the system clock
 * (CLOCK_MONOTONIC), the plan's epoch as base time and start time NONE.
 *
 * Signals, all on the thread of the bus queue's context:
 *   "playing"  ()                          it has reached PLAYING
 *   "ended"    ()                          every sink has got EOS
 *   "failed"   (const GError *error, const gchar *node)    node nullable; the graph still has to be stopped
 *   "warning"  (const gchar *node, const gchar *text)
 *   "message"  (const gchar *node, const GstStructure *structure)    element messages
 *
 * Threads: every function from that same thread.
 */
#define MILL_TYPE_GRAPH (mill_graph_get_type ())
G_DECLARE_FINAL_TYPE (MillGraph, mill_graph, MILL, GRAPH, GObject)

#define MILL_GRAPH_ERROR (mill_graph_error_quark ())
GQuark mill_graph_error_quark (void);

/**
 * MillGraphError:
 * @MILL_GRAPH_ERROR_BUILD: an element could not be made, set or linked
 * @MILL_GRAPH_ERROR_STATE: the pipeline refused to start
 * @MILL_GRAPH_ERROR_NOT_HOT: the property needs a restart
 * @MILL_GRAPH_ERROR_NOT_FOUND: no such node or property
 * @MILL_GRAPH_ERROR_VALUE: the text is no value of the property
 */
typedef enum
{
  MILL_GRAPH_ERROR_BUILD,
  MILL_GRAPH_ERROR_STATE,
  MILL_GRAPH_ERROR_NOT_HOT,
  MILL_GRAPH_ERROR_NOT_FOUND,
  MILL_GRAPH_ERROR_VALUE,
} MillGraphError;

/* Makes and links all elements of the plan (state NULL).
 * Returns: (transfer full) (nullable) */
MillGraph *mill_graph_new (MillPlan *plan, MillBusQueue *queue, GError **error);

MillPlan *mill_graph_get_plan (MillGraph *graph);
GstPipeline *mill_graph_get_pipeline (MillGraph *graph);

/* Returns: (transfer none) (nullable) */
GstElement *mill_graph_get_node (MillGraph *graph, const gchar *name);

/* Returns: (transfer container) (element-type GstElement): nodes made by the factory. */
GPtrArray *mill_graph_get_nodes_by_factory (MillGraph *graph,
    const gchar *factory);

/* To PLAYING; what fails later arrives as "failed". */
gboolean mill_graph_start (MillGraph *graph, GError **error);

/* Sends EOS to the sources, without waiting for one that is busy; "ended"
 * follows when the sinks have it. */
void mill_graph_end (MillGraph *graph);

/* To NULL, at once; no signal after it. Idempotent. */
void mill_graph_stop (MillGraph *graph);

/* Sets a hot property from its text form. A pad's property is named as
 * "PAD::PROPERTY". */
gboolean mill_graph_set_property (MillGraph *graph, const gchar *node,
    const gchar *property, const gchar *text, GError **error);

/* The running graph for Graphviz. Returns: (transfer full) */
gchar *mill_graph_to_dot (MillGraph *graph);

G_END_DECLS
