/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-pull.h"

#include "relay-backoff.h"
#include "relay-connection.h"
#include "rtmp-output.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

/* A connection that has lived so long has been a success. */
#define HEALTHY_US (10 * G_USEC_PER_SEC)

#define TICK_US G_USEC_PER_SEC

typedef enum
{
  STATE_IDLE,
  STATE_CONNECTING,
  STATE_LIVE,
  STATE_WAITING,
  STATE_REFUSED,
  STATE_ENDED,
} State;

static const gchar *const state_names[] = { "idle", "connecting", "live",
  "waiting", "refused", "ended" };

struct _MillRelayPull
{
  GstElement *element;

  /* from open to close */
  MillRelayIo *io;
  MillRelayAddress *address;
  MillRelayConnectionOptions options;
  gchar *tls_ca_file;
  guint reconnect_timeout_ms;

  GMutex lock;
  /* lock */
  MillRtmpOutput *output; /* from open to reset; pushed by the thread alone */
  GSource *turn; /* nullable: from open to close */
  gboolean is_playing;
  gboolean is_end_wanted;
  State state;
  guint attempts;
  guint connections;
  guint64 past_bytes; /* of connections that are over */
  MillRelayTraffic present; /* of this one, as of the last tick */
  gchar *last_error;
  gchar *shown;

  /* the thread */
  MillRelayConnection *connection; /* nullable */
  MillRelayAddress *moved_to; /* nullable */
  MillRelayBackoff backoff;
  gint64 attempt_us; /* the next one, not before */
  gint64 lost_us; /* since when there is nothing; 0: there is */
  gint64 live_since_us;
};

/* ---- news ---- */

static void
set_state (MillRelayPull *self, State state, const gchar *reason)
{
  g_mutex_lock (&self->lock);
  gboolean is_new = self->state != state;
  self->state = state;
  if (reason) {
    g_free (self->last_error);
    self->last_error = g_strdup (reason);
  }
  GstStructure *news = gst_structure_new ("rtmp-client-state", "state",
      G_TYPE_STRING, state_names[state], "target", G_TYPE_STRING, self->shown,
      "reason", G_TYPE_STRING, reason ? reason : "", "attempts", G_TYPE_UINT,
      self->attempts, NULL);
  g_mutex_unlock (&self->lock);
  GST_INFO_OBJECT (self->element, "%" GST_PTR_FORMAT, news);
  if (is_new)
    gst_element_post_message (self->element,
        gst_message_new_element (GST_OBJECT (self->element), news));
  else
    gst_structure_free (news);
}

static gboolean
has_ended (MillRelayPull *self)
{
  g_mutex_lock (&self->lock);
  gboolean ended = self->state == STATE_ENDED;
  g_mutex_unlock (&self->lock);
  return ended;
}

/* Returns: (transfer full) */
static gchar *
dup_last_error (MillRelayPull *self)
{
  g_mutex_lock (&self->lock);
  gchar *error = g_strdup (self->last_error ? self->last_error : "no answer");
  g_mutex_unlock (&self->lock);
  return error;
}

/* ---- connections, on the thread ---- */

static void
read_traffic (MillRelayPull *self)
{
  MillRelayTraffic traffic = { 0 };

  if (self->connection)
    mill_relay_connection_get_traffic (self->connection, &traffic);
  g_mutex_lock (&self->lock);
  self->present = traffic;
  g_mutex_unlock (&self->lock);
}

static void
forget_connection (MillRelayPull *self)
{
  read_traffic (self);
  g_mutex_lock (&self->lock);
  self->past_bytes += self->present.received;
  self->present = (MillRelayTraffic){ 0 };
  g_mutex_unlock (&self->lock);
  self->live_since_us = 0;
  g_clear_pointer (&self->connection, mill_relay_connection_close);
}

/* Nothing follows. */
static void
end_stream (MillRelayPull *self, const gchar *reason)
{
  if (has_ended (self))
    return;
  forget_connection (self);
  set_state (self, STATE_ENDED, reason);
  if (mill_rtmp_output_end (self->output))
    return;
  g_autofree gchar *error = dup_last_error (self);
  GST_ELEMENT_ERROR (self->element, RESOURCE, NOT_FOUND,
      ("Nothing could be pulled from %s: %s.", self->address->shown, error),
      (NULL));
}

static void
handle_end (MillRelayPull *self, MillRelayEnd end, const gchar *reason)
{
  gint64 now_us = g_get_monotonic_time ();
  gboolean was_live = self->live_since_us > 0;

  g_clear_pointer (&self->moved_to, mill_relay_address_free);
  if (end == MILL_RELAY_END_MOVED)
    self->moved_to = mill_relay_address_copy (
        mill_relay_connection_get_address (self->connection));
  if (was_live && now_us - self->live_since_us >= HEALTHY_US)
    mill_relay_backoff_reset (&self->backoff);
  forget_connection (self);
  if (self->lost_us == 0)
    self->lost_us = now_us;
  self->attempt_us = now_us +
      mill_relay_backoff_next (&self->backoff) * (gint64) 1000;
  if (was_live)
    mill_rtmp_output_lose (self->output, reason);
  set_state (self,
      end == MILL_RELAY_END_REFUSED ? STATE_REFUSED : STATE_WAITING, reason);
  g_source_set_ready_time (self->turn, 0);
}

