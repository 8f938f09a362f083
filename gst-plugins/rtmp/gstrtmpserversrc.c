/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * rtmpserversrc: listens for an RTMP publisher and pushes what it sends, as it
 * is: H.264 access units and AAC frames, time-stamped and described so that
 * nothing downstream needs a parser.
 *
 *   gst-launch-1.0 -e rtmpserversrc location=rtmp://127.0.0.1:1935/live/demo
 *       name=s  s.video_0 ! queue ! mp4mux name=m ! filesink location=a.mp4
 *       s.audio_0 ! queue ! m.
 *
 * States: READY listens, PLAYING takes a publisher and reads, PAUSED stops
 * reading (no preroll), PAUSED->READY waits for its own push in flight and sends
 * the publisher away.
 *
 * Threads: media is pushed from a pool thread (rtmp-pool.h), in the element's
 * lane. `authorize`, `publish-start` and `publish-end` are emitted on pool
 * threads: handlers return at once.
 *
 * Source: docs in this folder's README.md; protocol in lib/rtmp/.
 */
#include <gio/gio.h>
#include <gst/gst.h>

#include "rtmp-authorize.h"
#include "rtmp-connection.h"
#include "rtmp-listener.h"
#include "rtmp-location.h"
#include "rtmp-output.h"
#include "rtmp-pool.h"
#include "rtmp-timer.h"

GST_DEBUG_CATEGORY (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

#define DEFAULT_HANDSHAKE_TIMEOUT_MS 10000
#define DEFAULT_IDLE_TIMEOUT_MS 30000
#define DEFAULT_RECONNECT_TIMEOUT_MS 30000

enum
{
  PROP_0,
  PROP_LOCATION,
  PROP_LISTENING,
  PROP_SESSION,
  PROP_HANDSHAKE_TIMEOUT_MS,
  PROP_IDLE_TIMEOUT_MS,
  PROP_RECONNECT_TIMEOUT_MS,
  PROP_STATS,
  PROP_THREADS,
  N_PROPERTIES,
};

enum
{
  SIGNAL_AUTHORIZE,
  SIGNAL_PUBLISH_START,
  SIGNAL_PUBLISH_END,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

#define GST_TYPE_RTMP_SERVER_SRC (gst_rtmp_server_src_get_type ())
G_DECLARE_FINAL_TYPE (GstRtmpServerSrc, gst_rtmp_server_src, GST,
    RTMP_SERVER_SRC, GstElement)

struct _GstRtmpServerSrc
{
  GstElement parent;

  /* settings: OBJECT_LOCK */
  gchar *location;
  guint handshake_timeout_ms;
  guint idle_timeout_ms;
  guint reconnect_timeout_ms;

  /* made and ended by state changes */
  MillRtmpPool *pool;
  MillRtmpListener *listener; /* READY and above; lock to change */
  MillRtmpLane *lane; /* PAUSED and above; lock to change */
  MillRtmpOutput *output; /* with the lane */
  MillRtmpTimer *hold_timer; /* with the lane */

  /* lock; taken inside a lane's lock, never outside of one */
  GMutex lock;
  gboolean playing;
  MillRtmpConnection *session; /* claimed; nullable */
  gboolean started; /* session was given to the lane */
  gboolean live; /* session publishes */
  gboolean ended; /* EOS was sent, or downstream failed */
  MillRtmpConnection *last; /* the latest that was live; nullable */
  guint n_publishers;
  gint64 since; /* Unix seconds of the last one's start */
};

G_DEFINE_FINAL_TYPE (GstRtmpServerSrc, gst_rtmp_server_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (rtmpserversrc);
GST_ELEMENT_REGISTER_DEFINE (rtmpserversrc, "rtmpserversrc", GST_RANK_NONE,
    GST_TYPE_RTMP_SERVER_SRC);

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("video/x-h264, stream-format=avc, alignment=au"));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion=4, stream-format=raw, "
                         "framed=true"));

