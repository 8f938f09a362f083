/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/** What is told of a stream beside its state: in the log, and as the events of
 * StreamEvent (org.millrace.Worker1.xml). Main loop. */
typedef struct _MillStreamEvents MillStreamEvents;

typedef void (*MillStreamEventsTell) (const gchar *type, GVariant *details,
    gpointer user_data);

/* @stream: its name. Returns: (transfer full) */
MillStreamEvents *mill_stream_events_new (const gchar *stream,
    MillStreamEventsTell tell, gpointer user_data);
void mill_stream_events_free (MillStreamEvents *events);

/* What is tried again and again fails the same way: of each node that is told
 * once, until there is something else to tell, or mill_stream_events_settle(). */
void mill_stream_events_warn (MillStreamEvents *events, const gchar *node,
    const gchar *text);

/* All is well with @node: what comes next is news, be it the same. */
void mill_stream_events_settle (MillStreamEvents *events, const gchar *node);

/* Messages of elements: of a server that the stream is sent on to, of a switch
 * that shows another input, of a publisher's health. */
void mill_stream_events_take_target (MillStreamEvents *events,
    const gchar *node, const GstStructure *structure);
void mill_stream_events_take_switch (MillStreamEvents *events, MillGraph *graph,
    const gchar *node, const GstStructure *structure);
void mill_stream_events_take_health (MillStreamEvents *events,
    const gchar *node, const GstStructure *structure);

/* An operator has chosen @input of the switch @node. */
void mill_stream_events_choose (MillStreamEvents *events, const gchar *node,
    const gchar *input);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamEvents, mill_stream_events_free)

G_END_DECLS