static void
on_ready (gpointer user_data)
{
  MillRelayPull *self = user_data;
  const MillRelayAddress *address =
      mill_relay_connection_get_address (self->connection);

  self->live_since_us = g_get_monotonic_time ();
  g_mutex_lock (&self->lock);
  self->connections++;
  g_free (self->shown);
  self->shown = g_strdup (address->shown);
  gboolean is_playing = self->is_playing;
  g_mutex_unlock (&self->lock);
  /* It may have been paused while this was under way. */
  mill_relay_connection_set_flowing (self->connection, is_playing);
  /* The name of a stream is a key, often: what is below sees the application. */
  mill_rtmp_output_begin (self->output, address->app);
  set_state (self, STATE_LIVE, NULL);
}

static void
on_media (MillRtmpMediaType type, guint32 timestamp_ms, GstBuffer *payload,
    gpointer user_data)
{
  MillRelayPull *self = user_data;
  g_autoptr (GError) error = NULL;

  self->lost_us = 0;
  if (mill_rtmp_output_push (self->output, type, timestamp_ms, payload,
          g_get_monotonic_time (), &error))
    return;
  if (g_error_matches (error, MILL_RTMP_OUTPUT_ERROR,
          MILL_RTMP_OUTPUT_ERROR_CODEC))
    handle_end (self, MILL_RELAY_END_REFUSED, error->message);
  else
    end_stream (self, error->message);
}

static void
on_metadata (const GstStructure *metadata, gpointer user_data)
{
  MillRelayPull *self = user_data;

  mill_rtmp_output_set_metadata (self->output, metadata,
      g_get_monotonic_time ());
}

static void
on_closed (MillRelayEnd end, const gchar *reason, gpointer user_data)
{
  handle_end (user_data, end, reason);
}

static const MillRelayConnectionEvents connection_events = {
  .ready = on_ready,
  .media = on_media,
  .metadata = on_metadata,
  .closed = on_closed,
};

static void
attempt (MillRelayPull *self)
{
  g_mutex_lock (&self->lock);
  self->attempts++;
  g_mutex_unlock (&self->lock);
  self->connection = mill_relay_connection_new (self->io,
      self->moved_to ? self->moved_to : self->address, &self->options,
      &connection_events, self);
  set_state (self, STATE_CONNECTING, NULL);
}

/* ---- the turn: whatever is due ---- */

/* Whether the stream has been away for too long. */
static gboolean
is_hold_over (MillRelayPull *self, gint64 now_us)
{
  gint64 limit_us = (gint64) self->reconnect_timeout_ms * 1000;

  return self->lost_us > 0 && !self->connection &&
      now_us - self->lost_us >= limit_us;
}

static void
tick (MillRelayPull *self, gint64 now_us)
{
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];

  read_traffic (self);
  /* What its publisher does well or badly is its server's to say. */
  if (self->live_since_us > 0)
    mill_rtmp_output_tick (self->output, self->present.rtt_us, FALSE, changes);
  g_source_set_ready_time (self->turn, now_us + TICK_US);
}

static void
run_playing (MillRelayPull *self)
{
  gint64 now_us = g_get_monotonic_time ();

  if (self->connection) {
    mill_relay_connection_set_flowing (self->connection, TRUE);
    tick (self, now_us);
  } else if (is_hold_over (self, now_us)) {
    end_stream (self, NULL);
  } else if (now_us >= self->attempt_us) {
    if (self->lost_us == 0)
      self->lost_us = now_us;
    attempt (self);
    tick (self, now_us);
  } else {
    gint64 hold_us = self->lost_us + (gint64) self->reconnect_timeout_ms * 1000;
    g_source_set_ready_time (self->turn, MIN (self->attempt_us, hold_us));
  }
}

