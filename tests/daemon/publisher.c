/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "publisher.h"

#include <string.h>

#include "fixture.h"
#include "rtmp/rtmp-client.h"

struct _Publisher
{
  GSocketConnection *connection;
  GSource *source;
  MillRtmpClient *client;
  gboolean ready;
  gboolean closed;
  gchar *code; /* nullable: refused */
  gchar *text;
};

static void
on_ready (MillRtmpClient *client, gpointer user_data)
{
  ((Publisher *) user_data)->ready = TRUE;
}

static void
on_refused (MillRtmpClient *client, const gchar *code, const gchar *description,
    gpointer user_data)
{
  Publisher *publisher = user_data;

  if (publisher->code)
    return;
  publisher->code = g_strdup (code);
  publisher->text = g_strdup (description);
}

static const MillRtmpClientEvents EVENTS = { on_ready, on_refused };

/* Blocks while the worker does not read; small amounts only. */
static void
flush (Publisher *publisher)
{
  GOutputStream *out =
      g_io_stream_get_output_stream (G_IO_STREAM (publisher->connection));
  gsize size;
  const guint8 *data;

  while ((data = mill_rtmp_client_peek_output (publisher->client, &size)) &&
      size > 0) {
    if (!g_output_stream_write_all (out, data, size, NULL, NULL, NULL))
      publisher->closed = TRUE;
    mill_rtmp_client_drop_output (publisher->client, size);
  }
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Publisher *publisher = user_data;
  gchar data[4096];
  const gssize size = g_socket_receive (socket, data, sizeof data, NULL, NULL);

  if (size <= 0 ||
      !mill_rtmp_client_feed (publisher->client, (const guint8 *) data,
          (gsize) size, NULL)) {
    publisher->closed = TRUE;
    return G_SOURCE_REMOVE;
  }
  flush (publisher);
  return G_SOURCE_CONTINUE;
}

Publisher *
publisher_new (const gchar *address, const gchar *app, const gchar *name)
{
  Publisher *publisher = g_new0 (Publisher, 1);
  g_autoptr (GSocketClient) connector = g_socket_client_new ();
  g_autofree gchar *tc_url = g_strdup_printf ("rtmp://%s/%s", address, app);
  const MillRtmpClientOptions options = {
    .app = app,
    .name = name,
    .tc_url = tc_url,
    .handshake = MILL_RTMP_HANDSHAKE_SIMPLE,
  };
  g_autoptr (GError) error = NULL;

  publisher->connection =
      g_socket_client_connect_to_host (connector, address, 0, NULL, &error);
  g_assert_no_error (error);
  publisher->client = mill_rtmp_client_new (&options, &EVENTS, publisher);
  publisher->source =
      g_socket_create_source (g_socket_connection_get_socket (publisher
                                                                  ->connection),
          G_IO_IN, NULL);
  g_source_set_callback (publisher->source, G_SOURCE_FUNC (on_readable),
      publisher, NULL);
  g_source_attach (publisher->source, NULL);
  flush (publisher);
  return publisher;
}

void
publisher_free (Publisher *publisher)
{
  g_source_destroy (publisher->source);
  g_source_unref (publisher->source);
  g_io_stream_close (G_IO_STREAM (publisher->connection), NULL, NULL);
  g_object_unref (publisher->connection);
  mill_rtmp_client_free (publisher->client);
  g_free (publisher->code);
  g_free (publisher->text);
  g_free (publisher);
}

static gboolean
is_ready (gpointer data)
{
  return ((Publisher *) data)->ready || ((Publisher *) data)->code;
}

void
publisher_wait_ready (Publisher *publisher)
{
  fixture_wait ("the publisher's acceptance", is_ready, publisher);
  g_assert_cmpstr (publisher->code, ==, NULL);
}

static gboolean
is_refused (gpointer data)
{
  return ((Publisher *) data)->code != NULL;
}

void
publisher_wait_refused (Publisher *publisher, const gchar *code,
    const gchar *text)
{
  fixture_wait ("the publisher's refusal", is_refused, publisher);
  g_assert_cmpstr (publisher->code, ==, code);
  g_test_message ("%s", publisher->text);
  g_assert_nonnull (strstr (publisher->text, text));
  g_assert_false (publisher->ready);
}

void
publisher_wait_dropped (Publisher *publisher, const gchar *text)
{
  fixture_wait ("the publisher to be sent away", is_refused, publisher);
  g_assert_true (publisher->ready);
  g_test_message ("%s", publisher->text);
  g_assert_nonnull (strstr (publisher->text, text));
}

static gboolean
is_closed (gpointer data)
{
  return ((Publisher *) data)->closed;
}

void
publisher_wait_closed (Publisher *publisher)
{
  fixture_wait ("the publisher's connection to be closed", is_closed,
      publisher);
}

void
publisher_send (Publisher *publisher, const MillFlvFile *file, guint32 from_ms)
{
  for (guint i = 0; i < file->tags->len; i++) {
    const MillFlvFileTag *tag = &g_array_index (file->tags, MillFlvFileTag, i);
    mill_rtmp_client_send (publisher->client, (MillRtmpMessageType) tag->type,
        from_ms + tag->time_ms, tag->data, tag->size);
  }
  flush (publisher);
}

void
publisher_unpublish (Publisher *publisher)
{
  mill_rtmp_client_unpublish (publisher->client);
  flush (publisher);
}
