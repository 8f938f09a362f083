/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * millsrc: the media that a millsink publishes on a Unix socket, with the same
 * segments and times.
 *
 *   gst-launch-1.0 -e millsrc location=demo.sock ! h264parse ! mp4mux
 *       ! filesink location=demo.mp4
 *
 * States: live when leaky (NO_PREROLL, data in PLAYING only).
 *
 * Threads: one streaming thread reads the socket and pushes on all pads; a pad
 * that waits thus holds up the others, as with any demuxer, and the producer's
 * queue takes the strain. Upstream events are sent from any thread.
 *
 * Source: README.md in this folder; the protocol in lib/link/README.md.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gst/gst.h>
#include <gst/video/video.h>

#include "link-pads.h"
#include "link-socket.h"
#include "link-state.h"
#include "link/link-event.h"

GST_DEBUG_CATEGORY_STATIC (gst_mill_src_debug);
#define GST_CAT_DEFAULT gst_mill_src_debug

#define FIRST_RETRY_MS 20
/* While nobody listens: a ladder that was killed is to be back soon. */
#define ABSENT_RETRY_MS 100
/* While whoever listens does not publish. */
#define BROKEN_RETRY_MS 1000
/* How long a turn is between being told to quit and the task's stop. */
#define QUIT_TURN_MS 5

enum
{
  PROP_0,
  PROP_LOCATION,
  PROP_LEAKY,
  PROP_RECONNECT_TIMEOUT_MS,
  PROP_EOS_ON_TIMEOUT,
  PROP_STATS,
};

#define GST_TYPE_MILL_SRC (gst_mill_src_get_type ())
G_DECLARE_FINAL_TYPE (GstMillSrc, gst_mill_src, GST, MILL_SRC, GstElement)

struct _GstMillSrc
{
  GstElement parent;

  /* OBJECT_LOCK */
  gchar *location;
  gboolean is_leaky;
  guint reconnect_timeout_ms;
  gboolean eos_on_timeout;
  guint64 n_buffers;
  guint64 n_connections;

  GstTask *task;
  GRecMutex task_lock;
  gint wake_fd;

  /* lock */
  GMutex lock;
  gboolean is_live; /* leaky, from READY on */
  gboolean flowing;
  gboolean eos_wanted;
  gboolean quit;
  gint socket; /* -1: not connected; made and closed by the streaming thread */
  MillLinkLatency latency;

  /* streaming thread */
  MillLinkReader *reader;
  gboolean greeted;
  MillLinkPads *pads;
  gboolean done; /* nothing follows until READY */
  guint retry_ms;
  gint64 lost_us; /* when the producer was missed first, 0: it is there */
  MillLinkState state;
};

