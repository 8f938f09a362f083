/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-pull.h"

#include <string.h>

#include "relay-peer.h"
#include "rtmp-output.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

#define TICK_US G_USEC_PER_SEC

struct _MillRelayPull
{
  GstElement *element;

  MillRelayPeer peer;
  guint reconnect_timeout_ms; /* from open to close */

  GMutex lock;
  /* lock */
  MillRtmpOutput *output; /* from open to reset; pushed by the thread alone */
  GSource *turn; /* nullable: from open to close */
  gboolean is_playing;
  gboolean is_end_wanted;

  /* the thread */
  gint64 lost_us; /* since when there is nothing; 0: there is */
};

/* ---- news ---- */

static void
set_state (MillRelayPull *self, MillRelayState state, const gchar *reason)
{
  GstStructure *news = mill_relay_peer_set_state (&self->peer, state, reason);

  if (news)
    gst_element_post_message (self->element,
        gst_message_new_element (GST_OBJECT (self->element), news));
}

static gboolean
has_ended (MillRelayPull *self)
{
  return mill_relay_peer_get_state (&self->peer) == MILL_RELAY_STATE_ENDED;
}

/* ---- connections, on the thread ---- */

/* Nothing follows. */
static void
end_stream (MillRelayPull *self, const gchar *reason)
{
  if (has_ended (self))
    return;
  mill_relay_peer_forget (&self->peer);
  set_state (self, MILL_RELAY_STATE_ENDED, reason);
  if (mill_rtmp_output_end (self->output))
    return;
  g_autofree gchar *error = mill_relay_peer_dup_last_error (&self->peer);
  GST_ELEMENT_ERROR (self->element, RESOURCE, NOT_FOUND,
      ("Nothing could be pulled from %s: %s.", self->peer.address->shown,
          error ? error : "no answer"),
      (NULL));
}

static void
handle_end (MillRelayPull *self, MillRelayEnd end, const gchar *reason)
{
  gboolean was_live = self->peer.live_since_us > 0;

  mill_relay_peer_note_end (&self->peer, end);
  if (self->lost_us == 0)
    self->lost_us = g_get_monotonic_time ();
  mill_relay_peer_plan_attempt (&self->peer);
  if (was_live)
    mill_rtmp_output_lose (self->output, reason);
  set_state (self,
      end == MILL_RELAY_END_REFUSED ? MILL_RELAY_STATE_REFUSED
                                    : MILL_RELAY_STATE_WAITING,
      reason);
  g_source_set_ready_time (self->turn, 0);
}

static void
on_ready (gpointer user_data)
{
  MillRelayPull *self = user_data;
  g_mutex_lock (&self->lock);
  gboolean is_playing = self->is_playing;
  g_mutex_unlock (&self->lock);

  mill_relay_peer_note_ready (&self->peer);
  /* It may have been paused while this was under way. */
  mill_relay_connection_set_flowing (self->peer.connection, is_playing);
  /* The name of a stream is a key, often, and so is the query of an application:
   * what is below sees neither. */
  const gchar *app =
      mill_relay_connection_get_address (self->peer.connection)->app;
  g_autofree gchar *shown = g_strndup (app, strcspn (app, "?"));
  mill_rtmp_output_begin (self->output, shown);
  set_state (self, MILL_RELAY_STATE_LIVE, NULL);
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
  mill_relay_peer_attempt (&self->peer, &connection_events, self);
  set_state (self, MILL_RELAY_STATE_CONNECTING, NULL);
}

/* ---- the turn: whatever is due ---- */

/* Whether the stream has been away for too long. */
static gboolean
is_hold_over (MillRelayPull *self, gint64 now_us)
{
  gint64 limit_us = (gint64) self->reconnect_timeout_ms * 1000;

  return self->lost_us > 0 && !self->peer.connection &&
      now_us - self->lost_us >= limit_us;
}

static void
tick (MillRelayPull *self, gint64 now_us)
{
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];

  mill_relay_peer_look (&self->peer);
  /* What its publisher does well or badly is its server's to say. */
  if (self->peer.live_since_us > 0)
    mill_rtmp_output_tick (self->output, self->peer.present.rtt_us, FALSE,
        changes);
  g_source_set_ready_time (self->turn, now_us + TICK_US);
}

static void
run_playing (MillRelayPull *self)
{
  gint64 now_us = g_get_monotonic_time ();

  if (self->peer.connection) {
    mill_relay_connection_set_flowing (self->peer.connection, TRUE);
    tick (self, now_us);
  } else if (is_hold_over (self, now_us)) {
    end_stream (self, NULL);
  } else if (now_us >= self->peer.attempt_us) {
    if (self->lost_us == 0)
      self->lost_us = now_us;
    attempt (self);
    tick (self, now_us);
  } else {
    gint64 hold_us = self->lost_us + (gint64) self->reconnect_timeout_ms * 1000;
    g_source_set_ready_time (self->turn, MIN (self->peer.attempt_us, hold_us));
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
  else if (self->peer.connection)
    mill_relay_connection_set_flowing (self->peer.connection, FALSE);
  return G_SOURCE_CONTINUE;
}

/* ---- for the element ---- */

MillRelayPull *
mill_relay_pull_new (GstElement *element)
{
  MillRelayPull *self = g_new0 (MillRelayPull, 1);

  self->element = element;
  mill_relay_peer_init (&self->peer);
  g_mutex_init (&self->lock);
  return self;
}

void
mill_relay_pull_free (MillRelayPull *self)
{
  mill_relay_pull_close (self);
  mill_relay_pull_reset (self);
  mill_relay_peer_clear (&self->peer);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
reset_locked (MillRelayPull *self)
{
  self->output = mill_rtmp_output_new (self->element);
  self->is_playing = FALSE;
  self->is_end_wanted = FALSE;
}

gboolean
mill_relay_pull_open (MillRelayPull *self, const MillRelaySettings *settings,
    GError **error)
{
  MillRelayAddress *address =
      mill_relay_address_new (settings->location, settings->stream_key, error);

  if (!address)
    return FALSE;
  MillRelayIo *io = mill_relay_io_new ("rtmpclientsrc", error);
  if (!io) {
    mill_relay_address_free (address);
    return FALSE;
  }
  mill_relay_peer_open (&self->peer, MILL_RTMP_CLIENT_PLAY, settings, io,
      address);
  self->reconnect_timeout_ms = settings->reconnect_timeout_ms;
  self->lost_us = 0;
  g_mutex_lock (&self->lock);
  reset_locked (self);
  self->turn = mill_relay_io_add_turn (io, on_turn, self);
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
  g_mutex_unlock (&self->lock);
  mill_relay_peer_shut (&self->peer);
}

void
mill_relay_pull_close (MillRelayPull *self)
{
  if (!self->peer.io)
    return;
  mill_relay_io_call (self->peer.io, run_close, self);
  mill_relay_peer_close (&self->peer);
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
  GstStructure *stats = mill_relay_peer_make_stats (&self->peer);

  g_mutex_lock (&self->lock);
  if (self->output)
    mill_rtmp_output_fill_stats (self->output, stats);
  g_mutex_unlock (&self->lock);
  return stats;
}
