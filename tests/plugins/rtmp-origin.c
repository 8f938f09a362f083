/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-origin.h"

#include <gio/gio.h>
#include <gst/gst.h>
#include <string.h>

#include "rtmp/amf0.h"
#include "rtmp/rtmp-chunk-reader.h"
#include "rtmp/rtmp-chunk-writer.h"
#include "rtmp/rtmp-handshake.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)
#define FRAME_MS 33

/* 640x360 30 fps High, and AAC of 48 kHz in stereo: the tags that begin. */
static const guint8 video_config[] = { 0x17, 0, 0, 0, 0, 0x01, 0x64, 0x00, 0x1e,
  0xff, 0xe1, 0x00, 0x19, 0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f,
  0xf9, 0x61, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f,
  0x16, 0x2d, 0x96, 0x01, 0x00, 0x04, 0x68, 0xef, 0xbc, 0xb0, 0xfd, 0xf8, 0xf8,
  0x00 };
static const guint8 audio_config[] = { 0xaf, 0, 0x11, 0x90 };

struct _Origin
{
  GSocketService *service;
  gchar *address;
  GCancellable *cancellable;
  GThread *thread;
  GMainLoop *loop;

  GMutex lock;
  GCond cond;
  /* lock */
  OriginMode mode;
  guint n_frames;
  guint n_connections;
  guint n_open;
  guint n_closed;
  gchar *play;
};

/* One connection; its thread's. */
typedef struct
{
  Origin *origin;
  OriginMode mode;
  guint n_frames;
  MillRtmpChunkWriter *writer;
  GOutputStream *output;
  gchar *app;
  gboolean is_over;
} Player;

/* ---- what it sends ---- */

static void
send_message (Player *player, const MillRtmpHeader *header, const guint8 *data,
    gsize size)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();

  mill_rtmp_chunk_writer_write (player->writer, out, header, data, size);
  if (!g_output_stream_write_all (player->output, out->data, out->len, NULL,
          player->origin->cancellable, NULL))
    player->is_over = TRUE;
}

static void
send_command (Player *player, GByteArray *body)
{
  MillRtmpHeader header = { .chunk_stream = 3,
    .type = MILL_RTMP_MESSAGE_COMMAND };

  send_message (player, &header, body->data, body->len);
}

static void
send_result (Player *player, gdouble transaction)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  mill_amf0_write_string (body, "_result");
  mill_amf0_write_number (body, transaction);
  mill_amf0_write_null (body);
  mill_amf0_write_number (body, 1);
  send_command (player, body);
}

static void
send_status (Player *player, const gchar *level, const gchar *code)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  mill_amf0_write_string (body, "onStatus");
  mill_amf0_write_number (body, 0);
  mill_amf0_write_null (body);
  mill_amf0_write_object_begin (body);
  mill_amf0_write_name (body, "level");
  mill_amf0_write_string (body, level);
  mill_amf0_write_name (body, "code");
  mill_amf0_write_string (body, code);
  mill_amf0_write_object_end (body);
  send_command (player, body);
}

static void
send_media (Player *player, MillRtmpMessageType type, guint32 ms,
    const guint8 *data, gsize size)
{
  MillRtmpHeader header = { .chunk_stream = type,
    .type = type,
    .stream_id = 1,
    .timestamp_ms = ms };

  send_message (player, &header, data, size);
}

static void
send_film (Player *player)
{
  send_media (player, MILL_RTMP_MESSAGE_VIDEO, 0, video_config,
      sizeof video_config);
  send_media (player, MILL_RTMP_MESSAGE_AUDIO, 0, audio_config,
      sizeof audio_config);
  for (guint i = 0; i < player->n_frames && !player->is_over; i++) {
    guint8 picture[] = { i % 10 == 0 ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, 3,
      i % 10 == 0 ? 0x65 : 0x41, 0x88, i };
    guint8 sound[] = { 0xaf, 1, 0x21, 0x10, i };
    send_media (player, MILL_RTMP_MESSAGE_VIDEO, i * FRAME_MS, picture,
        sizeof picture);
    send_media (player, MILL_RTMP_MESSAGE_AUDIO, i * FRAME_MS, sound,
        sizeof sound);
  }
  if (player->mode == ORIGIN_UNPUBLISH)
    send_status (player, "status", "NetStream.Play.UnpublishNotify");
  player->is_over |= player->mode == ORIGIN_CLOSE;
}