static gboolean
on_turn (gpointer user_data)
{
  MillRelayPull *self = user_data;

  g_mutex_lock (&self->lock);
  gboolean is_playing = self->is_playing;
  gboolean is_end_wanted = self->is_end_wanted;
  g_mutex_unlock (&self->lock);
  if (has_ended (self))
    return G_SOURCE_CONTINUE;
  if (is_end_wanted)
    end_stream (self, "EOS was asked for before any media came");
  else if (is_playing)
    run_playing (self);
  else if (self->connection)
    mill_relay_connection_set_flowing (self->connection, FALSE);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_turn (GSource *source, GSourceFunc func, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return func (user_data);
}

/* ---- for the element ---- */

MillRelayPull *
mill_relay_pull_new (GstElement *element)
{
  MillRelayPull *self = g_new0 (MillRelayPull, 1);

  self->element = element;
  g_mutex_init (&self->lock);
  return self;
}

void
mill_relay_pull_free (MillRelayPull *self)
{
  mill_relay_pull_close (self);
  mill_relay_pull_reset (self);
  g_free (self->tls_ca_file);
  g_free (self->last_error);
  g_free (self->shown);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
take_settings (MillRelayPull *self, const MillRelaySettings *settings)
{
  g_free (self->tls_ca_file);
  self->tls_ca_file = g_strdup (settings->tls_ca_file);
  self->options = (MillRelayConnectionOptions){
    .role = MILL_RTMP_CLIENT_PLAY,
    .connect_timeout_ms = settings->connect_timeout_ms,
    .stall_timeout_ms = settings->stall_timeout_ms,
    .tls_validation = settings->tls_validation,
    .tls_ca_file = self->tls_ca_file,
  };
  self->backoff = (MillRelayBackoff){ .min_ms = settings->backoff_min_ms,
    .max_ms = settings->backoff_max_ms };
  self->reconnect_timeout_ms = settings->reconnect_timeout_ms;
  self->attempt_us = 0;
  self->lost_us = 0;
}

static void
reset_locked (MillRelayPull *self)
{
  self->output = mill_rtmp_output_new (self->element);
  self->is_playing = FALSE;
  self->is_end_wanted = FALSE;
  self->state = STATE_IDLE;
  self->attempts = self->connections = 0;
  self->past_bytes = 0;
  self->present = (MillRelayTraffic){ 0 };
  g_clear_pointer (&self->last_error, g_free);
  g_free (self->shown);
  self->shown = g_strdup (self->address->shown);
}

gboolean
mill_relay_pull_open (MillRelayPull *self, const MillRelaySettings *settings,
    GError **error)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_turn };
  MillRelayAddress *address =
      mill_relay_address_new (settings->location, settings->stream_key, error);

  if (!address)
    return FALSE;
  self->io = mill_relay_io_new ("rtmpclientsrc", error);
  if (!self->io) {
    mill_relay_address_free (address);
    return FALSE;
  }
  self->address = address;
  take_settings (self, settings);
  g_mutex_lock (&self->lock);
  reset_locked (self);
  self->turn = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (self->turn, on_turn, self, NULL);
  g_source_attach (self->turn, mill_relay_io_get_context (self->io));
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
wake_locked (MillRelayPull *self)
{
  if (self->turn)
    g_source_set_ready_time (self->turn, 0);
}

void
mill_relay_pull_set_playing (MillRelayPull *self, gboolean is_playing)
{
  g_mutex_lock (&self->lock);
  self->is_playing = is_playing;
  wake_locked (self);
  g_mutex_unlock (&self->lock);
}

gboolean
mill_relay_pull_request_end (MillRelayPull *self)
{
  g_mutex_lock (&self->lock);
  gboolean is_open = self->turn != NULL;
  self->is_end_wanted = is_open;
  wake_locked (self);
  g_mutex_unlock (&self->lock);
  return is_open;
}

static void
run_close (gpointer user_data)
{
  MillRelayPull *self = user_data;

  g_mutex_lock (&self->lock);
  g_source_destroy (self->turn);
  g_clear_pointer (&self->turn, g_source_unref);
  self->state = STATE_IDLE;
  g_mutex_unlock (&self->lock);
  forget_connection (self);
  g_clear_pointer (&self->moved_to, mill_relay_address_free);
}

void
mill_relay_pull_close (MillRelayPull *self)
{
  if (!self->io)
    return;
  mill_relay_io_call (self->io, run_close, self);
  g_clear_pointer (&self->io, mill_relay_io_release);
  g_clear_pointer (&self->address, mill_relay_address_free);
}

void
mill_relay_pull_reset (MillRelayPull *self)
{
  g_mutex_lock (&self->lock);
  MillRtmpOutput *output = g_steal_pointer (&self->output);
  g_mutex_unlock (&self->lock);
  if (!output)
    return;
  mill_rtmp_output_remove_pads (output);
  mill_rtmp_output_free (output);
}

GstStructure *
mill_relay_pull_make_stats (MillRelayPull *self)
{
  g_mutex_lock (&self->lock);
  GstStructure *stats = gst_structure_new ("rtmp-client-stats", "state",
      G_TYPE_STRING, state_names[self->state], "target", G_TYPE_STRING,
      self->shown ? self->shown : "", "attempts", G_TYPE_UINT, self->attempts,
      "connections", G_TYPE_UINT, self->connections, "bytes", G_TYPE_UINT64,
      self->past_bytes + self->present.received, "rtt", G_TYPE_UINT64,
      (guint64) self->present.rtt_us * GST_USECOND, "last-error", G_TYPE_STRING,
      self->last_error ? self->last_error : "", NULL);
  if (self->output)
    mill_rtmp_output_fill_stats (self->output, stats);
  g_mutex_unlock (&self->lock);
  return stats;
}
