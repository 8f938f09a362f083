/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-io.h"

/* Connections of elements that have ended say goodbye a little longer than
 * these live, so that the thread may give up the last reference itself: it is
 * not joined. */
struct _MillRelayIo
{
  guint references; /* io_lock */
  GMainContext *context;
  gint quit; /* atomic */
};

static GMutex io_lock;
static MillRelayIo *current; /* io_lock; nullable; not referenced */

static gpointer
run_thread (gpointer user_data)
{
  MillRelayIo *self = user_data;

  g_main_context_push_thread_default (self->context);
  while (!g_atomic_int_get (&self->quit))
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  g_free (self);
  return NULL;
}

MillRelayIo *
mill_relay_io_new (const gchar *name, GError **error)
{
  MillRelayIo *self = g_new0 (MillRelayIo, 1);

  self->references = 1;
  self->context = g_main_context_new ();
  GThread *thread = g_thread_try_new (name, run_thread, self, error);
  if (!thread) {
    g_main_context_unref (self->context);
    g_free (self);
    return NULL;
  }
  g_thread_unref (thread);
  return self;
}

MillRelayIo *
mill_relay_io_acquire (GError **error)
{
  g_mutex_lock (&io_lock);
  if (current)
    current->references++;
  else
    current = mill_relay_io_new ("mill-relay", error);
  MillRelayIo *self = current;
  g_mutex_unlock (&io_lock);
  return self;
}

MillRelayIo *
mill_relay_io_ref (MillRelayIo *self)
{
  g_mutex_lock (&io_lock);
  self->references++;
  g_mutex_unlock (&io_lock);
  return self;
}

void
mill_relay_io_release (MillRelayIo *self)
{
  g_mutex_lock (&io_lock);
  gboolean is_last = --self->references == 0;
  if (is_last && current == self)
    current = NULL;
  g_mutex_unlock (&io_lock);
  if (!is_last)
    return;
  g_autoptr (GMainContext) context = g_main_context_ref (self->context);
  g_atomic_int_set (&self->quit, TRUE);
  g_main_context_wakeup (context);
}

GMainContext *
mill_relay_io_get_context (MillRelayIo *self)
{
  return self->context;
}

typedef struct
{
  void (*func) (gpointer user_data);
  gpointer user_data;
  GMutex lock;
  GCond cond;
  gboolean done;
} Call;

static gboolean
run_call (gpointer user_data)
{
  Call *call = user_data;

  call->func (call->user_data);
  g_mutex_lock (&call->lock);
  call->done = TRUE;
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->lock);
  return G_SOURCE_REMOVE;
}

static gboolean
dispatch_turn (GSource *source, GSourceFunc func, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return func (user_data);
}

GSource *
mill_relay_io_add_turn (MillRelayIo *self, GSourceFunc func, gpointer user_data)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_turn };
  GSource *turn = g_source_new (&funcs, sizeof (GSource));

  g_source_set_callback (turn, func, user_data, NULL);
  g_source_attach (turn, self->context);
  return turn;
}

void
mill_relay_io_call (MillRelayIo *self, void (*func) (gpointer user_data),
    gpointer user_data)
{
  Call call = { .func = func, .user_data = user_data };
  g_autoptr (GSource) source = g_idle_source_new ();

  g_mutex_init (&call.lock);
  g_cond_init (&call.cond);
  /* Not g_main_context_invoke(), which would run it here if the thread has not
   * taken its context yet. */
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, run_call, &call, NULL);
  g_source_attach (source, self->context);
  g_mutex_lock (&call.lock);
  while (!call.done)
    g_cond_wait (&call.cond, &call.lock);
  g_mutex_unlock (&call.lock);
  g_cond_clear (&call.cond);
  g_mutex_clear (&call.lock);
}