/* ---- the publisher, in the element's lane ---- */

static guint
get_setting (GstRtmpServerSrc *self, const guint *setting)
{
  GST_OBJECT_LOCK (self);
  guint value = *setting;
  GST_OBJECT_UNLOCK (self);
  return value;
}

/* Ends the stream: nothing follows until the element has been to READY. */
static gboolean
end_stream (GstRtmpServerSrc *self)
{
  mill_rtmp_timer_arm (self->hold_timer, 0);
  g_mutex_lock (&self->lock);
  gboolean was_ended = self->ended;
  self->ended = TRUE;
  g_mutex_unlock (&self->lock);
  return was_ended || mill_rtmp_output_end (self->output);
}

static void
on_hold_over (gpointer user_data)
{
  GstRtmpServerSrc *self = user_data;

  GST_INFO_OBJECT (self, "the publisher stayed away, ending the stream");
  if (!end_stream (self))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("The publisher went away before it sent any media."), (NULL));
}

/* The publisher is gone and let go of. */
static void
after_loss (GstRtmpServerSrc *self, const gchar *reason, gboolean was_live)
{
  guint timeout_ms = get_setting (self, &self->reconnect_timeout_ms);

  GST_INFO_OBJECT (self, "publisher gone: %s", reason);
  if (was_live)
    g_signal_emit (self, signals[SIGNAL_PUBLISH_END], 0, reason);

  g_mutex_lock (&self->lock);
  gboolean ended = self->ended;
  /* Somebody who listens can go on waiting for a first publisher. */
  gboolean may_hold = self->listener == NULL ||
      mill_rtmp_output_has_pads (self->output);
  if (!may_hold)
    g_clear_object (&self->last);
  g_mutex_unlock (&self->lock);
  if (ended || !may_hold)
    return;
  if (timeout_ms == 0)
    on_hold_over (self);
  else
    mill_rtmp_timer_arm (self->hold_timer,
        g_get_monotonic_time () + (gint64) timeout_ms * 1000);
}

/* Lets go of the publisher. Returns: (transfer full) (nullable) */
static MillRtmpConnection *
steal_session (GstRtmpServerSrc *self, gboolean *ret_was_live)
{
  g_mutex_lock (&self->lock);
  MillRtmpConnection *session = g_steal_pointer (&self->session);
  *ret_was_live = self->live;
  self->live = FALSE;
  self->started = FALSE;
  g_mutex_unlock (&self->lock);
  return session;
}

static void
send_away (GstRtmpServerSrc *self, const gchar *reason)
{
  gboolean was_live;
  g_autoptr (MillRtmpConnection) session = steal_session (self, &was_live);

  if (!session)
    return;
  mill_rtmp_connection_drop (session, self->lane, "NetStream.Publish.Denied",
      reason);
  after_loss (self, reason, was_live);
}

static void
on_started (gpointer user_data)
{
  GstRtmpServerSrc *self = user_data;

  mill_rtmp_timer_arm (self->hold_timer, 0);
  g_mutex_lock (&self->lock);
  g_autoptr (MillRtmpConnection) session = g_object_ref (self->session);
  self->live = TRUE;
  self->n_publishers++;
  self->since = g_get_real_time () / G_USEC_PER_SEC;
  g_set_object (&self->last, session);
  g_mutex_unlock (&self->lock);

  const gchar *stream = mill_rtmp_connection_get_stream (session);
  GST_INFO_OBJECT (self, "%s publishes %s",
      mill_rtmp_connection_get_address (session), stream);
  mill_rtmp_output_begin (self->output, stream);
  g_signal_emit (self, signals[SIGNAL_PUBLISH_START], 0, stream);
}

static void
on_media (MillRtmpMediaType type, guint32 timestamp_ms, GstBuffer *payload,
    gpointer user_data)
{
  GstRtmpServerSrc *self = user_data;
  g_autoptr (GError) error = NULL;

  if (mill_rtmp_output_push (self->output, type, timestamp_ms, payload,
          mill_rtmp_lane_get_time (self->lane), &error))
    return;
  if (!g_error_matches (error, MILL_RTMP_OUTPUT_ERROR,
          MILL_RTMP_OUTPUT_ERROR_CODEC))
    end_stream (self);
  send_away (self, error->message);
}

