/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Every way in which a connection ends: at once, with a last word, or when its
 * peer has gone; and who is told.
 *
 * Threads: the lane where the connection lives, but for mill_rtmp_ending_notify().
 */
#include <unistd.h>

#include "rtmp-connection-private.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

/* How long a publisher that was sent away may take to read why. Closing at
 * once while its media is still coming in would reset the connection, and the
 * status would be lost with it. */
#define LINGER_US (2 * G_USEC_PER_SEC)

/* ---- telling the owner ---- */

typedef struct
{
  MillRtmpConnection *connection;
  const MillRtmpConnectionOwner *owner;
  gpointer owner_data;
  gchar *reason;
} Ending;

static void
free_ending (gpointer user_data)
{
  Ending *ending = user_data;

  g_object_unref (ending->connection);
  g_free (ending->reason);
  g_free (ending);
}

static void
run_ending (gpointer user_data)
{
  Ending *ending = user_data;

  /* Who was dropped since has been heard of, and there may be another by now. */
  g_mutex_lock (&ending->connection->lock);
  gboolean let_go = ending->connection->let_go;
  g_mutex_unlock (&ending->connection->lock);
  if (!let_go)
    ending->owner->ended (ending->reason, ending->owner_data);
}

/* Once, in the owner's lane, and from a fresh turn of it: the owner may take
 * its next connection there. */
void
mill_rtmp_ending_notify (MillRtmpConnection *self, const gchar *reason)
{
  g_mutex_lock (&self->lock);
  const MillRtmpConnectionOwner *owner = g_steal_pointer (&self->owner);
  if (owner) {
    Ending *ending = g_new (Ending, 1);
    *ending = (Ending){ g_object_ref (self), owner, self->owner_data,
      g_strdup (reason) };
    mill_rtmp_lane_invoke (self->target, run_ending, ending, free_ending);
  }
  g_mutex_unlock (&self->lock);
}

/* ---- closing ---- */

void
mill_rtmp_ending_leave_place (MillRtmpConnection *self)
{
  if (self->has_place)
    mill_rtmp_guard_leave (self->guard, self->guard_key);
  self->has_place = FALSE;
}

void
mill_rtmp_ending_leave_host (MillRtmpConnection *self)
{
  const MillRtmpConnectionHost *host = g_steal_pointer (&self->host);

  if (host)
    host->left (self, self->host_data);
}

void
mill_rtmp_ending_interrupt_wait (MillRtmpConnection *self)
{
  g_autoptr (GstPromise) promise = g_steal_pointer (&self->promise);

  if (promise && !g_atomic_int_get (&self->expired))
    gst_promise_interrupt (promise);
}

void
mill_rtmp_ending_close (MillRtmpConnection *self, const gchar *reason)
{
  if (self->state == MILL_RTMP_CONNECTION_CLOSED)
    return;
  self->state = MILL_RTMP_CONNECTION_CLOSED;
  self->live = NULL;
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  g_mutex_unlock (&self->lock);

  mill_rtmp_ending_leave_place (self);
  g_clear_pointer (&self->timer, mill_rtmp_timer_free);
  g_clear_pointer (&self->watch, mill_rtmp_watch_free);
  if (self->tls)
    mill_rtmp_tls_shut (self->tls); /* now or never */
  g_clear_pointer (&self->tls, mill_rtmp_tls_free);
  close (self->fd);
  self->fd = -1;
  mill_rtmp_ending_interrupt_wait (self);
  mill_rtmp_ending_notify (self, reason);
  mill_rtmp_ending_leave_host (self);
}

static void
say_last (gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  if (self->state != MILL_RTMP_CONNECTION_LINGERING)
    return;
  if (mill_rtmp_socket_flush (self))
    mill_rtmp_socket_update (self);
  else
    mill_rtmp_ending_close (self, "the connection broke");
}

static void
begin_linger (MillRtmpConnection *self, const gchar *reason)
{
  self->state = MILL_RTMP_CONNECTION_LINGERING;
  self->live = NULL;
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  gboolean tells = self->owner != NULL;
  g_mutex_unlock (&self->lock);

  mill_rtmp_timer_arm (self->timer, g_get_monotonic_time () + LINGER_US);
  mill_rtmp_ending_interrupt_wait (self);
  mill_rtmp_ending_notify (self, reason);
  mill_rtmp_ending_leave_host (self);
  /* Its owner hears of the end before the publisher does, who may come back
   * under the same name within a round trip. */
  if (tells)
    mill_rtmp_lane_invoke (self->lane, say_last, g_object_ref (self),
        g_object_unref);
  else
    say_last (self);
}

void
mill_rtmp_ending_request (MillRtmpConnection *self, gboolean lingers,
    const gchar *reason)
{
  if (self->feeding) {
    if (!self->close_reason) {
      self->close_reason = g_strdup (reason);
      self->close_lingers = lingers;
    }
    self->live = NULL;
  } else if (lingers) {
    begin_linger (self, reason);
  } else {
    mill_rtmp_ending_close (self, reason);
  }
}

void
mill_rtmp_ending_refuse (MillRtmpConnection *self, const gchar *code,
    const gchar *reason)
{
  if (self->state != MILL_RTMP_CONNECTION_ASKING)
    return;
  GST_INFO ("publisher %s of %s/%s is refused: %s", self->address, self->app,
      self->name, reason);
  mill_rtmp_session_refuse (self->session, code, reason);
  begin_linger (self, reason);
}

void
mill_rtmp_ending_drop (MillRtmpConnection *self, const gchar *code,
    const gchar *reason)
{
  if (self->state == MILL_RTMP_CONNECTION_ASKING && code) {
    mill_rtmp_ending_refuse (self, code, reason);
  } else if (self->state == MILL_RTMP_CONNECTION_LIVE && code) {
    mill_rtmp_session_refuse (self->session, code, reason);
    mill_rtmp_ending_request (self, TRUE, reason);
  } else if (self->state != MILL_RTMP_CONNECTION_LINGERING) {
    mill_rtmp_ending_request (self, FALSE, reason);
  }
}