G_DEFINE_FINAL_TYPE (GstMillSrc, gst_mill_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (millsrc);
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (millsrc, "millsrc", GST_RANK_NONE,
    GST_TYPE_MILL_SRC,
    GST_DEBUG_CATEGORY_INIT (gst_mill_src_debug, "millsrc", 0,
        "link from other processes"));

/* ---- upstream ---- */

static gboolean
send_bytes (GstMillSrc *self, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  gssize sent = -1;

  /* Does not wait, and is whole or not at all: far less than a page. */
  g_mutex_lock (&self->lock);
  if (self->socket >= 0)
    sent = send (self->socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  g_mutex_unlock (&self->lock);
  return sent == (gssize) size;
}

static gboolean
gst_mill_src_pad_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gboolean ok = FALSE;

  if (gst_video_event_is_force_key_unit (event)) {
    guint16 id = mill_link_pads_get_id (pad);
    g_autoptr (GBytes) bytes = mill_link_event_write (event, id, NULL);
    ok = id != 0 && bytes && send_bytes (GST_MILL_SRC (parent), bytes);
  } else if (GST_EVENT_TYPE (event) != GST_EVENT_SEEK) {
    ok = TRUE;
  }
  gst_event_unref (event);
  return ok;
}

static gboolean
gst_mill_src_pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstMillSrc *self = GST_MILL_SRC (parent);

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  /* Answered with what was told last; what is new comes as a message. */
  g_autoptr (GBytes) ask =
      mill_link_message_new (MILL_LINK_QUERY_LATENCY, 0, NULL, 0);
  send_bytes (self, ask);
  g_mutex_lock (&self->lock);
  gst_query_set_latency (query, self->is_live, self->latency.min_ns,
      self->latency.max_ns);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* ---- the connection, on the streaming thread ---- */

static gboolean
take_latency (GstMillSrc *self, const MillLinkMessage *message, GError **error)
{
  MillLinkLatency latency;

  if (!mill_link_message_parse_latency (message, &latency, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  gboolean changed = latency.min_ns != self->latency.min_ns ||
      latency.max_ns != self->latency.max_ns;
  self->latency = latency;
  g_mutex_unlock (&self->lock);
  if (changed)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
  return TRUE;
}

static gboolean
take_hello (GstMillSrc *self, const MillLinkMessage *message, GError **error)
{
  gboolean is_leaky;

  if (!mill_link_message_parse_hello (message, &is_leaky, error))
    return FALSE;
  self->greeted = TRUE;
  g_mutex_lock (&self->lock);
  gboolean is_same = is_leaky == self->is_live;
  g_mutex_unlock (&self->lock);
  if (!is_same)
    GST_WARNING_OBJECT (self, "leaky differs from the producer's, going on");
  return TRUE;
}

static gboolean
take_message (GstMillSrc *self, const MillLinkMessage *message,
    GstFlowReturn *ret_flow, GError **error)
{
  if (!self->greeted)
    return take_hello (self, message, error);
  if (message->type == MILL_LINK_LATENCY)
    return take_latency (self, message, error);
  if (message->type == MILL_LINK_READY) {
    self->retry_ms = FIRST_RETRY_MS;
    self->lost_us = 0;
  }
  if (message->type == MILL_LINK_BUFFER) {
    GST_OBJECT_LOCK (self);
    self->n_buffers++;
    GST_OBJECT_UNLOCK (self);
    mill_link_state_tell (&self->state, GST_ELEMENT (self), NULL);
  }
  return mill_link_pads_take (self->pads, message, ret_flow, error);
}

static void
disconnect (GstMillSrc *self)
{
  g_mutex_lock (&self->lock);
  if (self->socket >= 0)
    close (self->socket);
  self->socket = -1;
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&self->reader, mill_link_message_reader_free);
  mill_link_pads_disconnect (self->pads);
}

static void
end_stream (GstMillSrc *self)
{
  mill_link_pads_end (self->pads);
  disconnect (self);
  self->done = TRUE;
}

/* The producer stayed away for too long. */
static void
give_up (GstMillSrc *self, const gchar *location)
{
  GST_OBJECT_LOCK (self);
  gboolean with_eos = self->eos_on_timeout;
  GST_OBJECT_UNLOCK (self);
  if (!with_eos || mill_link_pads_is_empty (self->pads))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("Nobody publishes on '%s'.", location), (NULL));
  end_stream (self);
}

static void
wait_to_retry (GstMillSrc *self, guint max_ms)
{
  guint ms = MIN (self->retry_ms, max_ms);

  mill_link_socket_wait (self->wake_fd, -1, ms);
  self->retry_ms = MIN (ms * 2, max_ms);
}

static void
try_connect (GstMillSrc *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) hello = mill_link_message_new_hello (FALSE);

  GST_OBJECT_LOCK (self);
  g_autofree gchar *location = g_strdup (self->location);
  gint64 timeout_us = (gint64) self->reconnect_timeout_ms * 1000;
  GST_OBJECT_UNLOCK (self);
  gint64 now = g_get_monotonic_time ();
  if (self->lost_us == 0)
    self->lost_us = now;
  gint fd = mill_link_socket_connect (location, &error);
  if (fd < 0 && timeout_us > 0 && now - self->lost_us >= timeout_us) {
    give_up (self, location);
    return;
  }
  if (fd < 0) {
    GST_DEBUG_OBJECT (self, "%s", error->message);
    mill_link_state_tell (&self->state, GST_ELEMENT (self), error->message);
    wait_to_retry (self, ABSENT_RETRY_MS);
    return;
  }
  self->reader = mill_link_message_reader_new ();
  self->greeted = FALSE;
  g_mutex_lock (&self->lock);
  self->socket = fd;
  g_mutex_unlock (&self->lock);
  GST_OBJECT_LOCK (self);
  self->n_connections++;
  GST_OBJECT_UNLOCK (self);
  send_bytes (self, hello);
}