static void
on_metadata (const GstStructure *metadata, gpointer user_data)
{
  GstRtmpServerSrc *self = user_data;

  mill_rtmp_output_set_metadata (self->output, metadata);
}

static void
on_ended (const gchar *reason, gpointer user_data)
{
  GstRtmpServerSrc *self = user_data;
  gboolean was_live;
  g_autoptr (MillRtmpConnection) session = steal_session (self, &was_live);

  after_loss (self, reason, was_live);
}

static const MillRtmpConnectionOwner connection_owner = {
  .started = on_started,
  .media = on_media,
  .metadata = on_metadata,
  .ended = on_ended,
};

static void
on_eos_requested (gpointer user_data)
{
  GstRtmpServerSrc *self = user_data;
  gboolean has_ended = end_stream (self);

  send_away (self, "the stream was ended");
  if (!has_ended)
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("No publisher came before the end, there is nothing to finish."),
        (NULL));
}

/* ---- taking a publisher, from any thread ---- */

static void
start_session_locked (GstRtmpServerSrc *self)
{
  if (self->started) {
    mill_rtmp_connection_set_flowing (self->session, TRUE);
    return;
  }
  self->started = TRUE;
  mill_rtmp_connection_start (self->session, self->lane, &connection_owner,
      self, get_setting (self, &self->idle_timeout_ms));
}

/* Returns FALSE when there is a publisher already, or somebody else took it. */
static gboolean
take_session (GstRtmpServerSrc *self, MillRtmpConnection *connection)
{
  g_mutex_lock (&self->lock);
  gboolean taken = !self->session && !self->ended &&
      mill_rtmp_connection_claim (connection);
  if (taken) {
    self->session = g_object_ref (connection);
    if (self->playing)
      start_session_locked (self);
  }
  g_mutex_unlock (&self->lock);
  return taken;
}

/* An accepted publisher belongs to whoever claimed it before the answer, else
 * to the source that asked, if that one runs. */
static void
accept_publisher (GObject *source, MillRtmpConnection *connection,
    const gchar *stream)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (source);

  g_mutex_lock (&self->lock);
  gboolean runs = self->lane != NULL;
  g_mutex_unlock (&self->lock);

  if (!mill_rtmp_connection_is_claimed (connection) &&
      !(runs && take_session (self, connection)) &&
      !mill_rtmp_connection_is_claimed (connection))
    mill_rtmp_connection_refuse (connection, "NetStream.Publish.BadName",
        runs ? "the stream has a publisher already"
             : "nobody takes the stream");
  else
    mill_rtmp_connection_accept (connection, stream);
}

/* ---- the listener's questions ---- */

static gboolean
is_free (GObject *source)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (source);

  g_mutex_lock (&self->lock);
  gboolean free = !self->session && !self->ended;
  g_mutex_unlock (&self->lock);
  return free;
}

/* A source is one stream: what went away comes back under its own name. */
static gboolean
is_same_stream_locked (GstRtmpServerSrc *self, MillRtmpConnection *connection)
{
  return !self->last ||
      (g_strcmp0 (mill_rtmp_connection_get_app (self->last),
           mill_rtmp_connection_get_app (connection)) == 0 &&
          g_strcmp0 (mill_rtmp_connection_get_name (self->last),
              mill_rtmp_connection_get_name (connection)) == 0);
}

