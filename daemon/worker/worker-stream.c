/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker-stream.h"

#include "daemon/common/log.h"
#include "daemon/ipc/ipc.h"
#include "daemon/worker/stream-cues.h"
#include "daemon/worker/stream-events.h"
#include "daemon/worker/stream-inputs.h"
#include "daemon/worker/stream-nodes.h"
#include "daemon/worker/stream-outputs.h"
#include "daemon/worker/stream-plan.h"
#include "daemon/worker/stream-pulls.h"
#include "daemon/worker/stream-selector.h"
#include "engine.h"

#define END_LIMIT_S 10
/* rtmpserversrc's, and those of elements that judge a publisher as it does */
#define HEALTH_MESSAGE "rtmp-health"
/* rtmpclientsink's; rtmpclientsrc's and millsrc's are of stream-pulls */
#define TARGET_MESSAGE "rtmp-client-state"
#define SWITCH_MESSAGE "failover-switch"

struct _MillWorkerStream
{
  GObject parent;

  /* Main loop. */
  gchar *name;
  guint64 generation;
  MillStreamState state;
  gint64 since;
  gchar *last_error;
  gboolean has_publisher; /* it was begun for one */
  gboolean has_media; /* an input has given its first frame */
  MillGraph *graph; /* stopped in the last states */
  gchar *last_dot; /* nullable: the picture of a graph that failed */
  MillStreamInputs *inputs;
  MillStreamPulls *pulls; /* nullable: it takes nothing; while it runs */
  MillStreamEvents *events;
  GPtrArray
      *outputs; /* (nullable) (element-type MillStreamOutput): at the end */
  guint end_timer_id;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_EVENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillWorkerStream, mill_worker_stream, G_TYPE_OBJECT)

/* ---- states ---- */

static void
set_state (MillWorkerStream *stream, MillStreamState state)
{
  if (stream->state == state)
    return;
  stream->state = state;
  stream->since = g_get_real_time () / G_USEC_PER_SEC;
  if (state == MILL_STREAM_FAILED)
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->name, "failed: %s",
        stream->last_error);
  else
    MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, stream->name, "%s",
        mill_stream_report_state_to_string (state));
  g_signal_emit (stream, signals[SIGNAL_CHANGED], 0);
}

gboolean
mill_worker_stream_is_running (MillWorkerStream *stream)
{
  return stream->state <= MILL_STREAM_STOPPING;
}

gboolean
mill_worker_stream_takes_publishers (MillWorkerStream *stream)
{
  return mill_worker_stream_is_running (stream) &&
      stream->state != MILL_STREAM_STOPPING;
}

gboolean
mill_worker_stream_is_abandoned (MillWorkerStream *stream)
{
  return mill_stream_nodes_is_abandoned (stream->graph);
}

GPtrArray *
mill_worker_stream_get_outputs (MillWorkerStream *stream)
{
  return stream->outputs ? g_ptr_array_ref (stream->outputs)
                         : mill_stream_outputs_read (stream->graph);
}

/* ---- the end ---- */

/* The graph's picture is kept: it shows what a failed stream looked like. */
static void
finish (MillWorkerStream *stream, MillStreamState state)
{
  g_clear_handle_id (&stream->end_timer_id, g_source_remove);
  if (state == MILL_STREAM_FAILED)
    stream->last_dot = mill_graph_to_dot (stream->graph);
  g_clear_pointer (&stream->pulls, mill_stream_pulls_free);
  /* A packager that is stopped has no statistics any more. */
  stream->outputs = mill_stream_outputs_read (stream->graph);
  mill_graph_stop (stream->graph);
  set_state (stream, state);
}

static void
set_last_error (MillWorkerStream *stream, const gchar *node, const gchar *text)
{
  g_free (stream->last_error);
  stream->last_error = node ? g_strdup_printf ("%s: %s", node, text)
                            : g_strdup (text);
}

static void
fail (MillWorkerStream *stream, const gchar *node, const gchar *text)
{
  /* One that is being stopped has not failed: it had nothing to finish. */
  const gboolean stopping = stream->state == MILL_STREAM_STOPPING;

  set_last_error (stream, node, text);
  finish (stream, stopping ? MILL_STREAM_GONE : MILL_STREAM_FAILED);
}

