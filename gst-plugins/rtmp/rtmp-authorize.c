/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-authorize.h"

#define TIMEOUT_MS 5000

typedef struct
{
  GWeakRef source; /* an answer may be kept longer than the element */
  MillRtmpConnection *connection;
  MillRtmpAuthorizeFunc accept;
} Request;

static void
free_request (gpointer user_data)
{
  Request *request = user_data;

  if (!request)
    return;
  g_weak_ref_clear (&request->source);
  g_object_unref (request->connection);
  g_free (request);
}

static const gchar *
get_text (const GstStructure *reply, const gchar *field, const gchar *fallback)
{
  const gchar *text = reply ? gst_structure_get_string (reply, field) : NULL;

  return text && *text ? text : fallback;
}

/* On the thread that answered, or in the listener's lane when nobody did in
 * time; then the connection has refused by itself. Whoever lets the promise
 * expire has no answer to give, which is a refusal. */
static void
on_answer (GstPromise *promise, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GObject) source = g_weak_ref_get (&request->source);
  gboolean accept = FALSE;

  GstPromiseResult result = gst_promise_wait (promise);
  if (result == GST_PROMISE_RESULT_EXPIRED) {
    mill_rtmp_connection_expire (request->connection);
    /* GstPromise has forgotten it: its notification gets NULL. */
    free_request (request);
  }
  if (result != GST_PROMISE_RESULT_REPLIED)
    return;
  const GstStructure *reply = gst_promise_get_reply (promise);
  if (reply)
    gst_structure_get_boolean (reply, "accept", &accept);
  if (accept && source)
    request->accept (source, request->connection,
        get_text (reply, "stream", NULL));
  else
    mill_rtmp_connection_refuse (request->connection,
        get_text (reply, "code", "NetStream.Publish.Denied"),
        get_text (reply, "reason", "publishing is not allowed"));
}

void
mill_rtmp_authorize_ask (GObject *source, guint signal_id,
    MillRtmpConnection *connection, MillRtmpAuthorizeFunc accept)
{
  Request *request = g_new0 (Request, 1);
  g_autoptr (GstStructure) structure = gst_structure_new ("publish", "app",
      G_TYPE_STRING, mill_rtmp_connection_get_app (connection), "name",
      G_TYPE_STRING, mill_rtmp_connection_get_name (connection), "query",
      G_TYPE_STRING, mill_rtmp_connection_get_query (connection), "address",
      G_TYPE_STRING, mill_rtmp_connection_get_address (connection), "tls",
      G_TYPE_BOOLEAN, mill_rtmp_connection_is_secure (connection), "session",
      G_TYPE_OBJECT, connection, NULL);

  g_weak_ref_init (&request->source, source);
  request->connection = g_object_ref (connection);
  request->accept = accept;
  g_autoptr (GstPromise) promise =
      gst_promise_new_with_change_func (on_answer, request, free_request);
  mill_rtmp_connection_wait_for_answer (connection, promise, TIMEOUT_MS);
  g_signal_emit (source, signal_id, 0, structure, promise);
}
