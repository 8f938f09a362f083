/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker-stream.h"

#include <string.h>

#include "daemon/common/log.h"
#include "daemon/ipc/ipc.h"
#include "daemon/worker/stats-variant.h"
#include "daemon/worker/stream-outputs.h"
#include "engine.h"

#define END_LIMIT_S 10
#define RTMP_FACTORY "rtmpserversrc"
#define PACKAGER_FACTORY "cmafsink"
#define LINK_FACTORY "millsrc"

struct _MillWorkerStream
{
  GObject parent;

  /* Main loop. */
  gchar *name;
  guint64 generation;
  MillStreamState state;
  gint64 since;
  gchar *last_error;
  MillPublisher *publisher; /* nullable */
  gboolean has_media; /* an input has given its first frame */
  MillGraph *graph; /* stopped in the last states */
  gchar *last_dot; /* nullable: the picture of a graph that failed */
  GPtrArray *inputs; /* (element-type GstElement) that adopt sessions */
  GPtrArray
      *outputs; /* (nullable) (element-type MillStreamOutput): at the end */
  guint end_timer_id;
};

enum
{
  SIGNAL_CHANGED,
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
mill_worker_stream_is_abandoned (MillWorkerStream *stream)
{
  MillPlan *plan = mill_graph_get_plan (stream->graph);
  GPtrArray *nodes =
      mill_plan_get_part_nodes (plan, mill_plan_get_process (plan));
  gboolean takes = FALSE;

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    gboolean connected = FALSE;
    if (!g_str_equal (node->factory, LINK_FACTORY))
      continue;
    g_autoptr (GstStructure) stats =
        mill_stats_variant_read (mill_graph_get_node (stream->graph,
            node->name));
    takes = TRUE;
    if (stats && gst_structure_get_boolean (stats, "connected", &connected) &&
        connected)
      return FALSE;
  }
  return takes;
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
  /* A packager that is stopped has no statistics any more. */
  stream->outputs = mill_stream_outputs_read (stream->graph);
  mill_graph_stop (stream->graph);
  set_state (stream, state);
}

static void
fail (MillWorkerStream *stream, const gchar *node, const gchar *text)
{
  /* One that is being stopped has not failed: it had nothing to finish. */
  const gboolean stopping = stream->state == MILL_STREAM_STOPPING;

  g_free (stream->last_error);
  stream->last_error = node ? g_strdup_printf ("%s: %s", node, text)
                            : g_strdup (text);
  finish (stream, stopping ? MILL_STREAM_GONE : MILL_STREAM_FAILED);
}

/* With a publisher it is live when that sends: on_input_event(). */
static void
on_playing (MillGraph *graph, MillWorkerStream *stream)
{
  if (stream->state == MILL_STREAM_STARTING && !stream->publisher)
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
  MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->name, "%s: %s",
      node ? node : "graph", text);
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

/* ---- what an input says, on its own threads ---- */

typedef struct
{
  GWeakRef stream;
  GMainContext *context;
} Listener;

typedef struct
{
  MillWorkerStream *stream; /* strong */
  gboolean started;
  gboolean media;
  gchar *reason;
} InputEvent;

static void
listener_free (gpointer data, GClosure *closure)
{
  Listener *listener = data;

  g_weak_ref_clear (&listener->stream);
  g_main_context_unref (listener->context);
  g_free (listener);
}

static void
input_event_free (gpointer data)
{
  InputEvent *event = data;

  g_object_unref (event->stream);
  g_free (event->reason);
  g_free (event);
}

/* Main loop. */
static gboolean
on_input_event (gpointer user_data)
{
  InputEvent *event = user_data;
  MillWorkerStream *stream = event->stream;

  if (!mill_worker_stream_is_running (stream) ||
      stream->state == MILL_STREAM_STOPPING)
    return G_SOURCE_REMOVE;
  stream->has_media |= event->media;
  if (event->media) {
    if (stream->state == MILL_STREAM_STARTING)
      set_state (stream, MILL_STREAM_LIVE);
  } else if (event->started) {
    /* Accepted, and silent yet: on_first_media() makes it live. */
    set_state (stream,
        stream->has_media ? MILL_STREAM_LIVE : MILL_STREAM_STARTING);
  } else {
    MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, stream->name, "publisher is away: %s",
        event->reason);
    set_state (stream, MILL_STREAM_RECONNECTING);
  }
  return G_SOURCE_REMOVE;
}

static void
hand_over (Listener *listener, const InputEvent *said)
{
  MillWorkerStream *stream = g_weak_ref_get (&listener->stream);

  if (!stream)
    return;
  InputEvent *event = g_new0 (InputEvent, 1);
  *event = *said;
  event->stream = stream;
  event->reason = g_utf8_make_valid (said->reason ? said->reason : "", -1);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_input_event, event, input_event_free);
  g_source_attach (source, listener->context);
}

static void
on_publish_start (GstElement *element, const gchar *name, gpointer user_data)
{
  hand_over (user_data, &(InputEvent){ .started = TRUE });
}

static void
on_publish_end (GstElement *element, const gchar *reason, gpointer user_data)
{
  hand_over (user_data, &(InputEvent){ .reason = (gchar *) reason });
}