/* With a publisher it is live when that sends: on_input_event(); pulled, when a
 * server or another stream gives it: on_pull(). */
static void
on_playing (MillGraph *graph, MillWorkerStream *stream)
{
  if (stream->state == MILL_STREAM_STARTING && !stream->has_publisher &&
      !mill_stream_pulls_are_all (stream->pulls))
    set_state (stream, MILL_STREAM_LIVE);
}

static void
on_ended (MillGraph *graph, MillWorkerStream *stream)
{
  if (mill_worker_stream_is_running (stream))
    finish (stream, MILL_STREAM_ENDED);
}

static void
on_failed (MillGraph *graph, const GError *error, const gchar *node,
    MillWorkerStream *stream)
{
  if (mill_worker_stream_is_running (stream))
    fail (stream, node, error->message);
}

static void
on_warning (MillGraph *graph, const gchar *node, const gchar *text,
    MillWorkerStream *stream)
{
  mill_stream_events_warn (stream->events, node ? node : "graph", text);
}

/* A server or another stream gives what is taken from it, or does not any more,
 * or not yet. Beside other sources that is a warning. */
static void
on_pull (const gchar *node, const gchar *reason, gpointer user_data)
{
  MillWorkerStream *stream = user_data;
  MillStreamState before = stream->state;
  gboolean live = mill_stream_pulls_are_live (stream->pulls);

  /* Who waits for a link looks by the clock, while it ends as well. */
  if (!mill_worker_stream_takes_publishers (stream))
    return;
  if (reason)
    mill_stream_events_warn (stream->events, node, reason);
  else if (live)
    mill_stream_events_settle (stream->events, node);
  if (!mill_stream_pulls_are_all (stream->pulls))
    return;
  if (live)
    set_last_error (stream, NULL, "");
  else if (reason)
    set_last_error (stream, node, reason);
  stream->has_media |= live;
  set_state (stream,
      live                    ? MILL_STREAM_LIVE
          : stream->has_media ? MILL_STREAM_RECONNECTING
                              : MILL_STREAM_STARTING);
  if (stream->state == before && reason)
    g_signal_emit (stream, signals[SIGNAL_CHANGED], 0);
}

static void
on_event (const gchar *type, GVariant *details, gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_EVENT], 0, type, details);
}

static void
on_message (MillGraph *graph, const gchar *node, const GstStructure *structure,
    MillWorkerStream *stream)
{
  const gboolean running = mill_worker_stream_is_running (stream);

  if (stream->pulls && mill_worker_stream_takes_publishers (stream) &&
      mill_stream_pulls_take (stream->pulls, node, structure))
    return;
  if (node && running && gst_structure_has_name (structure, TARGET_MESSAGE))
    mill_stream_events_take_target (stream->events, node, structure);
  if (node && running && gst_structure_has_name (structure, SWITCH_MESSAGE)) {
    mill_stream_events_take_switch (stream->events, graph, node, structure);
    g_signal_emit (stream, signals[SIGNAL_CHANGED], 0);
  }
  if (node && gst_structure_has_name (structure, HEALTH_MESSAGE))
    mill_stream_events_take_health (stream->events, node, structure);
}

static gboolean
on_end_limit (gpointer user_data)
{
  MillWorkerStream *stream = user_data;

  stream->end_timer_id = 0;
  g_free (stream->last_error);
  stream->last_error =
      g_strdup_printf ("end of stream: got none from the sinks within %d s",
          END_LIMIT_S);
  finish (stream, MILL_STREAM_GONE);
  return G_SOURCE_REMOVE;
}

void
mill_worker_stream_end (MillWorkerStream *stream)
{
  if (!mill_worker_stream_is_running (stream) ||
      stream->state == MILL_STREAM_STOPPING)
    return;
  stream->end_timer_id =
      g_timeout_add_seconds (END_LIMIT_S, on_end_limit, stream);
  set_state (stream, MILL_STREAM_STOPPING);
  mill_graph_end (stream->graph);
}

void
mill_worker_stream_stop (MillWorkerStream *stream)
{
  if (mill_worker_stream_is_running (stream))
    finish (stream, MILL_STREAM_GONE);
}

/* ---- what an input says ---- */

