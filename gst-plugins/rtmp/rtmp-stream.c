/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Who publishes the stream of a source, from the claim to the loss, and when it
 * is over. rtmp-connection has the publisher, rtmp-output the pads; here is
 * what ties the two together. Knows nothing of the listener, nor of properties.
 *
 * Threads: the publisher's callbacks and the hold timer run in the source's
 * lane, the way up and down on the thread of state changes, the rest anywhere.
 */
#include "rtmp-stream-private.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

/* ---- life ---- */

MillRtmpStream *
mill_rtmp_stream_new (GstElement *element, const MillRtmpStreamEvents *events)
{
  MillRtmpStream *self = g_new0 (MillRtmpStream, 1);

  self->element = element;
  self->events = events;
  g_mutex_init (&self->lock);
  return self;
}

void
mill_rtmp_stream_free (MillRtmpStream *self)
{
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
mill_rtmp_stream_set_idle_timeout (MillRtmpStream *self, guint timeout_ms)
{
  g_atomic_int_set (&self->idle_timeout_ms, timeout_ms);
}

guint
mill_rtmp_stream_get_idle_timeout (MillRtmpStream *self)
{
  return g_atomic_int_get (&self->idle_timeout_ms);
}

void
mill_rtmp_stream_set_reconnect_timeout (MillRtmpStream *self, guint timeout_ms)
{
  g_atomic_int_set (&self->reconnect_timeout_ms, timeout_ms);
}

guint
mill_rtmp_stream_get_reconnect_timeout (MillRtmpStream *self)
{
  return g_atomic_int_get (&self->reconnect_timeout_ms);
}

void
mill_rtmp_stream_set_low_latency (MillRtmpStream *self, gboolean low_latency)
{
  g_atomic_int_set (&self->low_latency, low_latency);
}

gboolean
mill_rtmp_stream_get_low_latency (MillRtmpStream *self)
{
  return g_atomic_int_get (&self->low_latency);
}

void
mill_rtmp_stream_set_read_interval (MillRtmpStream *self, guint interval_ms)
{
  g_atomic_int_set (&self->read_interval_ms, interval_ms);
}

guint
mill_rtmp_stream_get_read_interval (MillRtmpStream *self)
{
  return g_atomic_int_get (&self->read_interval_ms);
}

/* ---- the publisher, in the source's lane ---- */

gboolean
mill_rtmp_stream_is_free (MillRtmpStream *self)
{
  g_mutex_lock (&self->lock);
  gboolean free = !self->session && !self->ended;
  g_mutex_unlock (&self->lock);
  return free;
}

/* Ends the stream: nothing follows until the element has been to READY. */
static gboolean
end_stream (MillRtmpStream *self)
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
  MillRtmpStream *self = user_data;

  /* Who was taken just now has not begun yet, and begins later in PAUSED: looked
   * at and ended at once, since another one may be taken meanwhile. */
  g_mutex_lock (&self->lock);
  gboolean is_over = !self->session && !self->ended;
  self->ended |= is_over;
  g_mutex_unlock (&self->lock);
  if (!is_over)
    return;
  GST_INFO_OBJECT (self->element,
      "the publisher stayed away, ending the stream");
  mill_rtmp_timer_arm (self->hold_timer, 0);
  if (!mill_rtmp_output_end (self->output))
    GST_ELEMENT_ERROR (self->element, RESOURCE, NOT_FOUND,
        ("The publisher went away before it sent any media."), (NULL));
}

/* The publisher is gone and let go of. */
static void
after_loss (MillRtmpStream *self, const gchar *reason, gboolean was_live)
{
  guint timeout_ms = mill_rtmp_stream_get_reconnect_timeout (self);

  GST_INFO_OBJECT (self->element, "publisher gone: %s", reason);
  mill_rtmp_stream_health_end (self);
  if (was_live)
    self->events->publish_end (self->element, reason);

  g_mutex_lock (&self->lock);
  gboolean ended = self->ended;
  /* Somebody who listens can go on waiting for a first publisher. */
  gboolean may_hold = !self->listens ||
      mill_rtmp_output_has_pads (self->output);
  if (!may_hold)
    g_clear_object (&self->last);
  g_mutex_unlock (&self->lock);
  if (ended || !may_hold)
    return;
  mill_rtmp_output_lose (self->output, reason);
  if (timeout_ms == 0)
    on_hold_over (self);
  else
    mill_rtmp_timer_arm (self->hold_timer,
        g_get_monotonic_time () + (gint64) timeout_ms * 1000);
}