static GstPadProbeReturn
on_first_media (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  hand_over (user_data, &(InputEvent){ .media = TRUE });
  return GST_PAD_PROBE_REMOVE;
}

/* The handler's listener lives as long as the element, whose pad this is. */
static void
on_input_pad (GstElement *element, GstPad *pad, gpointer user_data)
{
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
      on_first_media, user_data, NULL);
}

static void
listen_to (MillWorkerStream *stream, GstElement *element, const gchar *signal,
    GCallback callback)
{
  Listener *listener = g_new0 (Listener, 1);

  g_weak_ref_init (&listener->stream, stream);
  listener->context = g_main_context_ref_thread_default ();
  g_signal_connect_data (element, signal, callback, listener, listener_free, 0);
}

/* ---- building ---- */

/* Parameters that every description may declare and a worker knows. */
static GHashTable *
complete_params (MillDescription *description,
    const MillWorkerStreamOptions *options)
{
  GHashTable *params =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GPtrArray *declared = mill_description_get_params (description);
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  for (guint i = 0; i < declared->len; i++) {
    const MillParam *param = declared->pdata[i];
    if (g_str_equal (param->name, "stream"))
      g_hash_table_insert (params, g_strdup ("stream"),
          g_strdup (options->name));
    else if (g_str_equal (param->name, "output"))
      g_hash_table_insert (params, g_strdup ("output"),
          g_build_filename (options->media_dir, options->name, NULL));
  }
  g_hash_table_iter_init (&iter, options->graph->params);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_replace (params, g_strdup (name), g_strdup (value));
  return params;
}

static MillPlan *
make_plan (const MillWorkerStreamOptions *options, GError **error)
{
  const MillGraphSpec *spec = options->graph;
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_data (spec->description,
          strlen (spec->description), spec->file, diagnostics);
  MillPlan *plan = NULL;

  if (description) {
    g_autoptr (GHashTable) params = complete_params (description, options);
    const MillPlanOptions plan_options = {
      .params = params,
      .epoch = spec->epoch_ns ? spec->epoch_ns : GST_CLOCK_TIME_NONE,
      .one_process = spec->one_process,
      .process = spec->process,
      .stream = options->name,
      .links_dir = options->links_dir,
    };
    plan = mill_plan_new (description, &plan_options, diagnostics);
  }
  if (!plan) {
    g_autofree gchar *text = mill_diagnostics_to_string (diagnostics);
    g_set_error_literal (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DESCRIPTION,
        g_strchomp (text));
  }
  return plan;
}

static gboolean
sets_location (const MillPlanNode *node)
{
  for (guint i = 0; i < node->props->len; i++) {
    const MillPlanSetting *setting = node->props->pdata[i];
    if (g_str_equal (setting->name, "location"))
      return *g_value_get_string (&setting->value) != '\0';
  }
  return FALSE;
}

static void
add_input (MillWorkerStream *stream, const MillPlanNode *node)
{
  GstElement *element = mill_graph_get_node (stream->graph, node->name);

  /* Also where the text of a parameter has left it empty. */
  g_object_set (element, "location", NULL, NULL);
  g_ptr_array_add (stream->inputs, gst_object_ref (element));
  listen_to (stream, element, "publish-start", G_CALLBACK (on_publish_start));
  listen_to (stream, element, "publish-end", G_CALLBACK (on_publish_end));
  listen_to (stream, element, "pad-added", G_CALLBACK (on_input_pad));
}

/* Where the publisher arrives: the nodes without a location; when all have
 * one, the first: its location then is for running the description by hand,
 * as in the shipped ones, and would open a second listener here. */
static void
find_inputs (MillWorkerStream *stream, MillPlan *plan, gboolean publishes)
{
  GPtrArray *nodes = mill_plan_get_nodes (plan);
  const MillPlanNode *located = NULL;

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    if (!g_str_equal (node->factory, RTMP_FACTORY) ||
        node->process != mill_plan_get_process (plan))
      continue;
    if (!sets_location (node))
      add_input (stream, node);
    else if (!located)
      located = node;
  }
  if (publishes && stream->inputs->len == 0 && located)
    add_input (stream, located);
}

MillWorkerStream *
mill_worker_stream_new (const MillWorkerStreamOptions *options, GError **error)
{
  g_autoptr (MillPlan) plan = make_plan (options, error);

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
  find_inputs (stream, plan, options->publishes);
  return stream;
}

/* ---- running ---- */

static void
set_publisher (MillWorkerStream *stream, const MillPublisher *publisher)
{
  g_clear_pointer (&stream->publisher, mill_publisher_free);
  if (!publisher)
    return;
  stream->publisher = mill_publisher_copy (publisher);
  stream->publisher->since = g_get_real_time () / G_USEC_PER_SEC;
}

static void
set_session (MillWorkerStream *stream, GObject *session)
{
  for (guint i = 0; i < stream->inputs->len; i++)
    g_object_set (stream->inputs->pdata[i], "session", session, NULL);
}

