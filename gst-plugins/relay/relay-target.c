/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-target.h"

#include "relay-peer.h"
#include "relay-sender.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

/* After EOS. */
#define DRAIN_US (3 * G_USEC_PER_SEC)

/* How old statistics may get. */
#define LOOK_US G_USEC_PER_SEC

/* Then it is the turn of other targets, and of what the servers say: whoever
 * sends as fast as a server takes would never come to an end. */
#define ITEMS_PER_TURN 64

/* How often the drain looks whether the kernel has sent the last bytes. */
#define DRAIN_LOOK_US (20 * 1000)

struct _MillRelayTarget
{
  const MillRelayTargetEvents *events;
  gpointer user_data;

  MillRelayPeer peer;
  guint max_attempts; /* from start to stop */

  GMutex lock;
  /* lock */
  MillRelayQueue *queue;
  GSource *turn; /* nullable: from start to stop; ready when there is news */
  gboolean is_woken; /* since the last turn began */
  gboolean is_ended;
  gint64 drain_deadline_us;
  guint64 frames;
  MillRelayFormat *latest[MILL_RELAY_N_TRACKS]; /* nullable */

  /* the I/O thread */
  guint failures; /* since the last success */
  MillRelaySender sender;
};

/* ---- the next turn ---- */

static void
wake_locked (MillRelayTarget *self)
{
  self->is_woken = TRUE;
  if (self->turn)
    g_source_set_ready_time (self->turn, 0);
}

static void
wake (MillRelayTarget *self)
{
  g_mutex_lock (&self->lock);
  wake_locked (self);
  g_mutex_unlock (&self->lock);
}

/* Not later than @time_us, on the I/O thread: news that have come since this
 * turn began are not put off. */
static void
arm (MillRelayTarget *self, gint64 time_us)
{
  g_mutex_lock (&self->lock);
  if (!self->is_woken && self->turn)
    g_source_set_ready_time (self->turn, time_us);
  g_mutex_unlock (&self->lock);
}

/* ---- news ---- */

static void
set_state (MillRelayTarget *self, MillRelayState state, const gchar *reason)
{
  GstStructure *news = mill_relay_peer_set_state (&self->peer, state, reason);

  if (news)
    self->events->changed (news, self->user_data);
}

/* ---- sending, on the I/O thread ---- */

/* @ret_other: (transfer full) (nullable): the format of the other track */
static MillRelayItem *
take_item (MillRelayTarget *self, MillRelayFormat **ret_other)
{
  g_mutex_lock (&self->lock);
  MillRelayItem *item = mill_relay_queue_pop (self->queue);
  MillRelayFormat *other = item ? self->latest[!item->track] : NULL;
  *ret_other = other ? mill_relay_format_ref (other) : NULL;
  self->frames += item != NULL;
  g_mutex_unlock (&self->lock);
  return item;
}

static void handle_end (MillRelayTarget *self, MillRelayEnd end,
    const gchar *reason); /* real recursion: a refusal ends a connection */

static gboolean
is_taken (MillRelayTarget *self, const MillRelayItem *item)
{
  if (mill_relay_sender_has_told (&self->sender, item) ||
      mill_relay_format_is_taken (item->format,
          mill_relay_connection_get_capabilities (self->peer.connection)))
    return TRUE;
  g_autofree gchar *reason = g_strdup_printf ("the server does not take %s",
      mill_relay_format_get_name (item->format));
  handle_end (self, MILL_RELAY_END_REFUSED, reason);
  return FALSE;
}

static void
pump (MillRelayTarget *self)
{
  guint n = 0;

  while (self->peer.connection &&
      mill_relay_connection_has_room (self->peer.connection)) {
    if (n++ == ITEMS_PER_TURN) {
      wake (self);
      return;
    }
    g_autoptr (MillRelayFormat) other = NULL;
    g_autoptr (MillRelayItem) item = take_item (self, &other);
    if (!item || !is_taken (self, item))
      return;
    mill_relay_sender_send (&self->sender, self->peer.connection, item, other);
    /* It may end here. */
    mill_relay_connection_flush (self->peer.connection);
  }
}

/* ---- connections ---- */

static void
forget_connection (MillRelayTarget *self)
{
  mill_relay_peer_forget (&self->peer);
  g_mutex_lock (&self->lock);
  mill_relay_queue_restart (self->queue);
  g_mutex_unlock (&self->lock);
  mill_relay_sender_restart (&self->sender);
}

static void
wait_for_attempt (MillRelayTarget *self, MillRelayState state,
    const gchar *reason)
{
  if (self->max_attempts > 0 && self->failures >= self->max_attempts) {
    set_state (self, MILL_RELAY_STATE_FAILED, reason);
    return;
  }
  mill_relay_peer_plan_attempt (&self->peer);
  set_state (self, state, reason);
  arm (self, self->peer.attempt_us);
}

