/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-target.h"

#include <string.h>
#include <sys/socket.h>

#include "rtmp/amf0.h"
#include "rtmp/rtmp-chunk-writer.h"
#include "rtmp/rtmp-handshake.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)
#define MESSAGES_BEFORE_CLOSE 40
#define SLOW_BYTES 2000
#define SLOW_US 20000

struct _Target
{
  GSocketService *service;
  GTlsCertificate *certificate; /* nullable */
  gchar *address;
  GCancellable *cancellable;
  GThread *loop_thread;
  GMainLoop *loop;

  GMutex lock;
  GCond cond;
  /* lock */
  TargetMode mode;
  gchar *text;
  gboolean is_deaf;
  guint reconnects_wanted;
  guint n_connections;
  guint n_open;
  guint n_unpublishes;
  gchar *publish;
  GstStructure *metadata;
  GArray *messages;
};

/* One connection; its thread's. */
typedef struct
{
  Target *target;
  guint number;
  TargetMode mode;
  gchar *text;
  MillRtmpSession *session;
  guint n_messages;
  guint reconnects_seen;
  gboolean is_published;
} Peer;

/* ---- the session's news ---- */

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  Peer *peer = user_data;

  g_mutex_lock (&peer->target->lock);
  g_free (peer->target->publish);
  peer->target->publish = g_strdup_printf ("%s/%s%s%s", publish->app,
      publish->name, *publish->query ? "?" : "", publish->query);
  g_cond_broadcast (&peer->target->cond);
  g_mutex_unlock (&peer->target->lock);
  if (peer->mode == TARGET_REFUSE) {
    g_autofree gchar *why = g_strdup_printf ("'%s' may not", publish->name);
    mill_rtmp_session_refuse (session, peer->text, why);
    return;
  }
  peer->is_published = TRUE;
  mill_rtmp_session_accept (session);
}

static void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  Peer *peer = user_data;
  guint8 head[2] = { 0 };
  TargetMessage message = { .connection = peer->number,
    .is_video = type == MILL_RTMP_MEDIA_VIDEO,
    .timestamp_ms = timestamp_ms };

  gst_buffer_extract (payload, 0, head, 2);
  gst_buffer_extract (payload, gst_buffer_get_size (payload) - 1,
      &message.number, 1);
  message.is_config = head[1] == 0;
  message.is_keyframe = head[0] >> 4 == 1;
  gst_buffer_unref (payload);
  peer->n_messages++;
  g_mutex_lock (&peer->target->lock);
  g_array_append_val (peer->target->messages, message);
  g_cond_broadcast (&peer->target->cond);
  g_mutex_unlock (&peer->target->lock);
}

static void
on_metadata (MillRtmpSession *session, const GstStructure *metadata,
    gpointer user_data)
{
  Peer *peer = user_data;

  g_mutex_lock (&peer->target->lock);
  gst_clear_structure (&peer->target->metadata);
  peer->target->metadata = gst_structure_copy (metadata);
  g_mutex_unlock (&peer->target->lock);
}

static void
on_unpublish (MillRtmpSession *session, gpointer user_data)
{
  Peer *peer = user_data;

  g_mutex_lock (&peer->target->lock);
  peer->target->n_unpublishes++;
  g_cond_broadcast (&peer->target->cond);
  g_mutex_unlock (&peer->target->lock);
}

static const MillRtmpSessionEvents session_events = { on_publish, on_media,
  on_metadata, on_unpublish };

/* ---- a connection ---- */

static gboolean
is_deaf (Peer *peer)
{
  g_mutex_lock (&peer->target->lock);
  gboolean deaf = peer->target->is_deaf ||
      (peer->mode == TARGET_DEAF && peer->is_published);
  g_mutex_unlock (&peer->target->lock);
  return deaf;
}