/* A connection that was closed in the meantime is taken by no input. */
static gboolean
has_session (MillWorkerStream *stream)
{
  for (guint i = 0; i < stream->inputs->len; i++) {
    g_autoptr (GObject) session = NULL;
    g_object_get (stream->inputs->pdata[i], "session", &session, NULL);
    if (session)
      return TRUE;
  }
  return FALSE;
}

gboolean
mill_worker_stream_start (MillWorkerStream *stream, GObject *session,
    const MillPublisher *publisher, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (session && stream->inputs->len == 0) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DESCRIPTION,
        "stream '%s': got no node of element " RTMP_FACTORY
        ", expected one to take the publisher",
        stream->name);
    return FALSE;
  }
  if (session)
    set_session (stream, session);
  if (session && !has_session (stream)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
        "stream '%s': the publisher left before it was answered", stream->name);
    return FALSE;
  }
  set_publisher (stream, publisher);
  if (!mill_graph_start (stream->graph, &cause)) {
    mill_graph_stop (stream->graph);
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "stream '%s': %s", stream->name, cause->message);
    return FALSE;
  }
  return TRUE;
}

void
mill_worker_stream_adopt (MillWorkerStream *stream, GObject *session,
    const MillPublisher *publisher)
{
  g_return_if_fail (stream->state == MILL_STREAM_RECONNECTING);
  set_publisher (stream, publisher);
  set_session (stream, session);
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

static gchar *
dup_field (const GstStructure *structure, const gchar *name)
{
  const gchar *text = gst_structure_get_string (structure, name);

  return g_strdup (text ? text : "");
}

static guint
get_uint (const GstStructure *structure, const gchar *name)
{
  guint number = 0;

  gst_structure_get_uint (structure, name, &number);
  return number;
}

static void
add_rendition (MillStreamReport *report, const GstStructure *structure)
{
  MillRenditionReport *rendition = mill_stream_report_add_rendition (report);

  rendition->name = dup_field (structure, "name");
  rendition->kind = dup_field (structure, "kind");
  rendition->codec = dup_field (structure, "codec");
  rendition->state = dup_field (structure, "state");
  rendition->width = get_uint (structure, "width");
  rendition->height = get_uint (structure, "height");
  gst_structure_get_uint64 (structure, "bitrate-bps", &rendition->bitrate_bps);
}

static void
add_renditions (MillStreamReport *report, const GstStructure *stats)
{
  const GValue *list = gst_structure_get_value (stats, "renditions");

  if (!list || !GST_VALUE_HOLDS_ARRAY (list))
    return;
  for (guint i = 0; i < gst_value_array_get_size (list); i++) {
    const GValue *item = gst_value_array_get_value (list, i);
    if (GST_VALUE_HOLDS_STRUCTURE (item))
      add_rendition (report, gst_value_get_structure (item));
  }
}

static void
add_input_bytes (MillStreamReport *report, const GstStructure *stats)
{
  guint64 bytes;

  if (report->publisher && gst_structure_get_uint64 (stats, "bytes", &bytes))
    report->publisher->bytes = MAX (report->publisher->bytes, bytes);
}

/* Where encoders have one field only (OBS), the name that a publisher asked
 * for is its secret. Nobody who looks at a stream is to see it; what the stream
 * is called, the structure says as "stream". */
static void
remove_secrets (GstStructure *stats, const MillPlanNode *node)
{
  if (g_str_equal (node->factory, RTMP_FACTORY))
    gst_structure_remove_field (stats, "name");
}

static void
add_nodes (MillWorkerStream *stream, MillStreamReport *report)
{
  MillPlan *plan = mill_graph_get_plan (stream->graph);
  GPtrArray *nodes =
      mill_plan_get_part_nodes (plan, mill_plan_get_process (plan));
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    GstElement *element = mill_graph_get_node (stream->graph, node->name);
    g_autoptr (GstStructure) stats = element ? mill_stats_variant_read (element)
                                             : NULL;
    if (!stats)
      continue;
    remove_secrets (stats, node);
    g_variant_builder_add (&builder, "{sv}", node->name,
        mill_stats_variant_new (stats));
    if (g_str_equal (node->factory, PACKAGER_FACTORY))
      add_renditions (report, stats);
    else if (g_str_equal (node->factory, RTMP_FACTORY))
      add_input_bytes (report, stats);
  }
  g_variant_unref (report->nodes);
  report->nodes = g_variant_ref_sink (g_variant_builder_end (&builder));
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
  if (stream->publisher)
    report->publisher = mill_publisher_copy (stream->publisher);
  g_free (report->last_error);
  report->last_error = g_strdup (stream->last_error);
  add_nodes (stream, report);
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
  g_ptr_array_unref (stream->inputs);
  g_clear_pointer (&stream->outputs, g_ptr_array_unref);
  g_clear_pointer (&stream->publisher, mill_publisher_free);
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
}

static void
mill_worker_stream_init (MillWorkerStream *stream)
{
  stream->state = MILL_STREAM_STARTING;
  stream->since = g_get_real_time () / G_USEC_PER_SEC;
  stream->last_error = g_strdup ("");
  stream->inputs = g_ptr_array_new_with_free_func (gst_object_unref);
}
