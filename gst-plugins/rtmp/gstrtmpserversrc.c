/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * rtmpserversrc: listens for an RTMP publisher and pushes what it sends, as it
 * is: frames of every codec of Enhanced RTMP, on a pad per track, time-stamped
 * and described so that nothing downstream needs a parser.
 *
 *   gst-launch-1.0 -e rtmpserversrc location=rtmp://127.0.0.1:1935/live/demo
 *       name=s  s.video_0 ! queue ! mp4mux name=m ! filesink location=a.mp4
 *       s.audio_0 ! queue ! m.
 *
 * States: READY listens, PLAYING takes a publisher and reads, PAUSED stops
 * reading (no preroll), PAUSED->READY waits for its own push in flight and sends
 * the publisher away.
 *
 * Here are states, signals and properties; rtmp-stream.c has the publisher.
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
#include "rtmp-pool.h"
#include "rtmp-stream.h"
#include "rtmp-track.h"

GST_DEBUG_CATEGORY (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

#define DEFAULT_IDLE_TIMEOUT_MS 30000
#define DEFAULT_RECONNECT_TIMEOUT_MS 30000

enum
{
  PROP_0,
  PROP_LOCATION,
  PROP_LISTENING,
  PROP_SESSION,
  PROP_WAIT_FOR_SESSION,
  PROP_HANDSHAKE_TIMEOUT_MS,
  PROP_IDLE_TIMEOUT_MS,
  PROP_RECONNECT_TIMEOUT_MS,
  PROP_TLS_CERTIFICATE,
  PROP_TLS_KEY,
  PROP_TLS,
  PROP_MAX_PENDING,
  PROP_MAX_PENDING_PER_ADDRESS,
  PROP_LOW_LATENCY,
  PROP_STATS,
  PROP_LISTENER_STATS,
  PROP_THREADS,
  N_PROPERTIES,
};

enum
{
  SIGNAL_AUTHORIZE,
  SIGNAL_PUBLISH_START,
  SIGNAL_PUBLISH_END,
  SIGNAL_RELOAD_TLS,
  SIGNAL_RECONNECT_REQUEST,
  SIGNAL_DROP_PUBLISHER,
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

  /* object lock */
  gchar *location;
  gboolean waits_for_session;
  MillRtmpListenerBounds bounds;
  gchar *tls_certificate;
  gchar *tls_key;
  MillRtmpListener *listener; /* READY and above; set by state changes */

  MillRtmpStream *stream; /* as long as the element */
};

G_DEFINE_FINAL_TYPE (GstRtmpServerSrc, gst_rtmp_server_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (rtmpserversrc);
GST_ELEMENT_REGISTER_DEFINE (rtmpserversrc, "rtmpserversrc", GST_RANK_NONE,
    GST_TYPE_RTMP_SERVER_SRC);

/* ---- the stream's news ---- */

static void
on_publish_start (GstElement *element, const gchar *name)
{
  g_signal_emit (element, signals[SIGNAL_PUBLISH_START], 0, name);
}

static void
on_publish_end (GstElement *element, const gchar *reason)
{
  g_signal_emit (element, signals[SIGNAL_PUBLISH_END], 0, reason);
}

static const MillRtmpStreamEvents stream_events = {
  .publish_start = on_publish_start,
  .publish_end = on_publish_end,
};

/* ---- the listener's questions ---- */

static gboolean
is_free (GObject *source)
{
  return mill_rtmp_stream_is_free (GST_RTMP_SERVER_SRC (source)->stream);
}

static void
accept_publisher (GObject *source, MillRtmpConnection *connection,
    const gchar *stream)
{
  mill_rtmp_stream_accept (GST_RTMP_SERVER_SRC (source)->stream, connection,
      stream);
}

static void
on_asked (GObject *source, MillRtmpConnection *connection)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (source);
  const gchar *refusal =
      mill_rtmp_stream_find_refusal (self->stream, connection);

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
  else if (error->domain == MILL_TLS_ERROR ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
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
  g_autofree gchar *certificate = g_strdup (self->tls_certificate);
  g_autofree gchar *key = g_strdup (self->tls_key);
  const MillRtmpListenerOptions options = {
    .bounds = self->bounds,
    .tls_certificate = certificate,
    .tls_key = key,
  };
  gboolean waits = self->waits_for_session;
  GST_OBJECT_UNLOCK (self);
  if (!text) {
    g_autoptr (MillRtmpConnection) session =
        mill_rtmp_stream_dup_session (self->stream);
    if (!session && !waits)
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
          ("Nothing to listen on: set the property location, for instance "
           "rtmp://127.0.0.1:1935/live/*, or session."),
          (NULL));
    return session || waits;
  }

  MillRtmpListener *listener = NULL;
  location = mill_rtmp_location_parse (text, &error);
  if (location)
    listener = mill_rtmp_listener_add (location, &listener_source,
        G_OBJECT (self), &options, &error);
  if (!listener) {
    post_open_error (self, text, error);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->listener = listener;
  GST_OBJECT_UNLOCK (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LISTENING]);
  return TRUE;
}

/* READY->PAUSED */
static gboolean
open_stream (GstRtmpServerSrc *self)
{
  g_autoptr (GError) error = NULL;

  if (mill_rtmp_stream_open (self->stream, self->listener != NULL, &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, FAILED, ("%s", error->message), (NULL));
  return FALSE;
}

/* READY->NULL */
static void
close_listener (GstRtmpServerSrc *self)
{
  mill_rtmp_stream_let_go (self->stream);
  GST_OBJECT_LOCK (self);
  MillRtmpListener *listener = g_steal_pointer (&self->listener);
  GST_OBJECT_UNLOCK (self);
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
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED && !open_stream (self))
    return GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    mill_rtmp_stream_set_playing (self->stream, FALSE);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY)
    mill_rtmp_stream_close (self->stream);

  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (gst_rtmp_server_src_parent_class)
          ->change_state (element, change);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED &&
      ret == GST_STATE_CHANGE_FAILURE)
    mill_rtmp_stream_close (self->stream);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (change == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    mill_rtmp_stream_reset (self->stream);
  if (change == GST_STATE_CHANGE_READY_TO_NULL)
    close_listener (self);
  if (ret == GST_STATE_CHANGE_FAILURE)
    return ret;

  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    mill_rtmp_stream_set_playing (self->stream, TRUE);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED ||
      change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    return GST_STATE_CHANGE_NO_PREROLL;
  return ret;
}

