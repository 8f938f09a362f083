/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The connection as an object: what any thread may ask of it, and its way from
 * the listener's lane to that of its owner. A call that touches the socket is
 * run in the lane where the connection lives by then (`invoke`).
 *
 * Threads: any, but for `settle`, `move_if_ready` and `apply_flowing`, which
 * run in the lane. What happens at the socket is in rtmp-socket.c, which knows
 * nothing of this file.
 */
#include "rtmp-connection-private.h"

G_DEFINE_FINAL_TYPE (MillRtmpConnection, mill_rtmp_connection, G_TYPE_OBJECT)

/* ---- calls into the lane where the connection lives ---- */

typedef struct
{
  MillRtmpConnection *self;
  MillRtmpLane *lane;
  void (*func) (MillRtmpConnection *self, const gchar *code,
      const gchar *reason);
  gchar *code;
  gchar *reason;
} Call;

static void
free_call (gpointer user_data)
{
  Call *call = user_data;

  g_object_unref (call->self);
  mill_rtmp_lane_unref (call->lane);
  g_free (call->code);
  g_free (call->reason);
  g_free (call);
}

static MillRtmpLane *
ref_lane (MillRtmpConnection *self)
{
  g_mutex_lock (&self->lock);
  MillRtmpLane *lane = mill_rtmp_lane_ref (self->lane);
  g_mutex_unlock (&self->lock);
  return lane;
}

static void run_call (gpointer
        user_data); /* real recursion: it may have moved */

static void
invoke (MillRtmpConnection *self,
    void (*func) (MillRtmpConnection *, const gchar *, const gchar *),
    const gchar *code, const gchar *reason)
{
  Call *call = g_new (Call, 1);

  *call = (Call){ g_object_ref (self), ref_lane (self), func, g_strdup (code),
    g_strdup (reason) };
  mill_rtmp_lane_invoke (call->lane, run_call, call, free_call);
}

static void
run_call (gpointer user_data)
{
  Call *call = user_data;
  g_autoptr (MillRtmpLane) lane = ref_lane (call->self);

  if (lane == call->lane)
    call->func (call->self, call->code, call->reason);
  else
    invoke (call->self, call->func, call->code, call->reason);
}

/* ---- moving to the owner's lane ---- */

static void
settle (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  g_autoptr (GByteArray) pending = g_steal_pointer (&self->pending);

  if (self->state != MILL_RTMP_CONNECTION_MOVING)
    return;
  g_mutex_lock (&self->lock);
  const MillRtmpConnectionOwner *owner = self->owner;
  g_mutex_unlock (&self->lock);
  if (!owner) {
    mill_rtmp_ending_close (self, "dropped");
    return;
  }

  self->state = MILL_RTMP_CONNECTION_LIVE;
  self->live = owner;
  mill_rtmp_ending_leave_place (self);
  mill_rtmp_socket_watch (self, self->lane);
  self->last_media_us = g_get_monotonic_time ();
  if (self->times.idle_timeout_ms > 0)
    mill_rtmp_timer_arm (self->timer,
        self->last_media_us + (gint64) self->times.idle_timeout_ms * 1000);
  mill_rtmp_socket_set_interval (self, self->times.read_interval_ms);
  mill_rtmp_session_accept (self->session);
  owner->started (self->owner_data);
  if (self->state == MILL_RTMP_CONNECTION_LIVE)
    mill_rtmp_socket_feed (self, pending ? pending->data : NULL,
        pending ? pending->len : 0);
}