static void
handle_end (MillRelayTarget *self, MillRelayEnd end, const gchar *reason)
{
  gboolean was_healthy = mill_relay_peer_note_end (&self->peer, end);

  forget_connection (self);
  self->failures = was_healthy ? 1 : self->failures + 1;
  wait_for_attempt (self,
      end == MILL_RELAY_END_REFUSED ? MILL_RELAY_STATE_REFUSED
                                    : MILL_RELAY_STATE_WAITING,
      reason);
}

static void
on_connection_ready (gpointer user_data)
{
  MillRelayTarget *self = user_data;

  mill_relay_peer_note_ready (&self->peer);
  /* The connection is in the middle of its reading: send after it. */
  wake (self);
  set_state (self, MILL_RELAY_STATE_LIVE, NULL);
}

static void
on_connection_room (gpointer user_data)
{
  pump (user_data);
  mill_relay_peer_look (&((MillRelayTarget *) user_data)->peer);
}

static void
on_connection_closed (MillRelayEnd end, const gchar *reason, gpointer user_data)
{
  handle_end (user_data, end, reason);
}

static const MillRelayConnectionEvents connection_events = {
  .ready = on_connection_ready,
  .room = on_connection_room,
  .closed = on_connection_closed,
};

static void
attempt (MillRelayTarget *self)
{
  mill_relay_peer_attempt (&self->peer, &connection_events, self);
  set_state (self, MILL_RELAY_STATE_CONNECTING, NULL);
}

/* ---- the turn: whatever is due ---- */

static void
attempt_if_due (MillRelayTarget *self, gboolean has_media)
{
  MillRelayState state = mill_relay_peer_get_state (&self->peer);
  gint64 now_us = g_get_monotonic_time ();

  if (self->peer.connection || state == MILL_RELAY_STATE_FAILED ||
      !self->peer.address)
    return;
  if (now_us < self->peer.attempt_us) {
    arm (self, self->peer.attempt_us);
  } else if (has_media) {
    attempt (self);
  } else {
    set_state (self, MILL_RELAY_STATE_IDLE, NULL);
  }
}

static void
clear_queue (MillRelayTarget *self)
{
  g_mutex_lock (&self->lock);
  mill_relay_queue_clear (self->queue);
  g_mutex_unlock (&self->lock);
}

/* What has no server to go to is not waited for. */
static gboolean
is_drained (MillRelayTarget *self)
{
  if (!self->peer.connection)
    return TRUE;
  g_mutex_lock (&self->lock);
  gboolean is_empty = mill_relay_queue_is_empty (self->queue);
  g_mutex_unlock (&self->lock);
  return is_empty &&
      mill_relay_peer_get_state (&self->peer) == MILL_RELAY_STATE_LIVE &&
      mill_relay_connection_is_drained (self->peer.connection);
}

static void
drain (MillRelayTarget *self, gint64 deadline_us)
{
  gint64 now_us = g_get_monotonic_time ();

  if (!is_drained (self) && now_us < deadline_us) {
    arm (self, now_us + DRAIN_LOOK_US);
    return;
  }
  g_mutex_lock (&self->lock);
  gboolean is_resumed = self->drain_deadline_us == 0;
  self->drain_deadline_us = 0;
  g_mutex_unlock (&self->lock);
  if (is_resumed)
    return;
  if (self->peer.connection)
    forget_connection (self);
  clear_queue (self);
  set_state (self, MILL_RELAY_STATE_IDLE, NULL);
  self->events->drained (self->user_data);
}

static gboolean
on_turn (gpointer user_data)
{
  MillRelayTarget *self = user_data;

  g_mutex_lock (&self->lock);
  self->is_woken = FALSE;
  gboolean has_media = !mill_relay_queue_is_empty (self->queue);
  gint64 deadline_us = self->drain_deadline_us;
  g_mutex_unlock (&self->lock);
  attempt_if_due (self, has_media);
  pump (self);
  mill_relay_peer_look (&self->peer);
  if (deadline_us > 0)
    drain (self, deadline_us);
  else if (self->peer.connection)
    arm (self, g_get_monotonic_time () + LOOK_US);
  return G_SOURCE_CONTINUE;
}

/* ---- for the element ---- */

MillRelayTarget *
mill_relay_target_new (const MillRelayTargetEvents *events, gpointer user_data)
{
  MillRelayTarget *self = g_new0 (MillRelayTarget, 1);

  self->events = events;
  self->user_data = user_data;
  mill_relay_peer_init (&self->peer);
  g_mutex_init (&self->lock);
  self->queue = mill_relay_queue_new ();
  mill_relay_sender_init (&self->sender);
  return self;
}