static gboolean
gst_rtmp_server_src_drop_publisher (GstRtmpServerSrc *self, const gchar *reason)
{
  return mill_rtmp_stream_drop (self->stream, reason);
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
  return mill_rtmp_stream_request_end (self->stream);
}

/* The signal's own handler. The listener goes only with a change of state, on
 * the thread that this is called from. */
static gboolean
gst_rtmp_server_src_reload_tls (GstRtmpServerSrc *self)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree gchar *file = g_strdup (self->tls_certificate);
  g_autofree gchar *key = g_strdup (self->tls_key);
  MillRtmpCertificate *certificate = self->listener
      ? mill_rtmp_listener_get_certificate (self->listener)
      : NULL;
  GST_OBJECT_UNLOCK (self);
  if (!certificate || !file)
    return FALSE;
  if (mill_rtmp_certificate_reload (certificate, file, key, &error))
    return TRUE;
  GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
      ("%s; the certificate loaded before stays in use", error->message),
      (NULL));
  return FALSE;
}

/* ---- properties ---- */

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
  if (!mill_rtmp_stream_take (self->stream, MILL_RTMP_CONNECTION (session)))
    mill_rtmp_connection_refuse (MILL_RTMP_CONNECTION (session),
        "NetStream.Publish.BadName", "the stream has a publisher already");
}

