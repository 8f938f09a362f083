/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/* The name of an application message that becomes the signal "warning"; its
 * field "text" is the text, its source tells the node. */
#define MILL_GRAPH_WARNING "millrace-warning"

/* The name of an application message: media has ended on a link that leaves
 * this process. */
#define MILL_GRAPH_LINK_ENDED "millrace-link-ended"

/* Tells which node an element that the engine put in belongs to. */
#define MILL_GRAPH_NODE "millrace-node"

/* The pipeline of the plan's process, in state NULL.
 * Returns: (transfer full) (nullable) Errors: MILL_GRAPH_ERROR_BUILD */
GstElement *mill_graph_build (MillPlan *plan, GError **error);

/* Puts @source, a pad of the node @links come from, into each of @links: by a
 * tee when there are several, with the queue of each. Any thread.
 * @links: (element-type MillPlanLink)
 * Errors: MILL_GRAPH_ERROR_BUILD */
gboolean mill_graph_link_connect (GstBin *pipeline, GstPad *source,
    GPtrArray *links, GError **error);

/* Lets what @source gives flow away without ever waiting.
 * @pool: whether a pool thread pushes. */
void mill_graph_link_discard (GstBin *pipeline, GstPad *source, gboolean pool);

/* Whether the to side of @link has a sink pad for @caps. */
gboolean mill_graph_link_accepts (GstBin *pipeline, const MillPlanLink *link,
    const GstCaps *caps);

/* What the to side of @link has sink pads for. Returns: (transfer full) */
GstCaps *mill_graph_link_get_taken (GstBin *pipeline, const MillPlanLink *link);

/* What @pad carries, or may carry. Returns: (transfer full) */
GstCaps *mill_graph_link_get_caps (GstPad *pad);

/* Tells by MILL_GRAPH_LINK_ENDED when EOS leaves by @sink, if @element is the
 * end of a link between two processes. Any thread. */
void mill_graph_cut_watch_sink (GstElement *element, GstPad *sink);

/* If @link leads to the end of a link between processes: ends that where no pad
 * has reached it, so that its consumers do not wait, nor the graph's end.
 * Returns: FALSE for any other link. Any thread. */
gboolean mill_graph_cut_end_unused (GstElement *element,
    const MillPlanLink *link);

/* Whether a node of another process that @link leads to is fed by another node
 * of the plan as well: it goes on with that. FALSE for any other link. */
gboolean mill_graph_cut_is_fed_otherwise (const MillPlan *plan,
    const MillPlanLink *link);

/* Sends EOS to the sources of @pipeline that are ends of links, or to the
 * others; on threads of their own.
 * Returns: whether there are any that are ends of links. */
gboolean mill_graph_cut_end_sources (GstBin *pipeline, gboolean links);

/* Whether media has ended on all links that leave the process. */
gboolean mill_graph_cut_have_sinks_ended (GstBin *pipeline);

/* Sends EOS to @source, on a thread of its own; not if it is stopped first. */
void mill_graph_eos_send (GstElement *source);

/* Brings @pipeline to NULL, whatever pushes or ends in it. */
void mill_graph_eos_stop (GstElement *pipeline);

/* Waits for the pads of @element that appear at run time and matches them to
 * @links, the links of the plan that leave it.
 * @links: (transfer full) (element-type MillPlanLink) */
void mill_graph_pads_watch (GstElement *element, MillPlan *plan,
    GPtrArray *links);

/* Ends @sink, a pad of @target that gets nothing; for gst_element_call_async(),
 * because a sink keeps an EOS in its preroll. */
void mill_graph_pads_end (GstElement *target, gpointer sink);

/* @element, the end of a link, will not show pads any more. */
void mill_graph_pads_close (GstElement *element);

/* Ends that come to @target wait until the node @source has said that it has no
 * more pads, or has ended itself. Before anything is linked; main thread. */
void mill_graph_gate_await (GstElement *target, const gchar *source);

/* Ends at @sink, a pad of @target that is fed by the node @source, wait. */
void mill_graph_gate_guard (GstElement *target, GstPad *sink,
    const gchar *source);

/* @source has all its pads, which is not settled yet: what it lacks is to be
 * told, and ended, first. Any thread.
 * Returns: whether it is the last of those that @target is fed by, once */
gboolean mill_graph_gate_decide (GstElement *target, const gchar *source);

/* Whether a source that @target is fed by may still show a pad. Any thread. */
gboolean mill_graph_gate_is_undecided (GstElement *target);

/* @source has all its pads. Any thread. */
void mill_graph_gate_settle (GstElement *target, const gchar *source);

/* @element gives to other processes only: mill_graph_rest_take() may follow.
 * Before anything is linked; main thread. */
void mill_graph_rest_expect (GstElement *element);

/* The end of @sink, a pad of @element, is an end of what it takes. */
void mill_graph_rest_guard (GstElement *element, GstPad *sink);

/* @element will show no pads: the graph goes on until what it takes has ended.
 * Any thread. */
void mill_graph_rest_take (GstElement *element);

/* Whether each node of the graph that is fed by a file takes what is in it, as
 * far as that can be told; warns of a file that lacks its end. Blocks on the
 * disk. Errors: GST_STREAM_ERROR_WRONG_TYPE */
gboolean mill_graph_input_check (GstBin *pipeline, MillPlan *plan,
    GError **error);

/* Warns when the track of a file that comes to @sink by @link ends without
 * anything. */
void mill_graph_input_guard (GstBin *pipeline, const MillPlanLink *link,
    GstPad *sink);

/* The file source that @element is, or is fed by directly.
 * Returns: (transfer full) (nullable) */
GstElement *mill_graph_input_get_source (GstElement *element);

/* Returns: (transfer full): the file that such a source reads */
gchar *mill_graph_input_dup_location (GstElement *source);

/* By the first bytes of @file. @ret_empty: (optional): it has none.
 * Returns: (transfer full) (nullable): NULL when nobody knows */
GstCaps *mill_graph_input_find_type (const gchar *file, GstCaps *wanted,
    gboolean *ret_empty);

/* Says of an error of @element, whose input is a file: which file, what it is,
 * what was expected and what can be done; and of a place that it may not write,
 * who may not. @element: (nullable) */
void mill_graph_explain (GstElement *element, const MillPlan *plan,
    GError **error);

/* @text, an element's own, or @dot, GStreamer's picture of the pipeline, with a
 * mask for the plan's secrets. Returns: (transfer full) */
gchar *mill_graph_secret_mask_text (const MillPlan *plan, const gchar *text);
gchar *mill_graph_secret_mask_picture (const MillPlan *plan, const gchar *dot);

/* Posts a message that becomes the signal "warning". Any thread. */
void mill_graph_pads_warn (GstElement *element, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

G_END_DECLS
