/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* The properties of rtmpserversrc. */
#include "gstrtmpserversrc-private.h"

#include "rtmp-pool.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

#define DEFAULT_IDLE_TIMEOUT_MS 30000
#define DEFAULT_RECONNECT_TIMEOUT_MS 30000
#define MAX_READ_INTERVAL_MS 1000

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
  PROP_MAX_TLS_HANDSHAKES_PER_ADDRESS,
  PROP_LOW_LATENCY,
  PROP_READ_INTERVAL_MS,
  PROP_STATS,
  PROP_LISTENER_STATS,
  PROP_THREADS,
  N_PROPERTIES,
};

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
    case PROP_MAX_TLS_HANDSHAKES_PER_ADDRESS:
      return &self->bounds.pending.max_handshakes_per_address;
    default:
      return &self->bounds.handshake_timeout_ms;
  }
}

static void
set_bound (GstRtmpServerSrc *self, guint id, guint value)
{
  GST_OBJECT_LOCK (self);
  *find_bound (self, id) = value;
  if (self->listener)
    mill_rtmp_listener_set_bounds (self->listener, G_OBJECT (self),
        &self->bounds);
  GST_OBJECT_UNLOCK (self);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
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
    case PROP_MAX_TLS_HANDSHAKES_PER_ADDRESS:
      set_bound (self, id, g_value_get_uint (value));
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
    case PROP_READ_INTERVAL_MS:
      mill_rtmp_stream_set_read_interval (self->stream,
          g_value_get_uint (value));
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
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
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
    case PROP_MAX_TLS_HANDSHAKES_PER_ADDRESS:
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
    case PROP_READ_INTERVAL_MS:
      g_value_set_uint (value,
          mill_rtmp_stream_get_read_interval (self->stream));
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

void
gst_rtmp_server_src_properties_init (GstRtmpServerSrc *self)
{
  self->bounds = (MillRtmpListenerBounds){
    .handshake_timeout_ms = MILL_RTMP_LISTENER_HANDSHAKE_TIMEOUT_MS,
    .pending = { MILL_RTMP_LISTENER_MAX_PENDING,
        MILL_RTMP_LISTENER_MAX_PENDING_PER_ADDRESS,
        MILL_RTMP_LISTENER_MAX_TLS_HANDSHAKES },
  };
  mill_rtmp_stream_set_idle_timeout (self->stream, DEFAULT_IDLE_TIMEOUT_MS);
  mill_rtmp_stream_set_reconnect_timeout (self->stream,
      DEFAULT_RECONNECT_TIMEOUT_MS);
}

void
gst_rtmp_server_src_properties_install (GObjectClass *object_class)
{
  GParamSpec *properties[N_PROPERTIES] = { NULL };
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
      1, G_MAXINT, MILL_RTMP_LISTENER_HANDSHAKE_TIMEOUT_MS, playing);
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
      1, G_MAXINT, MILL_RTMP_LISTENER_MAX_PENDING, playing);
  properties[PROP_MAX_PENDING_PER_ADDRESS] =
      g_param_spec_uint ("max-pending-per-address",
          "Most pending connections of an address",
          "How many of them may come from one IPv4 address or one /64 of IPv6",
          1, G_MAXINT, MILL_RTMP_LISTENER_MAX_PENDING_PER_ADDRESS, playing);
  properties[PROP_MAX_TLS_HANDSHAKES_PER_ADDRESS] = g_param_spec_uint (
      "max-tls-handshakes-per-address", "Most TLS handshakes of an address",
      "How many connections to rtmps:// one IPv4 address or one /64 of IPv6 "
      "may make per second; those of ten seconds may come at once",
      1, G_MAXINT, MILL_RTMP_LISTENER_MAX_TLS_HANDSHAKES, playing);
  properties[PROP_LOW_LATENCY] = g_param_spec_boolean ("low-latency",
      "Low latency",
      "What is below wants low latency: a publisher with B-frames is warned of, "
      "and read-interval-ms does not count",
      FALSE, playing);
  properties[PROP_READ_INTERVAL_MS] = g_param_spec_uint ("read-interval-ms",
      "Read interval",
      "How often a publisher is read, in ms, unless it has sent much (0 = "
      "whenever it sends): what comes together costs less; without TLS; taken "
      "at the start of a publisher",
      0, MAX_READ_INTERVAL_MS, 0, playing);
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
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}