/* @field: one of the element's strings */
static void
set_text (GstRtmpServerSrc *self, gchar **field, const GValue *value)
{
  GST_OBJECT_LOCK (self);
  g_free (*field);
  *field = g_value_dup_string (value);
  GST_OBJECT_UNLOCK (self);
}

static void
get_text (GstRtmpServerSrc *self, gchar **field, GValue *value)
{
  GST_OBJECT_LOCK (self);
  g_value_set_string (value, *field);
  GST_OBJECT_UNLOCK (self);
}

/* Under the object lock. */
static guint *
find_bound (GstRtmpServerSrc *self, guint id)
{
  switch (id) {
    case PROP_MAX_PENDING:
      return &self->bounds.pending.max_pending;
    case PROP_MAX_PENDING_PER_ADDRESS:
      return &self->bounds.pending.max_pending_per_address;
    default:
      return &self->bounds.handshake_timeout_ms;
  }
}

static void
gst_rtmp_server_src_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (object);

  switch (id) {
    case PROP_LOCATION:
      set_text (self, &self->location, value);
      break;
    case PROP_TLS_CERTIFICATE:
      set_text (self, &self->tls_certificate, value);
      break;
    case PROP_TLS_KEY:
      set_text (self, &self->tls_key, value);
      break;
    case PROP_SESSION:
      set_session (self, g_value_get_object (value));
      break;
    case PROP_WAIT_FOR_SESSION:
      GST_OBJECT_LOCK (self);
      self->waits_for_session = g_value_get_boolean (value);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_HANDSHAKE_TIMEOUT_MS:
    case PROP_MAX_PENDING:
    case PROP_MAX_PENDING_PER_ADDRESS:
      GST_OBJECT_LOCK (self);
      *find_bound (self, id) = g_value_get_uint (value);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_IDLE_TIMEOUT_MS:
      mill_rtmp_stream_set_idle_timeout (self->stream,
          g_value_get_uint (value));
      break;
    case PROP_RECONNECT_TIMEOUT_MS:
      mill_rtmp_stream_set_reconnect_timeout (self->stream,
          g_value_get_uint (value));
      break;
    case PROP_LOW_LATENCY:
      mill_rtmp_stream_set_low_latency (self->stream,
          g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static gchar *
dup_listening (GstRtmpServerSrc *self)
{
  GST_OBJECT_LOCK (self);
  gchar *address = self->listener
      ? g_strdup (mill_rtmp_listener_get_address (self->listener))
      : NULL;
  GST_OBJECT_UNLOCK (self);
  return address;
}

/* Returns: (transfer full) (nullable) */
static GstStructure *
make_tls (GstRtmpServerSrc *self)
{
  GST_OBJECT_LOCK (self);
  MillRtmpCertificate *certificate = self->listener
      ? mill_rtmp_listener_get_certificate (self->listener)
      : NULL;
  GstStructure *structure =
      certificate ? mill_rtmp_certificate_describe (certificate) : NULL;
  GST_OBJECT_UNLOCK (self);
  return structure;
}

/* Returns: (transfer full) (nullable) */
static GstStructure *
describe_listener (GstRtmpServerSrc *self)
{
  GST_OBJECT_LOCK (self);
  GstStructure *stats =
      self->listener ? mill_rtmp_listener_describe (self->listener) : NULL;
  GST_OBJECT_UNLOCK (self);
  return stats;
}

static void
gst_rtmp_server_src_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (object);

  switch (id) {
    case PROP_LOCATION:
      get_text (self, &self->location, value);
      break;
    case PROP_TLS_CERTIFICATE:
      get_text (self, &self->tls_certificate, value);
      break;
    case PROP_TLS_KEY:
      get_text (self, &self->tls_key, value);
      break;
    case PROP_TLS:
      g_value_take_boxed (value, make_tls (self));
      break;
    case PROP_LISTENING:
      g_value_take_string (value, dup_listening (self));
      break;
    case PROP_WAIT_FOR_SESSION:
      GST_OBJECT_LOCK (self);
      g_value_set_boolean (value, self->waits_for_session);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_SESSION:
      g_value_take_object (value, mill_rtmp_stream_dup_session (self->stream));
      break;
    case PROP_HANDSHAKE_TIMEOUT_MS:
    case PROP_MAX_PENDING:
    case PROP_MAX_PENDING_PER_ADDRESS:
      GST_OBJECT_LOCK (self);
      g_value_set_uint (value, *find_bound (self, id));
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_IDLE_TIMEOUT_MS:
      g_value_set_uint (value,
          mill_rtmp_stream_get_idle_timeout (self->stream));
      break;
    case PROP_RECONNECT_TIMEOUT_MS:
      g_value_set_uint (value,
          mill_rtmp_stream_get_reconnect_timeout (self->stream));
      break;
    case PROP_LOW_LATENCY:
      g_value_set_boolean (value,
          mill_rtmp_stream_get_low_latency (self->stream));
      break;
    case PROP_STATS:
      g_value_take_boxed (value, mill_rtmp_stream_make_stats (self->stream));
      break;
    case PROP_LISTENER_STATS:
      g_value_take_boxed (value, describe_listener (self));
      break;
    case PROP_THREADS:
      g_value_take_boxed (value, mill_rtmp_pool_describe ());
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static gboolean
request_reconnect (GstRtmpServerSrc *self, const gchar *tc_url,
    const gchar *description)
{
  return mill_rtmp_stream_request_reconnect (self->stream, tc_url, description);
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
  g_free (self->tls_certificate);
  g_free (self->tls_key);
  mill_rtmp_stream_free (self->stream);
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
      "rtmp[s]://host:port/app/name to listen for, any part may be *; port 0 "
      "takes a free one",
      NULL, settable);
  properties[PROP_LISTENING] = g_param_spec_string ("listening", "Listening",
      "host:port really bound; NULL while not listening", NULL, readable);
  properties[PROP_SESSION] = g_param_spec_object ("session", "Session",
      "The publisher; set it to the session of an authorize request to take "
      "that publisher",
      G_TYPE_OBJECT, playing);
  properties[PROP_WAIT_FOR_SESSION] = g_param_spec_boolean ("wait-for-session",
      "Wait for a session",
      "Without a location: whether the property session may be set later, too",
      FALSE, settable);
  properties[PROP_HANDSHAKE_TIMEOUT_MS] = g_param_spec_uint (
      "handshake-timeout-ms", "Handshake time-out",
      "How long a connection may take to its publish request, in ms; of the "
      "sources of one listener the longest counts",
      1, G_MAXINT, MILL_RTMP_LISTENER_HANDSHAKE_TIMEOUT_MS, settable);
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
  properties[PROP_TLS_CERTIFICATE] = g_param_spec_string ("tls-certificate",
      "TLS certificate",
      "PEM file for rtmps://: the server's certificate, then its issuers", NULL,
      settable);
  properties[PROP_TLS_KEY] = g_param_spec_string ("tls-key", "TLS key",
      "PEM file of the certificate's private key, without a passphrase; NULL: "
      "it is in the file of tls-certificate",
      NULL, settable);
  properties[PROP_TLS] = g_param_spec_boxed ("tls", "TLS",
      "The certificate in use: certificate, subject, fingerprint, not-after "
      "(Unix seconds), loads, error; NULL without rtmps://",
      GST_TYPE_STRUCTURE, readable);
  properties[PROP_MAX_PENDING] = g_param_spec_uint ("max-pending",
      "Most pending connections",
      "How many connections may be open that do not publish yet, in all; the "
      "newest is refused; of the sources of one listener the highest counts",
      1, G_MAXINT, MILL_RTMP_LISTENER_MAX_PENDING, settable);
  properties[PROP_MAX_PENDING_PER_ADDRESS] =
      g_param_spec_uint ("max-pending-per-address",
          "Most pending connections of an address",
          "How many of them may come from one IPv4 address or one /64 of IPv6",
          1, G_MAXINT, MILL_RTMP_LISTENER_MAX_PENDING_PER_ADDRESS, settable);
  properties[PROP_LOW_LATENCY] = g_param_spec_boolean ("low-latency",
      "Low latency",
      "What is below wants low latency: a publisher with B-frames is warned of",
      FALSE, playing);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "The publisher and its media: state, address, app, name, stream, bytes, "
      "since, reconnects, video-frames, audio-frames, video-tracks, "
      "audio-tracks, jumps, repairs; bitrate, video-bitrate, audio-bitrate "
      "(bit/s), fps, all of them with -10s too, keyframe-interval, "
      "keyframe-interval-max, jitter, lag, av-skew, rtt (ns), gaps, "
      "missing-frames, b-frames, warnings",
      GST_TYPE_STRUCTURE, readable);
  properties[PROP_LISTENER_STATS] = g_param_spec_boxed ("listener-stats",
      "Listener statistics",
      "Who came to the listener and why connections were closed: connections, "
      "pending, and closed- with the name of each bound",
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

  /**
   * reconnect-request:
   * @tc_url: (nullable): where to, absolute or relative to where it is; NULL is
   *   the same address again
   * @description: (nullable): why, for people
   *
   * Action: asks the publisher to go on elsewhere from its next keyframe on, as
   * before a shutdown; until then everything goes on. Returns FALSE when there
   * is no publisher, or it has not said that it understands this. Any thread.
   */
  signals[SIGNAL_RECONNECT_REQUEST] =
      g_signal_new_class_handler ("reconnect-request",
          G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
          G_CALLBACK (request_reconnect), NULL, NULL, NULL, G_TYPE_BOOLEAN, 2,
          G_TYPE_STRING, G_TYPE_STRING);
  /**
   * reload-tls:
   *
   * Action: loads tls-certificate and tls-key now, for connections to come.
   * That happens by itself too when the files change. FALSE, with a warning
   * message, when they cannot be used: then the ones before stay. On the thread
   * that changes states.
   */
  /**
   * drop-publisher:
   * @reason: what it is shown
   *
   * Sends the publisher away; the stream waits for another as after a loss, and
   * takes one by the property session from then on.
   * Returns: FALSE when there is none
   */
  signals[SIGNAL_DROP_PUBLISHER] = g_signal_new_class_handler ("drop-publisher",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_rtmp_server_src_drop_publisher), NULL, NULL, NULL,
      G_TYPE_BOOLEAN, 1, G_TYPE_STRING);
  signals[SIGNAL_RELOAD_TLS] = g_signal_new_class_handler ("reload-tls",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_rtmp_server_src_reload_tls), NULL, NULL, NULL,
      G_TYPE_BOOLEAN, 0);

  gst_element_class_add_pad_template (element_class,
      mill_rtmp_track_make_template (MILL_FLV_KIND_VIDEO));
  gst_element_class_add_pad_template (element_class,
      mill_rtmp_track_make_template (MILL_FLV_KIND_AUDIO));
  gst_element_class_set_static_metadata (element_class, "RTMP server source",
      "Source/Network", "Receives an RTMP publisher", "The millrace authors");
  GST_DEBUG_CATEGORY_INIT (gst_rtmp_server_src_debug, "rtmpserversrc", 0,
      "RTMP server source");
}

static void
gst_rtmp_server_src_init (GstRtmpServerSrc *self)
{
  self->stream = mill_rtmp_stream_new (GST_ELEMENT (self), &stream_events);
  self->bounds = (MillRtmpListenerBounds){
    .handshake_timeout_ms = MILL_RTMP_LISTENER_HANDSHAKE_TIMEOUT_MS,
    .pending = { MILL_RTMP_LISTENER_MAX_PENDING,
        MILL_RTMP_LISTENER_MAX_PENDING_PER_ADDRESS },
  };
  mill_rtmp_stream_set_idle_timeout (self->stream, DEFAULT_IDLE_TIMEOUT_MS);
  mill_rtmp_stream_set_reconnect_timeout (self->stream,
      DEFAULT_RECONNECT_TIMEOUT_MS);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