/* Until it hears again, or the target ends. */
static void
stay_deaf (Peer *peer)
{
  Target *target = peer->target;

  g_mutex_lock (&target->lock);
  while (!g_cancellable_is_cancelled (target->cancellable) &&
      (target->is_deaf || peer->mode == TARGET_DEAF))
    g_cond_wait (&target->cond, &target->lock);
  g_mutex_unlock (&target->lock);
}

static gboolean
send_output (Peer *peer, GOutputStream *output)
{
  gsize size;
  const guint8 *data = mill_rtmp_session_peek_output (peer->session, &size);
  gboolean ok = TRUE;

  if (size > 0 &&
      !(peer->mode == TARGET_UNACKNOWLEDGING && peer->n_messages > 0))
    ok = g_output_stream_write_all (output, data, size, NULL,
        peer->target->cancellable, NULL);
  mill_rtmp_session_drop_output (peer->session, size);
  return ok;
}

static void
ask_to_reconnect (Peer *peer)
{
  g_mutex_lock (&peer->target->lock);
  gboolean wanted = peer->target->reconnects_wanted > peer->reconnects_seen;
  peer->reconnects_seen = peer->target->reconnects_wanted;
  g_mutex_unlock (&peer->target->lock);
  if (wanted && peer->number == 1)
    mill_rtmp_session_request_reconnect (peer->session, NULL, "moving");
}

/* Returns: FALSE when the connection is over */
static gboolean
feed (Peer *peer, const guint8 *data, gsize size)
{
  while (size > 0) {
    gsize consumed;
    if (!mill_rtmp_session_feed (peer->session, data, size, &consumed, NULL))
      return FALSE;
    data += consumed;
    size -= consumed;
  }
  ask_to_reconnect (peer);
  return !(peer->mode == TARGET_CLOSE &&
      peer->n_messages >= MESSAGES_BEFORE_CLOSE);
}

static void
serve (Peer *peer, GIOStream *stream)
{
  GInputStream *input = g_io_stream_get_input_stream (stream);
  GOutputStream *output = g_io_stream_get_output_stream (stream);
  guint8 data[16384];
  gboolean goes_on = TRUE;

  while (goes_on) {
    gsize wanted = peer->mode == TARGET_SLOW ? SLOW_BYTES : sizeof data;
    if (is_deaf (peer))
      stay_deaf (peer);
    gssize n = g_input_stream_read (input, data, wanted,
        peer->target->cancellable, NULL);
    goes_on = n > 0 && feed (peer, data, n);
    if (!send_output (peer, output))
      goes_on = FALSE;
    if (peer->mode == TARGET_SLOW && peer->n_messages > 0)
      g_usleep (SLOW_US); /* what the mode is about, not a wait */
  }
}

/* Reads the whole of C0, C1, C2 and connect before it answers. */
static void
redirect (Peer *peer, GIOStream *stream)
{
  GInputStream *input = g_io_stream_get_input_stream (stream);
  GOutputStream *output = g_io_stream_get_output_stream (stream);
  GCancellable *cancellable = peer->target->cancellable;
  guint8 data[1 + 2 * MILL_RTMP_HANDSHAKE_SIZE] = { 3 };
  MillRtmpHeader header = { .chunk_stream = 3,
    .type = MILL_RTMP_MESSAGE_COMMAND };
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (MillRtmpChunkWriter) writer = mill_rtmp_chunk_writer_new ();

  g_output_stream_write_all (output, data, sizeof data, NULL, cancellable,
      NULL);
  g_input_stream_read_all (input, data, sizeof data, NULL, cancellable, NULL);
  mill_amf0_write_string (body, "_error");
  mill_amf0_write_number (body, 1);
  mill_amf0_write_null (body);
  mill_amf0_write_object_begin (body);
  mill_amf0_write_name (body, "level");
  mill_amf0_write_string (body, "error");
  mill_amf0_write_name (body, "ex");
  mill_amf0_write_object_begin (body);
  mill_amf0_write_name (body, "code");
  mill_amf0_write_number (body, 302);
  mill_amf0_write_name (body, "redirect");
  mill_amf0_write_string (body, peer->text);
  mill_amf0_write_object_end (body);
  mill_amf0_write_object_end (body);
  mill_rtmp_chunk_writer_write (writer, out, &header, body->data, body->len);
  g_output_stream_write_all (output, out->data, out->len, NULL, cancellable,
      NULL);
  while (g_input_stream_read (input, data, sizeof data, cancellable, NULL) > 0)
    ;
}

