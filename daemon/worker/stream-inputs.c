/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-inputs.h"

#include <string.h>

#include "daemon/ipc/ipc.h"
#include "daemon/worker/stream-selector.h"
#include "engine.h"

#define RTMP_FACTORY "rtmpserversrc"
#define PULL_FACTORY "rtmpclientsrc"
#define HOLD_PROPERTY "reconnect-timeout-ms"

typedef struct
{
  gchar *node;
  GstElement *element; /* strong */
  MillStreamSelector selector;
  MillPublisher *publisher; /* nullable: the last that had it */
  gboolean is_live; /* its publisher sends */
} Input;

typedef struct
{
  GWeakRef owner;
  guint input; /* index */
  MillStreamInputsFunc func;
  GMainContext *context;
} Listener;

typedef struct
{
  GObject *owner; /* strong */
  guint input;
  MillStreamInputsFunc func;
  MillStreamInputEvent event;
  gchar *reason;
} Delivery;

struct _MillStreamInputs
{
  GPtrArray *list; /* (element-type Input) in the order of the description */
  GObject *owner; /* not owned; listeners have weak references */
  MillStreamInputsFunc func;
  guint give_up_id; /* runs while nobody publishes */
};

/* ---- what an input says, on its own threads ---- */

static void
listener_free (gpointer data, GClosure *closure)
{
  Listener *listener = data;

  g_weak_ref_clear (&listener->owner);
  g_main_context_unref (listener->context);
  g_free (listener);
}

static void
delivery_free (gpointer data)
{
  Delivery *delivery = data;

  g_object_unref (delivery->owner);
  g_free (delivery->reason);
  g_free (delivery);
}

/* Main loop. */
static gboolean
on_delivery (gpointer user_data)
{
  Delivery *delivery = user_data;

  delivery->func (delivery->owner, delivery->input, delivery->event,
      delivery->reason);
  return G_SOURCE_REMOVE;
}

static void
hand_over (Listener *listener, MillStreamInputEvent event, const gchar *reason)
{
  GObject *owner = g_weak_ref_get (&listener->owner);

  if (!owner)
    return;
  Delivery *delivery = g_new0 (Delivery, 1);
  delivery->owner = owner;
  delivery->input = listener->input;
  delivery->func = listener->func;
  delivery->event = event;
  delivery->reason = g_utf8_make_valid (reason ? reason : "", -1);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_delivery, delivery, delivery_free);
  g_source_attach (source, listener->context);
}

static void
on_publish_start (GstElement *element, const gchar *name, gpointer user_data)
{
  hand_over (user_data, MILL_STREAM_INPUT_STARTED, NULL);
}

static void
on_publish_end (GstElement *element, const gchar *reason, gpointer user_data)
{
  hand_over (user_data, MILL_STREAM_INPUT_AWAY, reason);
}

