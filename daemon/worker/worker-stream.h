/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "bus-queue.h"
#include "daemon/ipc/graph-spec.h"
#include "daemon/ipc/stream-report.h"
#include "daemon/ipc/takeover.h"

G_BEGIN_DECLS

/**
 * MillWorkerStream: one stream of a worker: its graph, its publisher and its
 * state. stream-plan makes the plan, stream-inputs takes the publisher,
 * stream-nodes and stream-outputs read what the graph says.
 *
 * Signals:
 *   "changed" (): mill_worker_stream_get_state() is another, or who publishes
 *       is. FAILED, ENDED and
 *       GONE are the last ones; the graph is stopped by then.
 *   "event" (const gchar *type, GVariant *details): as StreamEvent of D-Bus
 *
 * A graph that fails takes only its own stream down.
 *
 * Threads: main loop; stream-inputs hands over what comes on others.
 */
#define MILL_TYPE_WORKER_STREAM (mill_worker_stream_get_type ())
G_DECLARE_FINAL_TYPE (MillWorkerStream, mill_worker_stream, MILL, WORKER_STREAM,
    GObject)

typedef struct
{
  const gchar *name;
  guint64 generation;
  const MillGraphSpec *graph;
  const gchar *links_dir; /* where links to other processes listen */
  const gchar *media_dir; /* params `output` unless the graph sets it */
  gboolean publishes; /* a publisher's session will be handed in */
  MillBusQueue *queue;
} MillWorkerStreamOptions;

/* Parses, plans and builds; nothing runs yet. The parameters `stream` and
 * `output` of a description that declares them default to the name and
 * media_dir/name.
 * Errors: MILL_IPC_ERROR.DESCRIPTION, .FAILED */
MillWorkerStream *mill_worker_stream_new (const MillWorkerStreamOptions
                                              *options,
    GError **error);

/* @session: (nullable) for a stream without publisher: the first place takes it.
 * Errors: MILL_IPC_ERROR.FAILED, .NOT_FOUND */
gboolean mill_worker_stream_start (MillWorkerStream *stream, GObject *session,
    const MillPublisher *publisher, GError **error);

/* Whether it is there for another publisher: it runs and is not being ended. */
gboolean mill_worker_stream_takes_publishers (MillWorkerStream *stream);

/* A publisher is back, joins, or takes another's place.
 * Errors: MILL_IPC_ERROR.EXISTS: no place is free; .NOT_FOUND: it has gone */
gboolean mill_worker_stream_offer (MillWorkerStream *stream, GObject *session,
    const MillPublisher *publisher, MillTakeover takeover, GError **error);

/* Sends the publisher of @address away, who reads @reason.
 * Errors: MILL_IPC_ERROR.NOT_FOUND */
gboolean mill_worker_stream_drop_publisher (MillWorkerStream *stream,
    const gchar *address, const gchar *reason, GError **error);

/* What mill_stream_selector_choose() does, and tells that.
 * Errors: as there; MILL_IPC_ERROR.NOT_FOUND: it does not run */
gboolean mill_worker_stream_switch_input (MillWorkerStream *stream,
    const gchar *input, GError **error);

/* A cue for its packagers: see mill_stream_cues_take().
 * Errors: MILL_IPC_ERROR.NOT_FOUND also when it does not run */
gboolean mill_worker_stream_cue (MillWorkerStream *stream, GVariant *cue,
    GError **error);

/* End of stream to the sources; what has not ended within 10 s is stopped. */
void mill_worker_stream_end (MillWorkerStream *stream);

/* At once: state GONE. */
void mill_worker_stream_stop (MillWorkerStream *stream);

MillStreamState mill_worker_stream_get_state (MillWorkerStream *stream);
const gchar *mill_worker_stream_get_name (MillWorkerStream *stream);
guint64 mill_worker_stream_get_generation (MillWorkerStream *stream);

/* Whether a graph exists: not FAILED, ENDED, GONE. */
gboolean mill_worker_stream_is_running (MillWorkerStream *stream);

/* Whether its part of the stream takes from other processes, none of which is
 * there just now. */
gboolean mill_worker_stream_is_abandoned (MillWorkerStream *stream);

/* Where it writes, also after its end.
 * Returns: (transfer full) (element-type MillStreamOutput) */
GPtrArray *mill_worker_stream_get_outputs (MillWorkerStream *stream);

/* Statistics as of now. Returns: (transfer full) */
MillStreamReport *mill_worker_stream_get_report (MillWorkerStream *stream);

/* Returns: (transfer full) (nullable): NULL when there is no graph. */
gchar *mill_worker_stream_to_dot (MillWorkerStream *stream);

G_END_DECLS