/* Lets go of the publisher. Returns: (transfer full) (nullable) */
static MillRtmpConnection *
steal_session (MillRtmpStream *self, gboolean *ret_was_live)
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
send_away (MillRtmpStream *self, const gchar *reason)
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
  MillRtmpStream *self = user_data;

  mill_rtmp_timer_arm (self->hold_timer, 0);
  g_mutex_lock (&self->lock);
  g_autoptr (MillRtmpConnection) session = g_object_ref (self->session);
  self->live = TRUE;
  self->n_publishers++;
  self->since = g_get_real_time () / G_USEC_PER_SEC;
  g_set_object (&self->last, session);
  guint interval_ms = self->interval_ms;
  g_mutex_unlock (&self->lock);

  const gchar *stream = mill_rtmp_connection_get_stream (session);
  GST_INFO_OBJECT (self->element, "%s publishes %s",
      mill_rtmp_connection_get_address (session), stream);
  mill_rtmp_output_begin (self->output, stream);
  mill_rtmp_output_set_interval (self->output, interval_ms);
  mill_rtmp_stream_health_arm (self);
  self->events->publish_start (self->element, stream);
}

static void
on_media (MillRtmpMediaType type, guint32 timestamp_ms, GstBuffer *payload,
    gpointer user_data)
{
  MillRtmpStream *self = user_data;
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
  MillRtmpStream *self = user_data;

  mill_rtmp_output_set_metadata (self->output, metadata,
      mill_rtmp_lane_get_time (self->lane));
}

static void
on_cue (GBytes *section, gpointer user_data)
{
  MillRtmpStream *self = user_data;

  mill_rtmp_output_push_cue (self->output, section);
}

static void
on_ended (const gchar *reason, gpointer user_data)
{
  MillRtmpStream *self = user_data;
  gboolean was_live;
  g_autoptr (MillRtmpConnection) session = steal_session (self, &was_live);

  after_loss (self, reason, was_live);
}

static void
on_arrived (gint64 arrival_us, gpointer user_data)
{
  MillRtmpStream *self = user_data;

  mill_rtmp_output_tell_arrival (self->output, arrival_us);
}

static void
on_warm (MillRtmpWarm *warm, gpointer user_data)
{
  MillRtmpStream *self = user_data;

  mill_rtmp_warm_add (warm, self, sizeof *self);
  mill_rtmp_output_warm (self->output, warm);
}

static const MillRtmpConnectionOwner connection_owner = {
  .warm = on_warm,
  .started = on_started,
  .media = on_media,
  .metadata = on_metadata,
  .cue = on_cue,
  .arrived = on_arrived,
  .ended = on_ended,
};

static void
on_end_requested (gpointer user_data)
{
  MillRtmpStream *self = user_data;
  gboolean has_ended = end_stream (self);

  send_away (self, "the stream was ended");
  if (!has_ended)
    GST_ELEMENT_ERROR (self->element, STREAM, FAILED,
        ("No publisher came before the end, there is nothing to finish."),
        (NULL));
}

/* ---- taking a publisher, from any thread ---- */

/* TLS has no time stamps of the kernel, so nobody would know when a frame that
 * was read with others came. */
static guint
choose_interval (MillRtmpStream *self, MillRtmpConnection *session)
{
  if (mill_rtmp_stream_get_low_latency (self) ||
      mill_rtmp_connection_is_secure (session))
    return 0;
  return mill_rtmp_stream_get_read_interval (self);
}

static void
start_session_locked (MillRtmpStream *self)
{
  if (self->started) {
    mill_rtmp_connection_set_flowing (self->session, TRUE);
    return;
  }
  self->started = TRUE;
  self->interval_ms = choose_interval (self, self->session);
  const MillRtmpConnectionTimes times = {
    .idle_timeout_ms = mill_rtmp_stream_get_idle_timeout (self),
    .read_interval_ms = self->interval_ms,
  };
  mill_rtmp_connection_start (self->session, self->lane, &connection_owner,
      self, &times);
}

gboolean
mill_rtmp_stream_take (MillRtmpStream *self, MillRtmpConnection *connection)
{
  g_mutex_lock (&self->lock);
  gboolean has_it = self->session == connection;
  gboolean takes = !self->session && !self->ended &&
      mill_rtmp_connection_claim (connection);
  if (takes) {
    self->session = g_object_ref (connection);
    if (self->playing)
      start_session_locked (self);
  }
  g_mutex_unlock (&self->lock);
  return has_it || takes;
}

void
mill_rtmp_stream_accept (MillRtmpStream *self, MillRtmpConnection *connection,
    const gchar *name)
{
  g_mutex_lock (&self->lock);
  gboolean runs = self->lane != NULL;
  g_mutex_unlock (&self->lock);

  if (!mill_rtmp_connection_is_claimed (connection) &&
      !(runs && mill_rtmp_stream_take (self, connection)) &&
      !mill_rtmp_connection_is_claimed (connection))
    mill_rtmp_connection_refuse (connection, "NetStream.Publish.BadName",
        runs ? "the stream has a publisher already"
             : "nobody takes the stream");
  else
    mill_rtmp_connection_accept (connection, name);
}