/* ---- what it is asked ---- */

static gchar *
dup_string (const MillAmf0Value *value)
{
  gchar *text = mill_amf0_dup_string (value);

  return text ? text : g_strdup ("");
}

static void
answer_play (Player *player, const gchar *name)
{
  Origin *origin = player->origin;

  g_mutex_lock (&origin->lock);
  g_free (origin->play);
  origin->play = g_strdup_printf ("%s/%s", player->app, name);
  g_mutex_unlock (&origin->lock);
  if (player->mode == ORIGIN_NOT_FOUND) {
    send_status (player, "error", "NetStream.Play.StreamNotFound");
    return;
  }
  send_status (player, "status", "NetStream.Play.Reset");
  send_status (player, "status", "NetStream.Play.Start");
  send_film (player);
}

static void
handle_command (Player *player, const guint8 *data, gsize size)
{
  MillAmf0Reader reader;
  MillAmf0Value values[4] = { { 0 } };

  mill_amf0_reader_init (&reader, data, size, 16);
  for (guint i = 0; i < 4 && !mill_amf0_at_end (&reader); i++)
    g_assert_true (mill_amf0_read (&reader, &values[i], NULL));
  g_autofree gchar *command = dup_string (&values[0]);
  if (g_str_equal (command, "connect")) {
    MillAmf0Value app;
    g_assert_true (mill_amf0_lookup (&values[2], "app", &app));
    g_free (player->app);
    player->app = dup_string (&app);
    send_result (player, values[1].number);
  } else if (g_str_equal (command, "createStream")) {
    send_result (player, values[1].number);
  } else if (g_str_equal (command, "play")) {
    g_autofree gchar *name = dup_string (&values[3]);
    answer_play (player, name);
  }
}

static void
feed (Player *player, MillRtmpChunkReader *reader, const guint8 *data,
    gsize size)
{
  MillRtmpBytes bytes = { data, size };

  while (bytes.size > 0) {
    MillRtmpHeader header;
    GstBuffer *payload = NULL;
    GstMapInfo map;
    MillRtmpChunkResult result =
        mill_rtmp_chunk_reader_feed (reader, &bytes, &header, &payload, NULL);
    g_assert_cmpint (result, !=, MILL_RTMP_CHUNK_FAILED);
    if (result != MILL_RTMP_CHUNK_MESSAGE || !payload)
      continue;
    gst_buffer_map (payload, &map, GST_MAP_READ);
    if (header.type == MILL_RTMP_MESSAGE_COMMAND)
      handle_command (player, map.data, map.size);
    gst_buffer_unmap (payload, &map);
    gst_buffer_unref (payload);
  }
}

static void
play (Player *player, GInputStream *input)
{
  static const MillRtmpChunkLimits limits = { 0xffffff, 64 };
  MillRtmpChunkReader *reader = mill_rtmp_chunk_reader_new (&limits);
  guint8 data[1 + 2 * MILL_RTMP_HANDSHAKE_SIZE] = { 3 };
  GCancellable *cancellable = player->origin->cancellable;
  gssize n = 0;

  mill_rtmp_chunk_reader_set_max_message (reader, 65536);
  if (player->mode != ORIGIN_SILENT)
    g_output_stream_write_all (player->output, data, sizeof data, NULL,
        cancellable, NULL);
  g_input_stream_read_all (input, data, sizeof data, NULL, cancellable, NULL);
  while (!player->is_over &&
      (n = g_input_stream_read (input, data, sizeof data, cancellable, NULL)) >
          0)
    feed (player, reader, data, n);
  mill_rtmp_chunk_reader_free (reader);
}

