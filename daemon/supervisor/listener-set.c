/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "listener-set.h"

#define KIND_RTMPS "rtmps"

typedef struct
{
  gchar *kind;
  gchar *wanted;
  gchar *bound; /* nullable */
  gboolean joins;
} Listener;

struct _MillListenerSet
{
  gatomicrefcount refs; /* also of calls under way */
  GPtrArray *listeners; /* element-type Listener */
  gchar *tls_certificate; /* nullable */
  gchar *tls_key; /* nullable */
  MillWorkerBounds bounds; /* pending 0: nothing to say */
  MillListenerSetFunc opened; /* nullable: freed */
  gpointer user_data;
  GObject *proxy; /* nullable: what is being asked */
  guint next; /* which listener it is asked for */
};

/* ---- life ---- */

static void
free_listener (gpointer data)
{
  Listener *listener = data;
  g_free (listener->kind);
  g_free (listener->wanted);
  g_free (listener->bound);
  g_free (listener);
}

static void
unref (MillListenerSet *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_object (&self->proxy);
  g_ptr_array_unref (self->listeners);
  g_free (self->tls_certificate);
  g_free (self->tls_key);
  g_free (self);
}

static MillListenerSet *
ref (MillListenerSet *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

MillListenerSet *
mill_listener_set_new (MillListenerSetFunc opened, gpointer user_data)
{
  MillListenerSet *self = g_new0 (MillListenerSet, 1);
  g_atomic_ref_count_init (&self->refs);
  self->listeners = g_ptr_array_new_with_free_func (free_listener);
  self->opened = opened;
  self->user_data = user_data;
  return self;
}

void
mill_listener_set_free (MillListenerSet *self)
{
  self->opened = NULL;
  g_clear_object (&self->proxy);
  unref (self);
}

void
mill_listener_set_add (MillListenerSet *self, const gchar *kind,
    const gchar *address)
{
  if (!address)
    return;
  Listener *listener = g_new0 (Listener, 1);
  listener->kind = g_strdup (kind);
  listener->wanted = g_strdup (address);
  g_ptr_array_add (self->listeners, listener);
}

void
mill_listener_set_set_tls (MillListenerSet *self, const gchar *certificate,
    const gchar *key)
{
  g_free (self->tls_certificate);
  self->tls_certificate = g_strdup (certificate);
  g_free (self->tls_key);
  self->tls_key = g_strdup (key);
}

gboolean
mill_listener_set_set_bounds (MillListenerSet *self,
    const MillWorkerBounds *bounds)
{
  gboolean changes = self->bounds.pending != bounds->pending ||
      self->bounds.pending_per_address != bounds->pending_per_address ||
      self->bounds.tls_handshakes_per_address !=
          bounds->tls_handshakes_per_address;
  self->bounds = *bounds;
  return changes;
}

static Listener *
find_listener (MillListenerSet *self, const gchar *kind)
{
  for (guint i = 0; i < self->listeners->len; i++) {
    Listener *listener = g_ptr_array_index (self->listeners, i);
    if (g_str_equal (listener->kind, kind))
      return listener;
  }
  return NULL;
}

const gchar *
mill_listener_set_get_bound (MillListenerSet *self, const gchar *kind)
{
  Listener *listener = find_listener (self, kind);
  return listener ? listener->bound : NULL;
}

void
mill_listener_set_move (MillListenerSet *self, const gchar *kind,
    const gchar *address, gboolean joins)
{
  Listener *listener = find_listener (self, kind);
  gchar *moved = g_strdup (address);
  g_free (listener->wanted);
  listener->wanted = moved;
  g_clear_pointer (&listener->bound, g_free);
  listener->joins = joins;
}

/* ---- bounds ---- */

static gboolean
take_bounds_set (GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  /* One that was adopted and is too old has bounds of its own, and serves. */
  if (mill_worker_proxy_set_bounds_finish (MILL_WORKER_PROXY (source), result,
          &error))
    return TRUE;
  g_warning ("publish_limits: pending and pending_per_address: %s",
      error->message);
  return FALSE;
}

static void
on_bounds_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  take_bounds_set (source, result);
}

static void
on_bounds_reloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  if (take_bounds_set (source, result))
    g_message ("publish_limits: pending and pending_per_address are in use");
}

