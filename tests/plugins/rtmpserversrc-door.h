/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmpserversrc-test.h"

/* A source whose publishers are asked about: authorize's requests and the
 * promises of their answers, in order. */

typedef struct
{
  Receiver *receiver;
  GAsyncQueue *promises; /* element-type GstPromise */
  GAsyncQueue *requests; /* element-type GstStructure */
} Door;

static inline void
on_authorize (GstElement *element, GstStructure *request, GstPromise *reply,
    gpointer user_data)
{
  Door *door = user_data;

  g_async_queue_push (door->requests, gst_structure_copy (request));
  g_async_queue_push (door->promises, gst_promise_ref (reply));
}

static inline void
free_structure (gpointer structure)
{
  gst_structure_free (structure);
}

static inline void
free_promise (gpointer promise)
{
  gst_promise_unref (promise);
}

static inline Door *
door_new (const gchar *location)
{
  Door *door = g_new0 (Door, 1);

  door->receiver = receiver_new (location);
  door->promises = g_async_queue_new_full (free_promise);
  door->requests = g_async_queue_new_full (free_structure);
  g_signal_connect (door->receiver->element, "authorize",
      G_CALLBACK (on_authorize), door);
  return door;
}

static inline void
door_free (Door *door)
{
  receiver_free (door->receiver);
  g_async_queue_unref (door->promises);
  g_async_queue_unref (door->requests);
  g_free (door);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Door, door_free)

static inline GstPromise *
door_take (Door *door, GObject **ret_session)
{
  GstStructure *request =
      g_async_queue_timeout_pop (door->requests, 20 * G_USEC_PER_SEC);

  fail_unless (request != NULL, "authorize was not emitted");
  if (ret_session)
    gst_structure_get (request, "session", G_TYPE_OBJECT, ret_session, NULL);
  gst_structure_free (request);
  return g_async_queue_pop (door->promises);
}

static inline void
answer (GstPromise *promise, gboolean accept, const gchar *field,
    const gchar *text)
{
  gst_promise_reply (promise,
      gst_structure_new ("reply", "accept", G_TYPE_BOOLEAN, accept, field,
          G_TYPE_STRING, text, NULL));
  gst_promise_unref (promise);
}