/* Who publishes has changed, if not what that makes of the stream. */
static void
settle_inputs (MillWorkerStream *stream)
{
  MillStreamState before = stream->state;

  if (mill_stream_inputs_are_away (stream->inputs))
    set_state (stream, MILL_STREAM_RECONNECTING);
  else
    /* The first frame makes it live. */
    set_state (stream,
        stream->has_media ? MILL_STREAM_LIVE : MILL_STREAM_STARTING);
  if (stream->state == before)
    g_signal_emit (stream, signals[SIGNAL_CHANGED], 0);
}

static void
on_input_event (GObject *owner, guint input, MillStreamInputEvent event,
    const gchar *reason)
{
  MillWorkerStream *stream = MILL_WORKER_STREAM (owner);

  if (!mill_worker_stream_takes_publishers (stream))
    return;
  switch (event) {
    case MILL_STREAM_INPUT_MEDIA:
      stream->has_media = TRUE;
      if (stream->state == MILL_STREAM_STARTING)
        set_state (stream, MILL_STREAM_LIVE);
      break;
    case MILL_STREAM_INPUT_STARTED:
      mill_stream_inputs_set_live (stream->inputs, input, TRUE);
      settle_inputs (stream);
      break;
    case MILL_STREAM_INPUT_AWAY:
      MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, stream->name,
          "publisher is away: %s", reason);
      mill_stream_inputs_set_live (stream->inputs, input, FALSE);
      settle_inputs (stream);
      break;
    case MILL_STREAM_INPUT_REPLACED:
      g_signal_emit (stream, signals[SIGNAL_CHANGED], 0);
      break;
    case MILL_STREAM_INPUT_GIVEN_UP:
      fail (stream, NULL,
          "publisher: got its end before any media was shown, expected media of "
          "it or of another one");
      break;
  }
}

/* ---- building ---- */

MillWorkerStream *
mill_worker_stream_new (const MillWorkerStreamOptions *options, GError **error)
{
  g_autoptr (MillPlan) plan = mill_stream_plan_new (options, error);

  if (!plan)
    return NULL;
  g_autoptr (GError) cause = NULL;
  g_autoptr (MillGraph) graph = mill_graph_new (plan, options->queue, &cause);
  if (!graph) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "stream '%s': %s", options->name, cause->message);
    return NULL;
  }
  MillWorkerStream *stream = g_object_new (MILL_TYPE_WORKER_STREAM, NULL);
  stream->name = g_strdup (options->name);
  stream->generation = options->generation;
  stream->graph = g_steal_pointer (&graph);
  g_signal_connect (stream->graph, "playing", G_CALLBACK (on_playing), stream);
  g_signal_connect (stream->graph, "ended", G_CALLBACK (on_ended), stream);
  g_signal_connect (stream->graph, "failed", G_CALLBACK (on_failed), stream);
  g_signal_connect (stream->graph, "warning", G_CALLBACK (on_warning), stream);
  g_signal_connect (stream->graph, "message", G_CALLBACK (on_message), stream);
  stream->events = mill_stream_events_new (stream->name, on_event, stream);
  stream->pulls = mill_stream_pulls_new (stream->graph, on_pull, stream);
  stream->inputs = mill_stream_inputs_new (stream->graph, options->publishes,
      on_input_event, G_OBJECT (stream));
  return stream;
}

/* ---- running ---- */

gboolean
mill_worker_stream_offer (MillWorkerStream *stream, GObject *session,
    const MillPublisher *publisher, MillTakeover takeover, GError **error)
{
  if (mill_stream_inputs_offer (stream->inputs, session, publisher, takeover,
          error))
    return TRUE;
  g_prefix_error (error, "stream '%s': ", stream->name);
  return FALSE;
}

gboolean
mill_worker_stream_drop_publisher (MillWorkerStream *stream,
    const gchar *address, const gchar *reason, GError **error)
{
  if (mill_worker_stream_is_running (stream) &&
      mill_stream_inputs_drop (stream->inputs, address, reason))
    return TRUE;
  g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
      "stream '%s': got no publisher from '%s'", stream->name, address);
  return FALSE;
}

gboolean
mill_worker_stream_cue (MillWorkerStream *stream, GVariant *cue, GError **error)
{
  if (mill_worker_stream_is_running (stream) && stream->graph)
    return mill_stream_cues_take (stream->graph, cue, error);
  g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
      "stream '%s': got a cue, expected one that runs", stream->name);
  return FALSE;
}