static void
send_bounds (MillListenerSet *self, MillProcess *process,
    GAsyncReadyCallback callback)
{
  MillWorkerProxy *worker = mill_process_get_worker (process);
  if (worker && self->bounds.pending > 0)
    mill_worker_proxy_set_bounds_async (worker, &self->bounds, callback, NULL);
}

void
mill_listener_set_reload_bounds (MillListenerSet *self, MillProcess *process)
{
  send_bounds (self, process, on_bounds_reloaded);
}

/* ---- opening ---- */

static void
finish (MillListenerSet *self, const GError *error)
{
  g_clear_object (&self->proxy);
  if (self->opened)
    self->opened (error, self->user_data);
}

static void open_next (MillListenerSet *self); /* real recursion: one by one */

static void
on_listening (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MillListenerSet *self = user_data;
  g_autoptr (GError) error = NULL;
  gchar *bound = MILL_IS_ORIGIN_PROXY (source)
      ? mill_origin_proxy_listen_finish (MILL_ORIGIN_PROXY (source), result,
            &error)
      : mill_worker_proxy_listen_finish (MILL_WORKER_PROXY (source), result,
            &error);
  if (source != self->proxy) {
    g_free (bound);
  } else if (bound) {
    Listener *listener = g_ptr_array_index (self->listeners, self->next);
    g_free (listener->bound);
    listener->bound = bound;
    self->next++;
    open_next (self);
  } else {
    finish (self, error);
  }
  unref (self);
}

static void
listen_next (MillListenerSet *self)
{
  const Listener *listener = g_ptr_array_index (self->listeners, self->next);
  const gchar *address = listener->bound ? listener->bound : listener->wanted;
  if (listener->joins)
    mill_origin_proxy_join_async (MILL_ORIGIN_PROXY (self->proxy), address,
        on_listening, ref (self));
  else if (MILL_IS_ORIGIN_PROXY (self->proxy))
    mill_origin_proxy_listen_async (MILL_ORIGIN_PROXY (self->proxy),
        listener->kind, address, on_listening, ref (self));
  else
    mill_worker_proxy_listen_async (MILL_WORKER_PROXY (self->proxy),
        listener->kind, address, on_listening, ref (self));
}

static void
on_tls_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MillListenerSet *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean is_set =
      mill_worker_proxy_set_tls_finish (MILL_WORKER_PROXY (source), result,
          &error);
  /* A worker that was adopted may serve with what it has loaded long ago. */
  if (!is_set)
    g_warning ("%s", error->message);
  if (source == self->proxy)
    listen_next (self);
  unref (self);
}

static void
open_next (MillListenerSet *self)
{
  if (self->next == self->listeners->len) {
    finish (self, NULL);
    return;
  }
  const Listener *listener = g_ptr_array_index (self->listeners, self->next);
  if (g_str_equal (listener->kind, KIND_RTMPS) && self->tls_certificate)
    mill_worker_proxy_set_tls_async (MILL_WORKER_PROXY (self->proxy),
        self->tls_certificate, self->tls_key, on_tls_set, ref (self));
  else
    listen_next (self);
}

void
mill_listener_set_open (MillListenerSet *self, MillProcess *process)
{
  MillWorkerProxy *worker = mill_process_get_worker (process);
  g_set_object (&self->proxy,
      worker ? G_OBJECT (worker)
             : G_OBJECT (mill_process_get_origin (process)));
  self->next = 0;
  /* Calls are answered in order: it has them when it opens the first one. */
  send_bounds (self, process, on_bounds_set);
  open_next (self);
}

void
mill_listener_set_abandon (MillListenerSet *self)
{
  g_clear_object (&self->proxy);
}

/* ---- certificates ---- */

static void
on_tls_reloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MillListenerSet *self = user_data;
  g_autoptr (GError) error = NULL;
  if (mill_worker_proxy_set_tls_finish (MILL_WORKER_PROXY (source), result,
          &error))
    g_message ("rtmps: certificate '%s' is in use", self->tls_certificate);
  else
    g_warning ("rtmps: %s; the one loaded before stays in use", error->message);
  unref (self);
}

void
mill_listener_set_reload_tls (MillListenerSet *self, MillProcess *process)
{
  MillWorkerProxy *worker = mill_process_get_worker (process);
  if (worker && self->tls_certificate && find_listener (self, KIND_RTMPS))
    mill_worker_proxy_set_tls_async (worker, self->tls_certificate,
        self->tls_key, on_tls_reloaded, ref (self));
}
