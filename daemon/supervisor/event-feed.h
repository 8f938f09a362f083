/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "event-log.h"
#include "process.h"
#include "publish.h"
#include "stream.h"

G_BEGIN_DECLS

/* What happens in millraced, as events for its users: their types and fields are
 * part of the REST API (docs/rest.md). Main loop only. */

/* stream.started, stream.reconnecting, stream.ended, or stream.state */
void mill_event_feed_stream_changed (MillEventLog *log,
    const MillStream *stream, MillStreamStatus before);

/* health.warning, health.cleared, and what else a worker tells of a stream:
 * @event->type with its details */
void mill_event_feed_stream_event (MillEventLog *log, const MillStream *stream,
    const MillWorkerEvent *event);

/* publish.refused */
void mill_event_feed_refused (MillEventLog *log, const MillPublisher *publisher,
    const MillPublishDecision *decision);

/* worker.started */
void mill_event_feed_process_started (MillEventLog *log, MillProcess *process);
/* worker.crashed. @reason: for people */
void mill_event_feed_process_crashed (MillEventLog *log, MillProcess *process,
    const gchar *reason);

G_END_DECLS
