/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-target.h"

#include "relay-backoff.h"
#include "relay-sender.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

/* A connection that has lived so long has been a success: the next attempt
 * comes soon, and attempts are counted anew. */
#define HEALTHY_US (10 * G_USEC_PER_SEC)

/* After EOS. */
#define DRAIN_US (3 * G_USEC_PER_SEC)

/* How old statistics may get. */
#define LOOK_US G_USEC_PER_SEC

/* How often the drain looks whether the kernel has sent the last bytes. */
#define DRAIN_LOOK_US (20 * 1000)

static const gchar *const state_names[] = { "idle", "connecting", "live",
  "waiting", "refused", "failed" };

struct _MillRelayTarget
{
  const MillRelayTargetEvents *events;
  gpointer user_data;

  /* from start to stop */
  MillRelayIo *io;
  MillRelayAddress *address; /* nullable: nothing is sent anywhere */
  MillRelayConnectionOptions options;
  gchar *tls_ca_file;
  guint max_attempts;

  GMutex lock;
  /* lock */
  MillRelayQueue *queue;
  GSource *turn; /* nullable: from start to stop; ready when there is news */
  gboolean is_woken; /* since the last turn began */
  gboolean is_ended;
  gint64 drain_deadline_us;
  MillRelayState state;
  guint attempts;
  guint connections;
  guint64 frames;
  MillRelayTraffic past; /* of connections that are over */
  MillRelayTraffic present; /* of this one, as of the last turn */
  MillRelayFormat *latest[MILL_RELAY_N_TRACKS]; /* nullable */
  gchar *last_error;
  gchar *shown; /* where it is, or was */

  /* the I/O thread */
  MillRelayConnection *connection; /* nullable */
  MillRelayAddress *moved_to; /* nullable: where the server wants it */
  MillRelayBackoff backoff;
  guint failures; /* since the last success */
  gint64 attempt_us; /* the next one, not before */
  gint64 live_since_us;
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
  if (is_new)
    self->events->changed (news, self->user_data);
  else
    gst_structure_free (news);
}

static MillRelayState
get_state (MillRelayTarget *self)
{
  g_mutex_lock (&self->lock);
  MillRelayState state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
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
          mill_relay_connection_get_capabilities (self->connection)))
    return TRUE;
  g_autofree gchar *reason = g_strdup_printf ("the server does not take %s",
      mill_relay_format_get_name (item->format));
  handle_end (self, MILL_RELAY_END_REFUSED, reason);
  return FALSE;
}

static void
pump (MillRelayTarget *self)
{
  while (self->connection &&
      mill_relay_connection_has_room (self->connection)) {
    g_autoptr (MillRelayFormat) other = NULL;
    g_autoptr (MillRelayItem) item = take_item (self, &other);
    if (!item || !is_taken (self, item))
      return;
    mill_relay_sender_send (&self->sender, self->connection, item, other);
    /* It may end here. */
    mill_relay_connection_flush (self->connection);
  }
}

/* ---- connections ---- */

static void
read_traffic (MillRelayTarget *self)
{
  MillRelayTraffic traffic = { 0 };

  if (self->connection)
    mill_relay_connection_get_traffic (self->connection, &traffic);
  g_mutex_lock (&self->lock);
  self->present = traffic;
  g_mutex_unlock (&self->lock);
}

static void
forget_connection (MillRelayTarget *self)
{
  read_traffic (self);
  g_mutex_lock (&self->lock);
  self->past.sent += self->present.sent;
  self->past.acked += self->present.acked;
  self->present = (MillRelayTraffic){ 0 };
  mill_relay_queue_restart (self->queue);
  g_mutex_unlock (&self->lock);
  mill_relay_sender_restart (&self->sender);
  g_clear_pointer (&self->connection, mill_relay_connection_close);
}

static void
wait_for_attempt (MillRelayTarget *self, MillRelayState state,
    const gchar *reason)
{
  if (self->max_attempts > 0 && self->failures >= self->max_attempts) {
    set_state (self, MILL_RELAY_STATE_FAILED, reason);
    return;
  }
  gint64 pause_us = mill_relay_backoff_next (&self->backoff) * (gint64) 1000;
  self->attempt_us = g_get_monotonic_time () + pause_us;
  set_state (self, state, reason);
  arm (self, self->attempt_us);
}