static void
on_asked (GObject *source, MillRtmpConnection *connection)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (source);
  const gchar *refusal = NULL;

  g_mutex_lock (&self->lock);
  if (self->session)
    refusal = "the stream has a publisher already";
  else if (self->ended)
    refusal = "the stream has ended";
  else if (!is_same_stream_locked (self, connection))
    refusal = "another stream is expected back here";
  g_mutex_unlock (&self->lock);

  if (refusal)
    mill_rtmp_connection_refuse (connection, "NetStream.Publish.BadName",
        refusal);
  else if (g_signal_has_handler_pending (self, signals[SIGNAL_AUTHORIZE], 0,
               FALSE))
    mill_rtmp_authorize_ask (source, signals[SIGNAL_AUTHORIZE], connection,
        accept_publisher);
  else
    accept_publisher (source, connection, NULL);
}

static const MillRtmpListenerSource listener_source = { is_free, on_asked };

/* ---- state changes ---- */

static void
post_open_error (GstRtmpServerSrc *self, const gchar *location, GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    GST_ELEMENT_ERROR (self, RESOURCE, BUSY,
        ("Cannot listen on '%s': the port is taken by another program. Stop "
         "that one, or give another port in the property location (0 takes a "
         "free one).",
            location),
        ("%s", error->message));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message),
        (NULL));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("Cannot listen on '%s': %s", location, error->message), (NULL));
}

/* NULL->READY */
static gboolean
open_listener (GstRtmpServerSrc *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillRtmpLocation) location = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree gchar *text = g_strdup (self->location);
  guint timeout_ms = self->handshake_timeout_ms;
  GST_OBJECT_UNLOCK (self);
  if (!text) {
    g_mutex_lock (&self->lock);
    gboolean has_session = self->session != NULL;
    g_mutex_unlock (&self->lock);
    if (!has_session)
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
          ("Nothing to listen on: set the property location, for instance "
           "rtmp://127.0.0.1:1935/live/*, or session."),
          (NULL));
    return has_session;
  }

  MillRtmpListener *listener = NULL;
  location = mill_rtmp_location_parse (text, &error);
  if (location)
    listener = mill_rtmp_listener_add (location, &listener_source,
        G_OBJECT (self), timeout_ms, &error);
  if (!listener) {
    post_open_error (self, text, error);
    return FALSE;
  }
  g_mutex_lock (&self->lock);
  self->listener = listener;
  g_mutex_unlock (&self->lock);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LISTENING]);
  return TRUE;
}

/* READY->PAUSED */
static gboolean
open_lane (GstRtmpServerSrc *self)
{
  g_autoptr (GError) error = NULL;

  self->pool = mill_rtmp_pool_acquire (&error);
  if (!self->pool) {
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED, ("%s", error->message), (NULL));
    return FALSE;
  }
  MillRtmpLane *lane = mill_rtmp_pool_add_source_lane (self->pool);

  self->hold_timer = mill_rtmp_timer_new (lane, on_hold_over, self);
  g_mutex_lock (&self->lock);
  self->output = mill_rtmp_output_new (GST_ELEMENT (self));
  self->lane = lane;
  self->ended = FALSE;
  self->n_publishers = 0;
  self->since = 0;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* PAUSED<->PLAYING: does not wait. A push in flight may stand in a sink that
 * prerolls, and goes on only when the whole pipeline does. */
static void
set_playing (GstRtmpServerSrc *self, gboolean playing)
{
  g_mutex_lock (&self->lock);
  self->playing = playing;
  if (self->session && playing)
    start_session_locked (self);
  else if (self->session && self->started)
    mill_rtmp_connection_set_flowing (self->session, FALSE);
  g_mutex_unlock (&self->lock);
}

/* PAUSED->READY, before the pads are deactivated: waits for the push in flight,
 * which what is below has let go of (sinks go to READY first). */
static void
close_lane (GstRtmpServerSrc *self)
{
  gboolean was_live;

  mill_rtmp_lane_lock (self->lane);
  g_mutex_lock (&self->lock);
  self->ended = TRUE; /* takes no more */
  g_mutex_unlock (&self->lock);
  g_autoptr (MillRtmpConnection) session = steal_session (self, &was_live);
  if (session)
    mill_rtmp_connection_drop (session, self->lane,
        was_live ? NULL : "NetStream.Publish.Denied", "the stream was stopped");
  mill_rtmp_timer_free (g_steal_pointer (&self->hold_timer));
  mill_rtmp_lane_close (self->lane);
  mill_rtmp_lane_unlock (self->lane);
  if (was_live)
    g_signal_emit (self, signals[SIGNAL_PUBLISH_END], 0,
        "the stream was stopped");
}