static void
end_by_flow (GstMillSrc *self, GstFlowReturn flow)
{
  if (flow != GST_FLOW_FLUSHING && flow != GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR (self, flow);
  if (flow == GST_FLOW_FLUSHING) {
    disconnect (self);
    self->done = TRUE;
  } else {
    end_stream (self);
  }
}

static gboolean
may_flow (GstMillSrc *self, gboolean *ret_eos)
{
  g_mutex_lock (&self->lock);
  gboolean flowing = self->flowing && !self->quit;
  *ret_eos = self->eos_wanted;
  g_mutex_unlock (&self->lock);
  return flowing && !*ret_eos;
}

/* Reads once and pushes what is whole. */
static void
read_and_push (GstMillSrc *self)
{
  g_autoptr (GError) error = NULL;
  GstFlowReturn flow = GST_FLOW_OK;
  MillLinkMessage message;
  gboolean eos;
  gboolean again;
  gboolean has = TRUE;
  gboolean ok = TRUE;

  while (ok && has && flow == GST_FLOW_OK && may_flow (self, &eos))
    ok = mill_link_message_reader_next (self->reader, &message, &has, &error) &&
        (!has || take_message (self, &message, &flow, &error));
  if (flow != GST_FLOW_OK) {
    end_by_flow (self, flow);
    return;
  }
  if (ok && mill_link_pads_has_ended (self->pads)) {
    end_stream (self);
    return;
  }
  if (ok && !has && mill_link_socket_wait (self->wake_fd, self->socket, -1))
    ok = mill_link_message_reader_receive (self->reader, self->socket, &again,
        &error);
  if (ok)
    return;
  if (error)
    GST_ELEMENT_WARNING (self, RESOURCE, READ,
        ("The link was closed: %s", error->message), (NULL));
  disconnect (self);
  wait_to_retry (self, BROKEN_RETRY_MS);
}

/* The task is not paused from in here: that could undo a stop. It waits. */
static void
run_turn (gpointer user_data)
{
  GstMillSrc *self = user_data;
  gboolean eos;

  if (!may_flow (self, &eos) && (!eos || self->done)) {
    g_mutex_lock (&self->lock);
    gboolean quit = self->quit;
    g_mutex_unlock (&self->lock);
    /* Once woken to quit there is no second wake-up. */
    mill_link_socket_wait (self->wake_fd, -1, quit ? QUIT_TURN_MS : -1);
  } else if (self->done) {
    mill_link_socket_wait (self->wake_fd, -1, -1);
  } else if (eos) {
    if (mill_link_pads_is_empty (self->pads))
      GST_ELEMENT_ERROR (self, STREAM, FAILED,
          ("No producer came before the end, there is nothing to finish."),
          (NULL));
    end_stream (self);
  } else if (self->socket < 0) {
    try_connect (self);
  } else {
    read_and_push (self);
  }
}

/* ---- states ---- */

static void
set_flags (GstMillSrc *self, gboolean flowing, gboolean quit)
{
  guint64 one = 1;

  g_mutex_lock (&self->lock);
  self->flowing = flowing;
  self->quit = quit;
  g_mutex_unlock (&self->lock);
  if (write (self->wake_fd, &one, sizeof one) < 0)
    GST_LOG_OBJECT (self, "is awake");
}

static gboolean
open_source (GstMillSrc *self)
{
  static const MillLinkPadsFuncs funcs = { gst_mill_src_pad_event,
    gst_mill_src_pad_query };

  GST_OBJECT_LOCK (self);
  gboolean has_location = self->location != NULL;
  gboolean is_live = self->is_leaky;
  GST_OBJECT_UNLOCK (self);
  if (!has_location) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("No socket to read from: set the property location."), (NULL));
    return FALSE;
  }
  self->pads = mill_link_pads_new (GST_ELEMENT (self), &funcs, is_live);
  self->retry_ms = FIRST_RETRY_MS;
  self->lost_us = 0;
  self->done = FALSE;
  mill_link_state_clear (&self->state);
  g_mutex_lock (&self->lock);
  self->is_live = is_live;
  self->eos_wanted = FALSE;
  self->latency = (MillLinkLatency){ FALSE, 0, GST_CLOCK_TIME_NONE };
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
close_source (GstMillSrc *self)
{
  gst_task_stop (self->task);
  gst_task_join (self->task);
  disconnect (self);
  g_clear_pointer (&self->pads, mill_link_pads_free);
}