/* A source is one stream: what went away comes back under its own name. */
static gboolean
is_same_stream_locked (MillRtmpStream *self, MillRtmpConnection *connection)
{
  return !self->last ||
      (g_strcmp0 (mill_rtmp_connection_get_app (self->last),
           mill_rtmp_connection_get_app (connection)) == 0 &&
          g_strcmp0 (mill_rtmp_connection_get_name (self->last),
              mill_rtmp_connection_get_name (connection)) == 0);
}

const gchar *
mill_rtmp_stream_find_refusal (MillRtmpStream *self,
    MillRtmpConnection *connection)
{
  const gchar *refusal = NULL;

  g_mutex_lock (&self->lock);
  if (self->session)
    refusal = "the stream has a publisher already";
  else if (self->ended)
    refusal = "the stream has ended";
  else if (!is_same_stream_locked (self, connection))
    refusal = "another stream is expected back here";
  g_mutex_unlock (&self->lock);
  return refusal;
}

/* ---- the way up and down ---- */

gboolean
mill_rtmp_stream_open (MillRtmpStream *self, gboolean listens, GError **error)
{
  self->pool = mill_rtmp_pool_acquire (error);
  if (!self->pool)
    return FALSE;
  self->listens = listens;
  MillRtmpLane *lane = mill_rtmp_pool_add_source_lane (self->pool);

  self->hold_timer = mill_rtmp_timer_new (lane, on_hold_over, self);
  self->health_timer =
      mill_rtmp_timer_new (lane, mill_rtmp_stream_health_on_due, self);
  g_mutex_lock (&self->lock);
  self->output = mill_rtmp_output_new (self->element);
  self->lane = lane;
  self->ended = FALSE;
  self->n_publishers = 0;
  self->since = 0;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

void
mill_rtmp_stream_set_playing (MillRtmpStream *self, gboolean playing)
{
  g_mutex_lock (&self->lock);
  self->playing = playing;
  if (self->session && playing)
    start_session_locked (self);
  else if (self->session && self->started)
    mill_rtmp_connection_set_flowing (self->session, FALSE);
  g_mutex_unlock (&self->lock);
}

void
mill_rtmp_stream_close (MillRtmpStream *self)
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
  mill_rtmp_timer_free (g_steal_pointer (&self->health_timer));
  mill_rtmp_lane_close (self->lane);
  mill_rtmp_lane_unlock (self->lane);
  if (was_live)
    self->events->publish_end (self->element, "the stream was stopped");
}

void
mill_rtmp_stream_reset (MillRtmpStream *self)
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

void
mill_rtmp_stream_let_go (MillRtmpStream *self)
{
  gboolean was_live;
  g_autoptr (MillRtmpConnection) session = steal_session (self, &was_live);

  if (session)
    mill_rtmp_connection_drop (session, NULL, "NetStream.Publish.Denied",
        "the stream was stopped");
}

gboolean
mill_rtmp_stream_drop (MillRtmpStream *self, const gchar *reason)
{
  g_mutex_lock (&self->lock);
  gboolean has_session = self->session != NULL;
  g_autoptr (MillRtmpLane) lane = self->lane ? mill_rtmp_lane_ref (self->lane)
                                             : NULL;
  g_mutex_unlock (&self->lock);
  if (!has_session || !lane)
    return FALSE;
  mill_rtmp_lane_lock (lane);
  send_away (self, reason);
  mill_rtmp_lane_unlock (lane);
  return TRUE;
}

gboolean
mill_rtmp_stream_request_end (MillRtmpStream *self)
{
  g_mutex_lock (&self->lock);
  gboolean runs = self->lane != NULL;
  if (runs)
    mill_rtmp_lane_invoke (self->lane, on_end_requested, self, NULL);
  g_mutex_unlock (&self->lock);
  return runs;
}

/* ---- what it tells ---- */

MillRtmpConnection *
mill_rtmp_stream_dup_session (MillRtmpStream *self)
{
  g_mutex_lock (&self->lock);
  MillRtmpConnection *session = self->session ? g_object_ref (self->session)
                                              : NULL;
  g_mutex_unlock (&self->lock);
  return session;
}

gboolean
mill_rtmp_stream_request_reconnect (MillRtmpStream *self, const gchar *tc_url,
    const gchar *description)
{
  g_autoptr (MillRtmpConnection) session = mill_rtmp_stream_dup_session (self);

  return session &&
      mill_rtmp_connection_request_reconnect (session, tc_url, description);
}

static const gchar *
get_state_name_locked (MillRtmpStream *self)
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

GstStructure *
mill_rtmp_stream_make_stats (MillRtmpStream *self)
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