static void
move_if_ready (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  if (self->state != MILL_RTMP_CONNECTION_ASKING)
    return;
  g_mutex_lock (&self->lock);
  gboolean is_accepted = self->accepted;
  gboolean is_ready = is_accepted && self->owner;
  g_mutex_unlock (&self->lock);
  if (!is_ready) {
    /* It was answered: from here on its owner decides how long to wait. */
    if (is_accepted)
      mill_rtmp_timer_arm (self->timer, 0);
    return;
  }

  g_clear_pointer (&self->promise, gst_promise_unref);
  g_clear_pointer (&self->timer, mill_rtmp_timer_free);
  self->state = MILL_RTMP_CONNECTION_MOVING;
  g_mutex_lock (&self->lock);
  g_autoptr (MillRtmpLane) old = self->lane;
  self->lane = mill_rtmp_lane_ref (self->target);
  g_mutex_unlock (&self->lock);
  mill_rtmp_ending_leave_host (self);
  g_clear_pointer (&self->watch, mill_rtmp_watch_free);
  invoke (self, settle, NULL, NULL);
}

static void
apply_flowing (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  if (self->state == MILL_RTMP_CONNECTION_LIVE)
    mill_rtmp_socket_update (self);
}

/* ---- for the listener ---- */

MillRtmpConnection *
mill_rtmp_connection_new (gint fd, const gchar *address, MillRtmpLane *lane,
    const MillRtmpConnectionHost *host, gpointer host_data)
{
  MillRtmpConnection *self = g_object_new (MILL_TYPE_RTMP_CONNECTION, NULL);

  self->address = g_strdup (address);
  self->lane = mill_rtmp_lane_ref (lane);
  self->host = host;
  self->host_data = host_data;
  mill_rtmp_socket_init (self, fd);
  return self;
}

void
mill_rtmp_connection_use_tls (MillRtmpConnection *self,
    MillTlsIdentity *identity)
{
  self->is_secure = TRUE;
  self->tls = mill_rtmp_tls_new (identity, self->fd);
}

void
mill_rtmp_connection_set_guard (MillRtmpConnection *self, MillRtmpGuard *guard,
    guint64 key)
{
  self->guard = mill_rtmp_guard_ref (guard);
  self->guard_key = key;
  self->has_place = TRUE;
}

void
mill_rtmp_connection_open (MillRtmpConnection *self, guint timeout_ms)
{
  mill_rtmp_socket_watch (self, self->lane);
  mill_rtmp_timer_arm (self->timer,
      g_get_monotonic_time () + (gint64) timeout_ms * 1000);
  mill_rtmp_socket_update (self);
}

void
mill_rtmp_connection_wait_for_answer (MillRtmpConnection *self,
    GstPromise *promise, guint timeout_ms)
{
  /* Was it answered from another thread, before this? Then the answer waits in
   * the lane's queue and its promise has nothing left to interrupt. */
  self->promise = gst_promise_ref (promise);
  mill_rtmp_timer_arm (self->timer,
      g_get_monotonic_time () + (gint64) timeout_ms * 1000);
}

void
mill_rtmp_connection_close (MillRtmpConnection *self, const gchar *reason)
{
  mill_rtmp_ending_close (self, reason);
}

/* ---- for everybody ---- */

const gchar *
mill_rtmp_connection_get_app (MillRtmpConnection *self)
{
  return self->app;
}

const gchar *
mill_rtmp_connection_get_name (MillRtmpConnection *self)
{
  return self->name;
}

const gchar *
mill_rtmp_connection_get_query (MillRtmpConnection *self)
{
  return self->query;
}

const gchar *
mill_rtmp_connection_get_stream (MillRtmpConnection *self)
{
  return self->stream;
}

const gchar *
mill_rtmp_connection_get_address (MillRtmpConnection *self)
{
  return self->address;
}

gboolean
mill_rtmp_connection_is_secure (MillRtmpConnection *self)
{
  return self->is_secure;
}

guint64
mill_rtmp_connection_get_bytes (MillRtmpConnection *self)
{
  return __atomic_load_n (&self->bytes, __ATOMIC_RELAXED);
}

void
mill_rtmp_connection_accept (MillRtmpConnection *self, const gchar *stream)
{
  g_mutex_lock (&self->lock);
  if (!self->accepted)
    self->stream = g_strdup (stream && *stream ? stream : self->name);
  self->accepted = TRUE;
  g_mutex_unlock (&self->lock);
  invoke (self, move_if_ready, NULL, NULL);
}

