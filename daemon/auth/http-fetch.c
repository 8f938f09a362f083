/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "http-fetch.h"

#include <string.h>

#define CHUNK_BYTES 16384
#define MAX_CONNECTIONS 16
#define IDLE_TIMEOUT_S 30
/* Behind the bound of each request, should that ever not be the one. */
#define SOCKET_TIMEOUT_S 30

typedef struct
{
  SoupMessage *message;
  GInputStream *stream; /* nullable: no answer yet */
  GByteArray *body;
  MillHttpBounds bounds;
  GCancellable *cancellable;
  guint timer;
  gboolean timed_out;
} Fetch;

void
mill_http_fetch_answer_free (MillHttpAnswer *answer)
{
  if (!answer)
    return;
  g_bytes_unref (answer->body);
  g_free (answer);
}

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;
  g_clear_handle_id (&fetch->timer, g_source_remove);
  g_object_unref (fetch->message);
  g_clear_object (&fetch->stream);
  g_byte_array_unref (fetch->body);
  g_object_unref (fetch->cancellable);
  g_free (fetch);
}

SoupSession *
mill_http_fetch_new_session (const gchar *ca_file, GError **error)
{
  g_autoptr (GTlsDatabase) database = NULL;
  if (ca_file) {
    database = g_tls_file_database_new (ca_file, error);
    if (!database)
      return NULL;
  }
  /* No proxy: who is asked is who the configuration names. */
  SoupSession *session = soup_session_new_with_options ("max-conns",
      MAX_CONNECTIONS, "max-conns-per-host", MAX_CONNECTIONS, "timeout",
      SOCKET_TIMEOUT_S, "idle-timeout", IDLE_TIMEOUT_S, "user-agent",
      "millrace/" MILL_VERSION, "proxy-resolver", NULL, NULL);
  if (database)
    soup_session_set_tls_database (session, database);
  return session;
}

/* ---- one request ---- */

static void
fail (GTask *task, GError *error)
{
  Fetch *fetch = g_task_get_task_data (task);
  if (fetch->timed_out) {
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
        "no answer within %u ms", fetch->bounds.timeout_ms);
    g_error_free (error);
  } else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static gint64
read_max_age (SoupMessage *message)
{
  const gchar *text = soup_message_headers_get_list (
      soup_message_get_response_headers (message), "Cache-Control");
  g_autoptr (GHashTable) fields = text ? soup_header_parse_param_list (text)
                                       : NULL;
  const gchar *value = fields ? g_hash_table_lookup (fields, "max-age") : NULL;
  guint64 seconds = 0;
  gboolean found = value &&
      g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT32, &seconds, NULL);
  if (fields)
    soup_header_free_param_list (g_steal_pointer (&fields));
  return found ? (gint64) seconds : -1;
}

static void
succeed (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  MillHttpAnswer *answer = g_new0 (MillHttpAnswer, 1);
  answer->status = soup_message_get_status (fetch->message);
  answer->body = g_byte_array_free_to_bytes (g_steal_pointer (&fetch->body));
  fetch->body = g_byte_array_new ();
  answer->max_age_s = read_max_age (fetch->message);
  g_task_return_pointer (task, answer,
      (GDestroyNotify) mill_http_fetch_answer_free);
  g_object_unref (task);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result,
          &error);

  if (!bytes) {
    fail (task, error);
    return;
  }
  gsize size = g_bytes_get_size (bytes);
  if (size == 0) {
    succeed (task);
    return;
  }
  if (fetch->body->len + size > fetch->bounds.max_bytes) {
    fail (task,
        g_error_new (G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
            "got an answer of more than %zu bytes", fetch->bounds.max_bytes));
    return;
  }
  g_byte_array_append (fetch->body, g_bytes_get_data (bytes, NULL),
      (guint) size);
  g_input_stream_read_bytes_async (G_INPUT_STREAM (source), CHUNK_BYTES,
      G_PRIORITY_DEFAULT, fetch->cancellable, on_read, task);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;

  fetch->stream =
      soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (!fetch->stream) {
    fail (task, error);
    return;
  }
  g_input_stream_read_bytes_async (fetch->stream, CHUNK_BYTES,
      G_PRIORITY_DEFAULT, fetch->cancellable, on_read, task);
}

static gboolean
on_timeout (gpointer user_data)
{
  Fetch *fetch = user_data;
  fetch->timer = 0;
  fetch->timed_out = TRUE;
  g_cancellable_cancel (fetch->cancellable);
  return G_SOURCE_REMOVE;
}

void
mill_http_fetch_async (SoupSession *session, SoupMessage *message,
    const MillHttpBounds *bounds, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (session, NULL, callback, user_data);
  Fetch *fetch = g_new0 (Fetch, 1);
  fetch->message = g_object_ref (message);
  fetch->body = g_byte_array_new ();
  fetch->bounds = *bounds;
  fetch->cancellable = g_cancellable_new ();
  fetch->timer = g_timeout_add (bounds->timeout_ms, on_timeout, fetch);
  g_task_set_task_data (task, fetch, fetch_free);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  soup_session_send_async (session, message, G_PRIORITY_DEFAULT,
      fetch->cancellable, on_sent, task);
}

MillHttpAnswer *
mill_http_fetch_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