static GstPadProbeReturn
on_first_media (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  hand_over (user_data, MILL_STREAM_INPUT_MEDIA, NULL);
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
listen_to (MillStreamInputs *inputs, GstElement *element, const gchar *signal,
    GCallback callback)
{
  Listener *listener = g_new0 (Listener, 1);

  g_weak_ref_init (&listener->owner, inputs->owner);
  listener->input = inputs->list->len;
  listener->func = inputs->func;
  listener->context = g_main_context_ref_thread_default ();
  g_signal_connect_data (element, signal, callback, listener, listener_free, 0);
}

static void
input_free (gpointer data)
{
  Input *input = data;

  g_free (input->node);
  gst_object_unref (input->element);
  mill_stream_selector_clear (&input->selector);
  g_clear_pointer (&input->publisher, mill_publisher_free);
  g_free (input);
}

/* ---- which nodes they are ---- */

/* Returns: (nullable) */
static const MillPlanSetting *
find_setting (const MillPlanNode *node, const gchar *name)
{
  for (guint i = 0; i < node->props->len; i++) {
    const MillPlanSetting *setting = node->props->pdata[i];
    if (g_str_equal (setting->name, name))
      return setting;
  }
  return NULL;
}

static gboolean
sets_location (const MillPlanNode *node)
{
  const MillPlanSetting *setting = find_setting (node, "location");

  return setting && *g_value_get_string (&setting->value) != '\0';
}

/* Who publishes beside others may come back as long as those go on: the switch
 * ends the stream, not the source, which would take nobody any more after that.
 * Unless the description says how long it waits. */
static void
hold_place (const Input *input, const MillPlanNode *node)
{
  if (input->selector.element && !find_setting (node, HOLD_PROPERTY))
    g_object_set (input->element, HOLD_PROPERTY, (guint) G_MAXINT, NULL);
}

static void
add_input (MillStreamInputs *inputs, MillGraph *graph, const MillPlanNode *node)
{
  GstElement *element = mill_graph_get_node (graph, node->name);
  Input *input = g_new0 (Input, 1);

  /* Also where the text of a parameter has left it empty. */
  g_object_set (element, "location", NULL, "wait-for-session", TRUE, NULL);
  input->node = g_strdup (node->name);
  input->element = gst_object_ref (element);
  mill_stream_selector_find (&input->selector, graph, node->name);
  hold_place (input, node);
  listen_to (inputs, element, "publish-start", G_CALLBACK (on_publish_start));
  listen_to (inputs, element, "publish-end", G_CALLBACK (on_publish_end));
  listen_to (inputs, element, "pad-added", G_CALLBACK (on_input_pad));
  g_ptr_array_add (inputs->list, input);
}

static gboolean
is_chosen_from (MillStreamInputs *inputs, const GstElement *selector)
{
  for (guint i = 0; i < inputs->list->len; i++) {
    const Input *input = inputs->list->pdata[i];
    if (selector && input->selector.element == selector)
      return TRUE;
  }
  return FALSE;
}

/* The same of a pull beside publishers: a server that does not give it yet would
 * fail a stream that is seen. */
static void
hold_pulls (MillStreamInputs *inputs, MillGraph *graph)
{
  MillPlan *plan = mill_graph_get_plan (graph);
  GPtrArray *nodes = mill_plan_get_nodes (plan);

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    MillStreamSelector selector;
    if (!g_str_equal (node->factory, PULL_FACTORY) ||
        node->process != mill_plan_get_process (plan) ||
        find_setting (node, HOLD_PROPERTY))
      continue;
    mill_stream_selector_find (&selector, graph, node->name);
    if (is_chosen_from (inputs, selector.element))
      g_object_set (mill_graph_get_node (graph, node->name), HOLD_PROPERTY,
          (guint) G_MAXINT, NULL);
    mill_stream_selector_clear (&selector);
  }
}

/* Where the publisher arrives: the nodes without a location; when all have
 * one, the first: its location then is for running the description by hand,
 * as in the shipped ones, and would open a second listener here. */
static void
find_inputs (MillStreamInputs *inputs, MillGraph *graph, gboolean publishes)
{
  MillPlan *plan = mill_graph_get_plan (graph);
  GPtrArray *nodes = mill_plan_get_nodes (plan);
  const MillPlanNode *located = NULL;

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    if (!g_str_equal (node->factory, RTMP_FACTORY) ||
        node->process != mill_plan_get_process (plan))
      continue;
    if (!sets_location (node))
      add_input (inputs, graph, node);
    else if (!located)
      located = node;
  }
  if (publishes && inputs->list->len == 0 && located)
    add_input (inputs, graph, located);
  hold_pulls (inputs, graph);
}

MillStreamInputs *
mill_stream_inputs_new (MillGraph *graph, gboolean publishes,
    MillStreamInputsFunc func, GObject *owner)
{
  MillStreamInputs *inputs = g_new0 (MillStreamInputs, 1);

  inputs->list = g_ptr_array_new_with_free_func (input_free);
  inputs->owner = owner;
  inputs->func = func;
  find_inputs (inputs, graph, publishes);
  return inputs;
}

void
mill_stream_inputs_free (MillStreamInputs *inputs)
{
  g_clear_handle_id (&inputs->give_up_id, g_source_remove);
  g_ptr_array_unref (inputs->list);
  g_free (inputs);
}

gboolean
mill_stream_inputs_are_none (MillStreamInputs *inputs)
{
  return inputs->list->len == 0;
}

/* ---- nobody comes back ---- */

