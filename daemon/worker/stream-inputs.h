/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/stream-report.h"
#include "daemon/ipc/takeover.h"
#include "graph.h"

G_BEGIN_DECLS

/** Where the publishers of a stream arrive: the sources of its graph that adopt
 * a session, each a place for one.
 * Threads: main loop. What the sources signal on their pool threads is handed
 * over to the main context of whoever made this. */
typedef struct _MillStreamInputs MillStreamInputs;

typedef enum
{
  MILL_STREAM_INPUT_STARTED, /* accepted, and silent yet */
  MILL_STREAM_INPUT_MEDIA, /* the first frame of a pad */
  MILL_STREAM_INPUT_AWAY, /* for a reason */
  MILL_STREAM_INPUT_REPLACED, /* sent away for another, who comes next; what it
                               * sent is told now or never */
  MILL_STREAM_INPUT_GIVEN_UP, /* nobody came back, and nothing was ever shown */
} MillStreamInputEvent;

/* @input: index
 * @reason: UTF-8, empty except with AWAY */
typedef void (*MillStreamInputsFunc) (GObject *owner, guint input,
    MillStreamInputEvent event, const gchar *reason);

/* @publishes: a session will be handed in
 * @owner: @func is called while it lives, also after the inputs are freed */
MillStreamInputs *mill_stream_inputs_new (MillGraph *graph, gboolean publishes,
    MillStreamInputsFunc func, GObject *owner);
void mill_stream_inputs_free (MillStreamInputs *inputs);

gboolean mill_stream_inputs_are_none (MillStreamInputs *inputs);

/* Gives a publisher the place that it had before, or the first that is free.
 * Errors: MILL_IPC_ERROR.EXISTS: none is, and @takeover does not replace;
 * .NOT_FOUND: the connection was closed meanwhile */
gboolean mill_stream_inputs_offer (MillStreamInputs *inputs, GObject *session,
    const MillPublisher *publisher, MillTakeover takeover, GError **error);

/* Sends the publisher of @address away.
 * Returns: whether it was there */
gboolean mill_stream_inputs_drop (MillStreamInputs *inputs,
    const gchar *address, const gchar *reason);

/* After STARTED, and AWAY. */
void mill_stream_inputs_set_live (MillStreamInputs *inputs, guint input,
    gboolean is_live);

/* Whether no publisher is there, and nothing else that could be shown. */
gboolean mill_stream_inputs_are_away (MillStreamInputs *inputs);

/* Sets inputs and publisher of @report. */
void mill_stream_inputs_fill_report (MillStreamInputs *inputs,
    MillStreamReport *report);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamInputs, mill_stream_inputs_free)

G_END_DECLS