gboolean
mill_worker_stream_switch_input (MillWorkerStream *stream, const gchar *input,
    GError **error)
{
  if (!mill_worker_stream_is_running (stream)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
        "stream '%s': got another input, expected one that runs", stream->name);
    return FALSE;
  }
  const gchar *node = mill_stream_selector_choose (stream->graph, input, error);
  if (node)
    mill_stream_events_choose (stream->events, node, input);
  else
    g_prefix_error (error, "stream '%s': ", stream->name);
  return node != NULL;
}

gboolean
mill_worker_stream_start (MillWorkerStream *stream, GObject *session,
    const MillPublisher *publisher, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (session && mill_stream_inputs_are_none (stream->inputs)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DESCRIPTION,
        "stream '%s': got no node of element rtmpserversrc"
        ", expected one to take the publisher",
        stream->name);
    return FALSE;
  }
  if (session &&
      !mill_worker_stream_offer (stream, session, publisher,
          MILL_TAKEOVER_REFUSE, error))
    return FALSE;
  stream->has_publisher = session != NULL;
  if (!mill_graph_start (stream->graph, &cause)) {
    mill_graph_stop (stream->graph);
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "stream '%s': %s", stream->name, cause->message);
    return FALSE;
  }
  return TRUE;
}

/* ---- reports ---- */

MillStreamState
mill_worker_stream_get_state (MillWorkerStream *stream)
{
  return stream->state;
}

const gchar *
mill_worker_stream_get_name (MillWorkerStream *stream)
{
  return stream->name;
}

guint64
mill_worker_stream_get_generation (MillWorkerStream *stream)
{
  return stream->generation;
}

static guint64
get_epoch_ns (MillWorkerStream *stream)
{
  const GstClockTime time = gst_element_get_base_time (
      GST_ELEMENT (mill_graph_get_pipeline (stream->graph)));

  return GST_CLOCK_TIME_IS_VALID (time) ? time : 0;
}

MillStreamReport *
mill_worker_stream_get_report (MillWorkerStream *stream)
{
  MillStreamReport *report =
      mill_stream_report_new (stream->name, stream->generation);

  report->epoch_ns = get_epoch_ns (stream);
  report->state = stream->state;
  report->since = stream->since;
  mill_stream_inputs_fill_report (stream->inputs, report);
  report->choice = mill_stream_selector_report (stream->graph);
  g_free (report->last_error);
  report->last_error = g_strdup (stream->last_error);
  mill_stream_nodes_read (stream->graph, report);
  return report;
}

gchar *
mill_worker_stream_to_dot (MillWorkerStream *stream)
{
  if (stream->last_dot)
    return g_strdup (stream->last_dot);
  return mill_graph_to_dot (stream->graph);
}

/* ---- type ---- */

static void
mill_worker_stream_finalize (GObject *object)
{
  MillWorkerStream *stream = MILL_WORKER_STREAM (object);

  g_clear_handle_id (&stream->end_timer_id, g_source_remove);
  if (stream->graph) {
    g_signal_handlers_disconnect_by_data (stream->graph, stream);
    mill_graph_stop (stream->graph);
    g_clear_object (&stream->graph);
  }
  g_clear_pointer (&stream->inputs, mill_stream_inputs_free);
  g_clear_pointer (&stream->pulls, mill_stream_pulls_free);
  g_clear_pointer (&stream->events, mill_stream_events_free);
  g_clear_pointer (&stream->outputs, g_ptr_array_unref);
  g_free (stream->last_error);
  g_free (stream->last_dot);
  g_free (stream->name);
  G_OBJECT_CLASS (mill_worker_stream_parent_class)->finalize (object);
}

static void
mill_worker_stream_class_init (MillWorkerStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_worker_stream_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_EVENT] = g_signal_new ("event", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING,
      G_TYPE_VARIANT);
}

static void
mill_worker_stream_init (MillWorkerStream *stream)
{
  stream->state = MILL_STREAM_STARTING;
  stream->since = g_get_real_time () / G_USEC_PER_SEC;
  stream->last_error = g_strdup ("");
}