void
mill_rtmp_connection_refuse (MillRtmpConnection *self, const gchar *code,
    const gchar *reason)
{
  invoke (self, mill_rtmp_ending_refuse, code, reason);
}

void
mill_rtmp_connection_expire (MillRtmpConnection *self)
{
  g_atomic_int_set (&self->expired, TRUE);
  mill_rtmp_connection_refuse (self, "NetStream.Publish.Denied",
      "nobody could answer the request");
}

gboolean
mill_rtmp_connection_claim (MillRtmpConnection *self)
{
  g_mutex_lock (&self->lock);
  gboolean closed = self->closed;
  g_mutex_unlock (&self->lock);
  return !closed && g_atomic_int_compare_and_exchange (&self->claimed, 0, 1);
}

gboolean
mill_rtmp_connection_is_claimed (MillRtmpConnection *self)
{
  return g_atomic_int_get (&self->claimed);
}

void
mill_rtmp_connection_start (MillRtmpConnection *self, MillRtmpLane *lane,
    const MillRtmpConnectionOwner *owner, gpointer owner_data,
    const MillRtmpConnectionTimes *times)
{
  g_mutex_lock (&self->lock);
  g_assert (!self->target);
  self->target = mill_rtmp_lane_ref (lane);
  self->owner = owner;
  self->owner_data = owner_data;
  self->times = *times;
  gboolean closed = self->closed;
  g_mutex_unlock (&self->lock);
  if (closed)
    mill_rtmp_ending_notify (self,
        "the publisher went away before it was accepted");
  else
    invoke (self, move_if_ready, NULL, NULL);
}

gint64
mill_rtmp_connection_get_rtt_us (MillRtmpConnection *self)
{
  return mill_rtmp_socket_get_rtt_us (self);
}

void
mill_rtmp_connection_set_flowing (MillRtmpConnection *self, gboolean flowing)
{
  g_atomic_int_set (&self->flowing, flowing);
  invoke (self, apply_flowing, NULL, NULL);
}

gboolean
mill_rtmp_connection_request_reconnect (MillRtmpConnection *self,
    const gchar *tc_url, const gchar *description)
{
  if (!self->can_reconnect)
    return FALSE;
  invoke (self, mill_rtmp_socket_request_reconnect, tc_url, description);
  return TRUE;
}

void
mill_rtmp_connection_drop (MillRtmpConnection *self, MillRtmpLane *lane,
    const gchar *code, const gchar *reason)
{
  g_mutex_lock (&self->lock);
  self->owner = NULL;
  self->let_go = TRUE;
  gboolean is_here = lane && lane == self->lane;
  g_mutex_unlock (&self->lock);
  if (is_here)
    mill_rtmp_ending_drop (self, code, reason);
  else
    invoke (self, mill_rtmp_ending_drop, code, reason);
}

static void
mill_rtmp_connection_finalize (GObject *object)
{
  MillRtmpConnection *self = MILL_RTMP_CONNECTION (object);

  mill_rtmp_socket_clear (self);
  g_clear_pointer (&self->lane, mill_rtmp_lane_unref);
  g_clear_pointer (&self->target, mill_rtmp_lane_unref);
  g_clear_pointer (&self->guard, mill_rtmp_guard_unref);
  g_mutex_clear (&self->lock);
  g_free (self->address);
  g_free (self->app);
  g_free (self->name);
  g_free (self->query);
  g_free (self->stream);
  G_OBJECT_CLASS (mill_rtmp_connection_parent_class)->finalize (object);
}

static void
mill_rtmp_connection_class_init (MillRtmpConnectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_rtmp_connection_finalize;
}

static void
mill_rtmp_connection_init (MillRtmpConnection *self)
{
  g_mutex_init (&self->lock);
  self->fd = -1;
  self->flowing = TRUE;
}