static void
say_nothing (Peer *peer, GIOStream *stream)
{
  GInputStream *input = g_io_stream_get_input_stream (stream);
  guint8 data[1024];

  while (g_input_stream_read (input, data, sizeof data,
             peer->target->cancellable, NULL) > 0)
    ;
}

static void
talk (Peer *peer, GIOStream *stream)
{
  switch (peer->mode) {
    case TARGET_SILENT:
      say_nothing (peer, stream);
      break;
    case TARGET_REDIRECT:
      redirect (peer, stream);
      break;
    case TARGET_GARBAGE:
      g_output_stream_write_all (g_io_stream_get_output_stream (stream),
          "HTTP/1.1 400\r\n", 14, NULL, NULL, NULL);
      say_nothing (peer, stream);
      break;
    default:
      serve (peer, stream);
      break;
  }
}

static gboolean
on_run (GThreadedSocketService *service, GSocketConnection *connection,
    GObject *source, gpointer user_data)
{
  Target *self = user_data;
  Peer peer = { .target = self };
  g_autoptr (GIOStream) stream = G_IO_STREAM (g_object_ref (connection));

  g_mutex_lock (&self->lock);
  self->n_open++;
  peer.number = ++self->n_connections;
  peer.mode = self->mode;
  peer.text = g_strdup (self->text);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  if (self->certificate) {
    g_object_unref (stream);
    stream = g_tls_server_connection_new (G_IO_STREAM (connection),
        self->certificate, NULL);
  }
  peer.session = mill_rtmp_session_new (NULL, &session_events, &peer);
  talk (&peer, stream);
  g_io_stream_close (stream, NULL, NULL);
  mill_rtmp_session_free (peer.session);
  g_free (peer.text);
  g_mutex_lock (&self->lock);
  self->n_open--;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* ---- life ---- */

static gpointer
run_loop (gpointer user_data)
{
  Target *self = user_data;

  g_main_context_push_thread_default (g_main_loop_get_context (self->loop));
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (g_main_loop_get_context (self->loop));
  return NULL;
}

/* What nobody reads is to be felt soon: little room in the kernel. */
static GSocket *
make_socket (void)
{
  g_autoptr (GInetAddress) loopback =
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_TCP, NULL);

  g_socket_set_option (socket, SOL_SOCKET, SO_RCVBUF, 8192, NULL);
  g_assert_true (g_socket_bind (socket, address, TRUE, NULL));
  g_assert_true (g_socket_listen (socket, NULL));
  return socket;
}

Target *
target_new (TargetMode mode, const gchar *certificate, const gchar *key)
{
  Target *self = g_new0 (Target, 1);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSocket) socket = make_socket ();
  g_autoptr (GSocketAddress) local = g_socket_get_local_address (socket, NULL);

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->mode = mode;
  self->messages = g_array_new (FALSE, FALSE, sizeof (TargetMessage));
  self->cancellable = g_cancellable_new ();
  self->address = g_strdup_printf ("127.0.0.1:%u",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local)));
  if (certificate)
    self->certificate =
        g_tls_certificate_new_from_files (certificate, key, NULL);
  g_main_context_push_thread_default (context);
  self->service = g_threaded_socket_service_new (16);
  g_signal_connect (self->service, "run", G_CALLBACK (on_run), self);
  g_socket_listener_add_socket (G_SOCKET_LISTENER (self->service), socket, NULL,
      NULL);
  g_socket_service_start (self->service);
  g_main_context_pop_thread_default (context);
  self->loop = g_main_loop_new (context, FALSE);
  self->loop_thread = g_thread_new ("target", run_loop, self);
  return self;
}