/* ---- life ---- */

static gboolean
on_run (GThreadedSocketService *service, GSocketConnection *connection,
    GObject *source, gpointer user_data)
{
  Origin *self = user_data;
  GIOStream *stream = G_IO_STREAM (connection);
  Player player = { .origin = self,
    .output = g_io_stream_get_output_stream (stream) };

  g_mutex_lock (&self->lock);
  self->n_connections++;
  self->n_open++;
  player.mode = self->mode;
  player.n_frames = self->n_frames;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  player.writer = mill_rtmp_chunk_writer_new ();
  play (&player, g_io_stream_get_input_stream (stream));
  g_io_stream_close (stream, NULL, NULL);
  mill_rtmp_chunk_writer_free (player.writer);
  g_free (player.app);
  g_mutex_lock (&self->lock);
  self->n_open--;
  self->n_closed++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gpointer
run_loop (gpointer user_data)
{
  Origin *self = user_data;
  GMainContext *context = g_main_loop_get_context (self->loop);

  g_main_context_push_thread_default (context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (context);
  return NULL;
}

Origin *
origin_new (OriginMode mode)
{
  Origin *self = g_new0 (Origin, 1);
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->mode = mode;
  self->n_frames = 30;
  self->cancellable = g_cancellable_new ();
  g_main_context_push_thread_default (context);
  self->service = g_threaded_socket_service_new (16);
  g_signal_connect (self->service, "run", G_CALLBACK (on_run), self);
  g_autoptr (GInetAddress) loopback =
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_assert_true (
      g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), any,
          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound, NULL));
  self->address = g_strdup_printf ("127.0.0.1:%u",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  g_socket_service_start (self->service);
  g_main_context_pop_thread_default (context);
  self->loop = g_main_loop_new (context, FALSE);
  self->thread = g_thread_new ("origin", run_loop, self);
  return self;
}

static gboolean
quit_loop (gpointer user_data)
{
  Origin *self = user_data;

  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

void
origin_free (Origin *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, quit_loop, self, NULL);
  g_source_attach (source, g_main_loop_get_context (self->loop));
  g_thread_join (self->thread);
  g_cancellable_cancel (self->cancellable);
  g_mutex_lock (&self->lock);
  while (self->n_open > 0)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
  g_object_unref (self->service);
  g_object_unref (self->cancellable);
  g_main_loop_unref (self->loop);
  g_free (self->play);
  g_free (self->address);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

const gchar *
origin_get_address (Origin *self)
{
  return self->address;
}

void
origin_set_mode (Origin *self, OriginMode mode)
{
  g_mutex_lock (&self->lock);
  self->mode = mode;
  g_mutex_unlock (&self->lock);
}

void
origin_set_frames (Origin *self, guint n_frames)
{
  g_mutex_lock (&self->lock);
  self->n_frames = n_frames;
  g_mutex_unlock (&self->lock);
}

static void
wait_number (Origin *self, const guint *number, guint n, const gchar *what)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  gboolean in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (in_time && *number < n)
    in_time = g_cond_wait_until (&self->cond, &self->lock, deadline);
  guint got = *number;
  g_mutex_unlock (&self->lock);
  if (!in_time)
    g_error ("got %u %s, expected %u", got, what, n);
}

void
origin_wait_connections (Origin *self, guint n)
{
  wait_number (self, &self->n_connections, n, "connections");
}

void
origin_wait_closed (Origin *self, guint n)
{
  wait_number (self, &self->n_closed, n, "closed connections");
}

gchar *
origin_dup_play (Origin *self)
{
  g_mutex_lock (&self->lock);
  gchar *play = g_strdup (self->play);
  g_mutex_unlock (&self->lock);
  return play;
}