static void
handle_end (MillRelayTarget *self, MillRelayEnd end, const gchar *reason)
{
  gint64 now_us = g_get_monotonic_time ();
  gboolean was_healthy = self->live_since_us > 0 &&
      now_us - self->live_since_us >= HEALTHY_US;

  g_clear_pointer (&self->moved_to, mill_relay_address_free);
  if (end == MILL_RELAY_END_MOVED)
    self->moved_to = mill_relay_address_copy (
        mill_relay_connection_get_address (self->connection));
  forget_connection (self);
  self->live_since_us = 0;
  self->failures = was_healthy ? 1 : self->failures + 1;
  if (was_healthy)
    mill_relay_backoff_reset (&self->backoff);
  GST_INFO ("%s: %s", self->shown, reason);
  wait_for_attempt (self,
      end == MILL_RELAY_END_REFUSED ? MILL_RELAY_STATE_REFUSED
                                    : MILL_RELAY_STATE_WAITING,
      reason);
}

static void
on_connection_ready (gpointer user_data)
{
  MillRelayTarget *self = user_data;

  self->live_since_us = g_get_monotonic_time ();
  g_mutex_lock (&self->lock);
  self->connections++;
  g_free (self->shown);
  self->shown =
      g_strdup (mill_relay_connection_get_address (self->connection)->shown);
  /* The connection is in the middle of its reading: send after it. */
  wake_locked (self);
  g_mutex_unlock (&self->lock);
  set_state (self, MILL_RELAY_STATE_LIVE, NULL);
}

static void
on_connection_room (gpointer user_data)
{
  pump (user_data);
  read_traffic (user_data);
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
  g_mutex_lock (&self->lock);
  self->attempts++;
  g_mutex_unlock (&self->lock);
  self->connection = mill_relay_connection_new (self->io,
      self->moved_to ? self->moved_to : self->address, &self->options,
      &connection_events, self);
  set_state (self, MILL_RELAY_STATE_CONNECTING, NULL);
}

/* ---- the turn: whatever is due ---- */