static GstStateChangeReturn
gst_mill_src_change_state (GstElement *element, GstStateChange transition)
{
  GstMillSrc *self = GST_MILL_SRC (element);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !open_source (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    set_flags (self, FALSE, TRUE);
  g_mutex_lock (&self->lock);
  gboolean is_live = self->is_live;
  g_mutex_unlock (&self->lock);
  GstStateChangeReturn result = GST_ELEMENT_CLASS (gst_mill_src_parent_class)
                                    ->change_state (element, transition);
  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      set_flags (self, !is_live, FALSE);
      gst_task_start (self->task);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      set_flags (self, TRUE, FALSE);
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      set_flags (self, !is_live, FALSE);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      close_source (self);
      break;
    default:
      break;
  }
  if (is_live && result == GST_STATE_CHANGE_SUCCESS &&
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
          transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    result = GST_STATE_CHANGE_NO_PREROLL;
  return result;
}

/* EOS to the source, as gst-launch-1.0 -e sends it, ends this consumer only. */
static gboolean
gst_mill_src_send_event (GstElement *element, GstEvent *event)
{
  GstMillSrc *self = GST_MILL_SRC (element);
  guint64 one = 1;

  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS (gst_mill_src_parent_class)
        ->send_event (element, event);
  gst_event_unref (event);
  g_mutex_lock (&self->lock);
  self->eos_wanted = TRUE;
  g_mutex_unlock (&self->lock);
  return write (self->wake_fd, &one, sizeof one) > 0;
}

/* ---- GObject ---- */

static void
gst_mill_src_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstMillSrc *self = GST_MILL_SRC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_free (self->location);
      self->location = g_value_dup_string (value);
      break;
    case PROP_LEAKY:
      self->is_leaky = g_value_get_boolean (value);
      break;
    case PROP_RECONNECT_TIMEOUT_MS:
      self->reconnect_timeout_ms = g_value_get_uint (value);
      break;
    case PROP_EOS_ON_TIMEOUT:
      self->eos_on_timeout = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_mill_src_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstMillSrc *self = GST_MILL_SRC (object);

  g_mutex_lock (&self->lock);
  gboolean connected = self->socket >= 0;
  g_mutex_unlock (&self->lock);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_value_set_string (value, self->location);
      break;
    case PROP_LEAKY:
      g_value_set_boolean (value, self->is_leaky);
      break;
    case PROP_RECONNECT_TIMEOUT_MS:
      g_value_set_uint (value, self->reconnect_timeout_ms);
      break;
    case PROP_EOS_ON_TIMEOUT:
      g_value_set_boolean (value, self->eos_on_timeout);
      break;
    case PROP_STATS:
      g_value_take_boxed (value,
          gst_structure_new ("stats", "connected", G_TYPE_BOOLEAN, connected,
              "connections", G_TYPE_UINT64, self->n_connections, "buffers",
              G_TYPE_UINT64, self->n_buffers, NULL));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_mill_src_finalize (GObject *object)
{
  GstMillSrc *self = GST_MILL_SRC (object);

  gst_object_unref (self->task);
  g_rec_mutex_clear (&self->task_lock);
  g_mutex_clear (&self->lock);
  close (self->wake_fd);
  g_free (self->location);
  mill_link_state_clear (&self->state);
  G_OBJECT_CLASS (gst_mill_src_parent_class)->finalize (object);
}

static void
gst_mill_src_class_init (GstMillSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->set_property = gst_mill_src_set_property;
  object_class->get_property = gst_mill_src_get_property;
  object_class->finalize = gst_mill_src_finalize;
  g_object_class_install_property (object_class, PROP_LOCATION,
      g_param_spec_string ("location", "Location",
          "Path of the socket that a millsink listens on", NULL,
          flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_LEAKY,
      g_param_spec_boolean ("leaky", "Leaky",
          "As the producer's: true for a live source, false for a file's", TRUE,
          flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_RECONNECT_TIMEOUT_MS,
      g_param_spec_uint ("reconnect-timeout-ms", "Reconnect timeout",
          "How long to wait for the producer, in ms; 0: for ever", 0, G_MAXINT,
          0, flags | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_EOS_ON_TIMEOUT,
      g_param_spec_boolean ("eos-on-timeout", "EOS on timeout",
          "End the stream when the producer stays away, instead of an error",
          FALSE, flags | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "connected, connections (ever), buffers", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  element_class->change_state = gst_mill_src_change_state;
  element_class->send_event = gst_mill_src_send_event;
  mill_link_pads_add_templates (element_class);
  gst_element_class_set_static_metadata (element_class, "Link source",
      "Source/Network", "Reads encoded media that another process publishes",
      "The millrace authors");
}

static void
gst_mill_src_init (GstMillSrc *self)
{
  self->is_leaky = TRUE;
  self->socket = -1;
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_mutex_init (&self->lock);
  g_rec_mutex_init (&self->task_lock);
  self->task = gst_task_new (run_turn, self, NULL);
  gst_task_set_lock (self->task, &self->task_lock);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
