/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "server.h"

/* A process that dies again and again is started at this pace. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000
/* One that lived as long as this was healthy. */
#define HEALTHY_US (30 * G_USEC_PER_SEC)

struct _MillServer
{
  MillProcess *process;
  MillListenerSet *listeners;
  const MillServerFuncs *funcs;
  gpointer user_data;
  gboolean up;
  gboolean stopped;
  gint64 up_since; /* monotonic */
  guint retry_ms;
  guint timer;
};

/* ---- reading ---- */

MillProcess *
mill_server_get_process (MillServer *self)
{
  return self->process;
}

MillListenerSet *
mill_server_get_listeners (MillServer *self)
{
  return self->listeners;
}

gboolean
mill_server_is_up (MillServer *self)
{
  return self->up;
}

gboolean
mill_server_is_gone (MillServer *self)
{
  return mill_process_get_report (self->process) == NULL;
}

static void
tell (MillServer *self, MillServerChange change, const gchar *reason)
{
  self->funcs->changed (self, change, reason, self->user_data);
}

/* ---- going down, and trying again ---- */

void
mill_server_launch (MillServer *self)
{
  mill_process_launch (self->process);
}

void
mill_server_open (MillServer *self)
{
  mill_listener_set_open (self->listeners, self->process);
}

static void
open_listeners (MillServer *self)
{
  if (!self->funcs->opening || self->funcs->opening (self, self->user_data))
    mill_server_open (self);
}

/* A process that is connected only lacks its listener: its address was taken
 * for a while, by another program or by what is left of its predecessor. */
static gboolean
on_retry_due (gpointer user_data)
{
  MillServer *self = user_data;
  self->timer = 0;
  if (!mill_server_is_gone (self)) {
    open_listeners (self);
    return G_SOURCE_REMOVE;
  }
  tell (self, MILL_SERVER_RETRIED, NULL);
  mill_process_launch (self->process);
  return G_SOURCE_REMOVE;
}

static void
retry (MillServer *self)
{
  if (self->stopped)
    return;
  if (self->up_since > 0 &&
      g_get_monotonic_time () - self->up_since > HEALTHY_US)
    self->retry_ms = 0;
  self->retry_ms = CLAMP (self->retry_ms * 2, RETRY_MIN_MS, RETRY_MAX_MS);
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add (self->retry_ms, on_retry_due, self);
}

void
mill_server_stop_retries (MillServer *self)
{
  self->stopped = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
}

static void
fail (MillServer *self, const GError *error)
{
  if (!self->stopped && self->funcs->failed (self, error, self->user_data))
    retry (self);
}

static void
on_failed (MillProcess *process, const GError *error, gpointer user_data)
{
  fail (user_data, error);
}

static void
on_lost (MillProcess *process, const gchar *reason, const gchar *words,
    gpointer user_data)
{
  MillServer *self = user_data;
  self->up = FALSE;
  mill_listener_set_abandon (self->listeners);
  tell (self, MILL_SERVER_LOST, reason);
  retry (self);
}

static void
on_ended (MillProcess *process, gpointer user_data)
{
  MillServer *self = user_data;
  self->up = FALSE;
  mill_listener_set_abandon (self->listeners);
  tell (self, MILL_SERVER_ENDED, NULL);
}

/* ---- coming up: connected, listening ---- */

static void
on_opened (const GError *error, gpointer user_data)
{
  MillServer *self = user_data;
  if (error) {
    fail (self, error);
    return;
  }
  self->up = TRUE;
  self->up_since = g_get_monotonic_time ();
  tell (self, MILL_SERVER_UP, NULL);
}

static void
on_connected (MillProcess *process, gpointer user_data)
{
  MillServer *self = user_data;
  tell (self, MILL_SERVER_CONNECTED, NULL);
  open_listeners (self);
}

/* ---- life ---- */

MillServer *
mill_server_new (MillProcessKind kind, const gchar *id,
    MillProcessLauncher *launcher, const MillServerFuncs *funcs,
    gpointer user_data)
{
  MillServer *self = g_new0 (MillServer, 1);
  self->funcs = funcs;
  self->user_data = user_data;
  self->process = mill_process_new (kind, id, launcher);
  self->listeners = mill_listener_set_new (on_opened, self);
  g_object_connect (self->process, "signal::connected",
      G_CALLBACK (on_connected), self, "signal::lost", G_CALLBACK (on_lost),
      self, "signal::failed", G_CALLBACK (on_failed), self, "signal::ended",
      G_CALLBACK (on_ended), self, NULL);
  return self;
}

void
mill_server_free (MillServer *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->process, self);
  g_object_unref (self->process);
  mill_listener_set_free (self->listeners);
  g_free (self);
}