/* A connection that was closed in the meantime is taken by no input. */
static gboolean
has_session (const Input *input)
{
  g_autoptr (GObject) session = NULL;

  g_object_get (input->element, "session", &session, NULL);
  return session != NULL;
}

static gboolean
has_any_session (MillStreamInputs *inputs)
{
  for (guint i = 0; i < inputs->list->len; i++)
    if (has_session (inputs->list->pdata[i]))
      return TRUE;
  return FALSE;
}

/* A switch that has shown something ends the stream itself. */
static gboolean
has_shown (MillStreamInputs *inputs)
{
  for (guint i = 0; i < inputs->list->len; i++) {
    const Input *input = inputs->list->pdata[i];
    if (input->selector.element &&
        mill_stream_selector_has_shown (&input->selector))
      return TRUE;
  }
  return FALSE;
}

/* Main loop. */
static gboolean
on_give_up (gpointer user_data)
{
  MillStreamInputs *inputs = user_data;

  /* One that has a place and was not heard of yet. */
  if (has_any_session (inputs))
    return G_SOURCE_CONTINUE;
  inputs->give_up_id = 0;
  if (!has_shown (inputs))
    inputs->func (inputs->owner, 0, MILL_STREAM_INPUT_GIVEN_UP, "");
  return G_SOURCE_REMOVE;
}

/* As long as the switch would wait. Returns: 0: for ever, or a source that has
 * no switch behind it sees to it */
static guint
get_patience_ms (MillStreamInputs *inputs)
{
  guint longest_ms = 0;

  for (guint i = 0; i < inputs->list->len; i++) {
    const Input *input = inputs->list->pdata[i];
    guint patience_ms = input->selector.element
        ? mill_stream_selector_get_patience (&input->selector)
        : 0;
    if (patience_ms == 0)
      return 0;
    longest_ms = MAX (longest_ms, patience_ms);
  }
  return longest_ms;
}

static gboolean
is_any_live (MillStreamInputs *inputs)
{
  for (guint i = 0; i < inputs->list->len; i++) {
    const Input *input = inputs->list->pdata[i];
    if (input->is_live)
      return TRUE;
  }
  return FALSE;
}

/* A source whose place is held, hold_place(), ends nothing; and its switch only
 * what it has begun. What else the switch could show (a pull, a film) may never
 * come either: in that time it would have been seen. */
static void
settle_patience (MillStreamInputs *inputs)
{
  g_clear_handle_id (&inputs->give_up_id, g_source_remove);
  guint patience_ms = get_patience_ms (inputs);
  if (patience_ms > 0 && !is_any_live (inputs))
    inputs->give_up_id = g_timeout_add (patience_ms, on_give_up, inputs);
}

/* ---- places for publishers ---- */

/* Its time to come back is over: it takes nobody until the stream starts anew. */
static gboolean
has_ended (const Input *input)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (input->element, "stats", &stats, NULL);
  return stats &&
      g_strcmp0 (gst_structure_get_string (stats, "state"), "ended") == 0;
}

/* "10.0.0.1:50000" and "[::1]:50000" without the port, which is another with
 * every connection. */
static gboolean
is_same_host (const gchar *a, const gchar *b)
{
  const gchar *end_a = strrchr (a, ':');
  const gchar *end_b = strrchr (b, ':');

  return end_a && end_b && end_a - a == end_b - b &&
      strncmp (a, b, (gsize) (end_a - a)) == 0;
}

/* How much speaks for @publisher being the one that @input had. */
static guint
rate (const Input *input, const MillPublisher *publisher)
{
  const MillPublisher *last = input->publisher;

  if (!last)
    return 0;
  return 2 *
      (g_str_equal (last->name, publisher->name) &&
          g_str_equal (last->query, publisher->query)) +
      is_same_host (last->address, publisher->address);
}

/* Whoever returns goes where he was, if that is free. Of a stream all of whose
 * publishers have the same key and host nobody can tell, and the first counts.
 * Returns: (nullable) */
static Input *
find_place (MillStreamInputs *inputs, const MillPublisher *publisher,
    gboolean is_free)
{
  Input *best = NULL;

  for (guint i = 0; i < inputs->list->len; i++) {
    Input *input = inputs->list->pdata[i];
    if ((!is_free || !has_session (input)) && !has_ended (input) &&
        (!best || rate (input, publisher) > rate (best, publisher)))
      best = input;
  }
  return best;
}

