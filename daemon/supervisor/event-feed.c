/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "event-feed.h"

static void
insert_text (GVariantDict *dict, const gchar *name, const gchar *text)
{
  g_autofree gchar *valid = text ? g_utf8_make_valid (text, -1) : NULL;
  if (valid)
    g_variant_dict_insert (dict, name, "s", valid);
}

static void
begin_stream (GVariantDict *dict, const MillStream *stream)
{
  g_variant_dict_init (dict, NULL);
  insert_text (dict, "stream", stream->row->name);
  insert_text (dict, "app", stream->row->app);
}

/* One event per change. */
static const gchar *
get_type (MillStreamStatus state, MillStreamStatus before)
{
  switch (state) {
    case MILL_STATUS_LIVE:
      return before == MILL_STATUS_DEGRADED ? "stream.state" : "stream.started";
    case MILL_STATUS_RECONNECTING:
      return "stream.reconnecting";
    case MILL_STATUS_IDLE:
    case MILL_STATUS_STOPPED:
    case MILL_STATUS_FAILED:
      return before == MILL_STATUS_IDLE || before == MILL_STATUS_STOPPED ||
              before == MILL_STATUS_FAILED
          ? "stream.state"
          : "stream.ended";
    case MILL_STATUS_STARTING:
    case MILL_STATUS_DEGRADED:
    default:
      return "stream.state";
  }
}

void
mill_event_feed_stream_changed (MillEventLog *log, const MillStream *stream,
    MillStreamStatus before)
{
  GVariantDict dict;
  begin_stream (&dict, stream);
  insert_text (&dict, "state", mill_stream_status_to_string (stream->state));
  insert_text (&dict, "previous", mill_stream_status_to_string (before));
  g_variant_dict_insert (&dict, "generation", "t", stream->row->generation);
  if (stream->state == MILL_STATUS_FAILED)
    insert_text (&dict, "message", stream->row->last_error);
  mill_event_log_add (log, get_type (stream->state, before),
      g_variant_dict_end (&dict));
}

void
mill_event_feed_stream_event (MillEventLog *log, const MillStream *stream,
    const MillWorkerEvent *event)
{
  GVariantDict dict;
  GVariantIter iter;
  const gchar *name;
  GVariant *value;
  begin_stream (&dict, stream);
  g_variant_iter_init (&iter, event->details);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    g_variant_dict_insert_value (&dict, name, value);
  mill_event_log_add (log, event->type, g_variant_dict_end (&dict));
}

/* Neither name nor query: either may be a stream key. */
void
mill_event_feed_refused (MillEventLog *log, const MillPublisher *publisher,
    const MillPublishDecision *decision)
{
  GVariantDict dict;
  g_autofree gchar *app = mill_publish_hide_key (publisher->app);
  g_variant_dict_init (&dict, NULL);
  insert_text (&dict, "stream", decision->stream);
  insert_text (&dict, "app", app);
  insert_text (&dict, "address", publisher->address);
  insert_text (&dict, "reason", mill_publish_decision_get_reason (decision));
  insert_text (&dict, "message", decision->text);
  mill_event_log_add (log, "publish.refused", g_variant_dict_end (&dict));
}

static void
begin_process (GVariantDict *dict, MillProcess *process)
{
  g_variant_dict_init (dict, NULL);
  insert_text (dict, "worker", mill_process_get_id (process));
  insert_text (dict, "kind",
      mill_process_kind_to_string (mill_process_get_kind (process)));
}

void
mill_event_feed_process_started (MillEventLog *log, MillProcess *process)
{
  GVariantDict dict;
  begin_process (&dict, process);
  mill_event_log_add (log, "worker.started", g_variant_dict_end (&dict));
}

void
mill_event_feed_process_crashed (MillEventLog *log, MillProcess *process,
    const gchar *reason)
{
  GVariantDict dict;
  begin_process (&dict, process);
  insert_text (&dict, "message", reason);
  mill_event_log_add (log, "worker.crashed", g_variant_dict_end (&dict));
}