static void
attempt_if_due (MillRelayTarget *self, gboolean has_media)
{
  MillRelayState state = get_state (self);
  gint64 now_us = g_get_monotonic_time ();

  if (self->connection || state == MILL_RELAY_STATE_FAILED || !self->address)
    return;
  if (now_us < self->attempt_us) {
    arm (self, self->attempt_us);
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
  if (!self->connection)
    return TRUE;
  g_mutex_lock (&self->lock);
  gboolean is_empty = mill_relay_queue_is_empty (self->queue);
  g_mutex_unlock (&self->lock);
  return is_empty && get_state (self) == MILL_RELAY_STATE_LIVE &&
      mill_relay_connection_is_drained (self->connection);
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
  self->drain_deadline_us = 0;
  g_mutex_unlock (&self->lock);
  if (self->connection)
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
  read_traffic (self);
  if (deadline_us > 0)
    drain (self, deadline_us);
  else if (self->connection)
    arm (self, g_get_monotonic_time () + LOOK_US);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_turn (GSource *source, GSourceFunc func, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return func (user_data);
}

/* ---- for the element ---- */

MillRelayTarget *
mill_relay_target_new (const MillRelayTargetEvents *events, gpointer user_data)
{
  MillRelayTarget *self = g_new0 (MillRelayTarget, 1);

  self->events = events;
  self->user_data = user_data;
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
  g_free (self->tls_ca_file);
  g_free (self->last_error);
  g_free (self->shown);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
take_settings (MillRelayTarget *self, const MillRelaySettings *settings)
{
  g_free (self->tls_ca_file);
  self->tls_ca_file = g_strdup (settings->tls_ca_file);
  self->options = (MillRelayConnectionOptions){
    .role = MILL_RTMP_CLIENT_PUBLISH,
    .connect_timeout_ms = settings->connect_timeout_ms,
    .stall_timeout_ms = settings->stall_timeout_ms,
    .tls_validation = settings->tls_validation,
    .tls_ca_file = self->tls_ca_file,
  };
  self->backoff = (MillRelayBackoff){ .min_ms = settings->backoff_min_ms,
    .max_ms = settings->backoff_max_ms };
  self->max_attempts = settings->max_attempts;
  self->failures = 0;
  self->attempt_us = 0;
  mill_relay_sender_reset (&self->sender);
}

/* Statistics are those of a run. */
static void
reset_locked (MillRelayTarget *self, const MillRelaySettings *settings)
{
  mill_relay_queue_free (self->queue);
  self->queue = mill_relay_queue_new ();
  mill_relay_queue_set_room (self->queue, settings->max_queue_ms,
      settings->max_queue_bytes);
  self->is_ended = FALSE;
  self->drain_deadline_us = 0;
  self->state = MILL_RELAY_STATE_IDLE;
  self->attempts = self->connections = 0;
  self->frames = 0;
  self->past = self->present = (MillRelayTraffic){ 0 };
  g_clear_pointer (&self->last_error, g_free);
  g_free (self->shown);
  self->shown = g_strdup (self->address ? self->address->shown : "");
}

static GSource *
make_turn (MillRelayTarget *self)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_turn };
  GSource *turn = g_source_new (&funcs, sizeof (GSource));

  g_source_set_callback (turn, on_turn, self, NULL);
  g_source_attach (turn, mill_relay_io_get_context (self->io));
  return turn;
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
  self->io = mill_relay_io_acquire (error);
  if (!self->io) {
    g_clear_pointer (&address, mill_relay_address_free);
    return FALSE;
  }
  self->address = address;
  take_settings (self, settings);
  g_mutex_lock (&self->lock);
  reset_locked (self, settings);
  self->turn = make_turn (self);
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
  self->state = MILL_RELAY_STATE_IDLE;
  g_mutex_unlock (&self->lock);
  if (self->connection)
    forget_connection (self);
  g_clear_pointer (&self->moved_to, mill_relay_address_free);
}

void
mill_relay_target_stop (MillRelayTarget *self)
{
  if (!self->io)
    return;
  mill_relay_io_call (self->io, run_stop, self);
  g_clear_pointer (&self->io, mill_relay_io_release);
  g_clear_pointer (&self->address, mill_relay_address_free);
}

void
mill_relay_target_set_expected (MillRelayTarget *self, MillRelayTrack track,
    gboolean is_expected)
{
  g_mutex_lock (&self->lock);
  mill_relay_queue_set_expected (self->queue, track, is_expected);
  wake_locked (self);
  g_mutex_unlock (&self->lock);
}

void
mill_relay_target_push (MillRelayTarget *self, MillRelayItem *item)
{
  /* Constant while there is something to push. */
  if (!self->address) {
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
  if (!self->turn || self->state == MILL_RELAY_STATE_FAILED)
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
  g_mutex_lock (&self->lock);
  GstStructure *stats = gst_structure_new ("rtmp-client-stats", "state",
      G_TYPE_STRING, state_names[self->state], "target", G_TYPE_STRING,
      self->shown ? self->shown : "", "attempts", G_TYPE_UINT, self->attempts,
      "connections", G_TYPE_UINT, self->connections, "frames", G_TYPE_UINT64,
      self->frames, "dropped-frames", G_TYPE_UINT64,
      mill_relay_queue_get_dropped (self->queue), "bytes", G_TYPE_UINT64,
      self->past.sent + self->present.sent, "bytes-acked", G_TYPE_UINT64,
      self->past.acked + self->present.acked, "rtt", G_TYPE_UINT64,
      (guint64) self->present.rtt_us * GST_USECOND, "queue-ms", G_TYPE_UINT,
      mill_relay_queue_get_ms (self->queue), "queue-bytes", G_TYPE_UINT64,
      (guint64) mill_relay_queue_get_bytes (self->queue), "last-error",
      G_TYPE_STRING, self->last_error ? self->last_error : "", NULL);
  g_mutex_unlock (&self->lock);
  return stats;
}