static gboolean
quit_loop (gpointer user_data)
{
  Target *self = user_data;

  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

void
target_free (Target *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, quit_loop, self, NULL);
  g_source_attach (source, g_main_loop_get_context (self->loop));
  g_thread_join (self->loop_thread);
  g_cancellable_cancel (self->cancellable);
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->cond);
  while (self->n_open > 0)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
  g_object_unref (self->service);
  g_clear_object (&self->certificate);
  g_object_unref (self->cancellable);
  g_main_loop_unref (self->loop);
  g_array_unref (self->messages);
  gst_clear_structure (&self->metadata);
  g_free (self->publish);
  g_free (self->text);
  g_free (self->address);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

const gchar *
target_get_address (Target *self)
{
  return self->address;
}

void
target_set_mode (Target *self, TargetMode mode)
{
  g_mutex_lock (&self->lock);
  self->mode = mode;
  g_mutex_unlock (&self->lock);
}

void
target_set_text (Target *self, const gchar *text)
{
  g_mutex_lock (&self->lock);
  g_free (self->text);
  self->text = g_strdup (text);
  g_mutex_unlock (&self->lock);
}

void
target_set_deaf (Target *self, gboolean is_deaf)
{
  g_mutex_lock (&self->lock);
  self->is_deaf = is_deaf;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
target_request_reconnect (Target *self)
{
  g_mutex_lock (&self->lock);
  self->reconnects_wanted++;
  g_mutex_unlock (&self->lock);
}

/* ---- what it got ---- */

static guint
count_frames_locked (Target *self, gboolean is_video)
{
  guint n = 0;

  for (guint i = 0; i < self->messages->len; i++) {
    const TargetMessage *message =
        &g_array_index (self->messages, TargetMessage, i);
    n += message->is_video == is_video && !message->is_config;
  }
  return n;
}

void
target_wait_frames (Target *self, guint n_video, guint n_audio)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  gboolean in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (in_time &&
      (count_frames_locked (self, TRUE) < n_video ||
          count_frames_locked (self, FALSE) < n_audio))
    in_time = g_cond_wait_until (&self->cond, &self->lock, deadline);
  guint video = count_frames_locked (self, TRUE);
  guint audio = count_frames_locked (self, FALSE);
  g_mutex_unlock (&self->lock);
  if (!in_time)
    g_error ("got %u and %u frames, expected %u and %u", video, audio, n_video,
        n_audio);
}

static void
wait_number (Target *self, const guint *number, guint n, const gchar *what)
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
target_wait_connections (Target *self, guint n)
{
  wait_number (self, &self->n_connections, n, "connections");
}

void
target_wait_unpublishes (Target *self, guint n)
{
  wait_number (self, &self->n_unpublishes, n, "unpublishes");
}

guint
target_count_connections (Target *self)
{
  g_mutex_lock (&self->lock);
  guint n = self->n_connections;
  g_mutex_unlock (&self->lock);
  return n;
}

guint
target_count_frames (Target *self, gboolean is_video)
{
  g_mutex_lock (&self->lock);
  guint n = count_frames_locked (self, is_video);
  g_mutex_unlock (&self->lock);
  return n;
}

gchar *
target_dup_publish (Target *self)
{
  g_mutex_lock (&self->lock);
  gchar *publish = g_strdup (self->publish);
  g_mutex_unlock (&self->lock);
  return publish;
}

GstStructure *
target_dup_metadata (Target *self)
{
  g_mutex_lock (&self->lock);
  GstStructure *metadata = self->metadata ? gst_structure_copy (self->metadata)
                                          : NULL;
  g_mutex_unlock (&self->lock);
  return metadata;
}

GArray *
target_copy_messages (Target *self)
{
  g_mutex_lock (&self->lock);
  GArray *copy = g_array_copy (self->messages);
  g_mutex_unlock (&self->lock);
  return copy;
}