static void
give_place (Input *input, GObject *session, const MillPublisher *publisher)
{
  g_object_set (input->element, "session", session, NULL);
  g_clear_pointer (&input->publisher, mill_publisher_free);
  input->publisher = mill_publisher_copy (publisher);
  input->publisher->since = g_get_real_time () / G_USEC_PER_SEC;
}

/* Returns: (nullable) */
static Input *
clear_place (MillStreamInputs *inputs, const MillPublisher *publisher)
{
  Input *input = find_place (inputs, publisher, FALSE);
  gboolean done;
  guint index;

  if (!input)
    return NULL;
  g_signal_emit_by_name (input->element, "drop-publisher",
      "another publisher has taken over", &done);
  if (g_ptr_array_find (inputs->list, input, &index))
    inputs->func (inputs->owner, index, MILL_STREAM_INPUT_REPLACED, "");
  return input;
}

gboolean
mill_stream_inputs_offer (MillStreamInputs *inputs, GObject *session,
    const MillPublisher *publisher, MillTakeover takeover, GError **error)
{
  Input *input = find_place (inputs, publisher, TRUE);

  if (!input && takeover == MILL_TAKEOVER_REPLACE)
    input = clear_place (inputs, publisher);
  if (!input) {
    g_set_error_literal (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS,
        "got a publisher in every place, expected a free one");
    return FALSE;
  }
  give_place (input, session, publisher);
  settle_patience (inputs);
  if (has_session (input))
    return TRUE;
  g_set_error_literal (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
      "the publisher left before it was answered");
  return FALSE;
}

gboolean
mill_stream_inputs_drop (MillStreamInputs *inputs, const gchar *address,
    const gchar *reason)
{
  for (guint i = 0; i < inputs->list->len; i++) {
    const Input *input = inputs->list->pdata[i];
    gboolean is_dropped = FALSE;
    if (input->publisher && has_session (input) &&
        g_str_equal (input->publisher->address, address))
      g_signal_emit_by_name (input->element, "drop-publisher", reason,
          &is_dropped);
    if (is_dropped)
      return TRUE;
  }
  return FALSE;
}

/* ---- what they do ---- */

void
mill_stream_inputs_set_live (MillStreamInputs *inputs, guint index,
    gboolean is_live)
{
  Input *input = inputs->list->pdata[index];

  input->is_live = is_live;
  settle_patience (inputs);
}

gboolean
mill_stream_inputs_are_away (MillStreamInputs *inputs)
{
  for (guint i = 0; i < inputs->list->len; i++) {
    const Input *input = inputs->list->pdata[i];
    if (input->selector.has_others)
      return FALSE;
  }
  return !is_any_live (inputs);
}

static gboolean
is_active (const Input *input)
{
  return input->selector.element ? mill_stream_selector_shows (&input->selector)
                                 : input->is_live;
}

static void
add_bytes (const Input *input, MillPublisher *publisher)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (input->element, "stats", &stats, NULL);
  if (stats)
    gst_structure_get_uint64 (stats, "bytes", &publisher->bytes);
}

static void
add_report (GPtrArray *list, const Input *input)
{
  MillInputReport *report = mill_input_report_add (list);

  report->node = g_strdup (input->node);
  report->active = is_active (input);
  report->state = g_strdup (has_session (input) ? MILL_INPUT_LIVE
          : input->publisher                    ? MILL_INPUT_AWAY
                                                : MILL_INPUT_WAITING);
  if (!input->publisher)
    return;
  report->publisher = mill_publisher_copy (input->publisher);
  add_bytes (input, report->publisher);
}

void
mill_stream_inputs_fill_report (MillStreamInputs *inputs,
    MillStreamReport *report)
{
  const MillInputReport *shown = NULL;

  for (guint i = 0; i < inputs->list->len; i++)
    add_report (report->inputs, inputs->list->pdata[i]);
  for (guint i = 0; i < report->inputs->len; i++) {
    const MillInputReport *input = report->inputs->pdata[i];
    if (input->publisher && (!shown || (input->active && !shown->active)))
      shown = input;
  }
  if (shown)
    report->publisher = mill_publisher_copy (shown->publisher);
}