void
mill_relay_target_free (MillRelayTarget *self)
{
  mill_relay_target_stop (self);
  mill_relay_queue_free (self->queue);
  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++)
    g_clear_pointer (&self->latest[i], mill_relay_format_unref);
  mill_relay_sender_clear (&self->sender);
  mill_relay_peer_clear (&self->peer);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Statistics are those of a run. */
static void
reset_locked (MillRelayTarget *self, const MillRelaySettings *settings)
{
  mill_relay_queue_free (self->queue);
  self->queue = mill_relay_queue_new ();
  mill_relay_queue_set_room (self->queue, settings->max_queue_ms,
      settings->max_queue_bytes);
  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++)
    g_clear_pointer (&self->latest[i], mill_relay_format_unref);
  self->is_ended = FALSE;
  self->drain_deadline_us = 0;
  self->frames = 0;
}

gboolean
mill_relay_target_start (MillRelayTarget *self,
    const MillRelaySettings *settings, GError **error)
{
  gboolean has_location = settings->location && *settings->location;
  MillRelayAddress *address = has_location
      ? mill_relay_address_new (settings->location, settings->stream_key, error)
      : NULL;

  if (has_location && !address)
    return FALSE;
  MillRelayIo *io = mill_relay_io_acquire (error);
  if (!io) {
    g_clear_pointer (&address, mill_relay_address_free);
    return FALSE;
  }
  mill_relay_peer_open (&self->peer, MILL_RTMP_CLIENT_PUBLISH, settings, io,
      address);
  self->max_attempts = settings->max_attempts;
  self->failures = 0;
  mill_relay_sender_reset (&self->sender);
  g_mutex_lock (&self->lock);
  reset_locked (self, settings);
  self->turn = mill_relay_io_add_turn (io, on_turn, self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
run_stop (gpointer user_data)
{
  MillRelayTarget *self = user_data;

  g_mutex_lock (&self->lock);
  g_source_destroy (self->turn);
  g_clear_pointer (&self->turn, g_source_unref);
  mill_relay_queue_clear (self->queue);
  g_mutex_unlock (&self->lock);
  forget_connection (self);
  mill_relay_peer_shut (&self->peer);
}

void
mill_relay_target_stop (MillRelayTarget *self)
{
  if (!self->peer.io)
    return;
  mill_relay_io_call (self->peer.io, run_stop, self);
  mill_relay_peer_close (&self->peer);
}

void
mill_relay_target_set_expected (MillRelayTarget *self, MillRelayTrack track,
    gboolean is_expected)
{
  g_mutex_lock (&self->lock);
  mill_relay_queue_set_expected (self->queue, track, is_expected);
  /* A server that is told of a track waits for it. */
  if (!is_expected)
    g_clear_pointer (&self->latest[track], mill_relay_format_unref);
  wake_locked (self);
  g_mutex_unlock (&self->lock);
}

void
mill_relay_target_push (MillRelayTarget *self, MillRelayItem *item)
{
  /* Constant while there is something to push. */
  if (!self->peer.address) {
    mill_relay_queue_item_free (item);
    return;
  }
  g_mutex_lock (&self->lock);
  if (self->latest[item->track] != item->format) {
    g_clear_pointer (&self->latest[item->track], mill_relay_format_unref);
    self->latest[item->track] = mill_relay_format_ref (item->format);
  }
  mill_relay_queue_push (self->queue, item);
  /* After the last attempt nothing is kept. */
  if (!self->turn ||
      mill_relay_peer_get_state (&self->peer) == MILL_RELAY_STATE_FAILED)
    mill_relay_queue_clear (self->queue);
  else
    wake_locked (self);
  g_mutex_unlock (&self->lock);
}

void
mill_relay_target_end (MillRelayTarget *self)
{
  g_mutex_lock (&self->lock);
  if (!self->is_ended && self->turn) {
    self->is_ended = TRUE;
    self->drain_deadline_us = g_get_monotonic_time () + DRAIN_US;
    wake_locked (self);
  }
  g_mutex_unlock (&self->lock);
}

void
mill_relay_target_resume (MillRelayTarget *self)
{
  g_mutex_lock (&self->lock);
  self->is_ended = FALSE;
  self->drain_deadline_us = 0;
  g_mutex_unlock (&self->lock);
}

GstStructure *
mill_relay_target_make_stats (MillRelayTarget *self)
{
  GstStructure *stats = mill_relay_peer_make_stats (&self->peer);

  g_mutex_lock (&self->lock);
  gst_structure_set (stats, "frames", G_TYPE_UINT64, self->frames,
      "dropped-frames", G_TYPE_UINT64,
      mill_relay_queue_get_dropped (self->queue), "queue-ms", G_TYPE_UINT,
      mill_relay_queue_get_ms (self->queue), "queue-bytes", G_TYPE_UINT64,
      (guint64) mill_relay_queue_get_bytes (self->queue), NULL);
  g_mutex_unlock (&self->lock);
  return stats;
}