/* PAUSED->READY, after the pads were deactivated. */
static void
free_lane (GstRtmpServerSrc *self)
{
  mill_rtmp_output_remove_pads (self->output);
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->output, mill_rtmp_output_free);
  g_clear_pointer (&self->lane, mill_rtmp_lane_unref);
  g_clear_object (&self->last);
  self->ended = FALSE;
  g_mutex_unlock (&self->lock);
  mill_rtmp_pool_release (g_steal_pointer (&self->pool));
}

/* READY->NULL */
static void
close_listener (GstRtmpServerSrc *self)
{
  gboolean was_live;
  g_autoptr (MillRtmpConnection) session = steal_session (self, &was_live);

  if (session)
    mill_rtmp_connection_drop (session, NULL, "NetStream.Publish.Denied",
        "the stream was stopped");
  g_mutex_lock (&self->lock);
  MillRtmpListener *listener = g_steal_pointer (&self->listener);
  g_mutex_unlock (&self->lock);
  if (!listener)
    return;
  mill_rtmp_listener_remove (listener, G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LISTENING]);
}

static GstStateChangeReturn
gst_rtmp_server_src_change_state (GstElement *element, GstStateChange change)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (element);

  if (change == GST_STATE_CHANGE_NULL_TO_READY && !open_listener (self))
    return GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED && !open_lane (self))
    return GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    set_playing (self, FALSE);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY)
    close_lane (self);

  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (gst_rtmp_server_src_parent_class)
          ->change_state (element, change);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED &&
      ret == GST_STATE_CHANGE_FAILURE)
    close_lane (self);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (change == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    free_lane (self);
  if (change == GST_STATE_CHANGE_READY_TO_NULL)
    close_listener (self);
  if (ret == GST_STATE_CHANGE_FAILURE)
    return ret;

  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    set_playing (self, TRUE);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED ||
      change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    return GST_STATE_CHANGE_NO_PREROLL;
  return ret;
}

/* EOS is what gst-launch-1.0 -e and applications send to end a recording. */
static gboolean
gst_rtmp_server_src_send_event (GstElement *element, GstEvent *event)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (element);

  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS (gst_rtmp_server_src_parent_class)
        ->send_event (element, event);

  gst_event_unref (event);
  g_mutex_lock (&self->lock);
  gboolean runs = self->lane != NULL;
  if (runs)
    mill_rtmp_lane_invoke (self->lane, on_eos_requested, self, NULL);
  g_mutex_unlock (&self->lock);
  return runs;
}

/* ---- properties ---- */

static const gchar *
get_state_name_locked (GstRtmpServerSrc *self)
{
  if (!self->lane)
    return "stopped";
  if (self->ended)
    return "ended";
  if (self->live)
    return "live";
  return self->last ? "reconnecting" : "waiting";
}

static const gchar *
or_empty (const gchar *text)
{
  return text ? text : "";
}

static GstStructure *
make_stats (GstRtmpServerSrc *self)
{
  GstStructure *stats = gst_structure_new_empty ("rtmpserversrc");

  g_mutex_lock (&self->lock);
  MillRtmpConnection *last = self->last;
  gst_structure_set (stats, "state", G_TYPE_STRING,
      get_state_name_locked (self), "address", G_TYPE_STRING,
      or_empty (last ? mill_rtmp_connection_get_address (last) : NULL), "app",
      G_TYPE_STRING,
      or_empty (last ? mill_rtmp_connection_get_app (last) : NULL), "name",
      G_TYPE_STRING,
      or_empty (last ? mill_rtmp_connection_get_name (last) : NULL), "stream",
      G_TYPE_STRING,
      or_empty (last ? mill_rtmp_connection_get_stream (last) : NULL), "bytes",
      G_TYPE_UINT64,
      last ? mill_rtmp_connection_get_bytes (last) : G_GUINT64_CONSTANT (0),
      "since", G_TYPE_INT64, self->since, "reconnects", G_TYPE_UINT,
      MAX (self->n_publishers, 1) - 1, NULL);
  if (self->output)
    mill_rtmp_output_fill_stats (self->output, stats);
  g_mutex_unlock (&self->lock);
  return stats;
}

