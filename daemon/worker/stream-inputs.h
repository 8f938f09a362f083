/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/** Where the publisher of a stream arrives: the sources of its graph that adopt
 * a session.
 * Threads: main loop. What the sources signal on their pool threads is handed
 * over to the main context of whoever made this. */
typedef struct _MillStreamInputs MillStreamInputs;

typedef enum
{
  MILL_STREAM_INPUT_STARTED, /* accepted, and silent yet */
  MILL_STREAM_INPUT_MEDIA, /* the first frame of a pad */
  MILL_STREAM_INPUT_AWAY, /* for a reason */
} MillStreamInputEvent;

/* @reason: UTF-8, empty except with AWAY */
typedef void (*MillStreamInputsFunc) (GObject *owner,
    MillStreamInputEvent event, const gchar *reason);

/* @publishes: a session will be handed in
 * @owner: @func is called while it lives, also after the inputs are freed */
MillStreamInputs *mill_stream_inputs_new (MillGraph *graph, gboolean publishes,
    MillStreamInputsFunc func, GObject *owner);
void mill_stream_inputs_free (MillStreamInputs *inputs);

gboolean mill_stream_inputs_are_none (MillStreamInputs *inputs);

void mill_stream_inputs_set_session (MillStreamInputs *inputs,
    GObject *session);

/* A connection that was closed in the meantime is taken by no input. */
gboolean mill_stream_inputs_have_session (MillStreamInputs *inputs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamInputs, mill_stream_inputs_free)

G_END_DECLS