static void
set_session (GstRtmpServerSrc *self, GObject *session)
{
  if (!session)
    return;
  if (!MILL_IS_RTMP_CONNECTION (session)) {
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
        ("Property session: got a %s, expected the session of an authorize "
         "request.",
            G_OBJECT_TYPE_NAME (session)),
        (NULL));
    return;
  }
  g_mutex_lock (&self->lock);
  gboolean is_taken = (gpointer) self->session == (gpointer) session;
  g_mutex_unlock (&self->lock);
  if (!is_taken && !take_session (self, MILL_RTMP_CONNECTION (session)))
    mill_rtmp_connection_refuse (MILL_RTMP_CONNECTION (session),
        "NetStream.Publish.BadName", "the stream has a publisher already");
}

static void
gst_rtmp_server_src_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (object);

  if (id == PROP_SESSION) {
    set_session (self, g_value_get_object (value));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_free (self->location);
      self->location = g_value_dup_string (value);
      break;
    case PROP_HANDSHAKE_TIMEOUT_MS:
      self->handshake_timeout_ms = g_value_get_uint (value);
      break;
    case PROP_IDLE_TIMEOUT_MS:
      self->idle_timeout_ms = g_value_get_uint (value);
      break;
    case PROP_RECONNECT_TIMEOUT_MS:
      self->reconnect_timeout_ms = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static gchar *
dup_listening (GstRtmpServerSrc *self)
{
  g_mutex_lock (&self->lock);
  gchar *address = self->listener
      ? g_strdup (mill_rtmp_listener_get_address (self->listener))
      : NULL;
  g_mutex_unlock (&self->lock);
  return address;
}

static void
gst_rtmp_server_src_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (object);

  switch (id) {
    case PROP_LOCATION:
      GST_OBJECT_LOCK (self);
      g_value_set_string (value, self->location);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_LISTENING:
      g_value_take_string (value, dup_listening (self));
      break;
    case PROP_SESSION:
      g_mutex_lock (&self->lock);
      g_value_set_object (value, self->session);
      g_mutex_unlock (&self->lock);
      break;
    case PROP_HANDSHAKE_TIMEOUT_MS:
      g_value_set_uint (value, get_setting (self, &self->handshake_timeout_ms));
      break;
    case PROP_IDLE_TIMEOUT_MS:
      g_value_set_uint (value, get_setting (self, &self->idle_timeout_ms));
      break;
    case PROP_RECONNECT_TIMEOUT_MS:
      g_value_set_uint (value, get_setting (self, &self->reconnect_timeout_ms));
      break;
    case PROP_STATS:
      g_value_take_boxed (value, make_stats (self));
      break;
    case PROP_THREADS:
      g_value_take_boxed (value, mill_rtmp_pool_describe ());
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

/* ---- class ---- */

static void
gst_rtmp_server_src_dispose (GObject *object)
{
  /* A session that was set on an element that never left NULL. */
  close_listener (GST_RTMP_SERVER_SRC (object));
  G_OBJECT_CLASS (gst_rtmp_server_src_parent_class)->dispose (object);
}

static void
gst_rtmp_server_src_finalize (GObject *object)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (object);

  g_free (self->location);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_rtmp_server_src_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  properties[PROP_LOCATION] = g_param_spec_string ("location", "Location",
      "rtmp://host:port/app/name to listen for, any part may be *; port 0 "
      "takes a free one",
      NULL, settable);
  properties[PROP_LISTENING] = g_param_spec_string ("listening", "Listening",
      "host:port really bound; NULL while not listening", NULL, readable);
  properties[PROP_SESSION] = g_param_spec_object ("session", "Session",
      "The publisher; set it to the session of an authorize request to take "
      "that publisher",
      G_TYPE_OBJECT, playing);
  properties[PROP_HANDSHAKE_TIMEOUT_MS] = g_param_spec_uint (
      "handshake-timeout-ms", "Handshake time-out",
      "How long a connection may take to its publish request, in ms; of the "
      "sources of one listener the longest counts",
      1, G_MAXINT, DEFAULT_HANDSHAKE_TIMEOUT_MS, settable);
  properties[PROP_IDLE_TIMEOUT_MS] = g_param_spec_uint ("idle-timeout-ms",
      "Idle time-out",
      "Silence after which a publisher counts as lost, in ms (0 = never); "
      "taken at the start of a publisher",
      0, G_MAXINT, DEFAULT_IDLE_TIMEOUT_MS, playing);
  properties[PROP_RECONNECT_TIMEOUT_MS] = g_param_spec_uint (
      "reconnect-timeout-ms", "Reconnect time-out",
      "How long a lost publisher may come back before EOS, in ms (0 = EOS at "
      "once)",
      0, G_MAXINT, DEFAULT_RECONNECT_TIMEOUT_MS, playing);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "The publisher and its media: state, address, app, name, stream, bytes, "
      "since, reconnects, video-frames, audio-frames, fps, bitrate (bit/s), "
      "keyframe-interval (ns), jumps, repairs",
      GST_TYPE_STRUCTURE, readable);
  properties[PROP_THREADS] = g_param_spec_boxed ("threads", "Threads",
      "The pool threads of the process: an array of name, turn-usec (age of what "
      "it is doing, 0 while it waits), connections, turns",
      GST_TYPE_STRUCTURE, readable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
gst_rtmp_server_src_class_init (GstRtmpServerSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_rtmp_server_src_set_property;
  object_class->get_property = gst_rtmp_server_src_get_property;
  object_class->dispose = gst_rtmp_server_src_dispose;
  object_class->finalize = gst_rtmp_server_src_finalize;
  element_class->change_state = gst_rtmp_server_src_change_state;
  element_class->send_event = gst_rtmp_server_src_send_event;
  install_properties (object_class);

  /**
   * authorize:
   * @request: app, name, query, address (string), tls (boolean), session
   *   (GObject, for the property session of another rtmpserversrc)
   * @reply: to be answered from any thread, within 5 s, by a structure with
   *   accept (boolean), stream (string: what it is called here), reason and
   *   code (string: what a refused publisher is shown)
   *
   * A publisher asks. Without a handler it is accepted. Pool thread.
   */
  signals[SIGNAL_AUTHORIZE] = g_signal_new ("authorize",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 2, GST_TYPE_STRUCTURE, GST_TYPE_PROMISE);
  /* (stream), (reason); pool thread, publish-end also on the one that stops */
  signals[SIGNAL_PUBLISH_START] = g_signal_new ("publish-start",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_PUBLISH_END] = g_signal_new ("publish-end",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 1, G_TYPE_STRING);

  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_set_static_metadata (element_class, "RTMP server source",
      "Source/Network", "Receives an RTMP publisher", "The millrace authors");
  GST_DEBUG_CATEGORY_INIT (gst_rtmp_server_src_debug, "rtmpserversrc", 0,
      "RTMP server source");
}

static void
gst_rtmp_server_src_init (GstRtmpServerSrc *self)
{
  g_mutex_init (&self->lock);
  self->handshake_timeout_ms = DEFAULT_HANDSHAKE_TIMEOUT_MS;
  self->idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
  self->reconnect_timeout_ms = DEFAULT_RECONNECT_TIMEOUT_MS;
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
